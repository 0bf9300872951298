//! What the attribute stands on, and where in it the body is that gets traced.
//!
//! Mostly that is an `async fn` and its body, or a plain function that ends in an async block (`Box::pin(async move { … })`): then
//! the block is the future, and what stands before it runs when the function is called.
//!
//! But attributes expand from the top down, and those above `#[trace]` may have moved the body into an async block of their own by
//! then: `#[tokio::main]` leaves a plain function which runs the block, `#[async_trait]` one which boxes it,
//! `#[tracing::instrument]` an async one which awaits it. So an async block that another macro made comes first, whichever macro
//! it was.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::VisitMut;
use syn::{
    Block, Error, Expr, ExprAsync, ExprClosure, ImplItemFn, Item, Signature, Stmt, Token,
    TraitItemFn,
};

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
        edit: impl FnOnce(Body<'_>) -> syn::Result<()>,
    ) -> syn::Result<()> {
        let Self(function) = self;
        let mut search = MadeByMacro {
            plain: function
                .sig
                .asyncness
                .is_none()
                .then_some(function.sig.fn_token),
            edit: Some(edit),
            outcome: Ok(()),
        };
        // In a function that is a macro's from its first word on, a block of that macro's is nothing special.
        if !function.sig.asyncness.is_some_and(is_made_by_macro) {
            search.visit_block_mut(&mut function.block);
        }
        let Some(edit) = search.edit else {
            return search.outcome;
        };
        if function.sig.asyncness.is_some() {
            return edit(Body::Function(function));
        }
        match returned_future(&mut function.block) {
            Some(block) => edit(Body::Returned(block)),
            None => Err(not_async(&function.sig)),
        }
    }
}

impl ToTokens for Subject {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// What the body of a function's future is.
pub(crate) enum Body<'a> {
    /// The block of an async block that a macro has made.
    Made(&'a mut Block),
    /// An async block, as an expression, that a plain function returns.
    Returned(&'a mut Expr),
    /// That of an `async fn`.
    Function(&'a mut ImplItemFn),
}

/// Finds the first async block that a macro made, and edits it.
struct MadeByMacro<F> {
    /// The `fn` of a function without `async`.
    plain: Option<Token![fn]>,
    /// `None` once that is done.
    edit: Option<F>,
    outcome: syn::Result<()>,
}

impl<F: FnOnce(Body<'_>) -> syn::Result<()>> VisitMut for MadeByMacro<F> {
    fn visit_expr_async_mut(&mut self, node: &mut ExprAsync) {
        let token = node.async_token;
        let is_moved = |plain| is_moved_from_signature(token, plain);
        if (is_made_by_macro(token) || self.plain.is_some_and(is_moved))
            && let Some(edit) = self.edit.take()
        {
            self.outcome = edit(Body::Made(&mut node.block));
        }
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// The async block that is the last thing in `body`, as it is or in what is made of it at once: `Box::pin(async { … })`,
/// `async { … }.boxed()`.
fn returned_future(body: &mut Block) -> Option<&mut Expr> {
    match body.stmts.last_mut()? {
        Stmt::Expr(expression, None) => async_block_in(expression),
        _ => None,
    }
}

fn async_block_in(expression: &mut Expr) -> Option<&mut Expr> {
    match expression {
        Expr::Async(_) => Some(expression),
        Expr::Call(call) if is_pin(&call.func) && call.args.len() == 1 => {
            async_block_in(call.args.first_mut()?)
        }
        Expr::MethodCall(call) if call.method == "boxed" || call.method == "boxed_local" => {
            async_block_in(&mut call.receiver)
        }
        Expr::Paren(inner) => async_block_in(&mut inner.expr),
        Expr::Cast(cast) => async_block_in(&mut cast.expr),
        _ => None,
    }
}

/// Whether that is the path of `Box::pin`.
fn is_pin(function: &Expr) -> bool {
    matches!(function, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "pin"))
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
        "`#[trace]` needs an `async fn`, or a function that ends in an async block; call `.traced(\"name\")` on any other future",
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
