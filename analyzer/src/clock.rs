//! From ticks of the recording's clock to nanoseconds since the recording began.
//!
//! Each chunk carries a reading of both clocks at the same moment; between two readings time is linear. Events of a chunk lie before
//! its reading, so almost nothing is extrapolated.

use std::ops::Range;

use crate::time::Nanos;

/// A century and more, in nanoseconds: what lies beyond it is damage, and must not make sums of times overflow.
const LATEST: u64 = 1 << 62;

/// Translates ticks.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Readings, strictly increasing in both.
    pairs: Vec<(u64, u64)>,
}

impl Clock {
    /// A clock that starts at `start_tick`, with readings `(tick, ns)` in the order of the file. Readings that run backwards are left
    /// out; returns how many there were.
    pub fn new(start_tick: u64, readings: impl Iterator<Item = (u64, u64)>) -> (Clock, usize) {
        let mut pairs = vec![(start_tick, 0)];
        let mut backwards = 0;
        for (tick, ns) in readings {
            let (last_tick, last_ns) = pairs[pairs.len() - 1];
            if tick > last_tick && ns > last_ns {
                pairs.push((tick, ns));
            } else if tick < last_tick || ns < last_ns {
                backwards += 1;
            }
        }
        (Clock { pairs }, backwards)
    }

    /// When `tick` was. Ticks before the start count as the start.
    pub fn time(&self, tick: u64) -> Nanos {
        self.stretch(tick).time(tick)
    }

    /// The first tick that is at this time or later; the last tick there can be where none is.
    pub fn tick(&self, at: Nanos) -> u64 {
        let (mut low, mut high) = (0, u64::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.time(middle) < at {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// For many ticks, each near the one before.
    pub fn reader(&self) -> Reader<'_> {
        Reader {
            clock: self,
            stretch: self.stretch(0),
        }
    }

    /// When `tick` was, which most likely lies in this stretch of time; if not, `near` becomes the one in which it does.
    #[inline]
    pub(crate) fn time_near(&self, tick: u64, near: &mut Stretch) -> Nanos {
        if !near.ticks.contains(&tick) {
            *near = self.stretch(tick);
        }
        near.time(tick)
    }

    /// The stretch of linear time that a tick lies in.
    pub(crate) fn stretch(&self, tick: u64) -> Stretch {
        let last = self.pairs.len().saturating_sub(1);
        let after = self.pairs.partition_point(|&(t, _)| t <= tick);
        let after = after.clamp(1, last.max(1));
        let pair = self.pairs.get(after - 1..=after);
        let Some(&[(tick, ns), (next_tick, next_ns)]) = pair.and_then(|pair| pair.first_chunk())
        else {
            // One reading only: there is no rate yet. Ticks are taken for nanoseconds.
            return Stretch {
                ticks: 0..u64::MAX,
                begin: (self.pairs.first().map_or(0, |&(t, _)| t), 0),
                rate: (1, 1),
            };
        };
        Stretch {
            ticks: if after == 1 { 0 } else { tick }..if after == last {
                u64::MAX
            } else {
                next_tick
            },
            begin: (tick, ns),
            rate: (next_ns - ns, next_tick - tick),
        }
    }

    /// How many ticks took how many nanoseconds, over all of the recording.
    pub fn rate(&self) -> (u64, u64) {
        match (self.pairs.first(), self.pairs.last()) {
            (Some((t0, n0)), Some((t1, n1))) if t1 > t0 && n1 > n0 => (t1 - t0, n1 - n0),
            _ => (1, 1),
        }
    }

    /// The last moment at which the recorder is known to have been alive.
    pub fn last(&self) -> Nanos {
        Nanos(self.pairs.last().map_or(0, |&(_, ns)| ns.min(LATEST)))
    }
}

/// Translates many ticks, each near the one before.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    clock: &'a Clock,
    stretch: Stretch,
}

impl Reader<'_> {
    /// As [`Clock::time`].
    #[inline]
    pub fn time(&mut self, tick: u64) -> Nanos {
        self.clock.time_near(tick, &mut self.stretch)
    }
}

/// The time between two readings.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// The ticks in it; those before the first reading and after the last one are in the nearest.
    ticks: Range<u64>,
    /// The first reading.
    begin: (u64, u64),
    /// So many nanoseconds are so many ticks.
    rate: (u64, u64),
}

impl Stretch {
    fn time(&self, tick: u64) -> Nanos {
        let ((begin, ns), (per_ns, per_ticks)) = (self.begin, self.rate);
        let small = tick
            .checked_sub(begin)
            .and_then(|ticks| ticks.checked_mul(per_ns))
            .and_then(|product| ns.checked_add(product / per_ticks));
        if let Some(time) = small {
            return Nanos(time.min(LATEST));
        }
        let ticks = i128::from(tick) - i128::from(begin);
        let since = ticks.saturating_mul(i128::from(per_ns)) / i128::from(per_ticks);
        let time = i128::from(ns).saturating_add(since);
        Nanos(time.clamp(0, LATEST.into()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tick_of_a_time_is_the_first_that_is_not_before_it() {
        let (clock, _) = Clock::new(100, [(1_100, 300), (5_100, 4_300)].into_iter());
        for at in [0, 1, 2, 299, 300, 301, 2_000, 9_000] {
            let tick = clock.tick(Nanos(at));
            assert!(clock.time(tick) >= Nanos(at), "{at}");
            assert!(tick == 0 || clock.time(tick - 1) < Nanos(at), "{at}");
        }
    }

    #[test]
    fn time_is_linear_between_readings_and_goes_on_after_the_last() {
        let (clock, backwards) = Clock::new(1000, [(2000, 500), (3000, 1500)].into_iter());
        assert_eq!(backwards, 0);
        assert_eq!(clock.time(1000), Nanos(0));
        assert_eq!(clock.time(1500), Nanos(250));
        assert_eq!(clock.time(2500), Nanos(1000));
        assert_eq!(clock.time(3500), Nanos(2000));
        assert_eq!(clock.time(10), Nanos(0));
        assert_eq!(clock.last(), Nanos(1500));
    }

    #[test]
    fn a_reader_says_the_same_as_its_clock() {
        let readings = [(2000, 500), (3000, 1500), (3001, 1 << 40)];
        let (clock, _) = Clock::new(1000, readings.into_iter());
        let mut reader = clock.reader();
        for tick in [
            0,
            5,
            1000,
            1999,
            2000,
            2999,
            3000,
            3001,
            3002,
            2500,
            u64::MAX,
            1,
        ] {
            assert_eq!(reader.time(tick), clock.time(tick), "{tick}");
        }
    }

    #[test]
    fn readings_that_run_backwards_are_counted_and_left_out() {
        let (clock, backwards) =
            Clock::new(1000, [(2000, 500), (1500, 700), (3000, 1500)].into_iter());
        assert_eq!(backwards, 1);
        assert_eq!(clock.time(2500), Nanos(1000));
    }

    #[test]
    fn a_clock_without_readings_takes_ticks_for_nanoseconds() {
        let (clock, _) = Clock::new(1000, std::iter::empty());
        assert_eq!(clock.time(1700), Nanos(700));
    }
}
