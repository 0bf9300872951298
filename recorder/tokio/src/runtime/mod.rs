//! Runtimes, recorded: executors by which tasks are polled.

pub use real::runtime::*;

mod builder;
mod common;
pub(crate) mod executors;
mod handle;
#[cfg(any(tokio_minor_at_least_51, tokio_unstable))]
mod local_runtime;
#[allow(
    clippy::module_inception,
    reason = "the module of the type, as beside it"
)]
mod runtime;

pub use builder::Builder;
pub use handle::Handle;
#[cfg(any(tokio_minor_at_least_51, tokio_unstable))]
pub use local_runtime::LocalRuntime;
pub use runtime::Runtime;
