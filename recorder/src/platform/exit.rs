//! What is done when the process exits: by `exit`, or because its main function returns. Not when it is killed.

use std::sync::Once;

/// Whether [`at_exit`] does something here.
pub(crate) const HAS_AT_EXIT: bool = cfg!(all(any(unix, windows), not(feature = "portable")));

/// Has `function` called when the process exits: once, however often this is said.
pub(crate) fn at_exit(function: extern "C" fn()) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| register(function));
}

#[cfg(all(any(unix, windows), not(feature = "portable")))]
#[allow(unsafe_code)]
fn register(function: extern "C" fn()) {
    unsafe extern "C" {
        fn atexit(function: extern "C" fn()) -> std::ffi::c_int;
    }
    // SAFETY: `atexit` is part of C's standard library, which every program here is linked with; it only keeps the pointer, to a function
    // that takes and gives nothing and lives as long as the program. Where it has no room it says so, and nothing is called.
    let _ = unsafe { atexit(function) };
}

/// Nothing: there is no such thing here.
#[cfg(not(all(any(unix, windows), not(feature = "portable"))))]
fn register(_function: extern "C" fn()) {}
