//! Where in a function the body is that gets traced.
//!
//! Mostly that is an `async fn` and its body, or a plain function that ends in an async block (`Box::pin(async move { … })`): then
//! the block is the future, and what stands before it runs when the function is called.
//!
//! But attributes expand from the top down, and those above `#[trace]` may have moved the body into an async block of their own by
//! then: `#[tokio::main]` leaves a plain function which runs the block, `#[async_trait]` one which boxes it,
//! `#[tracing::instrument]` an async one which awaits it. So an async block that another macro made comes first, whichever macro
//! it was.

use proc_macro2::Span;
use quote::quote;
use syn::visit_mut::VisitMut;
use syn::{Block, Error, Expr, ExprAsync, ExprClosure, ImplItemFn, Item, Stmt, Token};

/// Runs `edit` on the body of the function's future. False where it has none.
pub(crate) fn edit_body(
    function: &mut ImplItemFn,
    edit: impl FnOnce(Body<'_>) -> syn::Result<()>,
) -> syn::Result<bool> {
    let signature = &function.sig;
    let mut search = MadeByMacro {
        plain: signature.asyncness.is_none().then_some(signature.fn_token),
        edit: Some(edit),
        outcome: Ok(()),
    };
    // In a function that is a macro's from its first word on, a block of that macro's is nothing special.
    if !signature.asyncness.is_some_and(is_made_by_macro) {
        search.visit_block_mut(&mut function.block);
    }
    let Some(edit) = search.edit else {
        return search.outcome.map(|()| true);
    };
    if function.sig.asyncness.is_some() {
        edit(Body::Function(function))?;
    } else if let Some(block) = returned_future(&mut function.block) {
        edit(Body::Returned(block))?;
    } else {
        return Ok(false);
    }
    Ok(true)
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

/// The error for a function that has no future.
pub(crate) fn no_future(function: &ImplItemFn) -> Error {
    let (keyword, name) = (function.sig.fn_token, &function.sig.ident);
    Error::new_spanned(
        quote!(#keyword #name),
        "`#[trace]` needs an `async fn`, or a function that ends in an async block; call `.traced(\"name\")` on any other future",
    )
}
