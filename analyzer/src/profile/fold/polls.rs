//! Tasks: made, polled, woken, gone.

use ais_format::chunk::Event;
use ais_format::event::{TaskNew, poll_outcome, task_flag};

use super::tables::OfTasks;
use super::task::{Is, NONE, Poll, Span, Task};
use super::{Doer, Rest, Site, TaskKind};
use crate::findings::TaskRef;
use crate::history::{TaskFlags, TaskId, ThreadId};
use crate::names::Names;
use crate::profile::LongPoll;
use crate::time::Nanos;
use crate::type_name::short_type_name;

/// So many names of tasks are kept for when they come again.
const KNOWN_KINDS: usize = 10_000;
/// So many of the longest polls are kept.
const LONG_POLLS: usize = 20;

impl Rest<'_> {
    /// The row of what a task is, where what it does now counts.
    pub(super) fn of_task(&mut self, task: u32) -> Option<&mut OfTasks> {
        let kind = self.tasks.at(task)?.kind;
        self.book
            .kinds
            .at(kind)
            .filter(|_| self.now >= self.book.from)
    }

    /// The place of a task; of one that was there before where it is not known.
    pub(super) fn task(&mut self, number: u64) -> u32 {
        match self.tasks.place(number) {
            Some(place) => place,
            None if self.ended.has(number) => NONE,
            None => {
                let kind = self.kind_of(TaskId(number), &TaskKind::unknown());
                let task = Task::late(number, kind, self.now);
                self.add_task(task)
            }
        }
    }

    pub(super) fn add_task(&mut self, task: Task) -> u32 {
        if let Some(of) = self.book.kinds.at(task.kind) {
            of.tasks += 1;
            of.alive += 1;
            of.most_alive = of.most_alive.max(of.alive);
        }
        self.tasks.insert(task.number, task)
    }

    pub(super) fn kind_of(&mut self, id: TaskId, kind: &TaskKind) -> u32 {
        let task = TaskRef {
            id,
            name: kind.name.to_string(),
            spawned_at: kind.spawned_at.clone(),
        };
        let mut filters = self.filters.iter();
        let is_wanted = self.filters.is_empty() || filters.any(|filter| filter.is_met_by(&task));
        if !is_wanted {
            return NONE;
        }
        self.book
            .kinds
            .place(&kind.without_numbers(), TaskKind::others)
    }

    pub(super) fn new_task(&mut self, names: &Names, row: TaskNew) {
        if self.tasks.place(row.task).is_some() || self.ended.has(row.task) {
            return;
        }
        let key = (row.name, row.location, row.flags);
        let known = self.known_kinds.get(&key).copied();
        let kind = match known {
            Some(kind) => kind,
            None => {
                let flags = TaskFlags(row.flags);
                let full = names.text(row.name).unwrap_or_default();
                let name = if flags.is_unnamed() {
                    short_type_name(&full).into()
                } else {
                    full
                };
                let kind = TaskKind {
                    name,
                    spawned_at: names.location(row.location),
                    what: flags.in_words(),
                };
                let kind = self.kind_of(TaskId(row.task), &kind);
                // Names that tell each task from all others are not kept.
                if self.filters.is_empty() && self.known_kinds.len() < KNOWN_KINDS {
                    self.known_kinds.insert(key, kind);
                }
                kind
            }
        };
        let make = match row.flags & task_flag::LATE {
            0 => Task::new,
            _ => Task::late,
        };
        self.add_task(make(row.task, kind, self.now));
    }

    #[inline]
    pub(super) fn begin_poll(&mut self, doer: &mut Doer, event: &Event<'_>) {
        let number = event.value(0);
        let place = self.task(number);
        if doer.polls.is_empty() {
            doer.since = self.now;
        }
        doer.polls.push((place, number));
        let (book, now) = (&mut self.book, self.now);
        let Some(task) = self.tasks.at(place) else {
            return;
        };
        if now >= book.from {
            doer.n += 1;
            self.polls += 1;
        }
        let whose = task.whose();
        let poll = Poll {
            number: event.value(1) as u32,
            wakes: event.value(2) as u32,
            waker: event.value(3) as u16,
            at: now,
        };
        task.begin(poll, |span| book.spend(whose, span));
        let leaf = task.leaf();
        let row = self.row_of(leaf);
        self.switch(doer, row);
    }

    pub(super) fn end_poll(
        &mut self,
        names: &Names,
        thread: u64,
        doer: &mut Doer,
        event: &Event<'_>,
    ) {
        let (from, now) = (self.book.from, self.now);
        let (number, poll, outcome) = (event.value(0), event.value(1), event.value(2));
        // Polls that are still open inside this one lost their end.
        let depth = doer.polls.iter().rposition(|&(_, task)| task == number);
        let mut known = None;
        if let Some(depth) = depth {
            known = Some(doer.polls[depth].0);
            doer.polls.truncate(depth);
            if depth == 0 && now >= from {
                doer.busy += now.since(doer.since.max(from)).0;
            }
        }
        let place = known.unwrap_or_else(|| self.task(number));
        let is_over = matches!(outcome, poll_outcome::READY | poll_outcome::PANICKED);
        let outer = doer.task();
        let outer = self.tasks.at(outer).map_or(NONE, |task| task.leaf());
        let outer = self.row_of(outer);
        self.switch(doer, outer);
        let waits = if is_over {
            (NONE, NONE)
        } else {
            self.suspend(place)
        };
        let book = &mut self.book;
        let Some(task) = self.tasks.at(place) else {
            return;
        };
        let whose = task.whose();
        task.wait_for(waits);
        let mut ran = None;
        task.end(poll as u32, now, is_over, |span| {
            if span.was == Is::Running {
                ran = Some(span);
            }
            book.spend(whose, span);
        });
        if let Some(span) = ran.filter(|_| whose.kind != NONE) {
            self.note_long(names, thread, number, whose.kind, span);
        }
        if is_over {
            let is_panic = outcome == poll_outcome::PANICKED;
            self.end_task(number, |of| {
                let count = if is_panic {
                    &mut of.panicked
                } else {
                    &mut of.completed
                };
                *count += 1;
            });
        }
    }

    /// Keeps a poll that is one of the longest.
    pub(super) fn note_long(
        &mut self,
        names: &Names,
        thread: u64,
        task: u64,
        kind: u32,
        span: Span,
    ) {
        let from = span.from.max(self.book.from);
        let long = span.to.since(from);
        let shortest = self.long_polls.last().map_or(Nanos(0), |poll| poll.long);
        let is_full = self.long_polls.len() == LONG_POLLS;
        if span.to < self.book.from || (is_full && long <= shortest) {
            return;
        }
        let Some((kind, _)) = self.book.kinds.rows.get(kind as usize) else {
            return;
        };
        if kind.what == Some("blocking job") || kind.what == Some("runs block_on") {
            // Their threads are there for that.
            return;
        }
        let poll = LongPoll {
            task: TaskId(task),
            kind: kind.name.to_string(),
            spawned_at: kind.spawned_at.clone(),
            thread: ThreadId(thread),
            thread_name: names.thread(thread).map(|name| name.to_string()),
            began: from,
            long,
        };
        let place = self.long_polls.partition_point(|other| other.long >= long);
        self.long_polls.insert(place, poll);
        self.long_polls.truncate(LONG_POLLS);
    }

    /// A poll of a task ends, and the task waits: for what, and in which function, as rows.
    fn suspend(&mut self, place: u32) -> (u32, u32) {
        let Some(task) = self.tasks.at(place) else {
            return (NONE, NONE);
        };
        let is_counted = self.now >= self.book.from;
        // The innermost one that is at an await point.
        let (mut leaf, mut at) = (NONE, Site::Unknown);
        for &frame in &task.frames {
            let Some(call) = self.futures.at(frame) else {
                continue;
            };
            call.is_suspended = true;
            call.is_suspended_there = true;
            if call.gaps != self.gaps {
                // It may be over.
                continue;
            }
            if let Some((point, _)) = call.point {
                (leaf, at) = (call.row, Site::Await(call.function, point));
                let of = self.book.calls.at(call.row).filter(|_| is_counted);
                if let Some(point) = of.and_then(|of| of.point(point)) {
                    point.pending_polls += 1;
                }
            }
        }
        let mut best: Option<(bool, Nanos, u32)> = None;
        for &pending in &task.pending {
            let operation = self.operations.at(pending);
            if let Some(operation) = operation.filter(|operation| operation.gaps == self.gaps) {
                let this = (operation.is_limit, operation.begun, operation.site);
                best = Some(best.map_or(this, |best| best.min(this)));
            }
        }
        let site = match best {
            Some((_, _, site)) => site,
            None => self.book.sites.place(&at, || Site::Others),
        };
        (site, leaf)
    }

    pub(super) fn wake(&mut self, doer: &Doer, event: &Event<'_>) {
        let Some(place) = self.tasks.place(event.value(0)) else {
            return;
        };
        let (now, from) = (self.now, self.book.from);
        let Some(task) = self.tasks.at(place) else {
            return;
        };
        let is_needed = task.wake(event.value(1) as u16, event.value(2) as u32, now);
        let is_by_itself = doer.task() == place;
        if let Some(of) = self.book.kinds.at(task.kind).filter(|_| now >= from) {
            of.wakes += 1;
            of.needless_wakes += u64::from(!is_needed);
            of.wakes_by_itself += u64::from(is_by_itself);
        }
    }

    pub(super) fn drop_task(&mut self, number: u64) {
        let Some(place) = self.tasks.place(number) else {
            return;
        };
        let (book, now) = (&mut self.book, self.now);
        if let Some(task) = self.tasks.at(place) {
            let whose = task.whose();
            task.go_on(now, |span| book.spend(whose, span));
        }
        self.end_task(number, |of| of.cancelled += 1);
    }

    pub(super) fn end_task(&mut self, number: u64, how: impl FnOnce(&mut OfTasks)) {
        let Some((_, task)) = self.tasks.remove(number) else {
            return;
        };
        self.ended.add(number);
        for frame in task.frames {
            if let Some(call) = self.futures.at(frame) {
                call.task = NONE;
            }
        }
        for pending in task.pending {
            if let Some(operation) = self.operations.at(pending) {
                operation.task = NONE;
            }
        }
        let Some(of) = self.book.kinds.at(task.kind) else {
            return;
        };
        of.alive -= 1;
        if self.now < self.book.from {
            // It was over before what is asked for.
            of.tasks -= 1;
            return;
        }
        how(of);
        if !task.is_late {
            of.life.add(self.now.since(task.spawned));
        }
    }
}
