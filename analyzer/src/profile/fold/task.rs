//! One task: from its polls and wakes, how long it ran, was due to run, and waited.

use smallvec::SmallVec;

use crate::time::Nanos;

/// No place in a table.
pub(super) const NONE: u32 = u32::MAX;

/// What is known of a task that is alive.
#[derive(Debug)]
pub(super) struct Task {
    pub(super) number: u64,
    /// Its kind; none where it is not asked for.
    pub(super) kind: u32,
    pub(super) spawned: Nanos,
    /// It was spawned before it was first seen, or before what is asked for.
    pub(super) is_late: bool,
    pub(super) is: Is,
    /// Since when.
    pub(super) since: Nanos,
    last: Last,
    /// When it was first woken for another poll than the last one; [`NEVER`] where it was not.
    woken: Nanos,
    /// The last time that it was woken: through which waker, and the how manieth wake of that; wake 0 where it was not.
    last_wake: (u16, u32, Nanos),
    /// A poll that began, by the clock of another thread, before the one before it had ended.
    early: Option<Box<Poll>>,
    /// What it waits for.
    site: u32,
    /// The function in which it waits.
    function: u32,
    /// The operations that it waits for, by their places.
    pub(super) pending: SmallVec<[u32; 4]>,
    /// The instrumented futures that run in it, by their places, innermost last.
    pub(super) frames: SmallVec<[u32; 4]>,
}

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    Scheduled,
    Running,
    Waiting,
    /// What it does was lost.
    Unknown,
}

/// No time.
const NEVER: Nanos = Nanos(u64::MAX);

/// The last poll that began.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    number: u32,
    wakes: u32,
    waker: u16,
}

/// The begin of a poll.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Poll {
    pub(super) number: u32,
    /// Its lowest 16 bits are recorded.
    pub(super) waker: u16,
    pub(super) wakes: u32,
    pub(super) at: Nanos,
}

/// Something that a task did for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) was: Is,
    pub(super) from: Nanos,
    pub(super) to: Nanos,
}

/// Who does something for a time: a kind of task, and in case it waits, for what, and in which function; as rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose {
    pub(super) kind: u32,
    pub(super) site: u32,
    pub(super) function: u32,
}

impl Task {
    pub(super) fn new(number: u64, kind: u32, at: Nanos) -> Task {
        Task {
            number,
            kind,
            spawned: at,
            is_late: false,
            is: Is::Scheduled,
            since: at,
            last: Last::default(),
            woken: NEVER,
            last_wake: (0, 0, Nanos(0)),
            early: None,
            site: NONE,
            function: NONE,
            pending: SmallVec::new(),
            frames: SmallVec::new(),
        }
    }

    /// One that was there before.
    pub(super) fn late(number: u64, kind: u32, at: Nanos) -> Task {
        Task {
            is: Is::Unknown,
            is_late: true,
            ..Task::new(number, kind, at)
        }
    }

    /// Who is to be charged for what it does.
    pub(super) fn whose(&self) -> Whose {
        Whose {
            kind: self.kind,
            site: self.site,
            function: self.function,
        }
    }

    /// What it waits for from here on, and in which function.
    pub(super) fn wait_for(&mut self, (site, function): (u32, u32)) {
        (self.site, self.function) = (site, function);
    }

    /// The innermost future that runs in it, by its place.
    #[inline]
    pub(super) fn leaf(&self) -> u32 {
        self.frames.last().copied().unwrap_or(NONE)
    }

    /// What it did is not known from here on, until it is polled again.
    pub(super) fn lose(&mut self) {
        self.is = Is::Unknown;
        self.early = None;
        self.woken = NEVER;
    }

    /// A poll begins.
    #[inline]
    pub(super) fn begin(&mut self, poll: Poll, mut each: impl FnMut(Span)) {
        let is_next = poll.number == self.last.number.wrapping_add(1);
        match self.is {
            Is::Running if is_next => {
                self.early = Some(Box::new(poll));
                return;
            }
            Is::Scheduled if is_next => each(Span {
                was: Is::Scheduled,
                from: self.since,
                to: poll.at,
            }),
            Is::Waiting if is_next => self.end_wait(poll.at, each),
            _ => {}
        }
        self.run(poll);
    }

    /// It waited, and maybe was woken, until then.
    fn end_wait(&self, until: Nanos, mut each: impl FnMut(Span)) {
        let until = until.max(self.since);
        let to = self.woken.max(self.since).min(until);
        if to > self.since {
            each(Span {
                was: Is::Waiting,
                from: self.since,
                to,
            });
        }
        if self.woken != NEVER {
            each(Span {
                was: Is::Scheduled,
                from: to,
                to: until,
            });
        }
    }

    fn run(&mut self, poll: Poll) {
        self.is = Is::Running;
        self.since = poll.at;
        self.last = Last {
            number: poll.number,
            wakes: poll.wakes,
            waker: poll.waker,
        };
        self.early = None;
        // Woken just before, but too late for this poll to know.
        let (waker, number, at) = self.last_wake;
        let is_unseen = number.wrapping_sub(poll.wakes).cast_signed() > 0;
        self.woken = if number != 0 && waker == poll.waker && is_unseen {
            at
        } else {
            NEVER
        };
    }

    /// The poll with this number ends. Whether it was known to be open.
    #[inline]
    pub(super) fn end(
        &mut self,
        number: u32,
        at: Nanos,
        is_over: bool,
        mut each: impl FnMut(Span),
    ) -> bool {
        if let Some(early) = self.early.take_if(|early| early.number == number) {
            // The end of the one before was lost.
            each(Span {
                was: Is::Running,
                from: self.since,
                to: early.at.max(self.since),
            });
            self.run(*early);
        }
        let is_known = self.is == Is::Running && self.last.number == number;
        if is_known {
            each(Span {
                was: Is::Running,
                from: self.since,
                to: at.max(self.since),
            });
        } else {
            self.last.number = number;
            self.woken = NEVER;
        }
        self.is = if is_known || !is_over {
            Is::Waiting
        } else {
            Is::Unknown
        };
        self.since = at.max(self.since);
        if let Some(early) = self.early.take() {
            self.end_wait(early.at, each);
            self.run(*early);
        }
        is_known
    }

    /// It is woken. Whether that asks for another poll, and nothing had.
    #[inline]
    pub(super) fn wake(&mut self, waker: u16, number: u32, at: Nanos) -> bool {
        self.last_wake = (waker, number, at);
        let is_first = self.woken == NEVER && !matches!(self.is, Is::Scheduled);
        let is_unseen =
            waker != self.last.waker || number.wrapping_sub(self.last.wakes).cast_signed() > 0;
        if is_unseen {
            // A thread that was interrupted may tell of an earlier one later.
            self.woken = self.woken.min(at);
        }
        is_first && is_unseen
    }

    /// What it has done up to the end of what is known.
    pub(super) fn go_on(&self, end: Nanos, mut each: impl FnMut(Span)) {
        let since = self.since.min(end);
        match self.is {
            Is::Waiting => self.end_wait(end, each),
            Is::Unknown => {}
            was => each(Span {
                was,
                from: since,
                to: end,
            }),
        }
    }
}
