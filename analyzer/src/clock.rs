//! From ticks of the recording's clock to nanoseconds since the recording began.
//!
//! Each chunk carries a reading of both clocks at the same moment; between two readings time is linear. Events of a chunk lie before
//! its reading, so almost nothing is extrapolated.

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
        let after = self
            .pairs
            .partition_point(|&(t, _)| t <= tick)
            .clamp(1, self.pairs.len().max(2) - 1);
        let Some(&[(t0, n0), (t1, n1)]) = self
            .pairs
            .get(after - 1..=after)
            .and_then(|pair| pair.first_chunk())
        else {
            // One reading only: there is no rate yet. Ticks are taken for nanoseconds.
            return Nanos(
                tick.saturating_sub(self.pairs.first().map_or(0, |&(t, _)| t))
                    .min(LATEST),
            );
        };
        let ticks = i128::from(tick) - i128::from(t0);
        let ns = i128::from(n0)
            .saturating_add(ticks.saturating_mul(i128::from(n1 - n0)) / i128::from(t1 - t0));
        Nanos(ns.clamp(0, LATEST.into()) as u64)
    }

    /// The last moment at which the recorder is known to have been alive.
    pub fn last(&self) -> Nanos {
        Nanos(self.pairs.last().map_or(0, |&(_, ns)| ns.min(LATEST)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
