//! Tells the sources which tokio they stand for: `cfg(tokio_minor_at_least_NN)` for each NN in [`MINORS`].
//!
//! `inspect-record` builds this package under tokio's name and version, around a tokio of that version, which may lack what later ones
//! have: what is not in the oldest that is supported is compiled only where it is there. Under its own name the package
//! stands for the tokio that its manifest asks for.

use std::env;

/// The minor versions of tokio 1 that brought something which the sources name.
///
/// - 49: `runtime::Id`, and the `id` of a `Handle` and a `LocalSet` (before that with `tokio_unstable`)
/// - 51: `LocalRuntime` with its `LocalOptions` (before that with `tokio_unstable`), and the name of a runtime
/// - 54: `blocking_acquire` of a `Semaphore` and its like, `is_closed` of a watch's `Receiver`, `max_io_events_per_busy_tick` of a
///   runtime's `Builder`; and the semaphore asks for budget only when it has its permits
const MINORS: &[u32] = &[49, 51, 54];
/// The tokio that the manifest asks for.
const OWN: u32 = 54;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let minor = minor();
    for &brought in MINORS {
        println!("cargo::rustc-check-cfg=cfg(tokio_minor_at_least_{brought})");
        if minor >= brought {
            println!("cargo::rustc-cfg=tokio_minor_at_least_{brought}");
        }
    }
}

/// The minor version of the tokio that this package is built around.
fn minor() -> u32 {
    let stands_for_tokio = env::var("CARGO_PKG_NAME").is_ok_and(|name| name == "tokio");
    let minor = env::var("CARGO_PKG_VERSION_MINOR").ok();
    match minor.and_then(|minor| minor.parse().ok()) {
        Some(minor) if stands_for_tokio => minor,
        _ => OWN,
    }
}
