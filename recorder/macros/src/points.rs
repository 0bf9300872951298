//! The static table of what is known of a function or a block: its name, its await points, and what hides some of them.
//!
//! Positions are asked of the compiler, by `file!()`, `line!()` and `column!()` whose own spans are those of the user's tokens:
//! they answer where the outermost macro call around them begins, and a token which the user wrote is in no macro call. The
//! paths are then those that panics and debug information show.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::LitStr;
use syn::ext::IdentExt;

use crate::runtime::Runtime;

/// One `.await`, or a macro that awaits.
pub(crate) struct AwaitPoint {
    /// The awaited expression, as [`crate::text`] writes it.
    pub(crate) expression: String,
    /// Where the `await`, or the macro, stands.
    pub(crate) place: Span,
}

/// A macro call in which something is awaited that is no await point here.
pub(crate) struct Unseen {
    /// The macro's path, with its `!`.
    pub(crate) name: String,
    pub(crate) place: Span,
}

/// The await points of a function or a block, in the order of their `await` tokens.
#[derive(Default)]
pub(crate) struct Points {
    pub(crate) seen: Vec<AwaitPoint>,
    pub(crate) unseen: Vec<Unseen>,
}

/// The name of a function or a block, as it will be listed in the trace.
#[derive(Clone)]
pub(crate) struct Name(
    /// What `concat!` makes it of.
    TokenStream,
);

impl Name {
    /// As the user gave it.
    pub(crate) fn given(name: &LitStr) -> Self {
        Self(name.to_token_stream())
    }

    /// `module::function`
    pub(crate) fn of(function: &Ident) -> Self {
        let name = function.unraw().to_string();
        Self(quote!(::core::module_path!(), "::", #name))
    }

    /// `module::Type::function`
    pub(crate) fn of_member(owner: &str, function: &Ident) -> Self {
        let name = format!("{owner}::{}", function.unraw());
        Self(quote!(::core::module_path!(), "::", #name))
    }

    /// `module::{block}`
    pub(crate) fn of_block() -> Self {
        Self(quote!(::core::module_path!(), "::{block}"))
    }

    /// `function::{block}`: a block in what this is the name of. One in such a block is called the same.
    pub(crate) fn of_block_in(&self) -> Self {
        let own = &self.0;
        let is_block = own.to_string().ends_with("{block}\"");
        if is_block {
            return self.clone();
        }
        Self(quote!(#own, "::{block}"))
    }
}

/// The local that holds the frame. Its hygiene is that of a macro's local: no code of the user can name it, nor can it shadow a
/// name of theirs.
pub(crate) fn frame_variable() -> Ident {
    Ident::new("__ais_frame", Span::mixed_site())
}

/// The static that holds the table.
pub(crate) fn table_static() -> Ident {
    Ident::new("__AIS_FUNCTION", Span::mixed_site())
}

/// `static __AIS_FUNCTION: … = …;`. Items have no hygiene, so it stands in a block or a function of its own.
pub(crate) fn table(name: &Name, place: Span, points: &Points, runtime: &Runtime) -> TokenStream {
    let recorder = runtime.path();
    let table = table_static();
    let name = &name.0;
    let place = self::place(&recorder, place);
    let seen = points.seen.iter().map(|point| {
        let expression = &point.expression;
        let place = self::place(&recorder, point.place);
        quote!(#recorder::AwaitPoint::new(#expression, #place))
    });
    let unseen = points.unseen.iter().map(|call| {
        let name = &call.name;
        let place = self::place(&recorder, call.place);
        quote!(#recorder::Unseen::new(#name, #place))
    });
    quote! {
        static #table: #recorder::Function = #recorder::Function::new(
            ::core::concat!(#name),
            #place,
            &[#(#seen),*],
            &[#(#unseen),*],
        );
    }
}

fn place(recorder: &TokenStream, at: Span) -> TokenStream {
    let position = quote_spanned!(at=> ::core::file!(), ::core::line!(), ::core::column!());
    quote!(#recorder::Place::new(#position))
}
