//! The kinds of findings: the one table of their names, and of what is always said of them.

use serde::Serialize;

/// What kind of bug a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// Tasks hold what the next one waits for, in a circle.
    DeadlockCycle,
    /// A task waits for what it holds itself.
    SelfDeadlock,
    /// Tasks wait in a circle for room in full channels.
    BackpressureCycle,
}

/// What is always said of a kind.
struct Texts {
    name: &'static str,
    advice: &'static str,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Kind] = &[
        Kind::DeadlockCycle,
        Kind::SelfDeadlock,
        Kind::BackpressureCycle,
    ];

    const fn texts(self) -> Texts {
        match self {
            Kind::DeadlockCycle => Texts {
                name: "deadlock-cycle",
                advice: "take the locks in one fixed order everywhere, or release the first before waiting for the second",
            },
            Kind::SelfDeadlock => Texts {
                name: "self-deadlock",
                advice: "drop what the task holds before it waits for the same thing again, or hand it down instead of taking it twice",
            },
            Kind::BackpressureCycle => Texts {
                name: "backpressure-cycle",
                advice: "break the circle of full channels: receive while waiting to send (select!), use try_send and shed load, or make one direction unbounded",
            },
        }
    }

    /// Its name, as in JSON and in texts.
    pub const fn name(self) -> &'static str {
        self.texts().name
    }

    /// What to change.
    pub const fn advice(self) -> &'static str {
        self.texts().advice
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_json_are_the_names_in_texts() {
        for &kind in Kind::ALL {
            let debug = format!("{kind:?}");
            let kebab = debug
                .char_indices()
                .fold(String::new(), |mut name, (i, c)| {
                    if c.is_uppercase() && i > 0 {
                        name.push('-');
                    }
                    name.extend(c.to_lowercase());
                    name
                });
            assert_eq!(kind.name(), kebab);
            assert!(!kind.advice().is_empty());
        }
    }
}
