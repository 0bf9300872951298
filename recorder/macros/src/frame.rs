//! Where the frame of a call lives: the statement that enters it, or the future that it is moved into.
//!
//! **As a local.** What has to stay an `async fn`, because of other attributes or because another macro has made it, gets one statement
//! at its top. Such a call is known from its first poll on.
//!
//! **As a part of the future.** An async block that captures the frame makes it known when the future is made, and when it is dropped
//! without a poll: the frame is dropped with what the block has captured.
//!
//! ```text
//! static __AIS_FUNCTION: Function = …;
//! let mut frame = Frame::new(&__AIS_FUNCTION);
//! async move {
//!     {
//!         frame.begin(&__AIS_FUNCTION);
//!         what the user wrote
//!     }
//! }
//! ```
//!
//! The user's own block stays one, with its own braces; those around it are of this crate's edition, in which temporaries of a
//! block's last expression end before its locals. In that way what the user's last expression borrows is given back before the
//! function's arguments and its frame end, in an older edition too, as it is without the attribute.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Block, Expr, ExprAsync, Stmt};

use crate::points::{self, Name, Points, frame_variable, table_static};
use crate::runtime::Runtime;

/// Adds the statement to `body` that makes the table and enters the frame.
///
/// It comes before all other statements, so that the frame is dropped after all other locals.
pub(crate) fn enter(
    body: &mut Block,
    name: &Name,
    place: Span,
    points: &Points,
    runtime: &Runtime,
) {
    let (frame, table, recorder) = (frame_variable(), table_static(), runtime.path());
    let definition = points::table(name, place, points, runtime);
    let entry = quote! {
        let #frame = {
            #definition
            #recorder::Frame::enter(&#table)
        };
    };
    insert_first(body, entry);
}

/// Puts a statement before all others; but after items, which are declarations wherever they stand, and which the compiler's lints
/// like to see first.
fn insert_first(body: &mut Block, statement: TokenStream) {
    let items = body
        .stmts
        .iter()
        .take_while(|statement| matches!(statement, Stmt::Item(_)))
        .count();
    body.stmts
        .insert(items, Stmt::Expr(Expr::Verbatim(statement), None));
}

/// What a future of its own is made of.
pub(crate) struct Own<'a> {
    pub(crate) name: &'a Name,
    pub(crate) place: Span,
    pub(crate) points: &'a Points,
    pub(crate) runtime: &'a Runtime,
    /// What comes before the body when it is polled.
    pub(crate) preface: TokenStream,
}

impl Own<'_> {
    /// The statements that make the frame, and the block with the frame in it.
    pub(crate) fn statements(&self, block: &mut ExprAsync) -> TokenStream {
        let (frame, table, recorder) = (frame_variable(), table_static(), self.runtime.path());
        let definition = points::table(self.name, self.place, self.points, self.runtime);
        insert_first(&mut block.block, quote!(#frame.begin(&#table);));
        let (attributes, token, is_move) = (&block.attrs, block.async_token, block.capture);
        let body = &block.block;
        let preface = &self.preface;
        // A block that does not move what it uses does move what it moves on.
        let (outer, inner) = match is_move {
            Some(_) => (quote!(let mut #frame), quote!()),
            None => (quote!(let #frame), quote!(let mut #frame = #frame;)),
        };
        let place = Span::mixed_site().located_at(body.brace_token.span.join());
        let content = quote!(#inner #preface #body);
        let body = group(Delimiter::Brace, content, place);
        quote! {
            #definition
            #outer = #recorder::Frame::new(&#table);
            #(#attributes)* #token #is_move #body
        }
    }

    /// The same as one expression.
    pub(crate) fn expression(&self, block: &mut ExprAsync) -> Expr {
        Expr::Verbatim(parentheses(braces(self.statements(block))))
    }
}

/// `{ content }`, in braces of this crate's edition.
pub(crate) fn braces(content: TokenStream) -> TokenStream {
    group(Delimiter::Brace, content, Span::mixed_site())
}

/// `(content)`: so that it can begin a statement as any other expression.
pub(crate) fn parentheses(content: TokenStream) -> TokenStream {
    group(Delimiter::Parenthesis, content, Span::mixed_site())
}

fn group(delimiter: Delimiter, content: TokenStream, span: Span) -> TokenStream {
    let mut group = Group::new(delimiter, content);
    group.set_span(span);
    TokenTree::Group(group).into_token_stream()
}
