//! What the attribute stands on, and where in it the body is that gets traced.
//!
//! Mostly that is an `async fn` and its body. But attributes expand from the top down, and those above `#[trace]` may have
//! moved the body into an async block of their own by then: `#[tokio::main]` leaves a plain function which runs the block,
//! `#[async_trait]` one which boxes it, `#[tracing::instrument]` an async one which awaits it. So an async block that another
//! macro made comes first, whichever macro it was. Where the *author* of a plain function wrote the block, there is an error:
//! such a function runs up to that block when it is called and not when it is polled, so the one is not the future of the other.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{Block, Error, ExprAsync, ExprClosure, ImplItemFn, Item, Signature, Token, TraitItemFn};

/// The function under the attribute.
pub(crate) struct Subject(ImplItemFn);

impl Subject {
    /// The function in `item`, or an error that says what to do with an item which is none.
    pub(crate) fn parse(item: TokenStream) -> syn::Result<Self> {
        // A method may be written in more ways than a free function, so its grammar serves for both.
        match syn::parse2(item.clone()) {
            Ok(function) => Ok(Self(function)),
            Err(error) => Err(not_a_function(item).unwrap_or(error)),
        }
    }

    pub(crate) fn name(&self) -> &Ident {
        &self.0.sig.ident
    }

    /// Runs `edit` on the body of the function's future, or says why there is none.
    pub(crate) fn edit_body(
        &mut self,
        edit: impl FnOnce(&mut Block) -> syn::Result<()>,
    ) -> syn::Result<()> {
        let Self(ImplItemFn { sig, block, .. }) = self;
        let mut search = MadeByMacro {
            plain: sig.asyncness.is_none().then_some(sig.fn_token),
            edit: Some(edit),
            outcome: Ok(()),
        };
        // In a function that is a macro's from its first word on, a block of that macro's is nothing special.
        if !sig.asyncness.is_some_and(is_made_by_macro) {
            search.visit_block_mut(block);
        }
        match search.edit {
            None => search.outcome,
            Some(edit) if sig.asyncness.is_some() => edit(block),
            Some(_) => Err(not_async(sig)),
        }
    }
}

impl ToTokens for Subject {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// Finds the first async block that a macro made, and edits it.
struct MadeByMacro<F> {
    /// The `fn` of a function without `async`.
    plain: Option<Token![fn]>,
    /// `None` once that is done.
    edit: Option<F>,
    outcome: syn::Result<()>,
}

impl<F: FnOnce(&mut Block) -> syn::Result<()>> VisitMut for MadeByMacro<F> {
    fn visit_expr_async_mut(&mut self, node: &mut ExprAsync) {
        let token = node.async_token;
        let is_moved = |plain| is_moved_from_signature(token, plain);
        if (is_made_by_macro(token) || self.plain.is_some_and(is_moved))
            && let Some(edit) = self.edit.take()
        {
            self.outcome = edit(&mut node.block);
        }
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Whether a macro put this `async` there: its span is then that of the macro's call, and what stands at that place in the
/// source is something else.
fn is_made_by_macro(token: Token![async]) -> bool {
    token.span.source_text().as_deref() != Some("async")
}

/// Whether this `async` has the place of the one that the author wrote before `fn`: `#[async_trait]` gives it to the block, and
/// to `fn` as well.
fn is_moved_from_signature(token: Token![async], function: Token![fn]) -> bool {
    let position = |span: Span| {
        let span = span.unwrap();
        (span.line(), span.column())
    };
    position(token.span) <= position(function.span)
}

fn not_async(signature: &Signature) -> Error {
    let (keyword, name) = (signature.fn_token, &signature.ident);
    Error::new_spanned(
        quote!(#keyword #name),
        "`#[trace]` needs an `async fn`; for a function that returns a future, call `.traced(\"name\")` on that future",
    )
}

/// The error for an item that is something else than a function with a body. `None` if it is no item at all, or one with a
/// body that cannot be understood: then the parser's own error, with the place where it stopped, says more.
fn not_a_function(item: TokenStream) -> Option<Error> {
    if let Ok(method) = syn::parse2::<TraitItemFn>(item.clone()) {
        return method.default.is_none().then(|| {
            Error::new_spanned(
                &method.sig,
                "`#[trace]` needs a body to trace: put it on this method in each implementation, or give it a default body",
            )
        });
    }
    let (place, what, where_to) = match syn::parse2::<Item>(item).ok()? {
        Item::Fn(_) | Item::Verbatim(_) | Item::Macro(_) => return None,
        Item::Impl(item) => (
            item.impl_token.span,
            "an `impl` block",
            "each `async fn` in it",
        ),
        Item::Trait(item) => (
            item.trait_token.span,
            "a trait",
            "each `async fn` with a body in it",
        ),
        Item::Mod(item) => (item.mod_token.span, "a module", "each `async fn` in it"),
        Item::Struct(item) => (item.ident.span(), "a struct", "an `async fn`"),
        Item::Enum(item) => (item.ident.span(), "an enum", "an `async fn`"),
        Item::Const(item) => (item.ident.span(), "a constant", "an `async fn`"),
        Item::Static(item) => (item.ident.span(), "a static", "an `async fn`"),
        _ => (Span::call_site(), "this item", "an `async fn`"),
    };
    Some(Error::new(
        place,
        format!("`#[trace]` cannot trace {what}; put it on {where_to}"),
    ))
}
