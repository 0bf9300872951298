//! From the attribute and its item to the expansion: the other modules in their order, and what is left of them on an error.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Error, Expr};

use crate::args::Args;
use crate::block::Traced;
use crate::frame;
use crate::function;
use crate::points::Name;
use crate::rewrite;
use crate::runtime::Runtime;
use crate::subject::{Body, Subject};

/// The expansion of `#[trace(args)] item`.
///
/// On an error, that is the item as it was, and the error. The item is kept so that the rest of the program, which uses it, has
/// one error to show and not twenty.
pub(crate) fn trace(args: TokenStream, item: TokenStream) -> TokenStream {
    traced_item(args, item.clone()).unwrap_or_else(|error| {
        let mut tokens = item;
        tokens.extend(error.into_compile_error());
        tokens
    })
}

/// The expansion of `traced!(input)`.
pub(crate) fn traced(input: TokenStream) -> TokenStream {
    let expression = syn::parse2(input).and_then(Traced::into_expression);
    expression.map_or_else(Error::into_compile_error, Expr::into_token_stream)
}

fn traced_item(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let args: Args = syn::parse2(args)?;
    let mut subject = Subject::parse(item)?;
    let ident = subject.name().clone();
    let place = ident.span();
    let name = match &args.name {
        Some(name) => Name::given(name),
        None => Name::of_function(&ident),
    };
    subject.edit_body(|body| {
        let runtime = Runtime::find(args.runtime)?;
        match body {
            Body::Made(block) => {
                let points = rewrite::bracket_awaits(block, &name, &runtime)?;
                frame::enter(block, &name, place, &points, &runtime);
                Ok(())
            }
            Body::Returned(block) => rewrite::trace_block(block, &name, place, &runtime),
            Body::Function(function) => function::trace(function, &name, &runtime),
        }
    })?;
    Ok(subject.into_token_stream())
}
