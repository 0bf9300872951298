//! How far the analyzer is: its stages advance a [`Meter`], and somebody else looks at it, from another thread.
//!
//! A large trace takes its time, and who waits wants to know for how long. Nothing here prints, and nothing here knows the time: what is
//! done and what there is to do are counted, and whoever shows them has a clock. Nobody has to look: a meter that is dropped unseen costs
//! an addition for each chunk.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

/// Counts what is done, and what there is to do. The counts begin anew with each stage.
#[derive(Debug, Default)]
pub struct Meter {
    /// The place of a [`Stage`] among them, counted from one; zero before the first.
    stage: AtomicU8,
    begun: AtomicU64,
    bytes: Pair,
    events: Pair,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The file is brought into memory.
    Loading,
    /// Events are looked at for anything that may be wrong.
    Glancing,
    /// What happened becomes the history of each task and resource.
    Rebuilding,
    /// Histories are searched for what is wrong.
    Judging,
    /// What tasks did is counted.
    Profiling,
}

/// What a meter shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// What is being done; none before anything is.
    pub stage: Option<Stage>,
    /// How many stages have begun: another number is another stage, or the same one again.
    pub begun: u64,
    /// Bytes, as they are in the file.
    pub bytes: Count,
    /// Events.
    pub events: Count,
}

/// So much is done, of so much.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Done in this stage.
    pub done: u64,
    /// To be done in this stage, with what is done; zero where that is not known, or not counted.
    pub total: u64,
}

#[derive(Debug, Default)]
struct Pair {
    done: AtomicU64,
    total: AtomicU64,
}

impl Pair {
    fn reset(&self) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(0, Ordering::Relaxed);
    }

    fn count(&self) -> Count {
        Count {
            done: self.done.load(Ordering::Relaxed),
            total: self.total.load(Ordering::Relaxed),
        }
    }
}

impl Stage {
    const ALL: [Stage; 5] = [
        Stage::Loading,
        Stage::Glancing,
        Stage::Rebuilding,
        Stage::Judging,
        Stage::Profiling,
    ];

    /// What is being done, in words.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Loading => "loading",
            Stage::Glancing => "reading",
            Stage::Rebuilding => "rebuilding",
            Stage::Judging => "looking for deadlocks",
            Stage::Profiling => "counting",
        }
    }
}

impl Meter {
    /// One that shows nothing yet.
    pub fn new() -> Meter {
        Meter::default()
    }

    /// Another stage begins, in which nothing is done yet.
    pub fn begin(&self, stage: Stage) {
        self.bytes.reset();
        self.events.reset();
        self.stage.store(stage as u8 + 1, Ordering::Relaxed);
        // Last: who sees that a stage has begun sees which, and counts of no earlier one.
        self.begun.fetch_add(1, Ordering::Release);
    }

    /// There is more to do in this stage.
    pub fn expect(&self, bytes: u64, events: u64) {
        self.bytes.total.fetch_add(bytes, Ordering::Relaxed);
        self.events.total.fetch_add(events, Ordering::Relaxed);
    }

    /// More of this stage is done.
    pub fn advance(&self, bytes: u64, events: u64) {
        self.bytes.done.fetch_add(bytes, Ordering::Relaxed);
        self.events.done.fetch_add(events, Ordering::Relaxed);
    }

    /// What it shows now. While a stage begins, some of it may be of the one before.
    pub fn level(&self) -> Level {
        let begun = self.begun.load(Ordering::Acquire);
        let stage = usize::from(self.stage.load(Ordering::Relaxed));
        Level {
            stage: Stage::ALL.get(stage.wrapping_sub(1)).copied(),
            begun,
            bytes: self.bytes.count(),
            events: self.events.count(),
        }
    }
}

impl Count {
    /// The part of it that is done, from 0 to 1; none where it is not known how much there is to do.
    pub fn part(self) -> Option<f64> {
        (self.total > 0).then(|| (self.done as f64 / self.total as f64).min(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stage_is_counted_from_nothing() {
        let meter = Meter::new();
        assert_eq!(meter.level(), Level::default());
        for (number, stage) in Stage::ALL.into_iter().enumerate() {
            meter.begin(stage);
            let level = meter.level();
            assert_eq!((level.stage, level.begun), (Some(stage), number as u64 + 1));
            assert_eq!(level.bytes, Count::default());
            meter.expect(100, 10);
            meter.expect(100, 10);
            meter.advance(50, 5);
            let level = meter.level();
            assert_eq!(
                (level.bytes.part(), level.events.part()),
                (Some(0.25), Some(0.25))
            );
        }
    }

    #[test]
    fn more_than_all_is_all_and_of_what_is_not_known_there_is_no_part() {
        let part = |done, total| Count { done, total }.part();
        assert_eq!(part(3, 2), Some(1.0));
        assert_eq!(part(3, 0), None);
    }
}
