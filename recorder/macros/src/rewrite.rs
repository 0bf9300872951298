//! Brackets the await points of a body: `EXPR.await` becomes `Frame::at(&frame, N, EXPR).await`.
//!
//! It is a call around the awaited expression and nothing more. A block would end the life of temporaries at its brace, an inner
//! future would have to hold what the expression borrows. An argument of a call lives as long as the operand of `await` did,
//! and what the user's `await` token follows is still a future with the same output.
//!
//! Only awaits of this very future count. Async blocks, closures and nested items have bodies of their own, and constants
//! cannot await.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{
    AngleBracketedGenericArguments, Block, Error, Expr, ExprAsync, ExprAwait, ExprClosure,
    ExprConst, ExprRepeat, Item, Macro, Path, Token, Type,
};

use crate::points::{self, AwaitPoint};
use crate::runtime::Runtime;
use crate::text;

/// Brackets each await of `body` and returns the points, in the order of the `await` tokens.
pub(crate) fn bracket_awaits(body: &mut Block, runtime: &Runtime) -> syn::Result<Vec<AwaitPoint>> {
    let mut rewriter = Rewriter {
        runtime,
        frame: points::frame_variable(),
        points: Vec::new(),
    };
    rewriter.visit_block_mut(body);
    let points = rewriter.points;
    match points.get(usize::from(u16::MAX) + 1) {
        Some(excess) => Err(Error::new(
            excess.place,
            "`#[trace]` can tell 65536 await points of one function apart, and this is one more",
        )),
        None => Ok(points),
    }
}

struct Rewriter<'a> {
    runtime: &'a Runtime,
    frame: Ident,
    points: Vec<AwaitPoint>,
}

impl VisitMut for Rewriter<'_> {
    fn visit_expr_await_mut(&mut self, node: &mut ExprAwait) {
        let awaited = without_parentheses(take(&mut node.base));
        let tokens = awaited.to_token_stream();
        let start = first_span(&tokens);
        let expression = text::of(tokens);
        *node.base = awaited;
        // What is awaited within the operand is awaited before it, and its token stands before this one.
        self.visit_expr_mut(&mut node.base);

        let place = node.await_token.span;
        let index = self.points.len() as u16;
        self.points.push(AwaitPoint { expression, place });

        // The call begins and ends where the operand and its `.await` do, so that whatever the compiler has to say about its
        // type is shown there, as it would be without the call.
        let start = start.unwrap_or(place);
        let recorder = self.runtime.path_at(start);
        let (frame, awaited) = (&self.frame, &node.base);
        let function = quote_spanned!(start=> #recorder::Frame::at);
        let arguments = quote_spanned!(place=> (&#frame, #index, #awaited));
        *node.base = Expr::Verbatim(quote!(#function #arguments));
    }

    fn visit_macro_mut(&mut self, node: &mut Macro) {
        if !mentions_await(node.tokens.clone()) {
            return;
        }
        match Arguments::of(&node.path) {
            Some(Arguments::Expressions) => {
                let list = Punctuated::<Expr, Token![,]>::parse_terminated;
                if let Ok(mut expressions) = list.parse2(node.tokens.clone()) {
                    for expression in &mut expressions {
                        self.visit_expr_mut(expression);
                    }
                    node.tokens = expressions.into_token_stream();
                }
            }
            Some(Arguments::ExpressionAndPattern) => {
                let parts = |input: syn::parse::ParseStream<'_>| {
                    Ok((input.parse::<Expr>()?, input.parse::<TokenStream>()?))
                };
                if let Ok((mut expression, rest)) = parts.parse2(node.tokens.clone()) {
                    self.visit_expr_mut(&mut expression);
                    node.tokens = quote!(#expression #rest);
                }
            }
            None => {}
        }
    }

    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
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

/// How a macro of the standard library is to be read.
enum Arguments {
    /// `format!("{}", a)`
    Expressions,
    /// `matches!(a, Some(_))`
    ExpressionAndPattern,
}

impl Arguments {
    /// `None` for a macro that is not known, and for those that print the source of their arguments, as `assert!` and `dbg!`
    /// do: they would print the call that brackets an await.
    fn of(path: &Path) -> Option<Self> {
        let name = path.segments.last()?;
        let known_root = match path.segments.len() {
            1 => true,
            2 => ["std", "core", "alloc"]
                .iter()
                .any(|root| path.segments[0].ident == root),
            _ => false,
        };
        if !known_root {
            return None;
        }
        match name.ident.to_string().as_str() {
            "print" | "println" | "eprint" | "eprintln" | "write" | "writeln" | "format"
            | "format_args" | "panic" | "todo" | "unimplemented" | "unreachable" | "vec"
            | "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => {
                Some(Self::Expressions)
            }
            "matches" => Some(Self::ExpressionAndPattern),
            _ => None,
        }
    }
}

fn mentions_await(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => word == "await",
        TokenTree::Group(group) => mentions_await(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
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

fn take(expression: &mut Expr) -> Expr {
    std::mem::replace(expression, Expr::Verbatim(TokenStream::new()))
}
