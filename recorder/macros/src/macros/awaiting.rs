//! `join!`, `try_join!` and `select!`, of tokio, of futures, or of whoever has macros of that name and grammar.
//!
//! Such a macro is one await point: a guard stands while it awaits. What it is given to await are futures, some of them of traced
//! functions; each is wrapped, so that what runs in it is known to run inside this function. Awaits in its arguments, and in the arms
//! of `select!`, are await points of this function like any other.
//!
//! ```text
//! tokio::join!(a(), b())            { let (f0, f1) = (inside(a(), &frame), inside(b(), &frame));
//!                                     Within::left(Within::enter(&frame, N), tokio::join!(f0, f1)) }
//!
//! tokio::select! {                  { let within = Within::enter(&frame, N);
//!     x = a() => x,                   tokio::select! {
//! }                                       x = inside(a(), &frame) => { Within::leave(within); x }
//!                                     } }
//! ```
//!
//! The `select!` of futures takes a branch by reference if it is a path, and wants futures that know when they are done: there the
//! branches are left as they are. A bare `select!` can be either's.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Expr, Macro, Token};

use super::select::{Head, Select};
use super::{Bracketed, is_named};
use crate::frame;
use crate::rewrite::{Rewriter, start_of};
use crate::text;

/// Brackets the call, if it is that of such a macro.
pub(super) fn bracket(rewriter: &mut Rewriter<'_>, call: &mut Macro) -> Option<Bracketed> {
    let named = |name| is_named(&call.path, name);
    let tokens = call.tokens.clone();
    if named("join") || named("try_join") {
        let join: Join = syn::parse2(tokens).ok()?;
        let awaits = !join.branches.is_empty();
        awaits.then(|| Bracketed::Replaced(bracket_join(rewriter, call, join)))
    } else if named("select") || named("select_biased") {
        let select: Select = syn::parse2(tokens).ok()?;
        Some(bracket_select(rewriter, call, select))
    } else {
        None
    }
}

/// The name of the crate that the macro is said to come from.
fn root(call: &Macro) -> Option<String> {
    let segments = &call.path.segments;
    (segments.len() > 1).then(|| segments[0].ident.to_string())
}

fn is_tokios(call: &Macro) -> bool {
    root(call).is_some_and(|root| root.contains("tokio"))
}

/// The arguments of `join!`.
struct Join {
    /// `biased;`
    biased: Option<(Ident, Token![;])>,
    branches: Punctuated<Expr, Token![,]>,
}

impl Parse for Join {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            biased: biased(input)?,
            branches: input.parse_terminated(Expr::parse, Token![,])?,
        })
    }
}

/// `biased;`, where that comes next.
pub(super) fn biased(input: ParseStream<'_>) -> syn::Result<Option<(Ident, Token![;])>> {
    let is_there =
        input.fork().parse::<Ident>().is_ok_and(|i| i == "biased") && input.peek2(Token![;]);
    is_there
        .then(|| Ok((input.parse()?, input.parse()?)))
        .transpose()
}

fn bracket_join(rewriter: &mut Rewriter<'_>, call: &mut Macro, mut join: Join) -> TokenStream {
    let index = rewriter.point(text::of(call.to_token_stream()), start_of(&call.path));
    for branch in &mut join.branches {
        rewriter.visit_expr_mut(branch);
    }
    let recorder = rewriter.runtime.path();
    let frame = &rewriter.frame;
    let names: Vec<Ident> = (0..join.branches.len())
        .map(|i| format_ident!("__ais_branch_{i}", span = Span::mixed_site()))
        .collect();
    let branches = join
        .branches
        .iter()
        .map(|branch| quote!(#recorder::inside(#branch, &#frame)));
    // What a branch borrows from temporaries is given back where the macro would: that of tokio makes all futures in one statement,
    // that of futures one after the other.
    let futures = if is_tokios(call) {
        quote!(let (#(#names,)*) = (#(#branches,)*);)
    } else {
        quote!(#(let #names = #branches;)*)
    };
    let (mark, semicolon) = join.biased.unzip();
    call.tokens = quote!(#mark #semicolon #(#names),*);
    frame::braces(quote! {
        #futures
        #recorder::Within::left(#recorder::Within::enter(&#frame, #index), #call)
    })
}

/// Where it could not be said when the macro begins to await, it is noted as not seen.
fn bracket_select(rewriter: &mut Rewriter<'_>, call: &mut Macro, mut select: Select) -> Bracketed {
    let is_simple = select.is_simple();
    let index = if is_simple {
        let expression = text::of(call.to_token_stream());
        Some(rewriter.point(expression, start_of(&call.path)))
    } else {
        rewriter.unseen(call);
        None
    };
    let is_tokios = is_tokios(call) || (root(call).is_none() && select.is_tokios());
    let recorder = rewriter.runtime.path();
    let within = Ident::new("__ais_within", Span::mixed_site());
    for arm in &mut select.arms {
        if let Head::Branch(branch) = &mut arm.head {
            let future = &mut branch.future;
            rewriter.visit_expr_mut(future);
            if is_tokios {
                let frame = &rewriter.frame;
                *future = Expr::Verbatim(quote!(#recorder::inside(#future, &#frame)));
            }
            if let Some((.., condition)) = &mut branch.condition {
                rewriter.visit_expr_mut(condition);
            }
        }
        rewriter.visit_expr_mut(&mut arm.handler);
        if index.is_some() {
            arm.begin_with(quote!(#recorder::Within::leave(#within);));
        }
    }
    call.tokens = select.to_token_stream();
    let Some(index) = index else {
        return Bracketed::InPlace;
    };
    let frame = &rewriter.frame;
    let content = quote! {
        let #within = #recorder::Within::enter(&#frame, #index);
        #call
    };
    Bracketed::Replaced(frame::braces(content))
}
