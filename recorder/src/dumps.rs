//! When a flight recorder's memory is written by itself: when a thread panics, or at a signal.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, Once, OnceLock, PoisonError, Weak};
use std::thread::Thread;
use std::time::Duration;

use crate::writer::Progress;

/// How long a thread that panics waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the flight recorder that was started last is to be written.
struct Target {
    path: PathBuf,
    progress: Weak<Progress>,
    writer: Thread,
}

static TARGET: Mutex<Option<Target>> = Mutex::new(None);

/// From now on it is this one that is written, to `path`.
pub(crate) fn to(path: PathBuf, progress: &Arc<Progress>, writer: &Thread) {
    let target = Target {
        path,
        progress: Arc::downgrade(progress),
        writer: writer.clone(),
    };
    *TARGET.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
}

/// Writes it when a thread panics, before anything else is done about that.
pub(crate) fn on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            write_now();
            next(panic);
        }));
    });
}

fn write_now() {
    // Whoever panics while this is taken is in the middle of it.
    let Ok(target) = TARGET.try_lock() else {
        return;
    };
    let Some((target, progress)) = target
        .as_ref()
        .and_then(|target| Some((target, target.progress.upgrade()?)))
    else {
        return;
    };
    if progress.is_done.load(Ordering::Acquire) || std::thread::current().id() == target.writer.id()
    {
        return;
    }
    let (answer, answered) = sync_channel(1);
    progress.ask_to_dump(target.path.clone(), Some(answer));
    target.writer.unpark();
    match answered.recv_timeout(PATIENCE) {
        Ok(Ok(path)) => eprintln!("ais-recorder: the flight record is in {}", path.display()),
        Ok(Err(error)) => eprintln!("ais-recorder: {error}"),
        Err(_) => eprintln!("ais-recorder: the flight record could not be written in time"),
    }
}

/// Set by a signal.
fn signalled() -> &'static Arc<AtomicBool> {
    static SIGNALLED: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    SIGNALLED.get_or_init(Arc::default)
}

/// Writes it when the process gets this signal.
pub(crate) fn on_signal(signal: i32) {
    #[cfg(unix)]
    if let Err(error) = signal_hook::flag::register(signal, Arc::clone(signalled())) {
        eprintln!("ais-recorder: signal {signal} cannot be used: {error}");
    }
    #[cfg(not(unix))]
    eprintln!("ais-recorder: signal {signal} cannot be used: there are none here");
}

/// Asks for it to be written if a signal has come since the last time. Called by the writer, a hundred times a second.
pub(crate) fn ask_if_signalled(progress: &Progress) {
    if !signalled().swap(false, Ordering::AcqRel) {
        return;
    }
    if let Some(target) = &*TARGET.lock().unwrap_or_else(PoisonError::into_inner) {
        progress.ask_to_dump(target.path.clone(), None);
    }
}
