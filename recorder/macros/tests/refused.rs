//! What `#[trace]` refuses, and what the compiler refuses under it: each error stands at the user's own tokens.
//!
//! The expected messages lie beside the cases. They hold some of the compiler's own words, so a new compiler may want them
//! written anew: `TRYBUILD=overwrite cargo test -p ais-macros --test refused`, and a look at the difference.

#[test]
fn errors_stand_at_the_users_tokens() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
