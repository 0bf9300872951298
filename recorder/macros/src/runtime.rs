//! Where the runtime is, seen from the user's crate.
//!
//! A macro by example has `$crate`; an attribute has to find out for itself. Users may rename the recorder in their `Cargo.toml`
//! (`async_inspect = { package = "ais-recorder", … }`), so the manifest of the crate being compiled is what knows. Where that
//! fails (a build without Cargo, a recorder that is re-exported by another crate) the user says it: `#[trace(crate = path)]`.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Path};

/// The package which holds the runtime.
const PACKAGE: &str = "ais-recorder";
/// The name by which that package knows itself, as it says `extern crate self as ais_recorder`.
const OWN_NAME: &str = "ais_recorder";

/// The path to the hidden module that the expansion calls.
pub(crate) struct Runtime {
    root: Root,
}

enum Root {
    /// As the user gave it, with the user's spans.
    Given(Path),
    /// A crate of this name among the user's dependencies.
    Dependency(String),
}

impl Runtime {
    /// The runtime at `given`, else the one that the manifest names.
    pub(crate) fn find(given: Option<Path>) -> syn::Result<Self> {
        let root = match given {
            Some(path) => Root::Given(path),
            None => Root::Dependency(name_in_manifest(crate_name(PACKAGE))?),
        };
        Ok(Self { root })
    }

    /// `::recorder::__private`, with the user's own tokens where the user gave them.
    pub(crate) fn path(&self) -> TokenStream {
        let root = match &self.root {
            Root::Given(path) => path.to_token_stream(),
            Root::Dependency(name) => absolute(name, Span::mixed_site()),
        };
        quote!(#root::__private)
    }

    /// The same path at another place in the user's source, so that what the compiler says about an expression which begins
    /// with it is shown there.
    pub(crate) fn path_at(&self, place: Span) -> TokenStream {
        let root = match &self.root {
            Root::Given(path) => located_at(place, path.to_token_stream()),
            Root::Dependency(name) => absolute(name, place),
        };
        // One segment that is visibly a macro's keeps lints on how a path is written away from it.
        let hidden = Ident::new("__private", Span::mixed_site().located_at(place));
        quote_spanned!(place=> #root::#hidden)
    }
}

fn absolute(name: &str, span: Span) -> TokenStream {
    let name = Ident::new(name, span);
    quote_spanned!(span=> ::#name)
}

/// `tokens` elsewhere, still meaning what they mean where they stand.
fn located_at(place: Span, tokens: TokenStream) -> TokenStream {
    let relocated = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(place));
        token
    });
    relocated.collect()
}

/// What the crate is called where it is used. In the runtime crate itself that is its own name, not `crate`: its examples and
/// documentation tests are compiled with the same manifest but are other crates.
fn name_in_manifest(found: Result<FoundCrate, proc_macro_crate::Error>) -> syn::Result<String> {
    match found {
        Ok(FoundCrate::Name(name)) => Ok(name),
        Ok(FoundCrate::Itself) => Ok(OWN_NAME.to_owned()),
        Err(reason) => {
            use proc_macro_crate::Error as E;
            let missing = match reason {
                E::CrateNotFound { .. } => {
                    format!("this crate's Cargo.toml does not depend on `{PACKAGE}`")
                }
                other => format!("cannot tell the name of `{PACKAGE}` in this crate: {other}"),
            };
            Err(Error::new(
                Span::call_site(),
                format!(
                    "{missing}; add it, or say where it is with `#[trace(crate = path)]`, `traced!(crate = path, …)`"
                ),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renamed_dependency_is_used_under_its_new_name() {
        let name = name_in_manifest(Ok(FoundCrate::Name("async_inspect".to_owned()))).unwrap();
        let runtime = Runtime {
            root: Root::Dependency(name),
        };
        assert_eq!(
            runtime.path().to_string(),
            quote!(::async_inspect::__private).to_string()
        );
    }

    #[test]
    fn the_recorder_finds_itself_by_its_own_name() {
        assert_eq!(
            name_in_manifest(Ok(FoundCrate::Itself)).unwrap(),
            "ais_recorder"
        );
    }

    #[test]
    fn without_a_manifest_the_error_says_how_to_do_without_one() {
        let error = name_in_manifest(Err(proc_macro_crate::Error::CargoManifestDirNotSet));
        let message = error.unwrap_err().to_string();
        assert!(message.ends_with(
            "add it, or say where it is with `#[trace(crate = path)]`, `traced!(crate = path, …)`"
        ));
    }

    #[test]
    fn a_given_path_is_taken_as_it_is() {
        let runtime = Runtime::find(Some(syn::parse_quote!(crate::mock))).unwrap();
        assert_eq!(
            runtime.path().to_string(),
            quote!(crate::mock::__private).to_string()
        );
    }
}
