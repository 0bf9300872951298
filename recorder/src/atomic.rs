//! What memory that threads share is made of: an atomic, or what a model checker has for one. The same code then runs in the program and
//! in the models of it.

use std::sync::atomic::{AtomicU64, Ordering};

/// A word that several threads use.
pub(crate) trait Atomic {
    fn load(&self, order: Ordering) -> u64;
    fn store(&self, value: u64, order: Ordering);
    /// Whether it was `before`, and is `after` now. Acquires and releases.
    fn replace(&self, before: u64, after: u64) -> bool;
    /// What it was before so much was added, wrapping. Acquires and releases.
    fn add(&self, more: u64) -> u64;
    /// A fence between threads that use such words.
    fn fence(order: Ordering);
}

macro_rules! atomic {
    ($atomic:ty, $fence:path) => {
        impl Atomic for $atomic {
            #[inline(always)]
            fn load(&self, order: Ordering) -> u64 {
                <$atomic>::load(self, order)
            }

            #[inline(always)]
            fn store(&self, value: u64, order: Ordering) {
                <$atomic>::store(self, value, order);
            }

            #[inline(always)]
            fn replace(&self, before: u64, after: u64) -> bool {
                self.compare_exchange(before, after, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok()
            }

            #[inline(always)]
            fn add(&self, more: u64) -> u64 {
                self.fetch_add(more, Ordering::AcqRel)
            }

            #[inline(always)]
            fn fence(order: Ordering) {
                $fence(order);
            }
        }
    };
}

atomic!(AtomicU64, std::sync::atomic::fence);
#[cfg(ais_loom)]
atomic!(loom::sync::atomic::AtomicU64, loom::sync::atomic::fence);
