//! Many lengths of time, as counts by size.

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::time::Nanos;

/// Lengths of time. Percentiles are exact to one percent, the others to the nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Distribution {
    /// How many there are.
    pub count: u64,
    /// All of them together.
    #[serde(rename = "total_ns")]
    pub total: Nanos,
    /// Half of them are no longer than this.
    #[serde(rename = "p50_ns")]
    pub p50: Nanos,
    /// Nine in ten are no longer than this.
    #[serde(rename = "p90_ns")]
    pub p90: Nanos,
    /// 99 in a hundred are no longer than this.
    #[serde(rename = "p99_ns")]
    pub p99: Nanos,
    /// The longest.
    #[serde(rename = "max_ns")]
    pub max: Nanos,
}

/// Lengths of time as they come.
#[derive(Clone, Debug)]
pub(super) struct Durations {
    sizes: Histogram<u32>,
    total: u64,
    max: u64,
}

impl Default for Durations {
    fn default() -> Durations {
        /// Two significant digits.
        const DIGITS: u8 = 2;
        let mut sizes = Histogram::new(DIGITS).expect("two digits are within the crate's limits");
        // It grows with what it holds.
        sizes.auto(true);
        Durations {
            sizes,
            total: 0,
            max: 0,
        }
    }
}

impl Durations {
    #[inline]
    pub(super) fn add(&mut self, long: Nanos) {
        // It grows to any size.
        let _ = self.sizes.record(long.0);
        self.total = self.total.saturating_add(long.0);
        self.max = self.max.max(long.0);
    }

    /// Adds others.
    pub(super) fn merge(&mut self, others: &Durations) {
        // It grows to any size.
        let _ = self.sizes.add(&others.sizes);
        self.total = self.total.saturating_add(others.total);
        self.max = self.max.max(others.max);
    }

    pub(super) fn total(&self) -> Nanos {
        Nanos(self.total)
    }

    pub(super) fn distribution(&self) -> Distribution {
        let at = |quantile| Nanos(self.sizes.value_at_quantile(quantile).min(self.max));
        Distribution {
            count: self.sizes.len(),
            total: Nanos(self.total),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            max: Nanos(self.max),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_exact_to_one_percent() {
        let mut durations = Durations::default();
        (1..=10_000).for_each(|ns| durations.add(Nanos(ns * 1_000)));
        let told = durations.distribution();
        assert_eq!((told.count, told.total.0), (10_000, 50_005_000_000));
        assert_eq!(told.max, Nanos(10_000_000));
        for (told, truth) in [
            (told.p50, 5_000_000.0),
            (told.p90, 9_000_000.0),
            (told.p99, 9_900_000.0),
        ] {
            assert!((told.0 as f64 / truth - 1.0).abs() < 0.01, "{told:?}");
        }
    }

    #[test]
    fn a_century_has_its_place() {
        let mut durations = Durations::default();
        durations.add(Nanos(1 << 62));
        durations.add(Nanos(0));
        let told = durations.distribution();
        assert_eq!((told.count, told.max), (2, Nanos(1 << 62)));
        assert_eq!(told.p50, Nanos(0));
    }
}
