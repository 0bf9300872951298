//! Recorded locks and their guards can be sent, shared, moved and unwound where tokio's own can, and nowhere else.
#![allow(
    elided_lifetimes_in_paths,
    reason = "types with a lifetime and without one stand in the same lists"
)]

use std::cell::Cell;
use std::marker::{PhantomData, PhantomPinned};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

use ::tokio::sync as real;
use recorded_tokio::sync as recorded;

/// What holds of every type that the inherent constants of the same names do not hold of.
trait Otherwise {
    const SEND: bool = false;
    const SYNC: bool = false;
    const UNPIN: bool = false;
    const UNWIND: bool = false;
    const REF_UNWIND: bool = false;
}

struct Is<T: ?Sized>(PhantomData<T>);

impl<T: ?Sized> Otherwise for Is<T> {}

impl<T: ?Sized + Send> Is<T> {
    const SEND: bool = true;
}

impl<T: ?Sized + Sync> Is<T> {
    const SYNC: bool = true;
}

impl<T: ?Sized + Unpin> Is<T> {
    const UNPIN: bool = true;
}

impl<T: ?Sized + UnwindSafe> Is<T> {
    const UNWIND: bool = true;
}

impl<T: ?Sized + RefUnwindSafe> Is<T> {
    const REF_UNWIND: bool = true;
}

macro_rules! traits {
    ($type:ty) => {
        [
            Is::<$type>::SEND,
            Is::<$type>::SYNC,
            Is::<$type>::UNPIN,
            Is::<$type>::UNWIND,
            Is::<$type>::REF_UNWIND,
        ]
    };
}

macro_rules! same {
    ($($type:ident $(<$($argument:ty),*>)?),* $(,)?) => {$(
        assert_eq!(
            traits!(recorded::$type $(<$($argument),*>)?),
            traits!(real::$type $(<$($argument),*>)?),
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
    const { assert!(Is::<u8>::SEND && !Is::<Rc<u8>>::SEND && Is::<Bound>::SYNC && !Is::<Bound>::SEND) };
    same_of!(u8, Cell<u8>, Rc<u8>, Bound, PhantomPinned, &mut u8);
    same!(
        Semaphore,
        SemaphorePermit,
        OwnedSemaphorePermit,
        Notify,
        Barrier
    );
    let notified = traits!(recorded::futures::Notified<'static>);
    assert_eq!(notified, traits!(real::futures::Notified<'static>));
    let owned = traits!(recorded::futures::OwnedNotified);
    assert_eq!(owned, traits!(real::futures::OwnedNotified));
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
