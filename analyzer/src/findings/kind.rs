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
    /// A future that is not polled any more keeps what its own task waits for.
    Futurelock,
    /// Tasks wait in a circle for room in full channels.
    BackpressureCycle,
    /// What a task waits for has happened, and nobody will tell it.
    LostWakeup,
    /// A task waits for what nobody can do any more.
    LeakedWaiter,
    /// What would let a task go on is never polled.
    Starvation,
    /// Two locks were taken in both orders.
    LockOrderInversion,
    /// A poll kept its thread for long.
    LongPoll,
    /// A task is polled over and over though nothing happens.
    BusyLoop,
}

/// What is always said of a kind.
struct Texts {
    name: &'static str,
    advice: &'static str,
    explanation: &'static str,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Kind] = &[
        Kind::DeadlockCycle,
        Kind::SelfDeadlock,
        Kind::Futurelock,
        Kind::BackpressureCycle,
        Kind::LostWakeup,
        Kind::LeakedWaiter,
        Kind::Starvation,
        Kind::LockOrderInversion,
        Kind::LongPoll,
        Kind::BusyLoop,
    ];

    const fn texts(self) -> Texts {
        match self {
            Kind::DeadlockCycle => Texts {
                name: "deadlock-cycle",
                advice: "take the locks in one fixed order everywhere, or release the first before waiting for the second",
                explanation: include_str!("explain/deadlock-cycle.md"),
            },
            Kind::SelfDeadlock => Texts {
                name: "self-deadlock",
                advice: "drop what the task holds before it waits for the same thing again, or hand it down instead of taking it twice",
                explanation: include_str!("explain/self-deadlock.md"),
            },
            Kind::Futurelock => Texts {
                name: "futurelock",
                advice: "do not await anything while a future that waits is kept and not polled: drop it first, poll it along (join!), or give it a task of its own (spawn)",
                explanation: include_str!("explain/futurelock.md"),
            },
            Kind::BackpressureCycle => Texts {
                name: "backpressure-cycle",
                advice: "break the circle of full channels: receive while waiting to send (select!), use try_send and shed load, or make one direction unbounded",
                explanation: include_str!("explain/backpressure-cycle.md"),
            },
            Kind::LostWakeup => Texts {
                name: "lost-wakeup",
                advice: "register before checking: make the notified() (and enable() it) before the condition is read, use notify_one, which is remembered, or a watch channel",
                explanation: include_str!("explain/lost-wakeup.md"),
            },
            Kind::LeakedWaiter => Texts {
                name: "leaked-waiter",
                advice: "see to it that what is waited for can still be done: drop the guard, the sender or the permit on every path, also where a task panics or returns early",
                explanation: include_str!("explain/leaked-waiter.md"),
            },
            Kind::Starvation => Texts {
                name: "starvation",
                advice: "do not block the thread that must poll what is waited for: await it, use spawn_blocking or block_in_place, or give it a thread of its own",
                explanation: include_str!("explain/starvation.md"),
            },
            Kind::LockOrderInversion => Texts {
                name: "lock-order-inversion",
                advice: "take the two locks in one fixed order everywhere: where both orders meet, neither task goes on",
                explanation: include_str!("explain/lock-order-inversion.md"),
            },
            Kind::LongPoll => Texts {
                name: "long-poll",
                advice: "move what takes long to spawn_blocking, or give way in between (yield_now): a poll keeps its whole thread",
                explanation: include_str!("explain/long-poll.md"),
            },
            Kind::BusyLoop => Texts {
                name: "busy-loop",
                advice: "return Pending only when somebody keeps the waker and will call it, and wait for what is needed instead of asking again",
                explanation: include_str!("explain/busy-loop.md"),
            },
        }
    }

    /// Whether it tells of tasks that wait for ever, or did until something broke it. The others tell of what is slow, or could go wrong.
    pub const fn is_about_waiting(self) -> bool {
        !matches!(
            self,
            Kind::LockOrderInversion | Kind::LongPoll | Kind::BusyLoop
        )
    }

    /// What stands before the sentence that says why such a thing cannot end, or what it costs.
    pub const fn why(self) -> &'static str {
        match self {
            Kind::LongPoll | Kind::BusyLoop => "what it costs",
            Kind::LockOrderInversion => "when it bites",
            Kind::Starvation => "why",
            _ => "it cannot end",
        }
    }

    /// Its name, as in JSON and in texts.
    pub const fn name(self) -> &'static str {
        self.texts().name
    }

    /// The kind that is called so.
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// What it means, a program that has it, what to change in that, and how sure a finding of it is: Markdown that can be read as it is.
    pub const fn explanation(self) -> &'static str {
        self.texts().explanation
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

    #[test]
    fn every_kind_is_explained_by_name_and_by_a_program_in_lines_that_fit() {
        for &kind in Kind::ALL {
            let name = kind.name();
            assert_eq!(Kind::named(name), Some(kind));
            let text = kind.explanation();
            assert_eq!(text.lines().next(), Some(&*format!("# {name}")));
            for block in ["```rust\n", "```diff\n"] {
                assert_eq!(text.matches(block).count(), 1, "{name}: {block}");
            }
            for part in ["Repair: ", "How sure: "] {
                assert!(text.contains(part), "{part} is missing from {name}");
            }
            for line in text.lines() {
                assert!(line.chars().count() <= 100, "{name}: {line}");
            }
        }
        assert_eq!(Kind::named("nonsense"), None);
    }
}
