//! The command line of the benchmarks that compare: `[--instructions] [--rounds N] [WORKLOAD…]`.

use anyhow::{Context as _, Result, bail};

/// Something that a program does many times.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What one round of it is.
    pub what: &'static str,
    /// How many rounds a timed run makes. Those whose instructions are counted make a tenth and a fifth.
    pub rounds: u64,
    /// Several threads do it, so that none can be called its own.
    pub has_threads: bool,
}

impl Workload {
    /// How many rounds the two runs make whose instructions are counted; their difference is without start and stop.
    #[must_use]
    pub fn counted_rounds(&self) -> [u64; 2] {
        [self.rounds / 10, self.rounds / 5]
    }
}

/// The storms of [`storms`](crate::storms), which several benchmarks measure.
pub const STORMS: [Workload; 4] = [
    storm("yield-ct", "64 tasks yield, one thread: poll + wake", false),
    storm(
        "yield-mt2",
        "64 tasks yield, two workers: poll + wake",
        true,
    ),
    storm("pair-ct", "32 pairs notify, one thread: poll + wake", false),
    storm("pair-mt2", "32 pairs notify, two workers: hand-over", true),
];

const fn storm(name: &'static str, what: &'static str, has_threads: bool) -> Workload {
    Workload {
        name,
        what,
        rounds: 2_000_000,
        has_threads,
    }
}

/// What is wanted of a benchmark.
#[derive(Debug)]
pub struct Options {
    /// Count instructions, in place of time.
    pub instructions: bool,
    /// How many times each mode of each workload is run.
    pub rounds: usize,
    /// What is to be measured.
    pub workloads: Vec<Workload>,
}

impl Options {
    /// Reads the arguments; without the name of a workload they mean all of them.
    ///
    /// # Errors
    /// They name a workload that there is not, or no number where one must be.
    pub fn parse(mut arguments: Vec<String>, workloads: &[Workload]) -> Result<Self> {
        let instructions = arguments.first().is_some_and(|a| a == "--instructions");
        if instructions {
            arguments.remove(0);
        }
        let mut rounds = 9;
        if arguments.first().is_some_and(|a| a == "--rounds") {
            let number = arguments.get(1).context("--rounds needs a number")?;
            rounds = number.parse()?;
            arguments.drain(..2);
        }
        let is_one = |name: &String| workloads.iter().any(|workload| workload.name == name);
        if let Some(wrong) = arguments.iter().find(|name| !is_one(name)) {
            let names: Vec<_> = workloads.iter().map(|workload| workload.name).collect();
            bail!("no such workload: {wrong}; there are: {}", names.join(", "));
        }
        let is_wanted =
            |name: &str| arguments.is_empty() || arguments.iter().any(|wanted| wanted == name);
        let wanted = workloads.iter().filter(|workload| is_wanted(workload.name));
        Ok(Self {
            instructions,
            rounds,
            workloads: wanted.copied().collect(),
        })
    }
}
