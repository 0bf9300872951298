//! What one crate offers and the other, which stands in for it, does not.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::ModulePath;
use crate::surface::{Kind, Members, Place, Shape, Surface, Target};

/// Traits that are not compared: those that follow from the fields are checked by the compiler in tokio's own tests.
const UNCOMPARED: [&str; 6] = [
    "Drop",
    "Send",
    "Sync",
    "Unpin",
    "UnwindSafe",
    "RefUnwindSafe",
];

#[derive(Default)]
pub(crate) struct Found {
    /// A line each.
    pub(crate) lacks: BTreeSet<String>,
    /// How many functions, methods and traits were compared.
    pub(crate) compared: usize,
}

struct Comparison<'a> {
    real: &'a Surface,
    ours: &'a Surface,
    /// What of the real crate is not passed through, and as what.
    shadowed: BTreeMap<Place, (String, Place)>,
    /// What is, and where.
    passed: Vec<(String, Place)>,
    found: Found,
}

/// Compares `ours`, which passes `real` through where it has nothing of its own.
pub(crate) fn lacks(real: &Surface, ours: &Surface) -> Found {
    let mut comparison = Comparison {
        real,
        ours,
        shadowed: BTreeMap::new(),
        passed: Vec::new(),
        found: Found::default(),
    };
    comparison.module(&Vec::new(), true);
    for (real, (name, ours)) in comparison.shadowed.clone() {
        comparison.item(&name, &real, &ours);
    }
    for (name, place) in std::mem::take(&mut comparison.passed) {
        comparison.passed_through(&name, &place);
    }
    comparison.found
}

fn join(module: &ModulePath, name: &str) -> String {
    let mut path = module.clone();
    path.push(name.to_owned());
    path.join("::")
}

impl Comparison<'_> {
    fn lack(&mut self, text: String) {
        self.found.lacks.insert(text);
    }

    /// `is_ours` tells whether the other crate has such a module itself.
    fn module(&mut self, module: &ModulePath, is_ours: bool) {
        let ours = if is_ours {
            self.ours.names(module)
        } else {
            BTreeMap::new()
        };
        let passes = !is_ours || self.ours.passes_through(module);
        for (name, target) in self.real.names(module) {
            let path = join(module, &name);
            match (target, ours.get(&name)) {
                (Target::Module(real), our) => {
                    let ours = matches!(our, Some(Target::Module(_)));
                    if our.is_none() && !passes {
                        self.lack(path);
                    } else if real == [module.as_slice(), std::slice::from_ref(&name)].concat() {
                        self.module(&real, ours);
                    }
                }
                (Target::Item(real), Some(Target::Item(ours))) => {
                    self.shadowed
                        .entry(real)
                        .or_insert_with(|| (path, ours.clone()));
                }
                (Target::Item(real), Some(Target::Elsewhere(_))) => self.passed.push((path, real)),
                (Target::Item(real), None) if passes => self.passed.push((path, real)),
                (Target::Elsewhere(_), Some(_)) => {}
                (Target::Elsewhere(_), None) if passes => {}
                _ => self.lack(path),
            }
        }
    }

    /// What is passed through must not be another's form of what is not.
    fn passed_through(&mut self, name: &str, place: &Place) {
        if self.shadowed.contains_key(place) {
            self.lack(format!("{name} is tokio's own, elsewhere it is not"));
            return;
        }
        let mut shapes = Vec::new();
        if let Kind::Function(shape) = self.real.kind(place) {
            shapes.push((name.to_owned(), shape));
        }
        for (method, shape) in self.real.members.get(place).iter().flat_map(|m| &m.methods) {
            shapes.extend(
                shape
                    .iter()
                    .map(|shape| (format!("{name}::{method}"), shape)),
            );
        }
        let mut lacks = Vec::new();
        for (function, shape) in shapes {
            for (_, wrapped) in shape
                .mentions
                .iter()
                .filter(|p| self.shadowed.contains_key(p))
            {
                lacks.push(format!("{function} takes or gives tokio's own {wrapped}"));
            }
        }
        self.found.lacks.extend(lacks);
    }

    fn item(&mut self, name: &str, real: &Place, ours: &Place) {
        match (self.real.kind(real), self.ours.kind(ours)) {
            (Kind::Function(real), Kind::Function(ours)) => self.function(name, real, ours),
            (Kind::Type { must_use: real }, Kind::Type { must_use: ours }) if *real && !ours => {
                self.lack(format!("{name}: #[must_use]"));
            }
            _ => {}
        }
        let none = Members::default();
        let real = self.real.members.get(real).unwrap_or(&none);
        let ours = self.ours.members.get(ours).unwrap_or(&none);
        for (method, shape) in &real.methods {
            let path = format!("{name}::{method}");
            match (shape, ours.methods.get(method)) {
                (_, None) => self.lack(path),
                (Some(real), Some(Some(ours))) => self.function(&path, real, ours),
                _ => {}
            }
        }
        for of in &real.traits {
            let bare = of.split('<').next().unwrap_or(of);
            if UNCOMPARED.contains(&bare) || self.real.is_private_trait(bare) {
                continue;
            }
            self.found.compared += 1;
            if !ours.traits.contains(of) {
                self.lack(format!("{name}: {of}"));
            }
        }
    }

    fn function(&mut self, name: &str, real: &Shape, ours: &Shape) {
        self.found.compared += 1;
        if real.arguments != ours.arguments {
            self.lack(format!("{name} with {} arguments", real.arguments));
        }
        let is_future = self.real.gives_future(real);
        if is_future != self.ours.gives_future(ours) {
            let word = if is_future { "a" } else { "no" };
            self.lack(format!("{name} as {word} future"));
        }
        for mark in real.marks.difference(&ours.marks) {
            self.lack(format!("{name}: {mark}"));
        }
    }
}
