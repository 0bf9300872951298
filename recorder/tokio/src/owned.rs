//! Guards that own what they guard.
//!
//! Tokio's owned guards keep an `Arc` of tokio's own lock. Here the lock lies inside of a recorded one, and it is the recorded one that
//! is in the `Arc`: so an owned guard is tokio's *borrowing* guard with an `Arc` beside it of what it borrows from. Rust has no lifetime
//! for that. The guard's bytes are therefore kept without their type, and given it back, with a lifetime no longer than that of the
//! `Arc`, each time they are used.
#![allow(unsafe_code)]

use std::mem::{ManuallyDrop, MaybeUninit};
use std::sync::Arc;

use ais_recorder::instrument::{HasResource, Held};

/// Room for tokio's largest guard.
const WORDS: usize = 6;

/// The bytes of a guard. Does nothing when it is dropped. Neither `Send` nor `Sync`: guards say so themselves where they are.
pub(crate) struct Erased {
    words: [MaybeUninit<*const ()>; WORDS],
    drop: unsafe fn(*mut [MaybeUninit<*const ()>; WORDS]),
}

impl Erased {
    /// Keeps a guard's bytes.
    pub(crate) fn new<G>(guard: G) -> Erased {
        const {
            assert!(size_of::<G>() <= size_of::<[*const (); WORDS]>());
            assert!(align_of::<G>() <= align_of::<*const ()>());
        }
        let mut words = [const { MaybeUninit::uninit() }; WORDS];
        // SAFETY: there is room for a `G`, aligned as it must be, which was checked above.
        unsafe { words.as_mut_ptr().cast::<G>().write(guard) };
        Erased {
            words,
            drop: drop_as::<G>,
        }
    }
}

unsafe fn drop_as<G>(words: *mut [MaybeUninit<*const ()>; WORDS]) {
    // SAFETY: the caller has a `G` there, which is not used after this.
    unsafe { words.cast::<G>().drop_in_place() }
}

/// A guard that borrows from the `Arc` beside it, and the hold that is recorded of it.
///
/// Dropped, it records the release, then drops the guard, then the `Arc`.
pub(crate) struct Owned<M: HasResource + ?Sized> {
    guard: Erased,
    held: Held<Arc<M>>,
}

impl<M: HasResource + ?Sized> Owned<M> {
    /// Puts a guard beside what it borrows from.
    ///
    /// # Safety
    /// `guard` was made of a guard `G<'a>` that borrows from `held.of` and nothing else.
    pub(crate) unsafe fn new(guard: Erased, held: Held<Arc<M>>) -> Owned<M> {
        Owned { guard, held }
    }

    /// What it borrows from.
    pub(crate) fn of(&self) -> &Arc<M> {
        &self.held.of
    }

    /// The guard.
    ///
    /// # Safety
    /// It was made of a `G`, and `G`'s lifetime here is no longer than that of `self`.
    pub(crate) unsafe fn guard<G>(&self) -> &G {
        // SAFETY: the caller says that a `G` is there.
        unsafe { &*self.guard.words.as_ptr().cast::<G>() }
    }

    /// The guard.
    ///
    /// # Safety
    /// As for [`Owned::guard`].
    pub(crate) unsafe fn guard_mut<G>(&mut self) -> &mut G {
        // SAFETY: the caller says that a `G` is there.
        unsafe { &mut *self.guard.words.as_mut_ptr().cast::<G>() }
    }

    /// Makes another guard of the one that is there; an error says that it is still the same one. `change` gets the hold too, to record
    /// what it gives back before it does.
    ///
    /// # Safety
    /// As for [`Owned::guard`]; what `change` gives borrows from the guard that it got, and from nothing else, and it leaves `Held::of` as
    /// it is.
    pub(crate) unsafe fn try_map<G, H>(
        self,
        change: impl FnOnce(G, &mut Held<Arc<M>>) -> Result<H, G>,
    ) -> Result<Owned<M>, Owned<M>> {
        let this = ManuallyDrop::new(self);
        // SAFETY: the caller says that a `G` is there; `this` is not dropped, so both are read once. Should `change` panic, it drops the
        // guard, and what it borrows from after that.
        let (mut held, guard) = unsafe {
            (
                std::ptr::from_ref(&this.held).read(),
                this.guard.words.as_ptr().cast::<G>().read(),
            )
        };
        match change(guard, &mut held) {
            Ok(other) => Ok(Owned {
                guard: Erased::new(other),
                held,
            }),
            Err(same) => Err(Owned {
                guard: Erased::new(same),
                held,
            }),
        }
    }

    /// [`Owned::try_map`] where that cannot fail.
    ///
    /// # Safety
    /// As for that.
    pub(crate) unsafe fn map<G, H>(self, change: impl FnOnce(G) -> H) -> Owned<M> {
        // SAFETY: the caller says so.
        match unsafe { self.try_map(|guard, _| Ok(change(guard))) } {
            Ok(owned) | Err(owned) => owned,
        }
    }
}

impl<M: HasResource + ?Sized> Drop for Owned<M> {
    fn drop(&mut self) {
        self.held.release();
        // SAFETY: the guard is there since `Owned::new` and nothing else drops it; what it borrows from is dropped after it.
        unsafe { (self.guard.drop)(&raw mut self.guard.words) }
    }
}
