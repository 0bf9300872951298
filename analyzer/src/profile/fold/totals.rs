//! What it comes to in the end.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use super::tables::{Caller, Few, OfCalls, OfPoint, OfResources, OfTasks, OfWaits, Place, Spent};
use super::{Fold, ResourceKey, Rest, Site, TaskKind};
use crate::history::{OperationKind, ResourceKind, ThreadId};
use crate::names::{Location, Names};
use crate::profile::{
    At, CallerTimes, FunctionTimes, PointTimes, Profile, ResourceTimes, Share, Step, TaskTimes,
    WaitTimes, Worker,
};
use crate::source::Loss;
use crate::time::Nanos;

/// So many parts of a whole are told.
const SHARES: usize = 10;

impl Fold<'_> {
    /// Everything up to then.
    pub(in crate::profile) fn end(mut self, end: Nanos, loss: Loss) -> Profile {
        let from = self.rest.book.from;
        self.rest.now = end;
        let mut workers = Vec::new();
        for (thread, doer) in self.threads.threads() {
            let open = if doer.polls.is_empty() {
                0
            } else {
                end.since(doer.since.max(from)).0
            };
            if doer.n > 0 || open > 0 {
                workers.push(Worker {
                    thread: ThreadId(thread),
                    name: self.names.thread(thread).map(|name| name.to_string()),
                    polls: doer.n,
                    busy: Nanos(doer.busy + open),
                });
            }
        }
        workers.sort_by_key(|worker| (Reverse(worker.busy), worker.thread));
        let Fold { names, rest, .. } = &mut self;
        rest.go_on();
        Profile {
            from,
            to: end,
            events: rest.events,
            polls: rest.polls,
            tasks: rest.tasks(names),
            waits: rest.waits(names),
            functions: rest.functions(names),
            resources: rest.resources(names),
            workers,
            longest_polls: mem::take(&mut rest.long_polls),
            is_restricted: !rest.filters.is_empty(),
            loss,
        }
    }
}

impl Rest<'_> {
    /// What goes on in the end counts up to there.
    fn go_on(&mut self) {
        let (now, from, gaps) = (self.now, self.book.from, self.gaps);
        let book = &mut self.book;
        for (_, task) in self.tasks.all() {
            let whose = task.whose();
            task.go_on(now, |span| book.spend(whose, span));
        }
        // What began before a gap may be over.
        let operations = self.operations.all();
        for (_, operation) in operations.filter(|(_, operation)| operation.gaps == gaps) {
            if let Some(of) = self.book.sites.at(operation.site) {
                of.open += 1;
            }
        }
        for (_, resource) in self.resources.all() {
            if let Some(of) = self.book.shared.at(resource.row) {
                resource.end(now, gaps, from, of);
            }
        }
        let mut futures = mem::take(&mut self.futures);
        for (_, call) in futures.all().filter(|(_, call)| call.gaps == gaps) {
            self.count_call(call, None);
        }
    }

    fn tasks(&self, names: &Names) -> Vec<TaskTimes> {
        let seen = self.book.kinds.rows.iter().filter(|(_, of)| of.tasks > 0);
        let mut told: Vec<TaskTimes> = seen
            .map(|(kind, of)| self.task_times(names, kind, of))
            .collect();
        told.sort_by_key(|kind| Reverse((kind.running.total, kind.waiting.total)));
        told
    }

    fn task_times(&self, names: &Names, kind: &TaskKind, of: &OfTasks) -> TaskTimes {
        TaskTimes {
            kind: kind.name.to_string(),
            what: kind.what,
            spawned_at: kind.spawned_at.clone(),
            tasks: of.tasks,
            alive: of.alive,
            most_alive: of.most_alive,
            completed: of.completed,
            panicked: of.panicked,
            cancelled: of.cancelled,
            running: of.running.distribution(),
            scheduled: of.scheduled.distribution(),
            waiting: of.waiting.distribution(),
            life: of.life.distribution(),
            wakes: of.wakes,
            needless_wakes: of.needless_wakes,
            wakes_by_itself: of.wakes_by_itself,
            yields: of.yields,
            waits: shares(&of.waits, |&site| {
                let (site, of) = self.book.sites.rows.get(site as usize)?;
                Some(what_is_awaited(names, *site, of))
            }),
        }
    }

    fn waits(&self, names: &Names) -> Vec<WaitTimes> {
        let rows = self.book.sites.rows.iter();
        let seen = rows.filter(|(_, of)| of.waiting.times > 0 || of.open > 0 || of.has_ended());
        let mut told: Vec<WaitTimes> = seen
            .map(|(site, of)| {
                let (what, location) = what_is_awaited(names, *site, of);
                let resource = of
                    .resource
                    .and_then(|row| self.book.shared.rows.get(row as usize));
                WaitTimes {
                    what,
                    location,
                    resource: resource.and_then(|(key, _)| resource_in_words(names, *key)),
                    ready: of.ready.distribution(),
                    given_up: of.given_up,
                    closed: of.closed,
                    open: of.open,
                    tasks_waited: of.waiting.total,
                }
            })
            .collect();
        told.sort_by_key(|wait| Reverse((wait.tasks_waited, wait.ready.total)));
        told
    }

    fn functions(&self, names: &Names) -> Vec<FunctionTimes> {
        // A generic function is defined once for each of its types.
        let mut by_name: BTreeMap<Function, (u64, OfCalls)> = BTreeMap::new();
        for (id, of) in &self.book.calls.rows {
            let all = by_name.entry(Function::of(names, *id));
            all.or_insert_with(|| (*id, OfCalls::default())).1.merge(of);
        }
        by_name.retain(|_, (_, of)| of.calls > 0 || of.never_polled > 0);
        let mut told: Vec<FunctionTimes> = by_name
            .into_iter()
            .map(|(function, (id, of))| FunctionTimes {
                called_by: self.callers(names, &of),
                ..function_times(names, function, id, &of)
            })
            .collect();
        told.sort_by_key(|function| Reverse(function.elapsed.total));
        told
    }

    fn callers(&self, names: &Names, of: &OfCalls) -> Vec<CallerTimes> {
        let mut callers: BTreeMap<(bool, Function), Spent> = BTreeMap::new();
        for (caller, spent) in &of.callers.rows {
            let key = match *caller {
                Caller::Function(id) => (false, Function::of(names, id)),
                Caller::Task(row) => {
                    let kind = self.book.kinds.rows.get(row as usize);
                    let function = kind.map_or_else(Function::default, |(kind, _)| Function {
                        name: kind.name.to_string(),
                        location: kind.spawned_at.as_ref().map(ToString::to_string),
                    });
                    (true, function)
                }
            };
            callers.entry(key).or_default().merge(*spent);
        }
        let mut told: Vec<CallerTimes> = callers
            .into_iter()
            .map(|((is_task, caller), spent)| CallerTimes {
                is_task,
                name: caller.name,
                location: caller.location,
                calls: spent.times,
                total: spent.total,
                max: spent.longest,
            })
            .collect();
        told.sort_by_key(|caller| Reverse(caller.total));
        told
    }

    fn resources(&self, names: &Names) -> Vec<ResourceTimes> {
        let rows = self.book.shared.rows.iter();
        let mut told: Vec<ResourceTimes> = rows
            .map(|(key, of)| resource_times(names, *key, of))
            .collect();
        told.retain(|of| of.made > 0 || of.taken > 0 || of.messages > 0 || of.waits.count > 0);
        told.sort_by_key(|of| Reverse((of.waits.total, of.held.total)));
        told
    }
}

impl OfWaits {
    fn has_ended(&self) -> bool {
        self.ready.total() > Nanos(0) || self.given_up > 0 || self.closed > 0
    }
}

/// What tells a function from others.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    name: String,
    location: Option<String>,
}

impl Function {
    fn of(names: &Names, id: u64) -> Function {
        let known = names.function(id);
        let name = known.as_ref().map(|known| known.name.to_string());
        let location = known.and_then(|known| known.location);
        Function {
            name: name.unwrap_or_else(|| "?".to_owned()),
            location: location.map(|place| place.to_string()),
        }
    }
}

fn function_times(names: &Names, function: Function, id: u64, of: &OfCalls) -> FunctionTimes {
    let known = names.function(id).and_then(|known| known.points);
    // Those that were never reached are there, too.
    let count = known.as_ref().map_or(0, Vec::len).max(of.points.len());
    let unreached = OfPoint::default();
    let points = (0..count).map(|index| {
        let point = of.points.get(index).unwrap_or(&unreached);
        let known = known.as_ref().and_then(|points| points.get(index));
        PointTimes {
            expression: known.map_or_else(|| "?".to_owned(), |known| known.expression.to_string()),
            location: known.and_then(|known| known.location.clone()),
            elapsed: point.elapsed.distribution(),
            suspended: point.suspended,
            pending_polls: point.pending_polls,
            dropped: point.dropped,
        }
    });
    let mut steps: Vec<(Place, Place, Spent)> = of
        .steps
        .rows
        .iter()
        .map(|&((from, to), spent)| (from, to, spent))
        .collect();
    steps.sort_unstable_by_key(|&(from, to, _)| (from, to));
    FunctionTimes {
        has_points: known.is_some(),
        points: points.collect(),
        function: function.name,
        location: function.location,
        calls: of.calls,
        returned: of.calls - of.open - of.dropped - of.panicked,
        dropped: of.dropped,
        panicked: of.panicked,
        never_polled: of.never_polled,
        open: of.open,
        suspended: of.suspended,
        elapsed: of.elapsed.distribution(),
        busy: of.busy,
        waited: of.waited.total,
        held_up: of.held_up.total,
        steps: steps
            .into_iter()
            .map(|(from, to, spent)| Step {
                from: at(from),
                to: at(to),
                times: spent.times,
                total: spent.total,
                max: spent.longest,
            })
            .collect(),
        called_by: Vec::new(),
    }
}

fn at(place: Place) -> At {
    match place {
        Place::Start => At::Start,
        Place::Point(number) => At::Point(number),
        Place::Returned => At::Returned,
        Place::Dropped => At::Dropped,
        Place::Panicked => At::Panicked,
    }
}

fn resource_times(names: &Names, key: ResourceKey, of: &OfResources) -> ResourceTimes {
    let (kind, location, name) = key;
    let location = names.location(location);
    ResourceTimes {
        kind: ResourceKind::from_number(kind).name(),
        name: names
            .text(name)
            .filter(|name| !name.is_empty())
            .map(|name| name.to_string()),
        created_at: location,
        made: of.resources,
        taken: of.taken,
        messages: of.messages,
        waits: of.waits.distribution(),
        given_up: of.given_up,
        longest_queue: of.longest_queue,
        longest_queue_at: of.longest_queue_at,
        held: of.holds.distribution(),
        holders: shares(&of.holders, |&location| {
            Some((String::from("taken"), names.location(location)))
        }),
    }
}

/// `mutex "a" (src/bank.rs:12:18)`.
fn resource_in_words(names: &Names, (kind, location, name): ResourceKey) -> Option<String> {
    let kind = ResourceKind::from_number(kind);
    if kind == ResourceKind::Unknown {
        return None;
    }
    let mut words = kind.name().to_owned();
    if let Some(name) = names.text(name).filter(|name| !name.is_empty()) {
        words += &format!(" {name:?}");
    }
    if let Some(place) = names.location(location) {
        words += &format!(" ({place})");
    }
    Some(words)
}

/// What is awaited, and where.
fn what_is_awaited(names: &Names, site: Site, of: &OfWaits) -> (String, Option<Location>) {
    let point = |(function, number): (u64, u64)| {
        let mut points = names.function(function)?.points?;
        let number = usize::try_from(number)
            .ok()
            .filter(|&number| number < points.len())?;
        Some(points.swap_remove(number))
    };
    match site {
        Site::Operation(kind, location) => {
            let place = names.location(location);
            let point = of.point.and_then(point);
            let point = point.filter(|point| is_near(point.location.as_ref(), place.as_ref()));
            let expression = point
                .map(|point| point.expression)
                .filter(|known| &**known != "?");
            let call = || Arc::from(call_of(kind));
            (expression.unwrap_or_else(call).to_string(), place)
        }
        Site::Await(function, number) => match point((function, number)) {
            Some(point) => (point.expression.to_string(), point.location),
            None => (String::from("something not recorded"), None),
        },
        Site::Unknown => (String::from("something not recorded"), None),
        Site::Others => (String::from("(others)"), None),
    }
}

/// Whether an operation stands in what is awaited there, for all that their places tell: it may as well stand in a function that was called.
fn is_near(point: Option<&Location>, operation: Option<&Location>) -> bool {
    /// As many lines as people write in one expression.
    const LINES: u64 = 10;
    let (Some(point), Some(operation)) = (point, operation) else {
        return false;
    };
    point.file == operation.file && point.line.wrapping_sub(operation.line) <= LINES
}

/// The call of an operation, as one would write it.
fn call_of(kind: u64) -> String {
    OperationKind::from_numbers(kind, 0, 0).call(1)
}

/// What most was spent on.
fn shares<K>(
    spent: &Few<K>,
    what: impl Fn(&K) -> Option<(String, Option<Location>)>,
) -> Vec<Share> {
    let mut shares: Vec<Share> = spent
        .rows
        .iter()
        .map(|(key, spent)| {
            let (what, location) = what(key).unwrap_or_else(|| (String::from("?"), None));
            Share {
                what,
                location,
                times: spent.times,
                total: spent.total,
                max: spent.longest,
            }
        })
        .collect();
    let place = |share: &Share| share.location.as_ref().map(ToString::to_string);
    shares.sort_by_cached_key(|share| (Reverse(share.total), share.what.clone(), place(share)));
    shares.truncate(SHARES);
    shares
}
