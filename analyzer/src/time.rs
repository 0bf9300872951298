//! Points and lengths of time, and how they are written.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;
use std::time::Duration;

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

impl From<Nanos> for Duration {
    fn from(nanos: Nanos) -> Duration {
        Duration::from_nanos(nanos.0)
    }
}

/// Lengths of time, added up. Five centuries are the most.
impl Sum for Nanos {
    fn sum<I: Iterator<Item = Nanos>>(lengths: I) -> Nanos {
        Nanos(lengths.fold(0, |sum, length| sum.saturating_add(length.0)))
    }
}

/// A time that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no time: write it like 1.5s, 320ms, +2m or 1m30s")]
pub struct NoTime(String);

/// `1.5s`, `320ms`, `+2m`, `1m30s`: numbers with the units `ns`, `us`, `µs`, `ms`, `s`, `m`, `min`, `h`, added up.
impl FromStr for Nanos {
    type Err = NoTime;

    fn from_str(text: &str) -> Result<Nanos, NoTime> {
        let wrong = || NoTime(text.to_owned());
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        let mut sum: f64 = 0.0;
        loop {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .ok_or_else(wrong)?;
            let (number, after) = rest.split_at(digits);
            let unit_len = after
                .find(|c: char| c.is_ascii_digit() || c == '.')
                .unwrap_or(after.len());
            let (unit, after) = after.split_at(unit_len);
            let nanos = match unit.trim() {
                "ns" => 1.0,
                "us" | "µs" => 1e3,
                "ms" => 1e6,
                "s" => 1e9,
                "m" | "min" => 60e9,
                "h" => 3600e9,
                _ => return Err(wrong()),
            };
            sum += number.parse::<f64>().map_err(|_| wrong())? * nanos;
            if after.is_empty() {
                break;
            }
            rest = after;
        }
        if sum.is_finite() && sum <= u64::MAX as f64 {
            Ok(Nanos(sum.round() as u64))
        } else {
            Err(wrong())
        }
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
    fn times_are_read_as_people_write_them() {
        let read = |text: &str| text.parse::<Nanos>().map(|nanos| nanos.0);
        assert_eq!(read("1.5s"), Ok(1_500_000_000));
        assert_eq!(read("320ms"), Ok(320_000_000));
        assert_eq!(read("+2m"), Ok(120_000_000_000));
        assert_eq!(read("1m30s"), Ok(90_000_000_000));
        assert_eq!(read("12 µs"), Ok(12_000));
        for wrong in [
            "",
            "5",
            "s",
            "1.2.3s",
            "5 parsecs",
            "-1s",
            "1e3s",
            "+",
            "999999999999999999h",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lengths_of_time_add_up_and_are_those_of_the_standard_library() {
        let lengths = [1_500_000_000, 20].map(Nanos);
        let sum: Nanos = lengths.into_iter().sum();
        assert_eq!(Duration::from(sum), Duration::new(1, 500_000_020));
        assert_eq!(
            [u64::MAX, 7].map(Nanos).into_iter().sum::<Nanos>().0,
            u64::MAX
        );
    }

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
