//! What the attribute stands on: a function, or an `impl` block or a trait, of which each function is meant that has a future.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Attribute, Error, ImplItem, ImplItemFn, Item, ItemImpl, ItemTrait, TraitItem, TraitItemFn, Type,
};

/// The item under the attribute.
pub(crate) enum Subjects {
    Function(Box<ImplItemFn>),
    Impl(Box<ItemImpl>),
    Trait(Box<ItemTrait>),
}

impl Subjects {
    /// The item, or an error that says what to do with one that cannot be traced.
    pub(crate) fn parse(item: TokenStream) -> syn::Result<Self> {
        // A method may be written in more ways than a free function, so its grammar serves for both.
        let error = match syn::parse2(item.clone()) {
            Ok(function) => return Ok(Self::Function(Box::new(function))),
            Err(error) => error,
        };
        match syn::parse2(item.clone()) {
            Ok(Item::Impl(item)) => Ok(Self::Impl(Box::new(item))),
            Ok(Item::Trait(item)) => Ok(Self::Trait(Box::new(item))),
            other => Err(refusal(item, other.ok()).unwrap_or(error)),
        }
    }

    /// Hands each function with a body to `edit`, with the name of what it is a member of.
    pub(crate) fn each(
        &mut self,
        mut edit: impl FnMut(&mut ImplItemFn) -> syn::Result<()>,
    ) -> syn::Result<()> {
        match self {
            Self::Function(function) => edit(function),
            Self::Impl(item) => item.items.iter_mut().try_for_each(|item| match item {
                ImplItem::Fn(function) => edit(function),
                _ => Ok(()),
            }),
            Self::Trait(item) => item.items.iter_mut().try_for_each(|item| {
                if let TraitItem::Fn(function) = item
                    && let Some(mut method) = method_of(function)
                {
                    edit(&mut method)?;
                    *item = TraitItem::Verbatim(method.into_token_stream());
                }
                Ok(())
            }),
        }
    }

    /// What its functions are members of.
    pub(crate) fn owner(&self) -> Option<Owner> {
        match self {
            Self::Function(_) => None,
            Self::Impl(item) => Some(Owner {
                name: match &*item.self_ty {
                    Type::Path(path) => path.path.segments.last()?.ident.to_string(),
                    _ => "_".to_owned(),
                },
                place: item.impl_token.span,
                attributes: item.attrs.clone(),
            }),
            Self::Trait(item) => Some(Owner {
                name: item.ident.to_string(),
                place: item.ident.span(),
                attributes: item.attrs.clone(),
            }),
        }
    }
}

/// An `impl` block or a trait.
pub(crate) struct Owner {
    /// The name of the type or of the trait.
    pub(crate) name: String,
    pub(crate) place: Span,
    pub(crate) attributes: Vec<Attribute>,
}

impl ToTokens for Subjects {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Function(item) => item.to_tokens(tokens),
            Self::Impl(item) => item.to_tokens(tokens),
            Self::Trait(item) => item.to_tokens(tokens),
        }
    }
}

/// A method of a trait as one with a body; none where it has none.
fn method_of(function: &TraitItemFn) -> Option<ImplItemFn> {
    function.default.as_ref()?;
    syn::parse2(function.to_token_stream()).ok()
}

/// The error for an item that cannot be traced. `None` if it is no item at all, or a function with a body that cannot be
/// understood: then the parser's own error, with the place where it stopped, says more.
fn refusal(tokens: TokenStream, item: Option<Item>) -> Option<Error> {
    if let Ok(method) = syn::parse2::<TraitItemFn>(tokens) {
        return method.default.is_none().then(|| {
            Error::new_spanned(
                &method.sig,
                "`#[trace]` needs a body to trace: put it on this method in each implementation, or give it a default body",
            )
        });
    }
    let (place, what, where_to) = match item? {
        Item::Fn(_) | Item::Verbatim(_) | Item::Macro(_) => return None,
        Item::Mod(item) => (item.mod_token.span, "a module", "each `async fn` in it"),
        Item::Struct(item) => (item.ident.span(), "a struct", "an `async fn`"),
        Item::Enum(item) => (item.ident.span(), "an enum", "an `async fn`"),
        Item::Const(item) => (item.ident.span(), "a constant", "an `async fn`"),
        Item::Static(item) => (item.ident.span(), "a static", "an `async fn`"),
        _ => (Span::call_site(), "this item", "an `async fn`"),
    };
    Some(Error::new(
        place,
        format!("`#[trace]` cannot trace {what}; put it on {where_to}"),
    ))
}
