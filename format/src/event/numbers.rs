//! What the numbers in the columns mean: kinds, outcomes, sums of flags. One table, so that the specification can be held against it.

macro_rules! numbers {
    ($( $(#[$doc:meta])* $module:ident { $( $(#[$ndoc:meta])* $name:ident = $value:expr ),* $(,)? } )*) => {
        $( $(#[$doc])* pub mod $module { $( $(#[$ndoc])* pub const $name: u64 = $value; )* } )*
    };
}

numbers! {
    /// How a poll of a task ended.
    poll_outcome {
        /// The task waits.
        PENDING = 0,
        /// The task completed.
        READY = 1,
        /// The task panicked.
        PANICKED = 2,
    }
    /// How an await, a future or an operation ended.
    outcome {
        /// It completed.
        READY = 0,
        /// It was dropped while it waited.
        DROPPED = 1,
        /// It panicked, or was dropped by a panic.
        PANICKED = 2,
        /// It was dropped before it was ever polled.
        NEVER_POLLED = 3,
        /// It ended because the other end of its channel is gone.
        CLOSED = 4,
    }
    /// What is known of a task.
    task_flag {
        /// It existed before it was first recorded: its earlier history is missing.
        LATE = 1,
        /// It is a function that runs on a thread of its own (`spawn_blocking`); its one poll is the run.
        BLOCKING = 2,
        /// A thread blocks until it is done (`block_on`).
        BLOCK_ON = 4,
        /// It is bound to the thread that spawned it (`spawn_local`).
        LOCAL = 8,
        /// Nobody gave it a name: that is the type of its future.
        UNNAMED = 16,
        /// Its future can hold something that acts when it is dropped: a guard, an end of a channel.
        CAN_HOLD = 32,
        /// What it returns can hold such a thing.
        CAN_RETURN = 64,
    }
    /// What is known of a function.
    function_flag {
        /// Its await points are known (all of them are listed); a bare name has no such list.
        HAS_POINTS = 1,
    }
    /// What a resource is.
    resource_kind {
        /// A lock with one holder.
        MUTEX = 1,
        /// A channel with room for `capacity` messages.
        CHANNEL = 2,
        /// A lock with many readers or one writer. Its capacity is how many readers it admits.
        RWLOCK = 3,
        /// Permits.
        SEMAPHORE = 4,
        /// A channel without a bound.
        UNBOUNDED_CHANNEL = 5,
        /// A channel for one message.
        ONESHOT = 6,
        /// A channel that keeps the last value only.
        WATCH = 7,
        /// A channel each of whose receivers gets each message.
        BROADCAST = 8,
        /// Lets tasks wait until they are notified.
        NOTIFY = 9,
        /// Lets tasks wait until `capacity` of them have come.
        BARRIER = 10,
        /// A value that the first one who asks for it makes.
        ONCE_CELL = 11,
        /// A value that is set once, and waited for.
        SET_ONCE = 12,
        /// A set of tasks that are joined as they end.
        TASK_SET = 13,
        /// An executor with `capacity` threads that poll tasks.
        RUNTIME = 14,
        /// An executor of tasks that are bound to one thread (`LocalSet`); whoever polls it drives them.
        LOCAL_SET = 15,
    }
    /// What is known of a resource.
    resource_flag {
        /// It existed before it was first recorded: who holds it, or what is queued in it, may be unknown.
        LATE = 1,
        /// It is a constant, recorded from its first use on: nothing was ever done with it before, unless recording began late.
        CONST = 2,
    }
    /// What has become of a resource.
    resource_status {
        /// It was closed.
        CLOSED = 1,
        /// The value that is waited for was set.
        SET = 2,
        /// It, or an end of it, was unwrapped: it can be used without being recorded.
        ESCAPED = 4,
        /// How many messages are in it cannot be told.
        MESSAGES_UNKNOWN = 8,
    }
    /// What an operation asks for.
    operation_kind {
        /// `lock()`.
        LOCK = 1,
        /// `send()`.
        SEND = 2,
        /// `recv()`.
        RECEIVE = 3,
        /// Waits for a task to end.
        JOIN = 4,
        /// `read()`.
        READ = 5,
        /// `write()`.
        WRITE = 6,
        /// `acquire()`, of `units` permits.
        ACQUIRE = 7,
        /// `reserve()`, of `units` slots of a channel.
        RESERVE = 8,
        /// `closed()`: waits until nobody is at the other end.
        CLOSED = 9,
        /// `changed()`, `wait_for()`: waits for another value.
        CHANGED = 10,
        /// `notified()`.
        NOTIFIED = 11,
        /// `wait()` at a barrier.
        BARRIER = 12,
        /// Waits for another task to make the value of a cell.
        INIT = 13,
        /// `wait()` for a value to be set.
        SET = 14,
        /// `join_next()`: waits for any task of a set to end.
        JOIN_NEXT = 15,
        /// Waits for a time to come.
        SLEEP = 16,
        /// Waits for something else, until a time comes. Ends as ready where the time came first.
        TIMEOUT = 17,
        /// Waits for the next tick of an interval.
        TICK = 18,
    }
    /// What is known of an operation, or of how a lock was taken.
    operation_flag {
        /// Its memory lies inside the future of its task: no other task can ever poll it.
        INLINE = 1,
        /// It is polled with a waker that is not its task's own (an executor inside the task).
        FOREIGN_WAKER = 2,
        /// The resource lies in static memory: what was taken from it can be kept anywhere.
        STATIC = 4,
        /// It cannot be told whether the resource lies in static memory.
        MAYBE_STATIC = 8,
        /// What is taken does not borrow the resource: it can be moved anywhere.
        OWNED = 16,
        /// Its task had used up its budget for this turn: the poll says nothing about the resource.
        NO_BUDGET = 32,
        /// It is polled through a function (`poll_recv`): nobody sees when it is given up.
        NO_DROP = 64,
        /// The thread blocks until it is done.
        BLOCKING = 128,
    }
    /// What is known of a message.
    send_flag {
        /// It can hold something that acts when it is dropped: a guard, an end of a channel.
        CAN_HOLD = 1,
    }
    /// Who is notified.
    notify_mode {
        /// The first task that waits, or the next one that will.
        ONE = 1,
        /// The task that began to wait last, or the next one that will.
        LAST = 2,
        /// All tasks that wait now.
        WAITERS = 3,
        /// All, from now on: a value is set.
        SET = 4,
    }
    /// What a thread is in the middle of.
    section_kind {
        /// `block_in_place`: the thread blocks, and others take over its tasks.
        BLOCK_IN_PLACE = 1,
        /// The value of a watch channel is borrowed: senders block.
        BORROW = 2,
        /// A runtime is shut down: its tasks are cancelled.
        SHUTDOWN = 3,
    }
    /// Which end of a channel a handle is.
    handle_end {
        /// Sends.
        SENDER = 1,
        /// Receives.
        RECEIVER = 2,
    }
}
