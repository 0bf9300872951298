//! Brackets the await points of a body: `EXPR.await` becomes `at(EXPR, &frame, N).await`.
//!
//! It is a call around the awaited expression and nothing more. A block would end the life of temporaries at its brace, an inner
//! future would have to hold what the expression borrows. An argument of a call lives as long as the operand of `await` did,
//! and what the user's `await` token follows is still a future with the same output.
//!
//! Only awaits of this very future count. Async blocks are futures of their own, each with a table and a frame. Closures and nested
//! items have bodies of their own and are left as they are, and constants cannot await.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{
    AngleBracketedGenericArguments, Block, Error, Expr, ExprAwait, ExprClosure, ExprConst,
    ExprRepeat, Item, Macro, Stmt, Type,
};

use crate::frame::Own;
use crate::macros::{self, Position};
use crate::points::{self, AwaitPoint, Name, Points, Unseen};
use crate::runtime::Runtime;
use crate::text;

/// Brackets each await of `body` and returns the points, in the order of the `await` tokens. `name` is what the body is that of.
pub(crate) fn bracket_awaits(
    body: &mut Block,
    name: &Name,
    runtime: &Runtime,
) -> syn::Result<Points> {
    let mut rewriter = Rewriter {
        runtime,
        name,
        frame: points::frame_variable(),
        points: Points::default(),
        error: None,
    };
    rewriter.visit_block_mut(body);
    if let Some(error) = rewriter.error {
        return Err(error);
    }
    let points = rewriter.points;
    match points.seen.get(usize::from(u16::MAX) + 1) {
        Some(excess) => Err(Error::new(
            excess.place,
            "`#[trace]` can tell 65536 await points of one function apart, and this is one more",
        )),
        None => Ok(points),
    }
}

/// Makes of an async block an expression that makes a traced future. `name` is what it is called. What is no async block stays.
pub(crate) fn trace_block(
    expression: &mut Expr,
    name: &Name,
    place: Span,
    runtime: &Runtime,
) -> syn::Result<()> {
    let Expr::Async(block) = expression else {
        return Ok(());
    };
    let points = bracket_awaits(&mut block.block, name, runtime)?;
    let own = Own {
        name,
        place,
        points: &points,
        runtime,
        preface: TokenStream::new(),
    };
    *expression = own.expression(block);
    Ok(())
}

pub(crate) struct Rewriter<'a> {
    pub(crate) runtime: &'a Runtime,
    name: &'a Name,
    pub(crate) frame: Ident,
    points: Points,
    error: Option<Error>,
}

impl Rewriter<'_> {
    /// Adds an await point; its index.
    pub(crate) fn point(&mut self, expression: String, place: Span) -> u16 {
        let index = self.points.seen.len() as u16;
        self.points.seen.push(AwaitPoint { expression, place });
        index
    }

    /// Notes a macro call in which something is awaited unseen.
    pub(crate) fn unseen(&mut self, call: &Macro) {
        let name = text::of(call.path.to_token_stream()) + "!";
        let place = start_of(&call.path);
        self.points.unseen.push(Unseen { name, place });
    }
}

impl VisitMut for Rewriter<'_> {
    fn visit_expr_mut(&mut self, node: &mut Expr) {
        match node {
            Expr::Async(_) => {
                let (name, place) = (self.name.of_block_in(), start_of(node));
                if let Err(error) = trace_block(node, &name, place, self.runtime) {
                    self.error.get_or_insert(error);
                }
            }
            Expr::Macro(call) => {
                let attributes = &call.attrs;
                if let Some(bracketed) = macros::bracket(self, &mut call.mac, Position::Expression)
                {
                    *node = Expr::Verbatim(quote!(#(#attributes)* #bracketed));
                }
            }
            _ => visit_mut::visit_expr_mut(self, node),
        }
    }

    fn visit_stmt_mut(&mut self, node: &mut Stmt) {
        let Stmt::Macro(call) = node else {
            return visit_mut::visit_stmt_mut(self, node);
        };
        let (attributes, semicolon) = (&call.attrs, call.semi_token);
        if let Some(bracketed) = macros::bracket(self, &mut call.mac, Position::Statement) {
            let block = Expr::Verbatim(quote!(#(#attributes)* #bracketed));
            *node = Stmt::Expr(block, semicolon);
        }
    }

    fn visit_expr_await_mut(&mut self, node: &mut ExprAwait) {
        let awaited = without_parentheses(take(&mut node.base));
        let tokens = awaited.to_token_stream();
        let start = first_span(&tokens);
        let expression = text::of(tokens);
        *node.base = awaited;
        // What is awaited within the operand is awaited before it, and its token stands before this one.
        self.visit_expr_mut(&mut node.base);

        let place = node.await_token.span;
        let index = self.point(expression, place);

        // The call begins and ends where the operand and its `.await` do, so that whatever the compiler has to say about its
        // type is shown there, as it would be without the call.
        let start = start.unwrap_or(place);
        let recorder = self.runtime.path_at(start);
        let (frame, awaited) = (&self.frame, &node.base);
        let function = quote_spanned!(start=> #recorder::at);
        let arguments = quote_spanned!(place=> (#awaited, &#frame, #index));
        *node.base = Expr::Verbatim(quote!(#function #arguments));
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}

    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_expr_repeat_mut(&mut self, node: &mut ExprRepeat) {
        // Not the length.
        self.visit_expr_mut(&mut node.expr);
    }
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_angle_bracketed_generic_arguments_mut(
        &mut self,
        _: &mut AngleBracketedGenericArguments,
    ) {
    }
}

/// The expression in `(…)`: an argument of a call needs no parentheses, and the compiler would say so.
fn without_parentheses(mut expression: Expr) -> Expr {
    while let Expr::Paren(inner) = expression {
        if !inner.attrs.is_empty() {
            return Expr::Paren(inner);
        }
        expression = *inner.expr;
    }
    expression
}

fn first_span(tokens: &TokenStream) -> Option<Span> {
    tokens.clone().into_iter().next().map(|token| token.span())
}

/// Where the first token of `node` stands.
pub(crate) fn start_of(node: &impl ToTokens) -> Span {
    first_span(&node.to_token_stream()).unwrap_or_else(Span::call_site)
}

pub(crate) fn take(expression: &mut Expr) -> Expr {
    std::mem::replace(expression, Expr::Verbatim(TokenStream::new()))
}
