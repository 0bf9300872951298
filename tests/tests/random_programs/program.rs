//! Small programs as data: what each task does, step by step, and with which resources.
//!
//! Who owns an end of a channel follows from who uses it: it is moved there when the task is spawned. What nobody uses stays with the
//! first task, which makes all resources and spawns the others.

/// So many resources of each kind there are at most, and so many tasks.
pub(crate) const MOST: usize = 4;

/// What is taken in units, and comes back: a lock, a read and write lock, a semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    Mutex,
    /// Admits so many readers.
    RwLock(u32),
    Semaphore(u32),
}

/// A channel for one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Oneshot {
    Recorded,
    /// Tokio's own: of it nothing is in the trace.
    Hidden,
}

/// A wait for something: one operation. Numbers tell which pool, channel, oneshot channel, notify or task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Wait {
    Lock(usize),
    Read(usize),
    Write(usize),
    Acquire(usize, u32),
    Send(usize),
    Recv(usize),
    Question(usize),
    Join(usize),
    Notified(usize),
}

/// What a task does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Wait(Wait),
    /// Of a pool: what was taken last of it, if anything.
    Release(usize),
    /// As [`Step::Release`], but the permits do not come back.
    Forget(usize),
    Add(usize, u32),
    DropSender(usize),
    DropReceiver(usize),
    Answer(usize),
    DropAnswer(usize),
    DropQuestion(usize),
    NotifyOne(usize),
    NotifyAll(usize),
    /// Whichever is ready first, the first of them where both are; the other one is dropped.
    Select(Wait, Wait),
    /// The same, but the other one is kept where it is.
    Keep(Wait, Wait),
    /// Waits for what was kept.
    Resume,
    DropKept,
    /// Both, one beside the other.
    Both(Wait, Wait),
    Yield,
    Spawn(usize),
    /// The same, and hands over what was taken last of a pool, if anything.
    SpawnWith(usize, usize),
}

/// A program. Task 0 makes the resources and spawns the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) pools: Vec<Pool>,
    /// Guards and permits own what they are of, and can go from task to task.
    pub(crate) owned: bool,
    /// How many messages each holds.
    pub(crate) channels: Vec<usize>,
    pub(crate) oneshots: Vec<Oneshot>,
    pub(crate) notifies: usize,
    pub(crate) tasks: Vec<Vec<Step>>,
}

/// Which task has which end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owners {
    pub(crate) senders: Vec<Vec<usize>>,
    pub(crate) receivers: Vec<usize>,
    pub(crate) answers: Vec<usize>,
    pub(crate) questions: Vec<usize>,
    /// Of each task, who waits for its end.
    pub(crate) handles: Vec<Option<usize>>,
}

/// An end that a step uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Sender(usize),
    Receiver(usize),
    Answer(usize),
    Question(usize),
    Handle(usize),
}

impl Wait {
    /// The pool it takes from, and how much. The slots of channels are pools too, behind those of the program.
    pub(crate) fn takes(self, program: &Program) -> Option<(usize, u32)> {
        match self {
            Wait::Lock(pool) | Wait::Read(pool) => Some((pool, 1)),
            Wait::Write(pool) => Some((pool, program.pools[pool].units())),
            Wait::Acquire(pool, units) => Some((pool, units)),
            Wait::Send(channel) => Some((program.pools.len() + channel, 1)),
            Wait::Recv(_) | Wait::Question(_) | Wait::Join(_) | Wait::Notified(_) => None,
        }
    }

    fn end(self) -> Option<End> {
        match self {
            Wait::Send(channel) => Some(End::Sender(channel)),
            Wait::Recv(channel) => Some(End::Receiver(channel)),
            Wait::Question(oneshot) => Some(End::Question(oneshot)),
            Wait::Join(task) => Some(End::Handle(task)),
            Wait::Lock(_)
            | Wait::Read(_)
            | Wait::Write(_)
            | Wait::Acquire(..)
            | Wait::Notified(_) => None,
        }
    }
}

impl Pool {
    pub(crate) fn units(self) -> u32 {
        match self {
            Pool::Mutex => 1,
            Pool::RwLock(units) | Pool::Semaphore(units) => units,
        }
    }
}

impl Step {
    pub(crate) fn waits(self) -> impl Iterator<Item = Wait> {
        let (one, two) = match self {
            Step::Wait(one) => (Some(one), None),
            Step::Select(one, two) | Step::Keep(one, two) | Step::Both(one, two) => {
                (Some(one), Some(two))
            }
            _ => (None, None),
        };
        one.into_iter().chain(two)
    }

    fn ends(self) -> impl Iterator<Item = End> {
        let own = match self {
            Step::DropSender(channel) => Some(End::Sender(channel)),
            Step::DropReceiver(channel) => Some(End::Receiver(channel)),
            Step::Answer(oneshot) | Step::DropAnswer(oneshot) => Some(End::Answer(oneshot)),
            Step::DropQuestion(oneshot) => Some(End::Question(oneshot)),
            _ => None,
        };
        own.into_iter().chain(self.waits().filter_map(Wait::end))
    }

    /// Whether this can be done while `end` is used by a wait that is kept.
    fn leaves_alone(self, end: End) -> bool {
        let is_shared = matches!(end, End::Sender(_)) && !matches!(self, Step::DropSender(_));
        is_shared || self.ends().all(|used| used != end)
    }
}

impl Program {
    fn users(&self, end: End) -> Vec<usize> {
        let uses = |steps: &[Step]| steps.iter().any(|step| step.ends().any(|used| used == end));
        (0..self.tasks.len())
            .filter(|&task| uses(&self.tasks[task]))
            .collect()
    }

    pub(crate) fn owners(&self) -> Owners {
        let first = |end| self.users(end).first().copied();
        let senders = |channel| match self.users(End::Sender(channel)) {
            nobody if nobody.is_empty() => vec![0],
            users => users,
        };
        let channels = 0..self.channels.len();
        let oneshots = 0..self.oneshots.len();
        Owners {
            senders: channels.clone().map(senders).collect(),
            receivers: channels
                .map(|channel| first(End::Receiver(channel)).unwrap_or(0))
                .collect(),
            answers: oneshots
                .clone()
                .map(|oneshot| first(End::Answer(oneshot)).unwrap_or(0))
                .collect(),
            questions: oneshots
                .map(|oneshot| first(End::Question(oneshot)).unwrap_or(0))
                .collect(),
            handles: (0..self.tasks.len())
                .map(|task| first(End::Handle(task)))
                .collect(),
        }
    }

    /// Whether a step does to a pool what can be done to it.
    fn fits(&self, step: Step) -> bool {
        let pool = |pool: usize| self.pools.get(pool);
        let is_semaphore = |at| matches!(pool(at), Some(Pool::Semaphore(_)));
        let is_lock = |at| matches!(pool(at), Some(Pool::RwLock(_)));
        let fits = |wait: Wait| match wait {
            Wait::Lock(at) => pool(at) == Some(&Pool::Mutex),
            Wait::Read(at) | Wait::Write(at) => is_lock(at),
            Wait::Acquire(at, _) => is_semaphore(at),
            Wait::Send(_)
            | Wait::Recv(_)
            | Wait::Question(_)
            | Wait::Join(_)
            | Wait::Notified(_) => true,
        };
        let own = match step {
            Step::Forget(at) | Step::Add(at, _) => is_semaphore(at),
            Step::SpawnWith(_, at) => self.owned && pool(at).is_some(),
            _ => true,
        };
        own && step.waits().all(fits)
    }

    /// Why it cannot be run, if it cannot.
    pub(crate) fn fault(&self) -> Option<String> {
        let spawns: Vec<usize> = self
            .tasks
            .iter()
            .flatten()
            .filter_map(|step| match step {
                Step::Spawn(task) | Step::SpawnWith(task, _) => Some(*task),
                _ => None,
            })
            .collect();
        let spawned = |task: usize| spawns.iter().position(|&other| other == task);
        let all_once = spawns.len() + 1 == self.tasks.len()
            && (1..self.tasks.len()).all(|task| spawned(task).is_some());
        let by_main = self.tasks.iter().skip(1).flatten();
        if !all_once
            || by_main
                .into_iter()
                .any(|step| matches!(step, Step::Spawn(_) | Step::SpawnWith(..)))
        {
            return Some("the first task spawns each of the others, once".to_owned());
        }
        let pools = self.pools.len() + self.channels.len();
        if pools > 2 * MOST
            || self.tasks.len() > MOST
            || self.oneshots.len().max(self.notifies) > MOST
        {
            return Some("too much".to_owned());
        }
        let single = (0..MOST).flat_map(|i| {
            [
                End::Receiver(i),
                End::Answer(i),
                End::Question(i),
                End::Handle(i),
            ]
        });
        for end in single {
            let users = self.users(end);
            if users.len() > 1 {
                return Some(format!("{end:?} is used by {users:?}"));
            }
            if let (End::Handle(task), Some(&owner)) = (end, users.first())
                && owner != 0
                && spawned(owner) <= spawned(task)
            {
                return Some(format!("{owner} has no handle of {task}"));
            }
        }
        let mut steps = self.tasks.iter().flatten();
        if let Some(step) = steps.find(|step| !self.fits(**step)) {
            return Some(format!("{step:?} is not possible"));
        }
        self.tasks.iter().find_map(|steps| fault(steps))
    }
}

/// What one task does wrong: an end is used by two waits at a time.
fn fault(steps: &[Step]) -> Option<String> {
    let mut kept: Option<(Wait, Wait)> = None;
    for &step in steps {
        let pair: Vec<Wait> = step.waits().collect();
        if let [one, two] = pair[..]
            && one.end().is_some()
            && one.end() == two.end()
            && !matches!(one, Wait::Send(_))
        {
            return Some(format!("{one:?} twice"));
        }
        if let Some((one, two)) = kept {
            let mut ends = [one, two].into_iter().filter_map(Wait::end);
            if matches!(step, Step::Keep(..)) || !ends.all(|end| step.leaves_alone(end)) {
                return Some(format!("{step:?} uses what is kept"));
            }
        }
        match step {
            Step::Keep(one, two) => kept = Some((one, two)),
            Step::Resume | Step::DropKept => kept = None,
            _ => {}
        }
    }
    None
}
