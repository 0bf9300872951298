//! What a reader asked for, as plain data: the summary of a trace, the panel of a task.

mod circle;
mod coverage;
mod doctor;
mod panel;
mod place;
mod reason;
mod stuck;
mod summary;

pub use circle::lock_circles;
pub use coverage::Coverage;
pub use doctor::{Cost, Diagnosis, Lack, LackKind, LackPlace, diagnosis};
pub use panel::{PanelState, TaskPanel, Transition, WakeInfo, panel};
pub use place::{AwaitFrame, await_path, place_of};
pub use reason::wait_reason;
pub(crate) use reason::what_is_held;
pub use stuck::{Standing, StuckGroup, StuckTask, stuck};
pub(crate) use summary::whereabouts_in_short;
pub use summary::{LiveTask, Lost, Summary, TaskCounts, TraceInfo, summary, trace_info};
