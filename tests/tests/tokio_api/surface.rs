//! What a crate offers: names by module, what each stands for, and the methods and traits of each type.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, GenericArgument, ImplItem, Item, ItemImpl, PathArguments, ReturnType, Signature,
    Token, Type, UseTree,
};

use crate::source::{ModulePath, Source, has, is_hidden, is_public};

/// Something by the module that defines it and its name there.
pub(crate) type Place = (ModulePath, String);

/// What a name stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// An item of this crate that is no module.
    Item(Place),
    Module(ModulePath),
    /// Something of another crate.
    Elsewhere(Vec<String>),
}

/// How a function is called.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) arguments: usize,
    /// It is an `async fn`, or gives an `impl Future`.
    pub(crate) is_future: bool,
    /// The type that it gives, if that is one of this crate.
    pub(crate) output: Option<Place>,
    /// What else stands with it that others may rely on: `const`, attributes.
    pub(crate) marks: BTreeSet<&'static str>,
    /// Types of this crate in its signature.
    pub(crate) mentions: BTreeSet<Place>,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Function(Shape),
    Type { must_use: bool },
    Other,
}

/// A type's own methods and the traits that it has. The shape of a method that a macro makes is not known.
#[derive(Default)]
pub(crate) struct Members {
    pub(crate) methods: BTreeMap<String, Option<Shape>>,
    pub(crate) traits: BTreeSet<String>,
}

#[derive(Default)]
struct Scope {
    items: BTreeMap<String, (bool, Kind)>,
    /// Is it public, what is imported, under which name; none for all that is there.
    uses: Vec<(bool, Vec<String>, Option<String>)>,
}

#[derive(Default)]
pub(crate) struct Surface {
    scopes: BTreeMap<ModulePath, Scope>,
    public_modules: BTreeSet<ModulePath>,
    private_traits: BTreeSet<String>,
    pub(crate) members: BTreeMap<Place, Members>,
}

impl Surface {
    pub(crate) fn of(source: &Source) -> Surface {
        let mut surface = Surface::default();
        for (path, module) in &source.modules {
            for name in &module.public {
                let mut child = path.clone();
                child.push(name.clone());
                surface.public_modules.insert(child);
            }
            let scope = surface.scopes.entry(path.clone()).or_default();
            for item in &module.items {
                scope.add(item, &mut surface.private_traits);
            }
        }
        // Signatures and impls are resolved when all names are known.
        for (path, module) in &source.modules {
            for item in &module.items {
                surface.add_members(source, path, item);
            }
        }
        surface
    }

    fn add_members(&mut self, source: &Source, path: &ModulePath, item: &Item) {
        match item {
            Item::Fn(function) => {
                let shape = self.shape(path, None, &function.sig, &function.attrs);
                let name = function.sig.ident.to_string();
                let scope = self.scopes.get_mut(path).unwrap();
                scope.items.get_mut(&name).unwrap().1 = Kind::Function(shape);
            }
            Item::Struct(item) => self.add_derives(path, &item.ident.to_string(), &item.attrs),
            Item::Enum(item) => self.add_derives(path, &item.ident.to_string(), &item.attrs),
            Item::Impl(block) => self.add_impl(path, block),
            Item::Macro(call) if call.ident.is_none() => {
                let name = call.mac.path.segments.last().unwrap().ident.to_string();
                if let Some(body) = source.macros.get(&name) {
                    self.add_made(path, body, &call.mac.tokens);
                }
            }
            _ => {}
        }
    }

    fn members_of(&mut self, place: Place) -> &mut Members {
        self.members.entry(place).or_default()
    }

    fn add_derives(&mut self, path: &ModulePath, name: &str, attributes: &[Attribute]) {
        let members = self.members_of((path.clone(), name.to_owned()));
        for attribute in attributes {
            if attribute.path().is_ident("derive") {
                let parser = Punctuated::<syn::Path, Token![,]>::parse_terminated;
                for path in attribute.parse_args_with(parser).unwrap() {
                    members
                        .traits
                        .insert(path.segments.last().unwrap().ident.to_string());
                }
            }
        }
    }

    fn add_impl(&mut self, path: &ModulePath, block: &ItemImpl) {
        let Type::Path(of) = &*block.self_ty else {
            return;
        };
        let names: Vec<String> = of
            .path
            .segments
            .iter()
            .map(|s| s.ident.to_string())
            .collect();
        let Some(Target::Item(place)) = self.resolve(path, &names, 0) else {
            return;
        };
        if let Some((of, _)) = &block.trait_ {
            let name = trait_name(of, block);
            self.members_of(place).traits.insert(name);
            return;
        }
        for item in &block.items {
            let ImplItem::Fn(method) = item else { continue };
            if is_public(&method.vis) && !is_hidden(&method.attrs) {
                let shape = self.shape(path, Some(&place), &method.sig, &method.attrs);
                let name = method.sig.ident.to_string();
                self.members_of(place.clone())
                    .methods
                    .insert(name, Some(shape));
            }
        }
    }

    /// What a macro of the crate itself makes: methods and traits are looked for in its body, and are taken to be those of each type that
    /// its call names.
    fn add_made(&mut self, path: &ModulePath, body: &TokenStream, call: &TokenStream) {
        let words = words(body);
        let mut made = Members::default();
        for (i, word) in words.iter().enumerate() {
            let next = words.get(i + 1);
            match (word.as_str(), next) {
                ("fn", Some(name)) => {
                    let is_public = words[i.saturating_sub(4)..i].iter().any(|w| w == "pub");
                    if is_public {
                        made.methods.insert(name.clone(), None);
                    }
                }
                ("for", Some(dollar)) if dollar == "$" && i > 0 => {
                    made.traits.insert(words[i - 1].clone());
                }
                _ => {}
            }
        }
        for name in self::words(call) {
            let place = (path.clone(), name);
            if let Some(members) = self.members.get_mut(&place) {
                members.methods.extend(made.methods.clone());
                members.traits.extend(made.traits.clone());
            }
        }
    }

    fn shape(
        &self,
        path: &ModulePath,
        of: Option<&Place>,
        signature: &Signature,
        attributes: &[Attribute],
    ) -> Shape {
        let text = match &signature.output {
            ReturnType::Default => String::new(),
            ReturnType::Type(_, output) => quote::quote!(#output).to_string(),
        };
        let inputs = &signature.inputs;
        let output = &signature.output;
        let mut mentions = BTreeSet::new();
        for word in words(&quote::quote!(#inputs #output)) {
            if word == "Self" {
                mentions.extend(of.cloned());
            } else if let Some(Target::Item(place)) = self.resolve(path, &[word], 0) {
                mentions.insert(place);
            }
        }
        let marks = [
            (signature.constness.is_some(), "const"),
            (has(attributes, "must_use"), "#[must_use]"),
            (has(attributes, "track_caller"), "#[track_caller]"),
        ];
        let marks = marks.iter().filter(|(is, _)| *is).map(|(_, what)| *what);
        Shape {
            arguments: inputs.len(),
            is_future: signature.asyncness.is_some()
                || text.contains("impl Future")
                || text.starts_with("-> Operation"),
            output: words(&quote::quote!(#output)).first().and_then(|word| {
                match self.resolve(path, std::slice::from_ref(word), 0) {
                    Some(Target::Item(place)) => Some(place),
                    _ => None,
                }
            }),
            marks: marks.collect(),
            mentions,
        }
    }

    /// What a path stands for in a module.
    fn resolve(&self, from: &ModulePath, path: &[String], depth: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        if depth > 16 {
            return None;
        }
        let mut module = from.clone();
        match first.as_str() {
            "crate" => module.clear(),
            "self" => {}
            "super" => {
                module.pop();
            }
            name => {
                let target = self.lookup(from, name, depth)?;
                return match target {
                    target if rest.is_empty() => Some(target),
                    Target::Module(module) => self.resolve_in(&module, rest, depth),
                    Target::Elsewhere(mut path) => {
                        path.extend_from_slice(rest);
                        Some(Target::Elsewhere(path))
                    }
                    Target::Item(_) => None,
                };
            }
        }
        self.resolve_in(&module, rest, depth)
    }

    fn resolve_in(&self, module: &ModulePath, rest: &[String], depth: usize) -> Option<Target> {
        if rest.is_empty() {
            return Some(Target::Module(module.clone()));
        }
        self.resolve(module, rest, depth + 1)
    }

    /// What a name stands for in a module.
    fn lookup(&self, module: &ModulePath, name: &str, depth: usize) -> Option<Target> {
        let scope = self.scopes.get(module)?;
        let mut child = module.clone();
        child.push(name.to_owned());
        if scope.items.contains_key(name) {
            return Some(Target::Item((module.clone(), name.to_owned())));
        }
        if self.scopes.contains_key(&child) {
            return Some(Target::Module(child));
        }
        for (_, path, alias) in &scope.uses {
            if alias.as_deref() != Some(name) {
                continue;
            }
            let is_itself = path.len() == 1 && path[0] == name;
            if is_itself || !self.is_inside(module, &path[0]) {
                return Some(Target::Elsewhere(path.clone()));
            }
            if let Some(target) = self.resolve(module, path, depth + 1) {
                return Some(target);
            }
        }
        // What is imported with all else.
        scope.uses.iter().find_map(|(_, path, alias)| {
            if alias.is_some() || !self.is_inside(module, &path[0]) {
                return None;
            }
            let mut path = path.clone();
            path.push(name.to_owned());
            self.resolve(module, &path, depth + 1)
        })
    }

    /// Whether a path that begins with this name leads into this crate.
    fn is_inside(&self, module: &ModulePath, first: &str) -> bool {
        let mut child = module.clone();
        child.push(first.to_owned());
        ["crate", "self", "super"].contains(&first)
            || self.scopes.contains_key(&child)
            || self.scopes.get(module).is_some_and(|scope| {
                scope.uses.iter().any(|(_, path, alias)| {
                    alias.as_deref() == Some(first)
                        && path.last().is_some_and(|l| l != first || path.len() > 1)
                })
            })
    }

    /// The names that a module offers, and what each stands for.
    pub(crate) fn names(&self, module: &ModulePath) -> BTreeMap<String, Target> {
        let mut names = BTreeMap::new();
        let Some(scope) = self.scopes.get(module) else {
            return names;
        };
        for (is_public, path, alias) in &scope.uses {
            if !is_public {
                continue;
            }
            match alias {
                Some(alias) => {
                    let target = self
                        .resolve(module, path, 0)
                        .unwrap_or_else(|| Target::Elsewhere(path.clone()));
                    names.insert(alias.clone(), target);
                }
                None => {
                    if let Some(Target::Module(all)) = self.resolve(module, path, 0) {
                        names.extend(self.names(&all));
                    }
                }
            }
        }
        for (name, (is_public, _)) in &scope.items {
            if *is_public {
                names.insert(name.clone(), Target::Item((module.clone(), name.clone())));
            }
        }
        for child in &self.public_modules {
            if child.len() == module.len() + 1 && child.starts_with(module) {
                names.insert(child[module.len()].clone(), Target::Module(child.clone()));
            }
        }
        names
    }

    /// Whether a module offers all that `real::…` does under the same path.
    pub(crate) fn passes_through(&self, module: &ModulePath) -> bool {
        let real: Vec<String> = std::iter::once("real".to_owned())
            .chain(module.iter().cloned())
            .collect();
        self.scopes.get(module).is_some_and(|scope| {
            scope
                .uses
                .iter()
                .any(|(is_public, path, alias)| *is_public && alias.is_none() && *path == real)
        })
    }

    pub(crate) fn kind(&self, place: &Place) -> &Kind {
        &self.scopes[&place.0].items[&place.1].1
    }

    /// Whether a function gives a future, one with a name included.
    pub(crate) fn gives_future(&self, shape: &Shape) -> bool {
        let has_name = shape.output.as_ref().and_then(|of| self.members.get(of));
        shape.is_future || has_name.is_some_and(|members| members.traits.contains("Future"))
    }

    pub(crate) fn is_private_trait(&self, name: &str) -> bool {
        self.private_traits.contains(name)
    }
}

impl Scope {
    fn add(&mut self, item: &Item, private_traits: &mut BTreeSet<String>) {
        let (name, visibility, attributes, kind) = match item {
            Item::Struct(item) => {
                let must_use = has(&item.attrs, "must_use");
                (&item.ident, &item.vis, &item.attrs, Kind::Type { must_use })
            }
            Item::Enum(item) => {
                let must_use = has(&item.attrs, "must_use");
                (&item.ident, &item.vis, &item.attrs, Kind::Type { must_use })
            }
            Item::Fn(item) => (&item.sig.ident, &item.vis, &item.attrs, Kind::Other),
            Item::Const(item) => (&item.ident, &item.vis, &item.attrs, Kind::Other),
            Item::Static(item) => (&item.ident, &item.vis, &item.attrs, Kind::Other),
            Item::Type(item) => (&item.ident, &item.vis, &item.attrs, Kind::Other),
            Item::Trait(item) => {
                if !is_public(&item.vis) {
                    private_traits.insert(item.ident.to_string());
                }
                (&item.ident, &item.vis, &item.attrs, Kind::Other)
            }
            Item::Use(item) => {
                let is_public = is_public(&item.vis) && !is_hidden(&item.attrs);
                self.add_use(is_public, Vec::new(), &item.tree);
                return;
            }
            _ => return,
        };
        let is_public = is_public(visibility) && !is_hidden(attributes);
        self.items.insert(name.to_string(), (is_public, kind));
    }

    fn add_use(&mut self, is_public: bool, mut before: Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.add_use(is_public, before, &path.tree);
            }
            UseTree::Name(name) => {
                let alias = match (name.ident == "self", before.last()) {
                    (true, Some(last)) => last.clone(),
                    _ => {
                        before.push(name.ident.to_string());
                        name.ident.to_string()
                    }
                };
                self.uses.push((is_public, before, Some(alias)));
            }
            UseTree::Rename(name) => {
                if name.ident != "self" {
                    before.push(name.ident.to_string());
                }
                self.uses
                    .push((is_public, before, Some(name.rename.to_string())));
            }
            UseTree::Glob(_) => self.uses.push((is_public, before, None)),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_use(is_public, before.clone(), tree);
                }
            }
        }
    }
}

/// A trait by its name, and by the names of the types that it is one of; `_` for those that are generic.
fn trait_name(path: &syn::Path, block: &ItemImpl) -> String {
    let last = path.segments.last().unwrap();
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return last.ident.to_string();
    };
    let arguments: Vec<String> = arguments
        .args
        .iter()
        .filter_map(|argument| {
            let GenericArgument::Type(argument) = argument else {
                return None;
            };
            let name = words(&quote::quote!(#argument)).pop()?;
            let is_generic = block
                .generics
                .type_params()
                .any(|param| param.ident == name);
            Some(if is_generic { "_".to_owned() } else { name })
        })
        .collect();
    format!("{}<{}>", last.ident, arguments.join(", "))
}

/// The identifiers among tokens, and the dollars of a macro.
fn words(tokens: &TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens.clone() {
        match token {
            TokenTree::Ident(name) => found.push(name.to_string()),
            TokenTree::Group(group) => found.extend(words(&group.stream())),
            TokenTree::Punct(punct) if punct.as_char() == '$' => found.push("$".to_owned()),
            _ => {}
        }
    }
    found
}
