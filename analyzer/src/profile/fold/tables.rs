//! What is counted: by kind of task, by what was waited for, by function, by kind of resource.

use std::collections::HashMap;
use std::hash::Hash;

use rustc_hash::FxBuildHasher;

use super::task::{Is, Span, Whose};
use super::{ResourceKey, Site, TaskKind};
use crate::profile::durations::Durations;
use crate::time::Nanos;

/// A table has so many rows at most; what has no room is counted together in the last one. Rows are made of names and of places in source:
/// a program has hundreds, and one that names each of its tasks otherwise must not take memory for each.
const MOST: usize = 2_000;

/// Rows by what they are about.
#[derive(Debug)]
pub(super) struct Table<K, R> {
    by_key: HashMap<K, u32, FxBuildHasher>,
    pub(super) rows: Vec<(K, R)>,
    most: usize,
    /// The row of what has no room.
    others: Option<u32>,
}

impl<K, R> Default for Table<K, R> {
    fn default() -> Self {
        Table {
            by_key: HashMap::default(),
            rows: Vec::new(),
            most: MOST,
            others: None,
        }
    }
}

impl<K: Clone + Eq + Hash, R: Default> Table<K, R> {
    /// The place of a row; of a new one where there is none, or that of all `others`.
    pub(super) fn place(&mut self, key: &K, others: impl FnOnce() -> K) -> u32 {
        if let Some(&place) = self.by_key.get(key) {
            return place;
        }
        let next = self.rows.len() as u32;
        if let Some(place) = self.others {
            return place;
        }
        if self.rows.len() + 1 >= self.most {
            self.others = Some(next);
            self.rows.push((others(), R::default()));
            return next;
        }
        self.by_key.insert(key.clone(), next);
        self.rows.push((key.clone(), R::default()));
        next
    }

    #[inline]
    pub(super) fn at(&mut self, place: u32) -> Option<&mut R> {
        self.rows.get_mut(place as usize).map(|(_, row)| row)
    }
}

/// All that is counted.
#[derive(Debug)]
pub(super) struct Book {
    /// Of what was before this nothing is.
    pub(super) from: Nanos,
    pub(super) kinds: Table<TaskKind, OfTasks>,
    pub(super) sites: Table<Site, OfWaits>,
    /// By function.
    pub(super) calls: Table<u64, OfCalls>,
    pub(super) shared: Table<ResourceKey, OfResources>,
}

impl Book {
    pub(super) fn new(from: Nanos) -> Book {
        Book {
            from,
            kinds: Table::default(),
            sites: Table::default(),
            calls: Table::default(),
            shared: Table::default(),
        }
    }

    /// Counts what a task did for a time.
    #[inline]
    pub(super) fn spend(&mut self, whose: Whose, span: Span) {
        let Some(of) = self.kinds.at(whose.kind) else {
            return;
        };
        if span.to < self.from {
            return;
        }
        let long = span.to.since(span.from.max(self.from));
        match span.was {
            Is::Running => of.running.add(long),
            Is::Scheduled => of.scheduled.add(long),
            Is::Waiting => {
                of.waiting.add(long);
                of.waits.of(whose.site).add(long);
                let site = self.sites.rows.get_mut(whose.site as usize);
                let mut is_contended = false;
                if let Some((site, of)) = site {
                    of.waiting.add(long);
                    is_contended = site.is_contended();
                }
                if let Some(of) = self.calls.at(whose.function) {
                    of.waited.add(long);
                    if is_contended {
                        of.held_up.add(long);
                    }
                }
            }
            Is::Unknown => {}
        }
    }
}

/// How often something was so, and how long in all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spent {
    pub(super) times: u64,
    pub(super) total: Nanos,
    pub(super) longest: Nanos,
}

impl Spent {
    pub(super) fn add(&mut self, long: Nanos) {
        self.times += 1;
        self.total = Nanos(self.total.0.saturating_add(long.0));
        self.longest = self.longest.max(long);
    }

    pub(super) fn merge(&mut self, others: Spent) {
        self.times += others.times;
        self.total = Nanos(self.total.0.saturating_add(others.total.0));
        self.longest = self.longest.max(others.longest);
    }
}

/// What is spent on what, where that are few things: looked for one after the other, what was last asked for comes sooner.
#[derive(Clone, Debug)]
pub(super) struct Few<K> {
    pub(super) rows: Vec<(K, Spent)>,
    /// What has no room, and is told nowhere.
    others: Spent,
}

impl<K> Default for Few<K> {
    fn default() -> Self {
        Few {
            rows: Vec::new(),
            others: Spent::default(),
        }
    }
}

impl<K: Copy + PartialEq> Few<K> {
    /// What is spent on this.
    #[inline]
    pub(super) fn of(&mut self, key: K) -> &mut Spent {
        let place = self.rows.iter().position(|(other, _)| *other == key);
        let place = match place {
            Some(0) => 0,
            Some(place) => {
                self.rows.swap(place, place - 1);
                place - 1
            }
            None if self.rows.len() >= MOST => return &mut self.others,
            None => {
                self.rows.push((key, Spent::default()));
                self.rows.len() - 1
            }
        };
        &mut self.rows[place].1
    }
}

/// A kind of task.
#[derive(Debug, Default)]
pub(super) struct OfTasks {
    pub(super) tasks: u64,
    pub(super) alive: u64,
    pub(super) most_alive: u64,
    pub(super) completed: u64,
    pub(super) panicked: u64,
    pub(super) cancelled: u64,
    pub(super) wakes: u64,
    pub(super) needless_wakes: u64,
    pub(super) wakes_by_itself: u64,
    pub(super) yields: u64,
    pub(super) running: Durations,
    pub(super) scheduled: Durations,
    pub(super) waiting: Durations,
    pub(super) life: Durations,
    /// By site.
    pub(super) waits: Few<u32>,
}

/// Something that is waited for, at a place in source.
#[derive(Debug, Default)]
pub(super) struct OfWaits {
    /// Operations that got what they wanted.
    pub(super) ready: Durations,
    pub(super) given_up: u64,
    pub(super) closed: u64,
    /// Still waiting in the end.
    pub(super) open: u64,
    /// The await point around it, as a function and the number of the point.
    pub(super) point: Option<(u64, u64)>,
    /// The kind of resource.
    pub(super) resource: Option<u32>,
    /// How long tasks waited, and it was what they waited for.
    pub(super) waiting: Spent,
}

/// An instrumented function.
#[derive(Debug, Default)]
pub(super) struct OfCalls {
    pub(super) calls: u64,
    pub(super) dropped: u64,
    pub(super) panicked: u64,
    pub(super) never_polled: u64,
    pub(super) open: u64,
    pub(super) suspended: u64,
    pub(super) elapsed: Durations,
    /// How long threads were in it, and not in a function that it called.
    pub(super) busy: Nanos,
    /// How long tasks waited, and it was the innermost function that they were in.
    pub(super) waited: Spent,
    /// The part of that for what others had.
    pub(super) held_up: Spent,
    pub(super) points: Vec<OfPoint>,
    /// From one place to the next.
    pub(super) steps: Few<(Place, Place)>,
    /// By whom it was called.
    pub(super) callers: Few<Caller>,
}

/// A place in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    Start,
    /// An await point.
    Point(u64),
    Returned,
    Dropped,
    Panicked,
}

/// Who called a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Caller {
    /// Another one.
    Function(u64),
    /// A task of this kind, as a row.
    Task(u32),
}

/// An await point.
#[derive(Debug, Default)]
pub(super) struct OfPoint {
    /// How often it had to wait.
    pub(super) suspended: u64,
    /// Polls of its task that ended while it was there.
    pub(super) pending_polls: u64,
    /// How often it was dropped there.
    pub(super) dropped: u64,
    pub(super) elapsed: Durations,
}

impl OfCalls {
    /// Adds others.
    pub(super) fn merge(&mut self, others: &OfCalls) {
        self.calls += others.calls;
        self.dropped += others.dropped;
        self.panicked += others.panicked;
        self.never_polled += others.never_polled;
        self.open += others.open;
        self.busy.0 += others.busy.0;
        self.waited.merge(others.waited);
        self.held_up.merge(others.held_up);
        for (step, spent) in &others.steps.rows {
            self.steps.of(*step).merge(*spent);
        }
        for (caller, spent) in &others.callers.rows {
            self.callers.of(*caller).merge(*spent);
        }
        self.suspended += others.suspended;
        self.elapsed.merge(&others.elapsed);
        for (number, other) in (0..).zip(&others.points) {
            if let Some(point) = self.point(number) {
                point.suspended += other.suspended;
                point.pending_polls += other.pending_polls;
                point.dropped += other.dropped;
                point.elapsed.merge(&other.elapsed);
            }
        }
    }

    /// The await point with this number.
    pub(super) fn point(&mut self, number: u64) -> Option<&mut OfPoint> {
        /// As many as a function can have.
        const MOST: u64 = u16::MAX as u64;
        let index = usize::try_from(number.min(MOST)).ok()?;
        if self.points.len() <= index {
            self.points.resize_with(index + 1, OfPoint::default);
        }
        self.points.get_mut(index)
    }
}

/// Resources of a kind, made at the same place.
#[derive(Debug, Default)]
pub(super) struct OfResources {
    pub(super) resources: u64,
    pub(super) taken: u64,
    pub(super) messages: u64,
    /// What had to wait, and got what it wanted.
    pub(super) waits: Durations,
    pub(super) given_up: u64,
    /// So many waited at once for one of them.
    pub(super) longest_queue: u64,
    pub(super) longest_queue_at: Nanos,
    pub(super) holds: Durations,
    /// By where it was taken, as a location.
    pub(super) holders: Few<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_counted_together() {
        let mut table: Table<u64, u64> = Table {
            most: 3,
            ..Table::default()
        };
        for key in [1, 2, 3, 4, 1] {
            let place = table.place(&key, || 0);
            *table.at(place).unwrap() += 1;
        }
        assert_eq!(table.rows, [(1, 2), (2, 1), (0, 2)]);
    }
}
