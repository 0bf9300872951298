//! Starting and stopping a recording.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant, SystemTime};

use ais_format::frame::FileHeader;

use crate::destination;
use crate::dumps;
use crate::fork;
use crate::output::{self, Mode, Output};
use crate::platform::{self, Clock};
use crate::segment;
use crate::session::{self, Session};
use crate::settings;
use crate::writer::{Progress, Writer};

/// How a recording is to be made. See [`Recorder::builder`].
#[derive(Clone, Debug)]
#[must_use = "nothing is recorded until `start` is called"]
pub struct Builder {
    path: PathBuf,
    memory: usize,
    mode: Mode,
    generation: u64,
    on_panic: bool,
    on_signals: Vec<i32>,
    host: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Builder {
            path: PathBuf::from("trace.ais"),
            memory: 64 << 20,
            mode: Mode::File(Builder::FILE),
            generation: Builder::GENERATION,
            on_panic: false,
            on_signals: Vec::new(),
            host: false,
        }
    }
}

impl Builder {
    /// How long a file may get, in bytes, where nothing is said.
    pub(crate) const FILE: u64 = 4 << 30;
    /// How long a generation may get, in bytes before compression, where nothing is said.
    pub(crate) const GENERATION: u64 = 16 << 20;
    /// How many bytes a ring has where nothing is said.
    pub(crate) const RING: u64 = 256 << 20;
    /// How many bytes of memory a flight recorder has where nothing is said.
    pub(crate) const FLIGHT_RECORDER: u64 = 64 << 20;

    /// The file to write. `trace.ais` where nothing is said.
    ///
    /// A trace that is there is overwritten. One that was cut short, since its program was killed, is kept as `trace.previous.ais`. Where
    /// another process is recording into it, `trace.PID.ais` beside it is taken.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = path.into();
        self
    }

    /// How much memory, in bytes, may hold events that are not written yet, and what is known of everything that is alive; 64 MiB where
    /// nothing is said, 3 MiB at least. It is taken as it is needed: a program that records little uses a fraction of it. When three
    /// quarters of it are used, polls and wakes are left out, so that what is rarer and tells more has the rest; when all is used up,
    /// events of any kind are. What is left out is counted, in the trace too. The program never waits.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Records into one file, of so many bytes at most; this is done, with 4 GiB, where nothing is said. When it is full, recording ends,
    /// and the program goes on: a service that is recorded all the time wants a [ring](Builder::ring).
    pub fn file_limit(mut self, bytes: u64) -> Self {
        self.mode = Mode::File(bytes);
        self
    }

    /// Records into a ring of segment files: `trace.0001.ais`, `trace.0002.ais`, …, of so many bytes together. The oldest are deleted to
    /// make room. Each begins with all that is alive, so a lock that was taken an hour ago is known although that segment is gone.
    pub fn ring(mut self, bytes: u64) -> Self {
        self.mode = Mode::Ring(bytes);
        self
    }

    /// Records into so many bytes of memory, beside those of [`Builder::memory_limit`], and forgets what is oldest: a flight recorder.
    /// Nothing is written until that is asked for, see [`Recorder::dump`], [`Builder::dump_on_panic`] and [`Builder::dump_on_signal`].
    pub fn flight_recorder(mut self, bytes: u64) -> Self {
        self.mode = Mode::Memory(bytes);
        self
    }

    /// How long a generation may get, in bytes before compression; 16 MiB where nothing is said, and eight times what tells again what is
    /// alive in any case. Where one begins, an analysis can begin: with shorter ones a long trace is read with less memory, and its end
    /// in less time; the trace gets a little longer.
    pub fn generation(mut self, bytes: u64) -> Self {
        self.generation = bytes;
        self
    }

    /// Writes a flight recorder's memory to the trace when a thread panics. The panicking thread waits for it, two seconds at most.
    pub fn dump_on_panic(mut self) -> Self {
        self.on_panic = true;
        self
    }

    /// Writes a flight recorder's memory to the trace when the process gets a signal: `kill -USR1 PID`. The signal then does nothing else,
    /// unless others have a handler for it. Only on Unix, and not for signals that cannot be handled.
    pub fn dump_on_signal(mut self, signal: i32) -> Self {
        self.on_signals.push(signal);
        self
    }

    /// Records the name of the machine, too.
    pub fn record_host(mut self) -> Self {
        self.host = true;
        self
    }

    /// Starts recording.
    ///
    /// # Errors
    /// A recording is under way already ([`io::ErrorKind::AlreadyExists`]), or the file cannot be made.
    pub fn start(self) -> io::Result<Recorder> {
        static SESSIONS: AtomicU32 = AtomicU32::new(0);
        if cfg!(feature = "off") {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "recording was left out of this program when it was built (feature `off`)",
            ));
        }
        if !matches!(self.mode, Mode::Memory(_)) && (self.on_panic || !self.on_signals.is_empty()) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "only a flight recorder can be dumped (AIS_TRACE_MODE=memory): anything else is in its file as it is recorded",
            ));
        }
        let mut active = lock_active();
        if active.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "this process is being recorded already",
            ));
        }
        let (path, file) = match self.mode {
            Mode::File(_) => {
                destination::open(&self.path).map(|(path, file)| (path, Some(file)))?
            }
            Mode::Ring(_) => {
                output::ring::create_first(&self.path).map(|(path, file)| (path, Some(file)))?
            }
            Mode::Memory(_) => (self.path.clone(), None),
        };
        segment::discard();
        platform::find_statics();
        let started_ns = platform::nanos();
        let start_tick = platform::tick();
        let mut header = self.header(start_tick);
        let to_recover = if file.is_some() { header.recording } else { 0 };
        let live = segment::prepare(to_recover, &path, self.memory);
        // What only memory has is not to be recovered.
        header.live = live
            .filter(|_| file.is_some())
            .map_or_else(String::new, |live| shown(&live, &path));
        fork::watch(file.as_ref().map_or(-1, descriptor));
        let output = Output::new(self.mode, self.generation, &path, file, header)
            .map_err(|error| cannot_write(&path, &error))?;
        let progress = Arc::new(Progress::default());
        let writer = Writer::new(output, Arc::clone(&progress), (started_ns, start_tick));
        let thread = thread::Builder::new()
            .name("ais-recorder".to_owned())
            .spawn(move || write(writer))?;
        if matches!(self.mode, Mode::Memory(_)) {
            self.arrange_dumps(&progress, thread.thread());
        }
        platform::at_exit(finish_at_exit);
        *active = Some((Arc::clone(&progress), thread.thread().clone()));
        session::set(Session(SESSIONS.fetch_add(1, Ordering::Relaxed) + 1));
        Ok(Recorder {
            path,
            progress,
            thread: Some(thread),
            forks: fork::count(),
        })
    }

    /// Sees to it that a flight recorder's memory is written when that was asked for.
    fn arrange_dumps(&self, progress: &Arc<Progress>, writer: &Thread) {
        dumps::to(self.path.clone(), progress, writer);
        if self.on_panic {
            dumps::on_panic();
        }
        for &signal in &self.on_signals {
            dumps::on_signal(signal);
        }
    }

    /// What the trace says of itself.
    fn header(&self, start_tick: u64) -> FileHeader {
        FileHeader {
            build_id: platform::build_id(),
            process_started_unix_ns: platform::started_unix_ns(),
            host: if self.host {
                platform::host()
            } else {
                String::new()
            },
            way_in: WAY_IN.get().copied().unwrap_or(WAY_BY_HAND).to_owned(),
            ..header(start_tick)
        }
    }
}

/// The number that the system knows a file by; negative where it has none.
fn descriptor(file: &File) -> i32 {
    #[cfg(unix)]
    return std::os::fd::AsRawFd::as_raw_fd(file);
    #[cfg(not(unix))]
    {
        let _ = file;
        -1
    }
}

/// How the header names a live file: one beside the trace without its folder.
fn shown(live: &Path, trace: &Path) -> String {
    let shown = match (live.parent() == trace.parent(), live.file_name()) {
        (true, Some(name)) => Path::new(name),
        _ => live,
    };
    shown.to_string_lossy().into_owned()
}

/// The recording under way: what its writer tells, and the writer's thread.
pub(crate) type Active = Option<(Arc<Progress>, Thread)>;

/// The lock of it.
pub(crate) type ActiveLock = MutexGuard<'static, Active>;

pub(crate) fn lock_active() -> ActiveLock {
    static ACTIVE: Mutex<Active> = Mutex::new(None);
    ACTIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writer thread: where writing fails, recording ends, and the program goes on.
fn write(writer: Writer) -> io::Result<()> {
    platform::lower_priority();
    let progress = writer.progress();
    let result = writer.run();
    progress.is_done.store(true, Ordering::Release);
    if let Err(error) = &result {
        session::set(Session::NONE);
        eprintln!(
            "ais-recorder: recording ended early: {error}; what was written before can be read"
        );
    }
    result
}

/// A recording under way. It ends when this is dropped, or with [`Recorder::stop`].
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("trace.ais");
/// let recorder = ais_recorder::Recorder::builder().path(&path).start()?;
/// futures::executor::block_on(ais_recorder::task("main", async {}));
/// let status = recorder.stop()?;
/// assert!(status.events > 0 && path.exists());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the recording ends when this is dropped"]
pub struct Recorder {
    path: PathBuf,
    progress: Arc<Progress>,
    thread: Option<JoinHandle<io::Result<()>>>,
    /// In which process it was started.
    forks: u32,
}

/// What a recording has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Events written.
    pub events: u64,
    /// Bytes written.
    pub bytes: u64,
    /// Events that were lost because they came faster than they could be written.
    pub dropped: u64,
    /// Whether recording goes on; false after it was stopped or had to end early (a full disk).
    pub is_recording: bool,
}

impl Recorder {
    /// How to record, to be adjusted and started.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Starts a recording if the environment asks for one: `AIS_TRACE=trace.ais ./program`. None where the variable is unset or empty,
    /// or where the recorded tokio has started that recording already.
    ///
    /// A service that must start whether it can be recorded or not keeps what comes of
    /// `Recorder::from_env().inspect_err(|error| eprintln!("not recorded: {error}")).ok().flatten()`.
    ///
    /// # Errors
    /// As [`Builder::start`].
    pub fn from_env() -> io::Result<Option<Recorder>> {
        match settings::from_env()? {
            Some(builder) if of_process().is_none() => builder.start().map(Some),
            _ => Ok(None),
        }
    }

    /// Writes what a flight recorder has in its memory, everything that was recorded until now included, to a file; recording goes on.
    /// Returns the file's path: another one than `path`, beside it, where another process is recording into that.
    ///
    /// # Errors
    /// The file cannot be written; or this is no flight recorder, or one that has ended.
    pub fn dump(&self, path: impl Into<PathBuf>) -> io::Result<PathBuf> {
        let (answer, answered) = sync_channel(1);
        self.progress.ask_to_dump(path.into(), Some(answer));
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        while !self.progress.is_done.load(Ordering::Acquire) {
            if let Ok(result) = answered.recv_timeout(Duration::from_millis(100)) {
                return result;
            }
        }
        answered
            .try_recv()
            .unwrap_or_else(|_| Err(io::Error::other("the recording has ended")))
    }

    /// The file that is written: of a ring the first segment, of a flight recorder the one that a signal or a panic has it write.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the recording has come to so far.
    pub fn status(&self) -> Status {
        Status {
            events: self.progress.events.load(Ordering::Relaxed),
            bytes: self.progress.bytes.load(Ordering::Relaxed),
            dropped: self.progress.dropped.load(Ordering::Relaxed),
            is_recording: session::is_recording(),
        }
    }

    /// Ends the recording: what was recorded until now is in the file when this returns.
    ///
    /// # Errors
    /// Writing failed, now or before.
    pub fn stop(mut self) -> io::Result<Status> {
        self.end()?;
        Ok(self.status())
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        if self.forks != fork::count() {
            // This is a child of the process that records: the thread is not here.
            std::mem::forget(thread);
            return Ok(());
        }
        session::set(Session::NONE);
        self.progress.stop();
        thread.thread().unpark();
        let result = thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the recorder's thread panicked")));
        if result.is_ok() {
            segment::release();
        }
        *lock_active() = None;
        result
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Told on stderr by the writer already.
        let _ = self.end();
    }
}

/// The recording that lasts as long as the process.
fn of_process() -> MutexGuard<'static, Option<Recorder>> {
    static OF_PROCESS: Mutex<Option<Recorder>> = Mutex::new(None);
    OF_PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the program is recorded through, where it is something else than what it says itself.
static WAY_IN: OnceLock<&'static str> = OnceLock::new();

/// The way in of a program that marks by itself what is recorded.
const WAY_BY_HAND: &str = "what the program itself marks";

/// How long an exiting process waits for its trace.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts a recording if the environment asks for one, at the first call; it lasts until the process ends. For wrappers of executors,
/// which call this when a program makes its first one. A recording that cannot be started is told on standard error, and the program
/// goes on unrecorded.
///
/// `way_in` says in words what is recorded through it, for the trace to tell.
#[inline]
pub fn start_once_from_env(way_in: &'static str) {
    static ONCE: Once = Once::new();
    if WAY_IN.get().is_none() {
        let _ = WAY_IN.set(way_in);
    }
    if !ONCE.is_completed() {
        ONCE.call_once(start_from_env);
    } else if fork::is_new_process() {
        // The parent's: its thread is not here to be waited for.
        std::mem::forget(of_process().take());
        start_from_env();
    }
}

#[cold]
fn start_from_env() {
    match Recorder::from_env() {
        Ok(None) => {}
        Ok(Some(recorder)) => *of_process() = Some(recorder),
        // The program started one by itself: that is the one to be had.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => eprintln!("ais-recorder: not recorded: {error}"),
    }
}

/// Ends the recording of a process that exits. Waits for the disk, but not for ever: what it could not write by then can be recovered.
extern "C" fn finish_at_exit() {
    let Some((progress, writer)) = lock_active().clone() else {
        segment::remove();
        return;
    };
    session::set(Session::NONE);
    progress.stop();
    writer.unpark();
    let began = Instant::now();
    while !progress.is_done.load(Ordering::Acquire) {
        if began.elapsed() >= PATIENCE {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
    segment::remove();
}

/// Waits until what was recorded so far is in the file, for two seconds at most, on platforms where nothing can be done when a process
/// exits; elsewhere that is done then, and this does nothing.
pub fn flush() {
    if platform::HAS_AT_EXIT || !session::is_recording() {
        return;
    }
    let Some((progress, thread)) = lock_active().clone() else {
        return;
    };
    // One that begins after this has what was recorded before it.
    let wanted = progress.rounds.load(Ordering::Acquire) + 2;
    progress.flush.store(true, Ordering::Release);
    thread.unpark();
    let began = Instant::now();
    while progress.rounds.load(Ordering::Acquire) < wanted && began.elapsed() < PATIENCE {
        progress.flush.store(true, Ordering::Release);
        thread::sleep(Duration::from_millis(1));
    }
}

pub(crate) fn cannot_write(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot write the trace {}: {error}", path.display()),
    )
}

fn header(start_tick: u64) -> FileHeader {
    let started_unix_ns = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos() as u64);
    let pid = u64::from(std::process::id());
    let program = std::env::current_exe().ok();
    let program = program
        .as_deref()
        .and_then(Path::file_name)
        .map_or_else(String::new, |name| name.to_string_lossy().into());
    FileHeader {
        // Two recordings differ in their process or in the nanosecond of their start (times a large odd number, to mix its bits).
        recording: (started_unix_ns ^ pid << 48).wrapping_mul(0x9E37_79B9_7F4A_7C15),
        program,
        pid,
        started_unix_ns,
        start_tick,
        clock: Clock::get().name().to_owned(),
        recorder: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        ..FileHeader::default()
    }
}
