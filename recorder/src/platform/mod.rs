//! Everything that depends on the machine: the clock, and what static memory is. Each trick has a portable twin here; the `portable`
//! feature forces the twins, so that they are built and tested where the tricks work too.

mod exit;
mod fork;
mod memory;
mod process;
mod statics;
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(feature = "portable")))]
mod tsc;

use std::sync::OnceLock;
use std::time::Instant;

use crate::session::Word;

pub(crate) use exit::{HAS_AT_EXIT, at_exit};
pub(crate) use fork::{at_fork, close_orphan};
pub(crate) use memory::{Block, LiveFile, memory_folder, private_block};
pub(crate) use process::{build_id, host, started_unix_ns};
pub(crate) use statics::{Statics, find as find_statics, lies_in_static_memory};

/// What a tick of the recording's clock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The processor's time stamp counter.
    #[cfg_attr(
        not(all(target_arch = "x86_64", target_os = "linux", not(feature = "portable"))),
        allow(dead_code)
    )]
    Tsc,
    /// A nanosecond of the monotonic clock.
    Monotonic,
}

impl Clock {
    /// The clock of this process: chosen once, so that ticks stay comparable.
    #[inline]
    pub(crate) fn get() -> Clock {
        #[cfg(all(target_arch = "x86_64", target_os = "linux", not(feature = "portable")))]
        return tsc::clock();
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux", not(feature = "portable"))))]
        return Clock::Monotonic;
    }

    /// Its name in the file header.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Clock::Tsc => "tsc",
            Clock::Monotonic => "monotonic",
        }
    }
}

/// Makes this thread give way to others. Where the machine is busy it then gets a part of what others get, which is enough for a program
/// that does not record all the time.
pub(crate) fn lower_priority() {
    #[cfg(all(target_os = "linux", not(feature = "portable")))]
    let _ = rustix::process::nice(2);
}

/// The current tick. Comparable between threads only within the accuracy of the clock: order comes from sequence numbers.
#[inline]
pub(crate) fn tick() -> u64 {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", not(feature = "portable")))]
    if tsc::clock() == Clock::Tsc {
        return tsc::read();
    }
    nanos_out_of_line()
}

/// [`tick`] where a recording is under way: what its clock is, is known from its word.
#[inline]
pub(crate) fn tick_of(word: Word) -> u64 {
    #[cfg(all(target_arch = "x86_64", target_os = "linux", not(feature = "portable")))]
    if word.is_tsc() {
        return tsc::read();
    }
    let _ = word;
    nanos_out_of_line()
}

/// [`nanos`], not inlined: a call where the time stamp counter cannot be used, nothing where it can.
#[cold]
#[inline(never)]
fn nanos_out_of_line() -> u64 {
    nanos()
}

/// Nanoseconds of the monotonic clock since the first call in this process.
pub(crate) fn nanos() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}
