//! An `async fn` as the function that the compiler makes of it: one that returns a future.
//!
//! Only so can something be done when the function is called, before its future is polled. What comes out is what the compiler would
//! have made of the `async fn`, and the frame:
//!
//! ```text
//! async fn f(&self, x: &str, (a, b): Pair) -> Output { body }
//!
//! fn f(&self, x: &str, __ais_argument_2: Pair) -> impl Future<Output = Output> {
//!     …                                        // the frame is made
//!     async move {
//!         if let Some(returned) = None::<Output> { return returned; }
//!         let _ = &self;
//!         let x = x;
//!         let __ais_argument_2 = __ais_argument_2;
//!         let (a, b) = __ais_argument_2;
//!         { … body }                           // it is polled
//!     }
//! }
//! ```
//!
//! - The arguments are moved into the block whether they are used or not, and dropped after the body, the last one first.
//! - What is never returned tells the compiler the type of what is: a block has no place to write it.
//! - The word `impl` is of this crate's edition, in which such a type may hold all that the function was given, as that of an
//!   `async fn` may. (In older editions it may not hold references, and has no way to name those that have no name.)

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, BlockModifiers, Expr, ExprAsync, FnArg, ImplItemFn, Meta, Pat, PatIdent,
    PatType, ReturnType, Stmt, Token, Type,
};

use crate::frame::{self, Own};
use crate::points::{Name, Points};
use crate::rewrite;
use crate::runtime::Runtime;

/// Traces an `async fn`. `around` are the attributes of what it is a member of.
pub(crate) fn trace(
    function: &mut ImplItemFn,
    name: &Name,
    around: &[Attribute],
    runtime: &Runtime,
) -> syn::Result<()> {
    let points = rewrite::bracket_awaits(&mut function.block, name, runtime)?;
    if must_stay_async(function, around) {
        let place = function.sig.ident.span();
        frame::enter(&mut function.block, name, place, &points, runtime);
    } else {
        return_future(function, name, &points, runtime);
    }
    Ok(())
}

/// Whether the function has to be an `async fn`.
fn must_stay_async(function: &ImplItemFn, around: &[Attribute]) -> bool {
    // `!` can be written as what a function returns, and nowhere else.
    let never = matches!(&function.sig.output, ReturnType::Type(_, output) if matches!(**output, Type::Never(_)));
    never || !function.attrs.iter().chain(around).all(is_indifferent)
}

/// Whether an attribute means the same on a function that returns a future.
///
/// Macros are not (`#[tokio::main]` wants an `async fn`), nor is `#[must_use]`, which speaks of what comes out of the future.
fn is_indifferent(attribute: &Attribute) -> bool {
    const INDIFFERENT: [&str; 11] = [
        "doc",
        "cfg",
        "allow",
        "expect",
        "warn",
        "deny",
        "forbid",
        "inline",
        "cold",
        "deprecated",
        "automatically_derived",
    ];
    let path = attribute.path();
    match path.get_ident() {
        Some(name) => INDIFFERENT.iter().any(|indifferent| name == indifferent),
        None => path
            .segments
            .first()
            .is_some_and(|tool| tool.ident == "clippy" || tool.ident == "rustfmt"),
    }
}

/// Makes of an `async fn`, whose awaits are bracketed already, the function that returns its future.
fn return_future(function: &mut ImplItemFn, name: &Name, points: &Points, runtime: &Runtime) {
    let signature = &mut function.sig;
    let Some(async_token) = signature.asyncness.take() else {
        return;
    };
    let mut preface = returned_type(&signature.output);
    for (index, argument) in signature.inputs.iter_mut().enumerate() {
        match argument {
            FnArg::Receiver(receiver) => {
                let this = &receiver.self_token;
                preface.extend(quote!(let _ = &#this;));
            }
            FnArg::Typed(argument) => preface.extend(bind(argument, index)),
        }
    }
    signature.output = future_of(&signature.output);

    let body = &mut function.block;
    let own = Own {
        name,
        place: signature.ident.span(),
        points,
        runtime,
        preface,
    };
    let statements = own.statements(&mut ExprAsync {
        attrs: Vec::new(),
        async_token,
        capture: Some(Token![move](Span::mixed_site())),
        modifiers: BlockModifiers::default(),
        block: Block {
            brace_token: body.brace_token,
            stmts: std::mem::take(&mut body.stmts),
        },
    });
    body.stmts = vec![Stmt::Expr(Expr::Verbatim(statements), None)];
}

/// `-> impl Future<Output = …>`
fn future_of(output: &ReturnType) -> ReturnType {
    let implementation = Token![impl](Span::mixed_site());
    let output = match output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, output) => output.to_token_stream(),
    };
    let future = quote!(#implementation ::core::future::Future<Output = #output>);
    ReturnType::Type(
        Token![->](Span::mixed_site()),
        Box::new(Type::Verbatim(future)),
    )
}

/// A statement from which the compiler learns what the block returns.
fn returned_type(output: &ReturnType) -> TokenStream {
    struct Erase;
    impl VisitMut for Erase {
        fn visit_type_mut(&mut self, node: &mut Type) {
            if let Type::ImplTrait(_) = node {
                *node = Type::Verbatim(quote!(_));
            } else {
                visit_mut::visit_type_mut(self, node);
            }
        }
    }
    let (output, place) = match output {
        ReturnType::Default => (quote!(()), Span::call_site()),
        ReturnType::Type(_, output) => {
            let place = rewrite::start_of(output);
            let mut output = output.clone();
            Erase.visit_type_mut(&mut output);
            (output.to_token_stream(), place)
        }
    };
    // What the compiler has to say of the type that it learns here, it says of the place where it is written.
    let place = Span::mixed_site().located_at(place);
    quote_spanned! {place=>
        if let ::core::option::Option::Some(__ais_returned) = ::core::option::Option::None::<#output> {
            return __ais_returned;
        }
    }
}

/// Moves an argument into the block and binds its pattern there. What is left in the signature is a name.
fn bind(argument: &mut PatType, index: usize) -> TokenStream {
    let (moved, kept) = std::mem::take(&mut argument.attrs)
        .into_iter()
        .partition::<Vec<_>, _>(is_of_binding);
    argument.attrs = kept;
    let conditions: Vec<&Attribute> = argument
        .attrs
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .collect();
    let pattern = &argument.pat;
    let (name, bindings) = match simple_name(pattern) {
        Some(name) => {
            // The same name, but this crate's: lints on how names are used do not look at it.
            let place = name.span();
            let mut name = name.clone();
            name.set_span(Span::mixed_site().located_at(place));
            // A name that says that it is not used may well be bound to a value; clippy only wants it to look as if that did something.
            let value = if name.to_string().starts_with('_') {
                quote!(::core::convert::identity(#name))
            } else {
                name.to_token_stream()
            };
            let binding = quote!(#(#conditions)* #(#moved)* let #pattern = #value;);
            (name, binding)
        }
        None => {
            let name = format_ident!("__ais_argument_{index}", span = Span::mixed_site());
            let bindings = quote! {
                #(#conditions)* let #name = #name;
                #(#conditions)* #(#moved)* let #pattern = #name;
            };
            (name, bindings)
        }
    };
    *argument.pat = Pat::Ident(PatIdent {
        attrs: Vec::new(),
        by_ref: None,
        mutability: None,
        ident: name,
        subpat: None,
    });
    bindings
}

/// Whether an attribute of an argument speaks of the names that it binds.
fn is_of_binding(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if
        ["allow", "expect", "warn", "deny", "forbid"].iter().any(|lint| list.path.is_ident(lint)))
}

/// The name that a pattern consists of, with or without `mut`.
fn simple_name(pattern: &Pat) -> Option<&Ident> {
    match pattern {
        Pat::Ident(PatIdent {
            by_ref: None,
            subpat: None,
            ident,
            ..
        }) => Some(ident),
        _ => None,
    }
}
