//! Entities, each put together from the facts about it as they come: nearly in the order of time, and where that is not its own order, by
//! its numbers.

mod future;
mod operation;
mod polls;
mod resource;
mod section;
mod store;
mod task;

use super::facts::{Facts, FutureFact, OperationFact, Place, ResourceFact, TaskFact};
use crate::history::{Future, Operation, Resource, Task, TaskId};
use crate::names::Names;
use crate::time::Nanos;
use future::FutureBuilder;
use operation::OperationBuilder;
use polls::Polls;
use resource::ResourceBuilder;
use store::Store;
use task::TaskBuilder;

pub(super) use polls::Before;
pub(super) use section::sections;
pub(super) use task::SoFar;

/// A moment at which everything that was alive was told again: what was not told then has ended before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Healing {
    pub(super) generation: u32,
    pub(super) at: Nanos,
}

/// What becomes an entity.
trait Build: Sized + Send {
    type Entity: Send;

    /// The generation of the latest fact about it.
    fn generation(&self) -> u32;
    /// It has ended, but that is not in the record.
    fn end_unseen(&mut self, at: Nanos);
    /// Leaves out what was not before `end`. Whether anything was.
    fn cut(&mut self, end: Nanos) -> bool;
    /// What it is in the end.
    fn finish(self) -> Self::Entity;
}

/// All entities that facts were about.
#[derive(Debug, Default)]
pub(super) struct Entities {
    tasks: Store<TaskBuilder>,
    futures: Store<FutureBuilder>,
    operations: Store<OperationBuilder>,
    resources: Store<ResourceBuilder>,
}

/// Entities, by number.
pub(super) struct Lists {
    pub(super) tasks: Vec<Task>,
    pub(super) futures: Vec<Future>,
    pub(super) operations: Vec<Operation>,
    pub(super) resources: Vec<Resource>,
}

impl Entities {
    /// What is known of the poll of a task before this one.
    pub(super) fn before(&self, task: u64, number: u64) -> Before {
        match self.tasks.get(task) {
            Some(task) => task.polls.before(number),
            None => Polls::default().before(number),
        }
    }

    /// The tasks, in no order.
    pub(super) fn tasks(&self) -> impl Iterator<Item = SoFar<'_>> {
        self.tasks.iter().map(TaskBuilder::so_far)
    }

    /// Takes in facts.
    pub(super) fn with<'a>(&'a mut self, names: &'a Names) -> Taking<'a> {
        Taking {
            entities: self,
            names,
        }
    }

    /// What they are in the end: what is not told in `healing`, has ended before; what was not before `end` is left out.
    pub(super) fn finish(self, healing: Option<Healing>, end: Option<Nanos>) -> Lists {
        let ((tasks, futures), (operations, resources)) = rayon::join(
            || {
                rayon::join(
                    || self.tasks.finish(healing, end),
                    || self.futures.finish(healing, end),
                )
            },
            || {
                rayon::join(
                    || self.operations.finish(healing, end),
                    || self.resources.finish(None, end),
                )
            },
        );
        Lists {
            tasks,
            futures,
            operations,
            resources,
        }
    }
}

/// Takes in facts, whose numbers these names stand for.
pub(super) struct Taking<'a> {
    entities: &'a mut Entities,
    names: &'a Names,
}

impl Facts for Taking<'_> {
    fn task(&mut self, id: u64, place: Place, fact: TaskFact) {
        let new = || TaskBuilder::new(TaskId(id), &place, self.names);
        self.entities
            .tasks
            .entry(id, new)
            .add(&place, fact, self.names);
    }

    fn future(&mut self, id: u64, place: Place, fact: FutureFact) {
        let new = || FutureBuilder::new(id, &place);
        self.entities.futures.entry(id, new).add(&place, fact);
    }

    fn operation(&mut self, id: u64, place: Place, fact: OperationFact) {
        let new = || OperationBuilder::new(id, &place);
        self.entities
            .operations
            .entry(id, new)
            .add(&place, fact, self.names);
    }

    fn resource(&mut self, id: u64, place: Place, fact: ResourceFact) {
        let new = || ResourceBuilder::new(id);
        self.entities
            .resources
            .entry(id, new)
            .add(&place, fact, self.names);
    }
}
