//! The reconstruction of histories, compared with a slow and obvious one.
//!
//! A random program is simulated ([`simulate`]), event by event in the order in which they truly happen. From that list follows what the
//! history must be ([`expected`]), and from it a trace is written as a recorder would write it ([`layout`]): threads apart from each other,
//! in batches and chunks, with clocks that disagree. The analysis sees the trace alone, and must come to the same ([`compare`]); where
//! parts of the trace are lost, to nothing that contradicts it ([`sound`]).
//!
//! Two variables choose which programs are tried: `AIS_TEST_CASES` is how many in each test, `AIS_TEST_SEED` the seed of them all.
//! With `AIS_TEST_ALL=1` programs have shapes, too, that are known to be rebuilt wrongly: what happens to an operation, or to a future that
//! several tasks have touched, while its task goes from thread to thread, where the analysis goes by clocks alone; and a thread's note in
//! which poll it is between a wake and the firing that caused it. And of traces with losses some claims are looked at
//! that are known to be wrong at times: that a task was cancelled (it panicked), that none of its first polls are missing, when a future
//! left an await point, and that it returned or was dropped.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod compare;
mod exact;
mod expected;
mod keyframe;
mod layout;
mod losses;
mod model;
#[path = "../random_programs/rng.rs"]
mod rng;
mod simulate;
mod sound;

use std::fmt;
use std::path::PathBuf;

use ais_analyzer::{Source, Trace};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use compare::Agreement;
use simulate::Program;

/// How many programs each test tries, and the seed that they follow from.
const CASES: &str = "AIS_TEST_CASES";
const SEED: &str = "AIS_TEST_SEED";
/// Set to 1 it adds what is known to be rebuilt wrongly.
const ALL: &str = "AIS_TEST_ALL";

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|error| panic!("{variable}={text}: {error}"))
    })
}

/// Whether shapes are tried, too, that are known to be rebuilt wrongly.
fn all_shapes() -> bool {
    number(ALL, 0) != 0
}

/// A trace in memory, read and rebuilt.
fn read(bytes: Vec<u8>) -> Result<Trace, ais_analyzer::Error> {
    Source::from_bytes(&PathBuf::from("written.ais"), bytes).and_then(Trace::from_source)
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Program {
            threads,
            jitter,
            steps,
        } = self;
        write!(f, "{threads} threads, jitter {jitter}, ")?;
        if steps.len() > 60 {
            return write!(f, "{} steps", steps.len());
        }
        write!(f, "steps {steps:?}")
    }
}

fn program() -> impl Strategy<Value = Program> {
    let jitter = prop_oneof![Just(0u64), 1..6u64, 6..60u64];
    let steps = prop::collection::vec(any::<u16>(), 1..400);
    (1..5u64, jitter, steps).prop_map(|(threads, jitter, steps)| Program {
        threads,
        jitter,
        steps,
    })
}

/// Tries programs, each with a seed for how it is written.
fn try_all(cases: u64, check: impl Fn(&Program, u64) -> Agreement) {
    let config = Config {
        cases: number(CASES, cases) as u32,
        rng_seed: RngSeed::Fixed(number(SEED, 0)),
        failure_persistence: None,
        max_shrink_iters: 8000,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&(program(), any::<u64>()), |(program, seed)| {
        check(&program, seed).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}
