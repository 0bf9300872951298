//! Traces of any size, to measure the analyzer with: the workload of the program `stress`, recorded here and by dial9. What is there
//! already is used again, so that two analyzers can be measured with the very same traces.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fmt, fs};

use ais_analyzer::Source;
use anyhow::{Context as _, Result, ensure};

/// How many events a trace is to have; some more come until all tasks have ended.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// What it is called.
    pub name: &'static str,
    /// So many.
    pub events: u64,
}

/// The sizes that there are, the largest last.
pub const SIZES: [Size; 3] = [
    size("1M", 1_000_000),
    size("10M", 10_000_000),
    size("100M", 100_000_000),
];

const fn size(name: &'static str, events: u64) -> Size {
    Size { name, events }
}

/// A trace, and what its headers say of it.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The file.
    pub path: PathBuf,
    /// How many events are in it.
    pub events: u64,
    /// How many the recorder had no room for.
    pub dropped: u64,
    /// The size of the file.
    pub bytes: u64,
}

impl Trace {
    /// A trace of this size in a folder, recorded by the program at `stress` where it is not there.
    ///
    /// # Errors
    /// It cannot be recorded or read.
    pub fn in_folder(folder: &Path, size: Size, stress: &Path) -> Result<Self> {
        let path = folder.join(format!("stress-{}.ais", size.name));
        if !path.exists() {
            fs::create_dir_all(folder)?;
            // A recording that is interrupted is not to be taken for a trace of this size.
            let unfinished = folder.join(format!("unfinished-{}.ais", size.name));
            said(
                Command::new(stress)
                    .arg(&unfinished)
                    .arg(size.events.to_string()),
            )?;
            fs::rename(unfinished, &path)?;
        }
        Self::open(path)
    }

    fn open(path: PathBuf) -> Result<Self> {
        let source = Source::open(&path)?;
        let events = source
            .chunks
            .iter()
            .map(|chunk| u64::from(chunk.header.events));
        Ok(Self {
            events: events.sum(),
            dropped: source.loss.events_dropped,
            bytes: fs::metadata(&path)?.len(),
            path,
        })
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            events,
            dropped,
            bytes,
        } = self;
        let each = *bytes as f64 / *events as f64;
        let path = path.display();
        write!(
            f,
            "{path}: {events} events, {bytes} bytes ({each:.2} an event), {dropped} dropped"
        )
    }
}

/// The same workload, recorded by dial9: a folder of files.
#[derive(Clone, Debug)]
pub struct DialTrace {
    /// The folder.
    pub folder: PathBuf,
    /// How many events are in it.
    pub events: u64,
    /// The size of all files.
    pub bytes: u64,
}

impl DialTrace {
    /// A trace of about this size in a folder, recorded by the program at `peer` where it is not there.
    ///
    /// # Errors
    /// It cannot be recorded or read.
    pub fn in_folder(folder: &Path, size: Size, peer: &Path) -> Result<Self> {
        let path = folder.join(format!("stress-{}.dial9", size.name));
        if !path.exists() {
            let unfinished = folder.join(format!("unfinished-{}.dial9", size.name));
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished)?;
            }
            fs::create_dir_all(&unfinished)?;
            let mut record = Command::new(peer);
            record.arg("record").arg(&unfinished);
            said(record.arg(size.events.to_string()))?;
            fs::rename(unfinished, &path)?;
        }
        let said = said(Command::new(peer).args(["read", "raw"]).arg(&path))?;
        let mut numbers = said.split_whitespace().filter_map(|word| word.parse().ok());
        let mut number = || numbers.next().context("the reader said no number");
        Ok(Self {
            events: number()?,
            bytes: number()?,
            folder: path,
        })
    }

    /// What reads all of it.
    pub fn read_command(&self, peer: &Path, how: &str) -> Vec<OsString> {
        let folder = self.folder.clone().into();
        vec![peer.into(), "read".into(), how.into(), folder]
    }
}

impl fmt::Display for DialTrace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            folder,
            events,
            bytes,
        } = self;
        let each = *bytes as f64 / *events as f64;
        let folder = folder.display();
        write!(
            f,
            "{folder}: {events} events, {bytes} bytes ({each:.2} an event)"
        )
    }
}

/// What a program says, once it has ended well; what it complains of goes to our own output for that.
fn said(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} cannot be run", command.get_program().display()))?;
    ensure!(output.status.success(), "{command:?} failed");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
