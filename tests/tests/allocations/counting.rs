//! An allocator that counts, for those threads that want it.
//!
//! A thread that asks for it has its allocations added to a tally, which other threads may share. The recorder's thread never asks, and
//! neither do other tests' threads, so a tally is of the program alone.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many allocations the threads have made that add to this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally(&'static AtomicU64);

thread_local! {
    // Constant and without a destructor: to use it allocates nothing, and it is there to the very end of a thread.
    static ADDS_TO: Cell<Option<Tally>> = const { Cell::new(None) };
}

impl Tally {
    /// One to which nobody adds yet. It stays for as long as the process.
    pub(crate) fn new() -> Self {
        Self(Box::leak(Box::default()))
    }

    /// From now on this thread's allocations count here.
    pub(crate) fn count_this_thread(self) {
        ADDS_TO.set(Some(self));
    }

    pub(crate) fn allocations(self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

fn count() {
    if let Some(tally) = ADDS_TO.get() {
        tally.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: each function hands its arguments to the system's allocator as they are, and returns what that returns; counting neither
// allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same promises to us.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller keeps the same promises to us, and `memory` came from the system's allocator by way of us.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the same promises to us, and `memory` came from the system's allocator by way of us.
        unsafe { System.dealloc(memory, layout) }
    }
}
