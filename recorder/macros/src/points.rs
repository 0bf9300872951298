//! The static table of a function's await points, and the statement that enters the function.
//!
//! Positions are asked of the compiler, by `file!()`, `line!()` and `column!()` whose own spans are those of the user's tokens:
//! they answer where the outermost macro call around them begins, and a token which the user wrote is in no macro call. The
//! paths are then those that panics and debug information show.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::{Block, Expr, LitStr, Stmt};

use crate::runtime::Runtime;

/// One `.await` of the function.
pub(crate) struct AwaitPoint {
    /// The awaited expression, as [`crate::text`] writes it.
    pub(crate) expression: String,
    /// Where the `await` stands.
    pub(crate) place: Span,
}

/// The function as it will be listed in the trace.
pub(crate) struct Function<'a> {
    /// The name to record where it is not that in the source.
    pub(crate) given_name: Option<&'a LitStr>,
    pub(crate) ident: &'a Ident,
    /// In the order of their `await` tokens.
    pub(crate) points: &'a [AwaitPoint],
}

impl Function<'_> {
    /// The name to record, as an expression.
    fn name(&self) -> TokenStream {
        if let Some(name) = self.given_name {
            return name.to_token_stream();
        }
        let name = self.ident.unraw().to_string();
        quote!(::core::concat!(::core::module_path!(), "::", #name))
    }
}

/// The local that holds the frame. Its hygiene is that of a macro's local: no code of the user can name it, nor can it shadow a
/// name of theirs.
pub(crate) fn frame_variable() -> Ident {
    Ident::new("__ais_frame", Span::mixed_site())
}

/// Adds the statement to `body` that makes the table and enters the frame.
///
/// It comes before all other statements, so that the frame is dropped after all other locals; but after items, which are
/// declarations wherever they stand, and which the compiler's lints like to see first.
pub(crate) fn enter(body: &mut Block, function: &Function<'_>, runtime: &Runtime) {
    let items = body
        .stmts
        .iter()
        .take_while(|statement| matches!(statement, Stmt::Item(_)))
        .count();
    let entry = Stmt::Expr(Expr::Verbatim(entry(function, runtime)), None);
    body.stmts.insert(items, entry);
}

/// `let __ais_frame = { static …; Frame::enter(…) };`: the static stands in a block of its own, as items have no hygiene.
fn entry(function: &Function<'_>, runtime: &Runtime) -> TokenStream {
    let frame = frame_variable();
    let recorder = runtime.path();
    let name = function.name();
    let place = place(&recorder, function.ident.span());
    let points = function.points.iter().map(|point| {
        let expression = &point.expression;
        let place = self::place(&recorder, point.place);
        quote!(#recorder::AwaitPoint::new(#expression, #place))
    });
    quote! {
        let #frame = {
            static FUNCTION: #recorder::Function =
                #recorder::Function::new(#name, #place, &[#(#points),*]);
            #recorder::Frame::enter(&FUNCTION)
        };
    }
}

fn place(recorder: &TokenStream, at: Span) -> TokenStream {
    let position = quote_spanned!(at=> ::core::file!(), ::core::line!(), ::core::column!());
    quote!(#recorder::Place::new(#position))
}
