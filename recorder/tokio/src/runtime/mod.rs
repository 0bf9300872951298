//! Runtimes, recorded: executors by which tasks are polled.

pub use real::runtime::*;

mod builder;
pub(crate) mod executors;
mod handle;
mod local_runtime;
#[allow(
    clippy::module_inception,
    reason = "the module of the type, as beside it"
)]
mod runtime;

pub use builder::Builder;
pub use handle::Handle;
pub use local_runtime::LocalRuntime;
pub use runtime::Runtime;
