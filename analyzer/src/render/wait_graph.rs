//! Who waits for whom at the end of a history, as a graph to be drawn: tasks, what they want, and who has that.
//!
//! Drawn is what cannot go on, and what others wait for though it will: a task that waits for nobody in the record is left out. Where there
//! are many, those that wait behind the same thing in the same way are one node that says how many.
//!
//! Of a selection, drawn are its tasks, what they wait for and who waits for them, directly or through others: not what else those others
//! wait for.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::graph::{Edge, Graph, Line, Mark, Node, Shape};
use crate::Trace;
use crate::filter::Selection;
use crate::history::{
    History, Operation, OperationId, OperationKind, Resource, ResourceId, Task, TaskId, TaskState,
};
use crate::names::kind_of_name;
use crate::number::counted;
use crate::report::whereabouts_in_short;
use crate::waits::{Elsewhere, Knot, Link, Verdict};

/// So many tasks that wait in the same way for the same are drawn one by one.
const ALIKE: usize = 4;
/// So many tasks that are not stuck are drawn at most.
const OTHERS: usize = 40;
/// Of so many tasks at most it is looked at that they hold one thing.
const HOLDERS: usize = 1000;

/// The graph of a trace.
pub fn wait_graph(trace: &Trace, verdict: &Verdict, selection: &Selection) -> Graph {
    let history = &trace.history;
    let mut draw = Draw {
        history,
        in_knot: verdict
            .knots
            .iter()
            .flat_map(|knot| &knot.tasks)
            .copied()
            .collect(),
        graph: Graph::default(),
        nodes: HashMap::new(),
        known: HashSet::new(),
    };
    let waits = waits(history, verdict, selection);
    let shown = draw.folded(&waits);
    for wait in &waits {
        if let Some(&node) = shown.get(&wait.waiter) {
            draw.wait(node, wait, &shown);
        }
    }
    draw.circles(verdict, &shown);
    let mut graph = draw.graph;
    let is_drawn = |knot: &&Knot| {
        let mut tasks = knot.tasks.iter();
        selection.restriction().is_none() || tasks.any(|&task| draws(&waits, task))
    };
    let knots: Vec<&Knot> = verdict.knots.iter().filter(is_drawn).collect();
    graph.title = title(&knots, selection);
    graph.facts = facts(trace, verdict, selection, waits.is_empty());
    graph
}

/// A task that waits, for what, and who has that.
struct Waiting {
    waiter: TaskId,
    operation: Option<OperationId>,
    on: Vec<(TaskId, Link)>,
    is_certain: bool,
    /// It can never go on.
    is_stuck: bool,
}

fn waits(history: &History, verdict: &Verdict, selection: &Selection) -> Vec<Waiting> {
    if selection.restriction().is_none() {
        return waits_of_up_to(OTHERS, history, verdict);
    }
    let mut waits = connected(waits_of_up_to(usize::MAX, history, verdict), selection);
    let mut others = HashSet::new();
    waits.retain(|wait| {
        let task = wait.waiter;
        wait.is_stuck || others.contains(&task) || (others.len() < OTHERS && others.insert(task))
    });
    waits
}

/// What is on a way from a task of the selection, or on one to it.
fn connected(mut waits: Vec<Waiting>, selection: &Selection) -> Vec<Waiting> {
    let mut waits_for: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
    let mut keeps: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
    for wait in &waits {
        let waits_for = waits_for.entry(wait.waiter).or_default();
        for &(on, _) in &wait.on {
            waits_for.push(on);
            keeps.entry(on).or_default().push(wait.waiter);
        }
    }
    let tasks = waits_for.keys().chain(keeps.keys()).copied();
    let selected: Vec<TaskId> = tasks.filter(|&task| selection.has(task)).collect();
    let ahead = reached(selected.clone(), &waits_for);
    let behind = reached(selected, &keeps);
    waits.retain_mut(|wait| {
        if ahead.contains(&wait.waiter) {
            return true;
        }
        wait.on.retain(|(on, _)| behind.contains(on));
        !wait.on.is_empty()
    });
    waits
}

/// These tasks, and all that one comes to from them.
fn reached(mut open: Vec<TaskId>, next: &HashMap<TaskId, Vec<TaskId>>) -> HashSet<TaskId> {
    let mut reached = HashSet::new();
    while let Some(task) = open.pop() {
        if reached.insert(task) {
            open.extend(next.get(&task).into_iter().flatten());
        }
    }
    reached
}

/// Whether a task is one that waits, or that is waited for.
fn draws(waits: &[Waiting], task: TaskId) -> bool {
    let mut waits = waits.iter();
    waits.any(|wait| wait.waiter == task || wait.on.iter().any(|&(on, _)| on == task))
}

/// What all tasks wait for that are stuck, and so many of the others.
fn waits_of_up_to(most: usize, history: &History, verdict: &Verdict) -> Vec<Waiting> {
    let mut waits = Vec::new();
    let mut others = 0;
    for task in &history.tasks {
        if let Some(known) = verdict.progress.waits.get(&task.id) {
            waits.extend(known.iter().map(|wait| Waiting {
                waiter: task.id,
                operation: wait.operation,
                on: wait.on.clone(),
                is_certain: wait.elsewhere == Elsewhere::No,
                is_stuck: true,
            }));
        } else if let TaskState::Idle(_) = task.state()
            && others < most
        {
            let more = history.pending_operations(task.id).filter_map(|operation| {
                let on = who_has_it(history, operation);
                (!on.is_empty()).then_some(Waiting {
                    waiter: task.id,
                    operation: Some(operation.id),
                    on,
                    is_certain: true,
                    is_stuck: false,
                })
            });
            let before = waits.len();
            waits.extend(more);
            others += usize::from(waits.len() > before);
        }
    }
    waits
}

/// Who has what an operation waits for that may still come.
fn who_has_it(history: &History, operation: &Operation) -> Vec<(TaskId, Link)> {
    match operation.kind {
        OperationKind::Join(target) => history
            .task(target)
            .filter(|task| task.state().is_live())
            .map(|task| (task.id, Link::Ends))
            .into_iter()
            .collect(),
        kind => {
            let resource = kind.resource().and_then(|id| history.resource(id));
            let holders = resource.into_iter().flat_map(Resource::holders);
            let holders = holders.filter_map(|hold| Some((hold.task?, Link::Holds)));
            holders.take(HOLDERS).collect()
        }
    }
}

/// What is drawn for a thing.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Thing {
    Task(TaskId),
    Resource(ResourceId),
}

struct Draw<'a> {
    history: &'a History,
    in_knot: HashSet<TaskId>,
    graph: Graph,
    nodes: HashMap<Thing, usize>,
    /// The edges that are there: from, to, and what they say.
    known: HashSet<(usize, usize, String)>,
}

impl Draw<'_> {
    /// The node of each task that waits: of many that are alike there is one.
    fn folded(&mut self, waits: &[Waiting]) -> HashMap<TaskId, usize> {
        let waited_for: HashSet<TaskId> = waits
            .iter()
            .flat_map(|wait| wait.on.iter().map(|(task, _)| *task))
            .collect();
        let mut alike: BTreeMap<(String, Option<ResourceId>, bool), Vec<TaskId>> = BTreeMap::new();
        let mut shown = HashMap::new();
        let mut seen = HashSet::new();
        for wait in waits.iter().filter(|wait| seen.insert(wait.waiter)) {
            let operation = wait.operation.and_then(|id| self.history.operation(id));
            let target = operation.and_then(|operation| operation.kind.resource());
            let name = self
                .history
                .task(wait.waiter)
                .map(|task| kind_of_name(&task.name));
            if waited_for.contains(&wait.waiter) || self.in_knot.contains(&wait.waiter) {
                let node = self.task(wait.waiter, wait.is_stuck);
                shown.insert(wait.waiter, node);
            } else {
                let key = (name.unwrap_or_default(), target, wait.is_stuck);
                alike.entry(key).or_default().push(wait.waiter);
            }
        }
        for ((name, _, is_stuck), tasks) in alike {
            let (alone, folded) = if tasks.len() > ALIKE {
                tasks.split_at(1)
            } else {
                tasks.split_at(tasks.len())
            };
            for &task in alone {
                let node = self.task(task, is_stuck);
                shown.insert(task, node);
            }
            if !folded.is_empty() {
                let node = self.graph.nodes.len();
                self.graph.nodes.push(Node {
                    lines: vec![
                        format!("{} more tasks", folded.len()),
                        if name.is_empty() {
                            "without a name".to_owned()
                        } else {
                            format!("like {name:?}")
                        },
                    ],
                    shape: Shape::Folded,
                    mark: if is_stuck { Mark::Stuck } else { Mark::Plain },
                });
                shown.extend(folded.iter().map(|&task| (task, node)));
            }
        }
        shown
    }

    fn task(&mut self, id: TaskId, is_stuck: bool) -> usize {
        if let Some(&node) = self.nodes.get(&Thing::Task(id)) {
            return node;
        }
        let mut lines = vec![format!("#{}", id.0)];
        if let Some(task) = self.history.task(id) {
            lines[0] = id.label(&task.name);
            lines.push(self.state(task));
        }
        let mark = if self.in_knot.contains(&id) {
            Mark::Culprit
        } else if is_stuck {
            Mark::Stuck
        } else {
            Mark::Plain
        };
        self.node(
            Thing::Task(id),
            Node {
                lines,
                shape: Shape::Task,
                mark,
            },
        )
    }

    fn state(&self, task: &Task) -> String {
        let long = self.history.end.since(task.state().since());
        match task.state() {
            TaskState::Running(_) => format!("runs, for {long}"),
            TaskState::Scheduled(_) => format!("ready to run, for {long}"),
            TaskState::Idle(_) => {
                format!("{}, for {long}", whereabouts_in_short(self.history, task))
            }
            _ => "has ended".to_owned(),
        }
    }

    fn resource(&mut self, id: ResourceId) -> usize {
        if let Some(&node) = self.nodes.get(&Thing::Resource(id)) {
            return node;
        }
        let mut lines = vec![format!("resource #{}", id.0)];
        if let Some(resource) = self.history.resource(id) {
            lines[0] = resource.short_title();
            lines.extend(resource.created_at.as_ref().map(ToString::to_string));
        }
        self.node(
            Thing::Resource(id),
            Node {
                lines,
                shape: Shape::Resource,
                mark: Mark::Plain,
            },
        )
    }

    fn node(&mut self, thing: Thing, node: Node) -> usize {
        self.graph.nodes.push(node);
        self.nodes.insert(thing, self.graph.nodes.len() - 1);
        self.graph.nodes.len() - 1
    }

    fn edge(&mut self, from: usize, to: usize, label: String, is_certain: bool) {
        if self.known.insert((from, to, label.clone())) {
            self.graph.edges.push(Edge {
                from,
                to,
                label: Some(label),
                line: if is_certain {
                    Line::Solid
                } else {
                    Line::Dashed
                },
                mark: Mark::Plain,
            });
        }
    }

    /// How a task keeps what others wait for. One that does not run keeps no thread: it should drive the executor, and waits itself.
    fn in_words(&self, link: Link, on: TaskId) -> &'static str {
        let state = self.history.task(on).map(Task::state);
        if link == Link::Executes && matches!(state, Some(TaskState::Idle(_))) {
            "to be driven by"
        } else {
            in_words(link)
        }
    }

    /// What lies between a task and those that it waits for, if anything does.
    fn between(
        &self,
        waiter: TaskId,
        operation: Option<&Operation>,
        link: Link,
    ) -> Option<ResourceId> {
        if link == Link::Executes {
            return self.history.task(waiter)?.executor;
        }
        operation?.kind.resource()
    }

    fn wait(&mut self, from: usize, wait: &Waiting, shown: &HashMap<TaskId, usize>) {
        let operation = wait.operation.and_then(|id| self.history.operation(id));
        if wait.on.is_empty() {
            // Nobody can help: what it waits for is drawn all the same.
            if let Some(operation) = operation
                && let Some(id) = operation.kind.resource()
            {
                let resource = self.resource(id);
                self.edge(from, resource, operation.call(), wait.is_certain);
            }
            return;
        }
        for &(on, link) in &wait.on {
            let to = match shown.get(&on) {
                Some(&node) => node,
                None => self.task(on, false),
            };
            let between = self.between(wait.waiter, operation, link);
            match between {
                Some(id) => {
                    let resource = self.resource(id);
                    let call = operation.map_or_else(|| "to be polled".to_owned(), Operation::call);
                    self.edge(from, resource, call, wait.is_certain);
                    let words = self.in_words(link, on).to_owned();
                    self.edge(resource, to, words, wait.is_certain);
                }
                None => {
                    let words = self.in_words(link, on).to_owned();
                    self.edge(from, to, words, wait.is_certain);
                }
            }
        }
    }

    /// Marks the edges of circles, and what lies on them.
    fn circles(&mut self, verdict: &Verdict, shown: &HashMap<TaskId, usize>) {
        for link in verdict.knots.iter().flat_map(|knot| &knot.links) {
            let (Some(&from), Some(&to)) = (shown.get(&link.waiter), shown.get(&link.on)) else {
                continue;
            };
            let operation = link
                .wait
                .operation
                .and_then(|id| self.history.operation(id));
            let between = self
                .between(link.waiter, operation, link.link)
                .and_then(|id| self.nodes.get(&Thing::Resource(id)).copied());
            let words = self.in_words(link.link, link.on);
            for edge in &mut self.graph.edges {
                let is_on_it = match between {
                    Some(resource) => {
                        (edge.from, edge.to) == (from, resource)
                            || ((edge.from, edge.to) == (resource, to)
                                && edge.label.as_deref() == Some(words))
                    }
                    None => (edge.from, edge.to) == (from, to),
                };
                if is_on_it {
                    edge.mark = Mark::Culprit;
                }
            }
            if let Some(resource) = between {
                self.graph.nodes[resource].mark = Mark::Culprit;
            }
        }
    }
}

/// How a thing is kept by a task, as an arrow from the one to the other says it.
const fn in_words(link: Link) -> &'static str {
    match link {
        Link::Holds => "held by",
        Link::Borrows => "borrowed by",
        Link::Granted(_) => "given to a future it does not poll",
        Link::Ahead(_) => "waited for before by",
        Link::Receives => "received by",
        Link::Sends(_) => "sent to by",
        Link::Signals => "signalled by",
        Link::Ends => "end of",
        Link::Executes => "kept busy by",
    }
}

fn title(knots: &[&Knot], selection: &Selection) -> String {
    let numbers = |tasks: &[TaskId]| {
        let numbers: Vec<String> = tasks.iter().map(|task| format!("#{}", task.0)).collect();
        numbers.join(", ")
    };
    match knots {
        [] if selection.restriction().is_some() => {
            "Who waits for whom: the tasks that match".to_owned()
        }
        [] => "Who waits for whom: no task is stuck".to_owned(),
        [knot] => match &knot.tasks[..] {
            [task] => format!("Who waits for whom: task #{} is stuck", task.0),
            [a, b] if knot.is_circle => {
                format!(
                    "Who waits for whom: #{} and #{} wait for each other",
                    a.0, b.0
                )
            }
            tasks if knot.is_circle && tasks.len() <= 6 => {
                format!("Who waits for whom: {} wait for each other", numbers(tasks))
            }
            tasks => format!("Who waits for whom: {} tasks are stuck", tasks.len()),
        },
        knots => format!(
            "Who waits for whom: {} groups of tasks are stuck",
            knots.len()
        ),
    }
}

fn facts(trace: &Trace, verdict: &Verdict, selection: &Selection, is_empty: bool) -> Vec<String> {
    let history = &trace.history;
    let path = trace.source.path();
    let name = path
        .file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy();
    let mut facts = vec![format!(
        "{name}, {} after its start: {} of {}",
        history.end,
        counted(verdict.progress.stuck.len() as u64, "stuck task"),
        counted(history.tasks.len() as u64, "task"),
    )];
    if let Some(restriction) = selection.restriction() {
        facts.push(format!(
            "filter {}: {}",
            restriction.filter(),
            restriction.share()
        ));
    }
    if is_empty {
        let who = match selection.restriction() {
            Some(_) => "no task that matches waits for another one, or is waited for",
            None => "no task waits for another one",
        };
        facts.push(who.to_owned());
    }
    facts.extend(history.loss.sentence());
    facts.push(concat!("inspect-analyze ", env!("CARGO_PKG_VERSION")).to_owned());
    facts
}
