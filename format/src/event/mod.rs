//! The tables of a trace: every kind of definition and event, with its columns, in one place.
//!
//! A trace is a set of tables. *Definitions* give numbers to strings, source locations, functions and threads, so that events are
//! numbers only. *Events* say what happened; each stands in the table of its kind, and the [`Order`] table of a batch says how the
//! kinds interleave. Who did something is not repeated in each event: the events of a batch come from one thread, in order, so what
//! stands between a [`PollBegin`] and its [`PollEnd`] was done by that task.
//!
//! Columns are only ever added at the end of a kind, kinds only with new numbers. A reader that knows fewer columns ignores the
//! rest; one that knows more reads zero for those that a file lacks. Zero is "none" in every column that holds an identifier.

mod numbers;

use crate::column::Encoding;

pub use numbers::*;

/// What a column holds and how it is best written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, as in `SPEC.md`.
    pub name: &'static str,
    /// The encoding that suits its values.
    pub encoding: Encoding,
}

/// A row of a table, as the numbers in its columns.
pub trait Row: Copy {
    /// The number of the table's kind.
    const KIND: Kind;
    /// Its columns, first to last.
    const COLUMNS: &'static [Column];
    /// Calls `column` with each value, first to last.
    fn each(&self, column: impl FnMut(usize, u64));
    /// The row from a function that knows each column's value.
    fn from_columns(column: impl FnMut(usize) -> u64) -> Self;
}

macro_rules! tables {
    ($( $(#[$doc:meta])* $number:literal $kind:ident $name:literal { $( $(#[$cdoc:meta])* $column:ident: $encoding:ident ),* $(,)? } )*) => {
        /// The kinds of tables that this version knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each is documented at the row type of the same name")]
        pub enum Kind { $( $kind = $number, )* }

        impl Kind {
            /// Every kind, by number.
            pub const ALL: &'static [Kind] = &[$( Kind::$kind, )*];

            /// The kind with this number; none for one that a later version added.
            #[must_use]
            pub const fn from_number(number: u8) -> Option<Kind> {
                match number { $( $number => Some(Kind::$kind), )* _ => None }
            }

            /// Its name, as in `SPEC.md`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Kind::$kind => $name, )* }
            }

            /// Its columns, first to last.
            #[must_use]
            pub const fn columns(self) -> &'static [Column] {
                match self { $( Kind::$kind => $kind::COLUMNS, )* }
            }
        }

        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
            pub struct $kind { $( $(#[$cdoc])* pub $column: u64, )* }

            impl Row for $kind {
                const KIND: Kind = Kind::$kind;
                const COLUMNS: &'static [Column] =
                    &[$( Column { name: stringify!($column), encoding: Encoding::$encoding }, )*];
                #[inline]
                fn each(&self, mut column: impl FnMut(usize, u64)) {
                    let mut _i = 0;
                    $( column(_i, self.$column); _i += 1; )*
                }
                #[inline]
                fn from_columns(mut column: impl FnMut(usize) -> u64) -> Self {
                    let mut _i = 0;
                    $( let $column = column(_i); _i += 1; )*
                    $kind { $( $column, )* }
                }
            }
        )*
    };
}

tables! {
    /// Definition: a string. The only table with a column of text; `text` counts as zero among the numbers.
    1 Text "text" {
        /// Its number.
        id: Delta,
        /// The text itself (a column of strings).
        text: Text,
    }
    /// Definition: a place in source.
    2 Location "location" {
        /// Its number.
        id: Delta,
        /// The file, as a [`Text`]: relative to the workspace, or `crate-version/src/…`.
        file: Delta,
        /// Line, from 1.
        line: Plain,
        /// Column, from 1.
        column: Plain,
    }
    /// Definition: an instrumented function, or the name given to a future.
    3 Function "function" {
        /// Its number.
        id: Delta,
        /// Its name, as a [`Text`].
        name: Delta,
        /// Where it is defined (or where the name was given).
        location: Delta,
        /// How many await points it has.
        points: Plain,
        /// [`function_flag`] bits.
        flags: Plain,
    }
    /// Definition: one `.await` in an instrumented function.
    4 AwaitPoint "await_point" {
        /// The function.
        function: Delta,
        /// Which of its await points, from 0, in source order.
        index: Plain,
        /// The awaited expression, as a [`Text`].
        expression: Delta,
        /// Where the `await` stands.
        location: Delta,
    }
    /// Definition: a thread of the traced program.
    5 Thread "thread" {
        /// Its number.
        id: Delta,
        /// Its name, as a [`Text`]; zero where it has none.
        name: Plain,
    }
    /// Definition: a macro call in an instrumented function, in which something is awaited that is not among its await points.
    6 Unseen "unseen" {
        /// The function.
        function: Delta,
        /// The macro's path, as a [`Text`].
        name: Delta,
        /// Where it is called.
        location: Delta,
    }

    /// Begins a batch: a run of events of one thread, in the order in which they happened. One row; the [`Order`] table and the
    /// tables of the events follow, up to the next batch or the end of the chunk.
    16 Batch "batch" {
        /// The thread.
        thread: Plain,
        /// How many events this thread had recorded before this batch. A gap to the batch before shows loss.
        first: Plain,
        /// How many events of this thread could not be recorded, of those before this batch.
        dropped: Plain,
        /// How many events the batch holds.
        events: Plain,
    }
    /// The order of a batch's events: row *i* names the kind of event *i* and when it happened. Its other columns stand in the next
    /// unused row of that kind's table.
    17 Order "order" {
        /// The kind of the event.
        kind: Plain,
        /// When, in ticks of the recording's clock.
        tick: Delta,
    }

    /// A task was handed to an executor (or, if the recording began later, was first seen).
    32 TaskNew "task_new" {
        /// Its number.
        task: Delta,
        /// The task that spawned it; zero where that was none of ours.
        parent: Delta,
        /// Its name, as a [`Text`].
        name: Delta,
        /// Where it was spawned.
        location: Delta,
        /// The size of its future, in bytes.
        size: Plain,
        /// [`task_flag`] bits.
        flags: Plain,
        /// The runtime or the set of local tasks that it was handed to, as a resource; zero where that is not known.
        executor: Delta,
    }
    /// An executor polls a task, on this thread. Polls nest where a task blocks on another.
    33 PollBegin "poll_begin" {
        /// The task.
        task: Delta,
        /// The number of this poll, from 1.
        poll: Keyed,
        /// How often the waker that the task is polled with had been woken before: later wakes ask for another poll.
        wakes: Keyed,
        /// The number of that waker: counts up each time the executor hands the task another one.
        waker: Delta,
    }
    /// The innermost open poll of this thread ended.
    34 PollEnd "poll_end" {
        /// The task.
        task: Delta,
        /// The number of this poll.
        poll: Keyed,
        /// A [`poll_outcome`].
        outcome: Plain,
        /// How many clones of the task's wakers are alive, the recorder's own not counted.
        wakers: Plain,
    }
    /// A task was dropped before it completed.
    35 TaskDrop "task_drop" {
        /// The task.
        task: Delta,
    }
    /// This thread called a task's waker.
    36 Wake "wake" {
        /// The task that is woken.
        task: Delta,
        /// Which of its wakers, see [`PollBegin`].
        waker: Delta,
        /// The number of this wake among those of that waker, from 1.
        number: Keyed,
    }

    /// Somebody asked for a task to be cancelled (`abort`). It ends at once, at its next await point, or not at all where it is done.
    37 TaskAbort "task_abort" {
        /// The task.
        task: Delta,
    }
    /// A task gave way to others of its own accord (`yield_now`): it will be polled again without anything having happened.
    38 Yield "yield" {
        /// Where in source.
        location: Delta,
        /// The future inside which it did; zero where that is the task itself.
        future: Delta,
    }
    /// The next event of this thread was done by a task that is not recorded, of which the runtime's own number is known.
    39 Foreign "foreign" {
        /// The number that the runtime gave the task.
        task: Delta,
    }

    /// A future with a name was made.
    40 FutureNew "future_new" {
        /// Its number.
        future: Delta,
        /// Its name, as a [`Function`].
        function: Delta,
    }
    /// A future began to run: it was polled for the first time, by the task whose poll is open.
    41 FutureBegin "future_begin" {
        /// Its number.
        future: Delta,
        /// What it is, as a [`Function`].
        function: Delta,
        /// The future inside which it runs; zero where that is the task itself.
        parent: Delta,
    }
    /// A future came to an await point and polls what it awaits for the first time.
    42 AwaitEnter "await_enter" {
        /// The future.
        future: Delta,
        /// The index of the await point in its function.
        point: Plain,
    }
    /// A future is past an await point.
    43 AwaitLeave "await_leave" {
        /// The future.
        future: Delta,
        /// The index of the await point in its function.
        point: Plain,
        /// An [`outcome`].
        outcome: Plain,
    }
    /// A future is gone.
    44 FutureEnd "future_end" {
        /// The future.
        future: Delta,
        /// An [`outcome`].
        outcome: Plain,
    }

    /// A resource was made.
    50 ResourceNew "resource_new" {
        /// Its number.
        resource: Delta,
        /// A [`resource_kind`].
        kind: Plain,
        /// Where it was made.
        location: Delta,
        /// Units that it has at first: permits of a semaphore, slots of a channel, readers that a lock admits, tasks that a barrier
        /// waits for; 1 for a mutex.
        capacity: Plain,
        /// Its name, as a [`Text`]; zero where it has none.
        name: Delta,
        /// [`resource_flag`] bits.
        flags: Plain,
        /// Of a runtime, how many threads it may have for blocking jobs; zero where that is not known, and for all else.
        pool: Plain,
    }
    /// A resource was dropped: nothing can use it any more.
    51 ResourceDrop "resource_drop" {
        /// The resource.
        resource: Delta,
    }
    /// An operation could not be done at once, and begins to wait. One that was dropped unpolled is recorded when it is dropped, and
    /// ends as never polled; a `notified()` is recorded when it is made, since it counts from then on.
    52 OperationBegin "operation_begin" {
        /// Its number.
        operation: Delta,
        /// An [`operation_kind`].
        kind: Plain,
        /// The resource; for a join the task that is waited for; zero for a timer.
        target: Delta,
        /// Which of the resource's ends it uses (channels), see [`HandleNew`].
        handle: Plain,
        /// Where in source it was asked for.
        location: Delta,
        /// The future inside which it waits; zero where that is the task itself.
        future: Delta,
        /// [`operation_flag`] bits.
        flags: Plain,
        /// How many units it wants; for a timer, the nanoseconds until its deadline.
        units: Plain,
        /// The number of this change of the resource: the operation was in its queue by then. Zero where there is no queue (a join, a
        /// timer).
        sequence: Delta,
        /// How many of the changes just before this one happened while the operation came into the queue: their order to it is unknown.
        overlap: Plain,
    }
    /// An operation was polled again, and still waits.
    53 OperationPoll "operation_poll" {
        /// The operation.
        operation: Delta,
        /// How often its own waker had fired before this poll.
        fires: Delta,
        /// [`operation_flag`] bits, as of this poll: an operation can be moved.
        flags: Plain,
    }
    /// An operation's own waker was called (and has woken the task): its resource asks for it to be polled.
    54 OperationFired "operation_fired" {
        /// The operation.
        operation: Delta,
        /// The number of this firing, from 1.
        number: Delta,
    }
    /// An operation that waited is over. One that is dropped is recorded before the fact.
    55 OperationEnd "operation_end" {
        /// The operation.
        operation: Delta,
        /// An [`outcome`].
        outcome: Plain,
        /// The resource, as in [`OperationBegin`]; zero where there is no queue.
        resource: Delta,
        /// The number of this change of the resource.
        sequence: Delta,
    }
    /// Units of a resource were taken: a lock, permits, a slot of a channel. Recorded after the fact. The number of this change is
    /// also the number of the *hold*, by which later changes name it.
    56 Acquire "acquire" {
        /// The resource.
        resource: Delta,
        /// The number of this change among those of the resource, from 1. This orders them over threads; ticks do not.
        sequence: Keyed,
        /// Where in source.
        location: Delta,
        /// The future inside which it was taken; zero where that is the task itself.
        future: Delta,
        /// The operation that had to wait for it; zero where none had to.
        operation: Delta,
        /// [`operation_flag`] bits.
        flags: Plain,
        /// How many units: 1 for a mutex or a reader, all for a writer.
        units: Plain,
    }
    /// Units are given back. Recorded before the fact.
    57 Release "release" {
        /// The resource.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The hold they are of, see [`Acquire`]; zero where it was taken before the recording.
        hold: Delta,
        /// How many units; a writer that becomes a reader gives back all but one.
        units: Plain,
    }
    /// A message is put into a channel. Recorded before the fact.
    58 Send "send" {
        /// The channel.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The sending end.
        handle: Plain,
        /// Where in source.
        location: Delta,
        /// [`send_flag`] bits.
        flags: Plain,
    }
    /// The channel had no room (or was closed): takes back the [`Send`] before it.
    59 SendFailed "send_failed" {
        /// The channel.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
    }
    /// Messages were taken out of a channel. Recorded after the fact.
    60 Receive "receive" {
        /// The channel.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The receiving end.
        handle: Plain,
        /// Where in source.
        location: Delta,
        /// How many.
        messages: Plain,
    }
    /// A channel is closed: no more can be sent. Recorded before the fact.
    61 Close "close" {
        /// The channel.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
    }
    /// An end of a channel was made, or cloned. Recorded before it can be used.
    62 HandleNew "handle_new" {
        /// The channel.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The number of this end, unique in its channel, from 1.
        handle: Delta,
        /// A [`handle_end`].
        end: Plain,
    }
    /// An end of a channel is dropped. Recorded before the fact.
    63 HandleDrop "handle_drop" {
        /// The channel.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// Which end.
        handle: Delta,
    }
    /// A part of a hold became a hold of its own, whose number is that of this change.
    64 HoldSplit "hold_split" {
        /// The resource.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The hold that was split.
        hold: Delta,
        /// How many units the new hold has.
        units: Plain,
    }
    /// A hold became a part of another one.
    65 HoldMerge "hold_merge" {
        /// The resource.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The hold that grew.
        hold: Delta,
        /// The hold that is gone.
        gone: Delta,
    }
    /// Units are gone for good: they will never be given back (`forget`).
    66 Forget "forget" {
        /// The resource.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The hold they are of; zero where they were free.
        hold: Delta,
        /// How many units.
        units: Plain,
    }
    /// Units are added to a resource (`add_permits`). Recorded before the fact.
    67 Add "add" {
        /// The resource.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// How many units.
        units: Plain,
        /// Where in source.
        location: Delta,
    }
    /// Waiting tasks are notified, or the value that they wait for is set. Recorded before the fact.
    68 Notify "notify" {
        /// The resource.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// A [`notify_mode`].
        mode: Plain,
        /// Where in source.
        location: Delta,
    }
    /// A task comes to a barrier. Recorded before the fact.
    69 Arrive "arrive" {
        /// The barrier.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// Where in source.
        location: Delta,
    }
    /// A task became a member of a set of tasks.
    70 MemberNew "member_new" {
        /// The set.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The task.
        task: Delta,
    }
    /// A task is no member of its set any more: it was joined, or let go.
    71 MemberGone "member_gone" {
        /// The set.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The task; zero where all are gone.
        task: Delta,
    }
    /// A resource, or an end of it, was unwrapped: from now on it can be used without being recorded.
    72 Escape "escape" {
        /// The resource.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
    }
    /// This thread enters a section of a [`section_kind`]. Sections nest.
    73 SectionBegin "section_begin" {
        /// A [`section_kind`].
        kind: Plain,
        /// The resource that it keeps others from; zero where there is none.
        resource: Delta,
        /// Where in source.
        location: Delta,
        /// The thread, for a keyframe to tell which; zero in files of before this column.
        thread: Delta,
    }
    /// This thread leaves the innermost section of this kind and resource.
    74 SectionEnd "section_end" {
        /// A [`section_kind`].
        kind: Plain,
        /// The resource.
        resource: Delta,
    }
    /// The deadline of a timer that is waited for was moved.
    75 TimerSet "timer_set" {
        /// The operation that waits for it.
        operation: Delta,
        /// Nanoseconds until the new deadline.
        delay: Plain,
    }
    /// A receiver was too slow: messages are gone before it saw them.
    76 Lag "lag" {
        /// The channel.
        resource: Delta,
        /// The number of this change.
        sequence: Keyed,
        /// The receiving end.
        handle: Plain,
        /// How many messages it missed.
        messages: Plain,
    }
    /// The last clone of a waker that its task was polled with is gone, and had not been woken since that poll: nobody can wake the task
    /// through it any more.
    77 WakersGone "wakers_gone" {
        /// The task.
        task: Delta,
        /// Which of its wakers, see [`PollBegin`].
        waker: Delta,
    }
    /// This thread is in the middle of this poll, whose beginning it could not record.
    78 InPoll "in_poll" {
        /// The task.
        task: Delta,
        /// The number of the poll.
        poll: Delta,
    }
    /// In a keyframe: the next event was done by this task.
    79 DoneBy "done_by" {
        /// The task.
        task: Delta,
    }
    /// In a keyframe: what a resource was like. What remains of its changes is told again in the same keyframe, as of some moment between
    /// two of its changes.
    80 ResourceState "resource_state" {
        /// The resource.
        resource: Delta,
        /// The number of the change before which no part of the keyframe was read.
        since: Delta,
        /// The number of the change after which no part of the keyframe was read, and after which the rest of this row is so.
        sequence: Delta,
        /// Messages that are in it.
        messages: Plain,
        /// [`resource_status`] bits.
        status: Plain,
        /// Units that it has: those that it was made with and those that were added, less those that are gone for good.
        units: Plain,
    }
}

impl Kind {
    /// Whether rows of this kind are events: they stand in the order of a batch.
    #[must_use]
    pub const fn is_event(self) -> bool {
        self as u8 >= Kind::TaskNew as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_has_more_columns_than_a_builder_takes() {
        assert!(
            Kind::ALL
                .iter()
                .all(|kind| kind.columns().len() <= crate::chunk::MAX_WIDTH)
        );
    }

    #[test]
    fn every_kind_has_one_number_and_a_first_column_that_identifies_it() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::from_number(kind as u8), Some(kind));
            assert!(!kind.columns().is_empty(), "{} has no columns", kind.name());
        }
        assert_eq!(Kind::from_number(0), None);
        assert_eq!(Kind::from_number(255), None);
    }

    #[test]
    fn rows_come_back_from_their_columns() {
        let row = PollEnd {
            task: 7,
            poll: 3,
            outcome: poll_outcome::READY,
            wakers: 2,
        };
        let mut columns = [0; 4];
        row.each(|i, value| columns[i] = value);
        assert_eq!(columns, [7, 3, 1, 2]);
        assert_eq!(PollEnd::from_columns(|i| columns[i]), row);
    }
}
