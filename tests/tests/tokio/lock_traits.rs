//! Recorded locks and their guards can be sent, shared, moved and unwound where tokio's own can, and nowhere else.
#![allow(
    elided_lifetimes_in_paths,
    reason = "types with a lifetime and without one stand in the same lists"
)]

use std::cell::Cell;
use std::marker::PhantomPinned;
use std::rc::Rc;

use ::tokio::sync as real;
use recorded_tokio::sync as recorded;

macro_rules! same {
    ($($type:ident $(<$($argument:ty),*>)?),* $(,)?) => {$(
        assert_eq!(
            auto_traits_of!(recorded::$type $(<$($argument),*>)?),
            auto_traits_of!(real::$type $(<$($argument),*>)?),
            stringify!($type $(<$($argument),*>)?),
        );
    )*};
}

/// Can be shared but not sent.
type Bound = std::sync::MutexGuard<'static, u8>;

macro_rules! same_of {
    ($($value:ty),*) => {$(
        same!(
            Mutex<$value>,
            MutexGuard<$value>,
            MappedMutexGuard<$value>,
            OwnedMutexGuard<$value>,
            OwnedMappedMutexGuard<u8, $value>,
            OwnedMappedMutexGuard<$value, u8>,
            RwLock<$value>,
            RwLockReadGuard<$value>,
            RwLockWriteGuard<$value>,
            RwLockMappedWriteGuard<$value>,
            OwnedRwLockReadGuard<$value, u8>,
            OwnedRwLockReadGuard<u8, $value>,
            OwnedRwLockWriteGuard<$value>,
            OwnedRwLockMappedWriteGuard<$value, u8>,
            OwnedRwLockMappedWriteGuard<u8, $value>,
            OnceCell<$value>,
            SetOnce<$value>,
        );
    )*};
}

#[test]
fn locks_and_guards_have_the_auto_traits_of_tokios_own() {
    assert_ne!(auto_traits_of!(u8), auto_traits_of!(Rc<u8>));
    assert_ne!(auto_traits_of!(u8), auto_traits_of!(Bound));
    same_of!(u8, Cell<u8>, Rc<u8>, Bound, PhantomPinned, &mut u8);
    same!(
        Semaphore,
        SemaphorePermit,
        OwnedSemaphorePermit,
        Notify,
        Barrier
    );
    let notified = auto_traits_of!(recorded::futures::Notified<'static>);
    assert_eq!(notified, auto_traits_of!(real::futures::Notified<'static>));
    let owned = auto_traits_of!(recorded::futures::OwnedNotified);
    assert_eq!(owned, auto_traits_of!(real::futures::OwnedNotified));
}

#[test]
fn locks_and_permits_are_shown_as_tokios_own() {
    assert_eq!(
        format!("{:?}", recorded::RwLock::new(1)),
        format!("{:?}", real::RwLock::new(1))
    );
    let (ours, theirs) = (recorded::Semaphore::new(2), real::Semaphore::new(2));
    assert_eq!(
        format!("{:?}", ours.try_acquire()),
        format!("{:?}", theirs.try_acquire())
    );
    let ours = std::sync::Arc::new(ours).try_acquire_owned();
    let theirs = std::sync::Arc::new(theirs).try_acquire_owned();
    assert_eq!(format!("{ours:#?}"), format!("{theirs:#?}"));
    assert_eq!(
        format!("{:?}", recorded::OnceCell::from(1)),
        format!("{:?}", real::OnceCell::from(1))
    );
    assert_eq!(
        format!("{:?}", recorded::Notify::new()),
        format!("{:?}", real::Notify::new())
    );
}
