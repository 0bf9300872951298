//! From the attribute and its item to the expansion: the other modules in their order, and what is left of them on an error.

use proc_macro2::TokenStream;
use quote::ToTokens;

use crate::args::Args;
use crate::points::{self, Function};
use crate::rewrite;
use crate::runtime::Runtime;
use crate::subject::Subject;

/// The expansion of `#[trace(args)] item`.
///
/// On an error, that is the item as it was, and the error. The item is kept so that the rest of the program, which uses it, has
/// one error to show and not twenty.
pub(crate) fn trace(args: TokenStream, item: TokenStream) -> TokenStream {
    traced(args, item.clone()).unwrap_or_else(|error| {
        let mut tokens = item;
        tokens.extend(error.into_compile_error());
        tokens
    })
}

fn traced(args: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let args: Args = syn::parse2(args)?;
    let mut subject = Subject::parse(item)?;
    let ident = subject.name().clone();
    subject.edit_body(|body| {
        let runtime = Runtime::find(args.runtime)?;
        let points = rewrite::bracket_awaits(body, &runtime)?;
        let function = Function {
            given_name: args.name.as_ref(),
            ident: &ident,
            points: &points,
        };
        points::enter(body, &function, &runtime);
        Ok(())
    })?;
    Ok(subject.into_token_stream())
}
