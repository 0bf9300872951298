//! Running the command: its input and output are ours, signals reach it, and how it ended is how we end.
//!
//! A Ctrl-C is delivered by the terminal to all processes in its foreground, the program included: this process only has to outlive it, to
//! tell what was recorded. A signal that somebody sent to this process alone is passed on.

use std::process::{Command, ExitCode, ExitStatus};

use anyhow::Context;

use super::cargo::cannot_start;
use crate::output;

/// Runs a command to its end.
///
/// # Errors
/// It cannot be started.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<ExitStatus> {
    let mut signals = signals::hold()?;
    let mut child = command.spawn().with_context(|| cannot_start(command))?;
    signals.pass_on_to(&child);
    let status = child.wait();
    signals.release();
    status.context("cannot tell how the command ended")
}

/// Ends as the command did: with its exit status, or by the same signal.
pub(crate) fn end_as(status: ExitStatus) -> ExitCode {
    if let Some(code) = status.code() {
        // What does not fit into a byte is an error still.
        return ExitCode::from(u8::try_from(code).unwrap_or(output::UNUSABLE));
    }
    signals::end_by(status)
}

#[cfg(unix)]
mod signals {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, ExitCode, ExitStatus};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::thread;

    use anyhow::Context;
    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::WithOrigin;
    use signal_hook::low_level::emulate_default_handler;

    /// Signals that do not end this process any more.
    pub(super) struct Held {
        signals: Option<SignalsInfo<WithOrigin>>,
        /// The process that signals go to, as long as it is there. Its number may be another's once it was waited for.
        to: Arc<Mutex<Option<Pid>>>,
    }

    /// Keeps the signals that end a program from ending this one. (A child gets them as usual: handlers do not outlast `exec`.)
    pub(super) fn hold() -> anyhow::Result<Held> {
        let signals = SignalsInfo::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM]);
        Ok(Held {
            signals: Some(signals.context("cannot handle signals")?),
            to: Arc::default(),
        })
    }

    impl Held {
        pub(super) fn pass_on_to(&mut self, child: &Child) {
            *lock(&self.to) = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
            let Some(mut signals) = self.signals.take() else {
                return;
            };
            let to = Arc::clone(&self.to);
            thread::spawn(move || {
                for origin in signals.forever() {
                    // One without a sender comes from the terminal, which sends it to the child, too.
                    if origin.process.is_some()
                        && let Some(child) = *lock(&to)
                        && let Some(signal) = Signal::from_named_raw(origin.signal)
                    {
                        let _ = kill_process(child, signal);
                    }
                }
            });
        }

        pub(super) fn release(&self) {
            *lock(&self.to) = None;
        }
    }

    fn lock(to: &Mutex<Option<Pid>>) -> std::sync::MutexGuard<'_, Option<Pid>> {
        to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn end_by(status: ExitStatus) -> ExitCode {
        let signal = status.signal().unwrap_or(0);
        let _ = emulate_default_handler(signal);
        // What a shell says of a signal that could not be had.
        ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
    }
}

#[cfg(windows)]
mod signals {
    use std::process::{Child, ExitCode, ExitStatus};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use anyhow::Context;
    use signal_hook::consts::SIGINT;

    /// Ctrl-C does not end this process any more.
    pub(super) struct Held;

    /// Keeps Ctrl-C from ending this process: the console sends it to the child, too.
    pub(super) fn hold() -> anyhow::Result<Held> {
        // Nobody asks whether it came.
        let came = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGINT, came).context("cannot handle Ctrl-C")?;
        Ok(Held)
    }

    impl Held {
        pub(super) fn pass_on_to(&mut self, _: &Child) {}

        pub(super) fn release(&self) {}
    }

    pub(super) fn end_by(_: ExitStatus) -> ExitCode {
        ExitCode::from(crate::output::UNUSABLE)
    }
}
