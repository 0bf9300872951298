//! The processor's time stamp counter: the cheapest clock there is (about 12 ns a reading, against 34 ns for `Instant`).
//!
//! It is used only where Linux says that it runs at one rate (`constant_tsc`) and does not stop in sleep (`nonstop_tsc`). It is read
//! without a fence: a reading may then seem up to some 200 ns older than one taken before it on another core, which is why nothing
//! is ordered by it over threads.

use std::sync::atomic::{AtomicU8, Ordering};

use super::Clock;

const UNKNOWN: u8 = 0;
const TSC: u8 = 1;
const MONOTONIC: u8 = 2;

static CHOICE: AtomicU8 = AtomicU8::new(UNKNOWN);

#[inline]
pub(super) fn clock() -> Clock {
    match CHOICE.load(Ordering::Relaxed) {
        TSC => Clock::Tsc,
        MONOTONIC => Clock::Monotonic,
        _ => choose(),
    }
}

#[cold]
fn choose() -> Clock {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut flags = info
        .lines()
        .filter(|line| line.starts_with("flags"))
        .peekable();
    let has = |line: &str, flag| line.split_ascii_whitespace().any(|word| word == flag);
    let invariant = flags.peek().is_some()
        && flags.all(|line| has(line, "constant_tsc") && has(line, "nonstop_tsc"));
    let choice = if invariant { TSC } else { MONOTONIC };
    // Two threads that choose at once choose the same.
    CHOICE.store(choice, Ordering::Relaxed);
    if invariant {
        Clock::Tsc
    } else {
        Clock::Monotonic
    }
}

/// The counter in units of 16 cycles (some 5 ns): a reading takes longer than that, and small numbers are cheap to write.
#[inline]
#[allow(unsafe_code, reason = "there is no safe way to read the counter")]
pub(super) fn read() -> u64 {
    // SAFETY: `rdtsc` is part of x86-64 and touches no memory. (Where an operating system traps it for user programs, Linux does so
    // only on request of the process itself: PR_SET_TSC.)
    unsafe { core::arch::x86_64::_rdtsc() >> 4 }
}
