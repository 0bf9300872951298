//! From the attribute and its item to the expansion: the other modules in their order, and what is left of them on an error.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Error, Expr, ImplItemFn};

use crate::args::Args;
use crate::block::Traced;
use crate::frame;
use crate::function;
use crate::items::{Owner, Subjects};
use crate::points::Name;
use crate::rewrite;
use crate::runtime::Runtime;
use crate::subject::{self, Body};

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
    let mut subjects = Subjects::parse(item)?;
    match subjects.owner() {
        None => {
            let name = args.name.as_ref().map(Name::given);
            subjects.each(|function| {
                let name = name
                    .clone()
                    .unwrap_or_else(|| Name::of(&function.sig.ident));
                if trace_function(function, &name, &args, &[])? {
                    Ok(())
                } else {
                    Err(subject::no_future(function))
                }
            })?;
        }
        Some(owner) => trace_members(&mut subjects, &owner, &args)?,
    }
    Ok(subjects.into_token_stream())
}

/// Traces each function of `subjects` that has a future and no `#[trace]` of its own.
fn trace_members(subjects: &mut Subjects, owner: &Owner, args: &Args) -> syn::Result<()> {
    if let Some(name) = &args.name {
        return Err(Error::new(
            name.span(),
            "`name` is that of one function: give it to the function's own `#[trace]`",
        ));
    }
    let mut found = false;
    subjects.each(|function| {
        if function.attrs.iter().any(is_own) {
            found = true;
            return Ok(());
        }
        let name = Name::of_member(&owner.name, &function.sig.ident);
        found |= trace_function(function, &name, args, &owner.attributes)?;
        Ok(())
    })?;
    if found {
        return Ok(());
    }
    Err(Error::new(
        owner.place,
        "there is no `async fn` with a body in it for `#[trace]` to trace",
    ))
}

fn is_own(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| segment.ident == "trace")
}

/// Traces a function, if it has a future. `around` are the attributes of what it is a member of.
fn trace_function(
    function: &mut ImplItemFn,
    name: &Name,
    args: &Args,
    around: &[Attribute],
) -> syn::Result<bool> {
    let place = function.sig.ident.span();
    subject::edit_body(function, |body| {
        let runtime = Runtime::find(args.runtime.clone())?;
        match body {
            Body::Made(block) => {
                let points = rewrite::bracket_awaits(block, name, &runtime)?;
                frame::enter(block, name, place, &points, &runtime);
                Ok(())
            }
            Body::Returned(block) => rewrite::trace_block(block, name, place, &runtime),
            Body::Function(function) => function::trace(function, name, around, &runtime),
        }
    })
}
