//! What a user wrote in the parentheses of `#[trace(…)]`, checked but not yet looked up.

use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Error, Ident, LitStr, Path, Token};

/// The options of `#[trace]`. Each can be given once, in any order.
#[derive(Default)]
pub(crate) struct Args {
    /// `name = "…"`: what to record as the function's name.
    pub(crate) name: Option<LitStr>,
    /// `crate = path`: where the runtime is, in place of a look into the manifest.
    pub(crate) runtime: Option<Path>,
}

impl Parse for Args {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut args = Self::default();
        while !input.is_empty() {
            let key = input.call(Ident::parse_any)?;
            match key.to_string().as_str() {
                "name" => give_once(&mut args.name, &key, name_value(&key, input)?)?,
                "crate" => give_once(&mut args.runtime, &key, crate_value(&key, input)?)?,
                other => {
                    let message = format!(
                        "`#[trace]` has no argument `{other}`; it takes `name = \"…\"` and `crate = path`"
                    );
                    return Err(Error::new(key.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(args)
    }
}

fn give_once<T>(slot: &mut Option<T>, key: &Ident, value: T) -> syn::Result<()> {
    if slot.replace(value).is_some() {
        return Err(Error::new(key.span(), format!("`{key}` is given twice")));
    }
    Ok(())
}

fn name_value(key: &Ident, input: ParseStream<'_>) -> syn::Result<LitStr> {
    let usage = "`name` takes a string, as in `name = \"Bank::transfer\"`";
    not_empty(value(key, input, <LitStr as Parse>::parse, usage)?)
}

/// `name`, if it is one.
pub(crate) fn not_empty(name: LitStr) -> syn::Result<LitStr> {
    if name.value().trim().is_empty() {
        return Err(Error::new(name.span(), "the name to record is empty"));
    }
    Ok(name)
}

fn crate_value(key: &Ident, input: ParseStream<'_>) -> syn::Result<Path> {
    let usage = "`crate` takes a path without quotes, as in `crate = my_facade::recorder`";
    value(key, input, Path::parse_mod_style, usage)
}

/// The value after `key =`, or `usage` where a value of another kind, or none, stands.
fn value<T>(
    key: &Ident,
    input: ParseStream<'_>,
    parse: fn(ParseStream<'_>) -> syn::Result<T>,
    usage: &str,
) -> syn::Result<T> {
    if !input.peek(Token![=]) {
        return Err(Error::new(key.span(), usage));
    }
    input.parse::<Token![=]>()?;
    let place = input.span();
    input.call(parse).map_err(|_| Error::new(place, usage))
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::{ToTokens, quote};

    #[test]
    fn no_arguments_are_fine() {
        let args: Args = syn::parse2(quote!()).unwrap();
        assert!(args.name.is_none() && args.runtime.is_none());
    }

    #[test]
    fn both_arguments_are_read_in_any_order_with_a_comma_at_the_end() {
        let args: Args = syn::parse2(quote!(crate = crate::mock, name = "a name",)).unwrap();
        assert_eq!(args.name.unwrap().value(), "a name");
        assert_eq!(
            args.runtime.unwrap().to_token_stream().to_string(),
            quote!(crate::mock).to_string()
        );
    }
}
