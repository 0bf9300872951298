//! From circles to findings: one for each set of places in source.

use std::collections::{BTreeSet, HashMap};

use super::edges::{Edge, Side};
use crate::findings::{Confidence, Fact, Finding, Kind, ResourceRef, TaskRef};
use crate::history::{History, Resource, ResourceId, ResourceKind, Task, TaskId};
use crate::names::Location;
use crate::number::counted;
use crate::time::Nanos;

/// Where a lock was made, and where each of the two was taken.
type Places = Vec<(Option<String>, Option<Location>, Option<Location>)>;

/// Circles that are the same in source.
struct Class<'a> {
    /// The one that is told.
    circle: Vec<&'a Edge>,
    count: u64,
    tasks: BTreeSet<TaskId>,
}

pub(super) fn findings(history: &History, circles: Vec<Vec<&Edge>>) -> Vec<Finding> {
    let mut index: HashMap<Places, usize> = HashMap::new();
    let mut classes: Vec<Class<'_>> = Vec::new();
    for circle in circles {
        let at = *index
            .entry(places(history, &circle))
            .or_insert(classes.len());
        if at == classes.len() {
            classes.push(Class {
                circle: circle.clone(),
                count: 0,
                tasks: BTreeSet::new(),
            });
        }
        let class = &mut classes[at];
        class.count += 1;
        class.tasks.extend(circle.iter().map(|edge| edge.task));
    }
    classes.sort_by_key(|class| std::cmp::Reverse(class.count));
    classes.iter().map(|class| one(history, class)).collect()
}

fn places(history: &History, circle: &[&Edge]) -> Places {
    let made = |lock| {
        let created = history
            .resource(lock)
            .and_then(|lock| lock.created_at.as_ref());
        created.map(ToString::to_string)
    };
    let mut places: Places = circle
        .iter()
        .map(|edge| {
            (
                made(edge.holds.lock),
                edge.holds.location.clone(),
                edge.wants.location.clone(),
            )
        })
        .collect();
    // Where a circle begins says nothing.
    places.sort_by_cached_key(|place| format!("{place:?}"));
    places
}

fn one(history: &History, class: &Class<'_>) -> Finding {
    let circle = &class.circle;
    let mut facts: Vec<Fact> = circle
        .iter()
        .flat_map(|edge| [held_fact(history, edge), taken_fact(history, edge)])
        .collect();
    if class.count > 1 {
        facts.push(Fact {
            text: format!(
                "so it is with {} of locks that were taken at these places, by {}",
                counted(
                    class.count,
                    if circle.len() == 2 { "pair" } else { "circle" }
                ),
                counted(class.tasks.len() as u64, "task")
            ),
            task: None,
            resource: None,
            location: circle[0].wants.location.clone(),
            at: circle[0].taken,
        });
    }
    let title = |id| {
        history
            .task(id)
            .map_or_else(|| format!("task #{}", id.0), Task::title)
    };
    let locks: Vec<String> = circle
        .iter()
        .map(|edge| lock(history, edge.holds.lock).map_or_else(String::new, Resource::short_title))
        .collect();
    let tasks: Vec<TaskId> = circle.iter().map(|edge| edge.task).collect();
    let mut named: Vec<TaskId> = tasks.clone();
    named.extend(
        class
            .tasks
            .iter()
            .copied()
            .filter(|task| !tasks.contains(task)),
    );
    named.truncate(16);
    Finding {
        weight: Nanos(0),
        kind: Kind::LockOrderInversion,
        confidence: Confidence::Possible,
        confidence_because: Some(
            "it did not happen in this trace; something that is not recorded may keep the tasks apart, and a try_lock(), which does not \
             wait, looks the same where the lock was free"
                .to_owned(),
        ),
        resolved: None,
        resolution: None,
        since: circle.iter().map(|edge| edge.taken).max().unwrap_or_default(),
        title: match &tasks[..] {
            [a, b] => format!(
                "{} and {} took {} and {} in opposite orders",
                title(*a),
                title(*b),
                locks[0],
                locks[1]
            ),
            _ => format!(
                "{} tasks took {} locks in orders that make a circle: {}",
                tasks.len(),
                locks.len(),
                locks.join(", ")
            ),
        },
        tasks: named.into_iter().map(|task| TaskRef::of(history, task)).collect(),
        resources: circle.iter().map(|edge| ResourceRef::of(history, edge.holds.lock)).collect(),
        facts,
        victims: Vec::new(),
        why_it_cannot_end: match circle.len() {
            2 => "where both have their first lock at the same time, each waits for the other's, and neither ever goes on".to_owned(),
            n => format!("where all {n} have their first lock at the same time, each waits for the next one's, and none ever goes on"),
        },
        advice: if circle.len() == 2 {
            Kind::LockOrderInversion.advice().to_owned()
        } else {
            "take these locks in one fixed order everywhere: where the orders meet, none of the tasks goes on".to_owned()
        },
    }
}

fn lock(history: &History, id: ResourceId) -> Option<&Resource> {
    history.resource(id)
}

fn named(history: &History, side: &Side) -> String {
    let Some(lock) = lock(history, side.lock) else {
        return "a lock".to_owned();
    };
    let how = match (lock.kind, side.writes) {
        (ResourceKind::RwLock, true) => " to write",
        (ResourceKind::RwLock, false) => " to read",
        _ => "",
    };
    let at = side
        .location
        .as_ref()
        .map_or_else(String::new, |place| format!(" at {place}"));
    format!("{}{how}{at}", lock.title())
}

fn held_fact(history: &History, edge: &Edge) -> Fact {
    side_fact(
        edge,
        &edge.holds,
        format!(
            "task #{} took {}, {} after the start",
            edge.task.0,
            named(history, &edge.holds),
            edge.first
        ),
        edge.first,
    )
}

fn taken_fact(history: &History, edge: &Edge) -> Fact {
    let times = match edge.times {
        1 => String::new(),
        times => format!(", and so {} in all", counted(times, "time")),
    };
    side_fact(
        edge,
        &edge.wants,
        format!(
            "task #{} held it still when it took {}, {} after the start{times}",
            edge.task.0,
            named(history, &edge.wants),
            edge.taken
        ),
        edge.taken,
    )
}

fn side_fact(edge: &Edge, side: &Side, text: String, at: Nanos) -> Fact {
    Fact {
        text,
        task: Some(edge.task),
        resource: Some(side.lock),
        location: side.location.clone(),
        at,
    }
}
