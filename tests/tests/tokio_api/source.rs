//! The source of a crate as modules with their items, under the features and on the platform that the drop-in is built for.
//!
//! What a macro call at the place of an item holds (`cfg_rt! { … }`, `pin_project! { … }`) is read as items too. Whether a `cfg_*` macro lets
//! its items through says the `cfg` in its definition.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, Expr, ExprLit, ImplItem, Item, ItemMacro, Lit, Meta, Visibility};

/// Names from the root of the crate.
pub(crate) type ModulePath = Vec<String>;

/// A module: its items, without those that are configured out.
#[derive(Default)]
pub(crate) struct Module {
    pub(crate) items: Vec<Item>,
    /// Its modules that are visible from outside, if it is itself.
    pub(crate) public: HashSet<String>,
}

/// A crate.
#[derive(Default)]
pub(crate) struct Source {
    pub(crate) modules: BTreeMap<ModulePath, Module>,
    /// The macros that it defines, by name: their bodies.
    pub(crate) macros: HashMap<String, TokenStream>,
}

/// What follows in a macro call, taken as items.
struct Items(Vec<Item>);

impl Parse for Items {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut items = Vec::new();
        while !input.is_empty() {
            items.push(input.parse()?);
        }
        Ok(Items(items))
    }
}

/// The same for a call inside an `impl`.
fn parse_impl_items(input: ParseStream<'_>) -> syn::Result<Vec<ImplItem>> {
    let mut items = Vec::new();
    while !input.is_empty() {
        items.push(input.parse()?);
    }
    Ok(items)
}

impl Source {
    /// Reads a crate from its `src` folder.
    pub(crate) fn read(folder: &Path) -> Source {
        let mut source = Source::default();
        for file in files(folder) {
            let parsed = parse(&file);
            source.collect_macros(&parsed);
        }
        let root = folder.join("lib.rs");
        let items = parse(&root);
        source.module(Vec::new(), items, folder);
        source
    }

    fn collect_macros(&mut self, items: &[Item]) {
        for item in items {
            if let Item::Macro(definition) = item
                && let Some(name) = &definition.ident
            {
                let body = definition.mac.tokens.clone();
                self.macros.insert(name.to_string(), body);
            }
        }
    }

    fn module(&mut self, path: ModulePath, items: Vec<Item>, folder: &Path) {
        let mut module = Module::default();
        self.flatten(items, &mut module.items);
        for item in &mut module.items {
            let Item::Mod(child) = item else { continue };
            let name = child.ident.to_string();
            if is_public(&child.vis) && !is_hidden(&child.attrs) {
                module.public.insert(name.clone());
            }
            let below = folder.join(&name);
            let items = match child.content.take() {
                Some((_, items)) => items,
                None => match [folder.join(format!("{name}.rs")), below.join("mod.rs")]
                    .into_iter()
                    .find(|file| file.exists())
                {
                    Some(file) => parse(&file),
                    // Only mocks lie elsewhere (`#[path]`).
                    None => continue,
                },
            };
            let mut path = path.clone();
            path.push(name);
            self.module(path, items, &below);
        }
        self.modules.insert(path, module);
    }

    /// Items without macro calls, and without those that are configured out.
    fn flatten(&self, items: Vec<Item>, into: &mut Vec<Item>) {
        for mut item in items {
            if !attributes(&item).iter().all(lets_through) {
                continue;
            }
            match &mut item {
                Item::Macro(call) if call.ident.is_none() => {
                    if let Some(inner) = self.inside(call) {
                        self.flatten(inner, into);
                    } else {
                        into.push(item);
                    }
                    continue;
                }
                Item::Impl(block) => {
                    let mut methods = Vec::new();
                    self.flatten_impl(std::mem::take(&mut block.items), &mut methods);
                    block.items = methods;
                }
                _ => {}
            }
            into.push(item);
        }
    }

    fn flatten_impl(&self, items: Vec<ImplItem>, into: &mut Vec<ImplItem>) {
        for item in items {
            match item {
                ImplItem::Macro(call) => {
                    let name = call.mac.path.segments.last().map(|s| s.ident.to_string());
                    let Some(tokens) = name.and_then(|name| self.passed(&name, &call.mac.tokens))
                    else {
                        continue;
                    };
                    if let Ok(inner) = parse_impl_items.parse2(tokens) {
                        self.flatten_impl(inner, into);
                    }
                }
                ImplItem::Fn(method) if !method.attrs.iter().all(lets_through) => {}
                item => into.push(item),
            }
        }
    }

    /// The items in a macro call: none where it holds no items, or lets none through.
    fn inside(&self, call: &ItemMacro) -> Option<Vec<Item>> {
        let name = call.mac.path.segments.last()?.ident.to_string();
        let tokens = match name.as_str() {
            "pin_project" => call.mac.tokens.clone(),
            _ if name.starts_with("cfg_") => match self.passed(&name, &call.mac.tokens) {
                Some(tokens) => tokens,
                None => return Some(Vec::new()),
            },
            _ => return None,
        };
        let items: Items = syn::parse2(tokens)
            .unwrap_or_else(|error| panic!("the call of {name}! holds no items: {error}"));
        Some(items.0)
    }

    /// What a `cfg_*` macro makes of its tokens.
    fn passed(&self, name: &str, tokens: &TokenStream) -> Option<TokenStream> {
        if name == "cfg_metrics_variant" {
            // `stable: { … }, unstable: { … }`
            return tokens.clone().into_iter().find_map(|token| match token {
                TokenTree::Group(group) => Some(group.stream()),
                _ => None,
            });
        }
        let body = self.macros.get(name)?;
        lets_tokens_through(body).then(|| tokens.clone())
    }
}

/// All source files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn parse(file: &Path) -> Vec<Item> {
    let text = fs::read_to_string(file).unwrap();
    let parsed = syn::parse_file(&text);
    parsed
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        .items
}

/// Whether something can be seen from outside its module.
pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether something is not part of the documented API.
pub(crate) fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string() == "hidden")
    })
}

/// Whether it has an attribute of this name.
pub(crate) fn has(attributes: &[Attribute], name: &str) -> bool {
    attributes
        .iter()
        .any(|attribute| attribute.path().is_ident(name))
}

/// The attributes of an item.
pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn lets_through(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.parse_args().is_ok_and(|c| holds(&c)),
        _ => true,
    }
}

/// Whether each `#[cfg(…)]` in the body of a macro holds.
fn lets_tokens_through(body: &TokenStream) -> bool {
    let mut tokens = body.clone().into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(name) if name == "cfg" => {
                if let Some(TokenTree::Group(condition)) = tokens.peek()
                    && let Ok(condition) = syn::parse2::<Meta>(condition.stream())
                    && !holds(&condition)
                {
                    return false;
                }
            }
            TokenTree::Group(group) if !lets_tokens_through(&group.stream()) => return false,
            _ => {}
        }
    }
    true
}

/// Whether a condition holds with all stable features, on Linux, outside of tests and of documentation.
fn holds(condition: &Meta) -> bool {
    const UNSTABLE: [&str; 4] = ["io-uring", "schedule-latency", "taskdump", "tracing"];
    match condition {
        Meta::Path(path) => path.get_ident().is_some_and(|name| {
            let name = name.to_string();
            // The drop-in's conditions on the version of tokio: it stands for the one that it is compared with.
            ["unix", "panic", "target_has_atomic"].contains(&name.as_str())
                || name.starts_with("tokio_minor_at_least_")
        }),
        Meta::NameValue(pair) => {
            let Expr::Lit(ExprLit {
                lit: Lit::Str(value),
                ..
            }) = &pair.value
            else {
                return false;
            };
            let value = value.value();
            let name = pair.path.segments[0].ident.to_string();
            match name.as_str() {
                "feature" => !UNSTABLE.contains(&value.as_str()),
                "target_os" => value == "linux",
                "target_has_atomic" | "target_pointer_width" => value == "64" || value == "ptr",
                "panic" => value == "unwind",
                _ => false,
            }
        }
        Meta::List(list) => {
            let parser = syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated;
            let parts = parser.parse2(list.tokens.clone()).unwrap();
            match list.path.segments[0].ident.to_string().as_str() {
                "all" => parts.iter().all(holds),
                "any" => parts.iter().any(holds),
                "not" => !holds(&parts[0]),
                other => panic!("a condition that is not known: {other}"),
            }
        }
    }
}
