//! What is known of a task from its beginning.

use ais_format::event::task_flag;

/// The [`task_flag`] bits of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskFlags(pub u64);

impl TaskFlags {
    const fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    /// It is a function that runs on a thread of its own (`spawn_blocking`); its one poll is the run.
    pub const fn is_blocking(self) -> bool {
        self.has(task_flag::BLOCKING)
    }

    /// A thread blocks until it is done (`block_on`).
    pub const fn is_block_on(self) -> bool {
        self.has(task_flag::BLOCK_ON)
    }

    /// It is bound to the thread that spawned it (`spawn_local`).
    pub const fn is_local(self) -> bool {
        self.has(task_flag::LOCAL)
    }

    /// Nobody gave it a name: its name is made of the type of its future.
    pub const fn is_unnamed(self) -> bool {
        self.has(task_flag::UNNAMED)
    }

    /// Its future can hold something that acts when it is dropped: a guard, an end of a channel.
    pub const fn can_hold(self) -> bool {
        self.has(task_flag::CAN_HOLD)
    }

    /// What it returns can hold such a thing.
    pub const fn can_return(self) -> bool {
        self.has(task_flag::CAN_RETURN)
    }

    /// What kind of task it is, where it is no plain one.
    pub const fn in_words(self) -> Option<&'static str> {
        if self.is_blocking() {
            Some("blocking job")
        } else if self.is_block_on() {
            Some("runs block_on")
        } else if self.is_local() {
            Some("bound to one thread")
        } else {
            None
        }
    }
}
