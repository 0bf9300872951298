//! `kill -9` at random moments: everything that a program had recorded before is in its trace.

use std::io::{BufRead as _, BufReader, Write as _};
use std::time::Duration;

use ais_analyzer::findings::{Confidence, wait_findings};
use ais_analyzer::{Ending, Trace};
use recorded_tokio as tokio;
use tokio::sync::Mutex;

use super::child;

/// How many children are killed; `AIS_TEST_KILLS` for a longer run.
fn kills() -> u64 {
    std::env::var("AIS_TEST_KILLS").map_or(50, |kills| kills.parse().unwrap())
}

/// A number that is different each time, and the same in the next run.
fn random(of: u64) -> u64 {
    (of + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23)
}

/// Says a number, in one write: a pipe keeps it when this process is killed.
fn say(word: &str, number: u64) {
    let line = format!("{word}{number}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// Program: takes numbered steps, and says each one after it was recorded, while other tasks keep both workers busy.
#[test]
fn program_that_is_busy() {
    if !child::is("kills::program_that_is_busy") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        for _ in 0..4 {
            tokio::spawn(async {
                let lock = Mutex::new(0);
                loop {
                    *lock.lock().await += 1;
                    tokio::task::yield_now().await;
                }
            });
        }
        let steps = tokio::spawn(async {
            for step in 0.. {
                let name = format!("step {step}");
                let task = tokio::task::Builder::new().name(&name);
                task.spawn(async {}).unwrap().await.unwrap();
                say("step ", step);
            }
        });
        steps.await.unwrap();
    });
}

static LOCKS: [Mutex<()>; 2] = [Mutex::const_new(()), Mutex::const_new(())];

/// Program: two tasks take two locks in opposite orders; it says so when both have their first.
#[test]
fn program_that_hangs() {
    if !child::is("kills::program_that_hangs") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let both = std::sync::Arc::new(tokio::sync::Barrier::new(3));
    runtime.block_on(async {
        let tasks = [(0, 1), (1, 0)].map(|(first, second)| {
            let both = std::sync::Arc::clone(&both);
            tokio::spawn(async move {
                let _first = LOCKS[first].lock().await;
                both.wait().await;
                let _second = LOCKS[second].lock().await;
            })
        });
        both.wait().await;
        say("hangs ", 1);
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn a_busy_program_that_is_killed_has_every_step_in_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..kills() {
        let path = folder.path().join("trace.ais");
        let mut command = child::command("kills::program_that_is_busy", &path);
        let mut child = child::start(&mut command, "step 0\n");
        let said = BufReader::new(child.stdout.take().unwrap());
        // Somebody has to read, or it waits for that.
        let reads = std::thread::spawn(move || {
            let mut last = 0;
            for line in said.lines() {
                let line = line.unwrap();
                if let Some((_, step)) = line.split_once("step ") {
                    last = step.parse().unwrap_or(last);
                }
            }
            last
        });
        std::thread::sleep(Duration::from_micros(random(round) % 250_000));
        child.kill().unwrap();
        child.wait().unwrap();
        let last: u64 = reads.join().unwrap();

        let trace = child::recovered(&path);
        assert_eq!(trace.source.ending, Ending::Killed);
        let loss = &trace.history.loss;
        assert_eq!((loss.chunks, loss.bytes), (0, 0), "{loss:?}");
        let steps = trace.history.tasks.iter().filter_map(|task| {
            let step = task.name.strip_prefix("step ")?;
            step.parse::<u64>().ok()
        });
        let mut steps: Vec<u64> = steps.collect();
        steps.sort_unstable();
        let expected: Vec<u64> = (0..=last).collect();
        assert_eq!(
            steps.get(..expected.len()),
            Some(&*expected),
            "round {round}: all steps up to {last}"
        );
        assert!(
            steps.len() <= expected.len() + 1,
            "and the one that it may have been in"
        );
        for lock in trace
            .history
            .resources
            .iter()
            .filter(|r| r.kind.name() == "mutex")
        {
            assert!(!lock.uncertain, "round {round}: {lock:?}");
        }
        // Recovered once, it is a trace as any other.
        let again = Trace::open(&path).unwrap();
        assert_eq!(again.history.events, trace.history.events);
    }
}

#[test]
fn a_hung_program_that_is_killed_has_its_deadlock_proven_in_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..kills() {
        let path = folder.path().join("trace.ais");
        let mut command = child::command("kills::program_that_hangs", &path);
        let mut child = child::start(&mut command, "hangs 1");
        // Before and after the writer comes by. At once, a task may not have come to its second lock.
        std::thread::sleep(Duration::from_millis(20 + random(round) % 150));
        child.kill().unwrap();
        child.wait().unwrap();
        let trace = child::recovered(&path);
        assert_eq!(trace.source.ending, Ending::Killed);
        let loss = &trace.history.loss;
        assert_eq!((loss.sentence(), &*loss.notes), (None, &[][..]));
        let found = wait_findings(&trace.history).1;
        let confidence = found.first().map(|finding| finding.confidence);
        assert!(
            matches!(confidence, Some(Confidence::Proven | Confidence::Likely)),
            "round {round}: {found:?}"
        );
    }
}
