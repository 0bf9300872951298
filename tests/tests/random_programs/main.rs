//! Small random programs over locks, channels, joins, permits and notifications, run on the recorded primitives by a scheduler that chooses
//! at random which woken task is polled next. What the analysis says of the trace is compared with all ways in which the same program,
//! as plain data, could have gone on:
//!
//! - a finding that is proven or likely never names a task that could still progress;
//! - where everybody waits for ever, each of them is in some finding, if the hang is made of what is judged ([`features::JUDGED`]).
//!
//! On the way the model of the primitives and the primitives themselves are compared after every poll.
//!
//! Two variables choose which programs are run: `AIS_TEST_PROGRAMS` is how many, `AIS_TEST_FIRST` the seed of the first. A seed makes
//! a program and its schedule. With `AIS_TEST_JUDGE=all` every hang must be found, to see what is missing.
//!
//! A program that is judged wrongly is made smaller, and printed as text that can be read back: see [`named`].
#![forbid(unsafe_code)]

mod executor;
mod features;
mod generate;
mod interpreter;
mod judge;
mod model;
mod named;
mod program;
mod rng;
mod shrink;
mod simulate;
mod text;
mod truth;
mod world;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::process::{Child, Command, Stdio};

use ais_analyzer::findings::Confidence;

use judge::{Fault, judge};
use program::Program;
use shrink::shrink;
use simulate::Schedule;

/// How many programs are run, and by what seed the first is made.
const PROGRAMS: &str = "AIS_TEST_PROGRAMS";
const FIRST: &str = "AIS_TEST_FIRST";
/// Tells a child which seeds are its own: a process has one recording at a time.
const SEEDS: &str = "AIS_TEST_SEEDS";
const CHILDREN: u64 = 2;
/// So many of what is wrong are made smaller and shown.
const SHOWN: usize = 3;
/// Before a line of a child that counts something.
const COUNT: &str = "count ";

/// How often there was what.
#[derive(Default)]
struct Counts(BTreeMap<String, usize>);

impl Counts {
    fn add(&mut self, what: &str, count: usize) {
        *self.0.entry(what.to_owned()).or_default() += count;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(what, count)| writeln!(f, "{count:>8}  {what}"))
    }
}

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|error| panic!("{variable}={text}: {error}"))
    })
}

/// Whether this must never be. A finding that is merely possible may be wrong.
fn is_failure(fault: Fault) -> bool {
    fault != Fault::Accused(Confidence::Possible)
}

#[test]
fn what_is_found_in_random_programs_is_true_and_no_hang_is_missed() {
    let (first, programs) = (number(FIRST, 0), number(PROGRAMS, 4000));
    let share = |child: u64| first + programs * child / CHILDREN;
    let children: Vec<Child> = (0..CHILDREN)
        .map(|child| {
            let mut command =
                Command::new(std::env::current_exe().expect("this program is somewhere"));
            command.args(["child", "--exact", "--nocapture"]);
            command.env(SEEDS, format!("{}..{}", share(child), share(child + 1)));
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("it can be started again")
        })
        .collect();
    let mut counts = Counts::default();
    let mut failures = String::new();
    for child in children {
        let output = child.wait_with_output().expect("its output can be read");
        let text = String::from_utf8_lossy(&output.stdout);
        for line in text.lines().filter_map(|line| line.strip_prefix(COUNT)) {
            let (count, what) = line.split_once(' ').expect("a count has a name");
            counts.add(what, count.parse().expect("a count is a number"));
        }
        if !output.status.success() {
            failures += &text;
            failures += &String::from_utf8_lossy(&output.stderr);
        }
    }
    println!("{counts}");
    assert!(failures.is_empty(), "{failures}");
    assert_eq!(counts.0.get("programs"), Some(&(programs as usize)));
}

/// Runs the programs that this process is told to; none where it is not.
#[test]
fn child() {
    let Ok(seeds) = std::env::var(SEEDS) else {
        return;
    };
    let (first, end) = seeds.split_once("..").expect("seeds are a range");
    let bound = |text: &str| text.parse::<u64>().expect("a seed is a number");
    let (counts, failures) = run(bound(first)..bound(end));
    for (what, count) in counts.0 {
        println!("{COUNT}{count} {what}");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn run(seeds: Range<u64>) -> (Counts, Vec<String>) {
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for seed in seeds {
        let program = generate::program(seed);
        let schedule = generate::schedule(seed, &program);
        let judged = judge(&program, &schedule);
        for what in &judged.counts {
            counts.add(what, 1);
        }
        for (&fault, _) in judged
            .faults
            .iter()
            .filter(|(fault, _)| is_failure(**fault))
        {
            counts.add(&format!("wrong: {fault:?}"), 1);
            if failures.len() < SHOWN {
                failures.push(story(seed, &program, schedule.clone(), fault));
            }
        }
    }
    (counts, failures)
}

/// What went wrong, in a program as small as possible.
fn story(seed: u64, program: &Program, schedule: Schedule, fault: Fault) -> String {
    let (small, schedule) = shrink(program.clone(), schedule, fault);
    let judged = judge(&small, &schedule);
    let text = judged
        .faults
        .get(&fault)
        .map_or("it went away", String::as_str);
    let (polled, found) = (&judged.polled, judged.found.join("\n"));
    format!(
        "--- {fault:?}, seed {seed}:\n{program}smaller:\n{small}polled: {polled:?}\nfound: {found}\n{text}"
    )
}
