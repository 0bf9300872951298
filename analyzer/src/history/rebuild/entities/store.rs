//! Builders by the number of their entity.

use std::collections::HashMap;

use rayon::prelude::*;
use rustc_hash::FxBuildHasher;

use super::{Build, Healing};
use crate::time::Nanos;

/// Builders by the number of their entity.
#[derive(Debug)]
pub(super) struct Store<B> {
    index: HashMap<u64, u32, FxBuildHasher>,
    builders: Vec<(u64, B)>,
    /// Where the one is that was asked for last: facts about one entity often follow each other.
    last: usize,
}

impl<B> Default for Store<B> {
    fn default() -> Self {
        Store {
            index: HashMap::default(),
            builders: Vec::new(),
            last: 0,
        }
    }
}

impl<B> Store<B> {
    /// The builder of this entity, made first where there is none.
    pub(super) fn entry(&mut self, id: u64, new: impl FnOnce() -> B) -> &mut B {
        if self
            .builders
            .get(self.last)
            .is_none_or(|(last, _)| *last != id)
        {
            self.last = self.find(id).unwrap_or_else(|| {
                let index = self.builders.len();
                self.index.insert(id, index as u32);
                self.builders.push((id, new()));
                index
            });
        }
        &mut self.builders[self.last].1
    }

    pub(super) fn get(&self, id: u64) -> Option<&B> {
        self.find(id).map(|index| &self.builders[index].1)
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.index.get(&id).map(|&index| index as usize)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &B> {
        self.builders.iter().map(|(_, builder)| builder)
    }
}

impl<B: Build> Store<B> {
    /// The entities, by number.
    pub(super) fn finish(mut self, healing: Option<Healing>, end: Option<Nanos>) -> Vec<B::Entity> {
        self.index = HashMap::default();
        self.builders.par_sort_unstable_by_key(|(id, _)| *id);
        self.builders
            .into_par_iter()
            .filter_map(|(_, mut builder)| {
                if let Some(healing) = healing
                    && builder.generation() < healing.generation
                {
                    builder.end_unseen(healing.at);
                }
                let is_there = end.is_none_or(|end| builder.cut(end));
                is_there.then(|| builder.finish())
            })
            .collect()
    }
}
