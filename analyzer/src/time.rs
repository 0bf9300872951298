//! Points and lengths of time, and how they are written.

use std::fmt;

/// Nanoseconds, from the start of the trace where it is a point in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The length of time from `earlier` to `self`; zero where `earlier` is not earlier.
    #[must_use]
    pub fn since(self, earlier: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Three significant digits with a unit: `0 s`, `870 ns`, `12.3 µs`, `4.56 ms`, `2.31 s`, `3 min 20 s`, `5 h 2 min`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: u64 = 1_000_000_000;
        let n = self.0;
        let (unit, name) = match n {
            0 => return f.write_str("0 s"),
            1..1_000 => return write!(f, "{n} ns"),
            1_000..999_500 => (1e3, "µs"),
            999_500..999_500_000 => (1e6, "ms"),
            _ if n < 59_950 * SECOND / 1_000 => (1e9, "s"),
            _ if n < 3_600 * SECOND => {
                let seconds = (n + SECOND / 2) / SECOND;
                return write!(f, "{} min {} s", seconds / 60, seconds % 60);
            }
            _ => {
                let minutes = n / (60 * SECOND);
                return write!(f, "{} h {} min", minutes / 60, minutes % 60);
            }
        };
        let value = n as f64 / unit;
        if value >= 99.95 {
            write!(f, "{value:.0} {name}")
        } else if value >= 9.995 {
            write!(f, "{value:.1} {name}")
        } else {
            write!(f, "{value:.2} {name}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_three_digits_and_a_unit() {
        let written = |n: u64| Nanos(n).to_string();
        assert_eq!(written(0), "0 s");
        assert_eq!(written(870), "870 ns");
        assert_eq!(written(12_345), "12.3 µs");
        assert_eq!(written(999_499), "999 µs");
        assert_eq!(written(999_500), "1.00 ms");
        assert_eq!(written(4_560_000), "4.56 ms");
        assert_eq!(written(2_310_000_000), "2.31 s");
        assert_eq!(written(59_940_000_000), "59.9 s");
        assert_eq!(written(200_000_000_000), "3 min 20 s");
        assert_eq!(written(18_120_000_000_000), "5 h 2 min");
    }
}
