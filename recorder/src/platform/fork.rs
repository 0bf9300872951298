//! What is done when the process forks: the child has the parent's memory, but only the thread that forked.

/// Has these called by the thread that forks: before, afterwards in the parent, and in the child. A fork that does not go through the C
/// library is not seen. Nothing where there is no such thing.
pub(crate) fn at_fork(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| register(prepare, parent, child));
}

#[cfg(all(unix, not(feature = "portable")))]
#[allow(unsafe_code)]
fn register(prepare: extern "C" fn(), parent: extern "C" fn(), child: extern "C" fn()) {
    unsafe extern "C" {
        fn pthread_atfork(
            prepare: Option<extern "C" fn()>,
            parent: Option<extern "C" fn()>,
            child: Option<extern "C" fn()>,
        ) -> std::ffi::c_int;
    }
    // SAFETY: `pthread_atfork` is part of C's standard library on Unix, which every program here is linked with; it only keeps the
    // pointers, to functions that take and give nothing and live as long as the program. Where it has no room it says so, and nothing is
    // called.
    let _ = unsafe { pthread_atfork(Some(prepare), Some(parent), Some(child)) };
}

#[cfg(not(all(unix, not(feature = "portable"))))]
fn register(_: extern "C" fn(), _: extern "C" fn(), _: extern "C" fn()) {}

/// Closes a file that a thread of the parent had open, and that no thread of this process will ever use or close.
#[cfg(all(unix, not(feature = "portable")))]
#[allow(unsafe_code)]
pub(crate) fn close_orphan(descriptor: i32) {
    use std::os::fd::{FromRawFd as _, OwnedFd};
    if descriptor >= 0 {
        // SAFETY: it was open in the parent, owned by its writer's thread, so it is open here; that thread does not exist here, so nobody
        // owns it.
        drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    }
}

#[cfg(not(all(unix, not(feature = "portable"))))]
pub(crate) fn close_orphan(_: i32) {}
