//! Macros that are called in a traced body.
//!
//! What a macro makes of its tokens is unknown here, so awaits are bracketed only in those whose grammar is known:
//!
//! - macros of the standard library that take a list of expressions (`println!`, `vec!`, …);
//! - `join!`, `try_join!` and `select!`, which await themselves, and so are await points: module [`awaiting`].
//!
//! Of all others, if something is awaited in them, the table says that it is not seen.

mod awaiting;
mod select;

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut;
use syn::{Expr, Macro, Path, Token};

use crate::frame;
use crate::rewrite::Rewriter;

/// Where a macro is called.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    /// As a statement: `{ … }` can take its place.
    Statement,
    /// In an expression, where `{ … }` might begin a statement.
    Expression,
}

/// Brackets what is awaited in `call`. What comes back is to take the place of the whole call.
pub(crate) fn bracket(
    rewriter: &mut Rewriter<'_>,
    call: &mut Macro,
    position: Position,
) -> Option<TokenStream> {
    if is_named(&call.path, "traced") {
        // It is expanded by itself.
        return None;
    }
    match awaiting::bracket(rewriter, call) {
        Some(Bracketed::Replaced(block)) => {
            return Some(match position {
                Position::Statement => block,
                Position::Expression => frame::parentheses(block),
            });
        }
        Some(Bracketed::InPlace) => return None,
        None => {}
    }
    if !mentions(call.tokens.clone(), &["await"]) {
        return None;
    }
    match expand_list(rewriter, call) {
        Some(tokens) => call.tokens = tokens,
        None => rewriter.unseen(call),
    }
    None
}

/// What has become of a call.
enum Bracketed {
    /// A block has to take its place.
    Replaced(TokenStream),
    /// It has other tokens now.
    InPlace,
}

/// The tokens of a macro of the standard library with the awaits in them bracketed.
fn expand_list(rewriter: &mut Rewriter<'_>, call: &Macro) -> Option<TokenStream> {
    let tokens = call.tokens.clone();
    match Arguments::of(&call.path)? {
        Arguments::Expressions => {
            let list = Punctuated::<Expr, Token![,]>::parse_terminated;
            let mut expressions = list.parse2(tokens).ok()?;
            for expression in &mut expressions {
                rewriter.visit_expr_mut(expression);
            }
            Some(expressions.into_token_stream())
        }
        Arguments::ExpressionAndPattern => {
            let parts = |input: syn::parse::ParseStream<'_>| {
                Ok((input.parse::<Expr>()?, input.parse::<TokenStream>()?))
            };
            let (mut expression, rest) = parts.parse2(tokens).ok()?;
            rewriter.visit_expr_mut(&mut expression);
            Some(quote!(#expression #rest))
        }
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

fn is_named(path: &Path, name: &str) -> bool {
    path.segments
        .last()
        .is_some_and(|segment| segment.ident == name)
}

/// Whether one of these words, or marks, is among `tokens`.
fn mentions(tokens: TokenStream, words: &[&str]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(word) => words.iter().any(|wanted| word == wanted),
        TokenTree::Group(group) => mentions(group.stream(), words),
        TokenTree::Punct(mark) => words.contains(&mark.as_char().to_string().as_str()),
        TokenTree::Literal(_) => false,
    })
}
