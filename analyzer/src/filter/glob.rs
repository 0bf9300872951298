//! Patterns of names and places.

use std::str::Chars;

/// A pattern for text, or for its end after a separator: `*` stands for any characters, or none, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    whole: String,
    end: String,
}

impl Glob {
    pub(super) fn new(pattern: &str, separator: &str) -> Glob {
        Glob {
            whole: pattern.to_owned(),
            end: format!("*{separator}{pattern}"),
        }
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        matches(&self.whole, text) || matches(&self.end, text)
    }
}

/// Whether a pattern stands for all of a text.
///
/// What a star stands for is tried from the shortest on. Only the last star is tried again: what the ones before it stand for is as
/// short as can be, which leaves the most to those behind. So it takes at most as many steps as pattern and text are long, multiplied.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // What follows the last star, and the text from which that was tried.
    let mut last: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        match (pattern.next(), text.clone().next()) {
            (Some('*'), _) => last = Some((pattern.clone(), text.clone())),
            (None, None) => return true,
            (Some(_), None) => return false,
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                text.next();
            }
            _ => {
                let Some((after, from)) = &mut last else {
                    return false;
                };
                from.next();
                pattern = after.clone();
                text = from.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    /// Tries everything that a star can stand for.
    fn slowly(pattern: &[char], text: &[char]) -> bool {
        match (pattern, text) {
            ([], []) => true,
            (['*', rest @ ..], _) => (0..=text.len()).any(|n| slowly(rest, &text[n..])),
            ([wanted, pattern @ ..], [found, text @ ..]) => {
                (*wanted == '?' || wanted == found) && slowly(pattern, text)
            }
            _ => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]
        #[test]
        fn the_same_matches_as_by_trying_everything(pattern in "[ab→*?]{0,8}", text in "[ab→*]{0,10}") {
            let chars = |text: &str| text.chars().collect::<Vec<char>>();
            prop_assert_eq!(matches(&pattern, &text), slowly(&chars(&pattern), &chars(&text)));
        }
    }

    #[test]
    fn a_pattern_is_for_all_of_a_text_or_for_its_end_after_a_separator() {
        let is_name = |pattern: &str, text| Glob::new(pattern, "::").matches(text);
        assert!(is_name("worker*", "worker_3") && is_name("worker*", "pool::worker_3"));
        assert!(is_name("*worker", "my worker") && is_name("pool::*", "bank::pool::worker"));
        assert!(!is_name("worker", "worker_3") && !is_name("worker*", "my_worker"));
        assert!(is_name("transfer a?b", "transfer a→b"));
    }

    #[test]
    fn many_stars_take_no_time() {
        let begun = Instant::now();
        let (pattern, text) = ("a*".repeat(200) + "b", "a".repeat(20_000));
        assert!(!matches(&pattern, &text));
        assert!(begun.elapsed().as_secs() < 5);
    }
}
