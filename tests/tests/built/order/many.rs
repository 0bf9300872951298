//! Many locks: what is alike is told once, and what that takes.

use ais_analyzer::findings::lock_order_inversions;
use ais_analyzer::history::{ChangeKind, History};

use ais_format::event::{Acquire, Location, ResourceNew, operation_flag, resource_kind};
use ais_tests::build::Build;

use super::super::history;
use super::{mutexes, only, takes, texts};

/// The same again and again, each time later.
fn repeated(told: &mut History, times: u64) {
    let long = told.end.0;
    for lock in &mut told.resources {
        let once = lock.changes.clone();
        for time in 1..times {
            let number = time * once.len() as u64;
            lock.changes.extend(once.iter().cloned().map(|mut change| {
                change.sequence += number;
                change.at.0 += time * long;
                match &mut change.kind {
                    ChangeKind::Acquired(hold) => hold.number += number,
                    ChangeKind::Released { hold, .. } => *hold += number,
                    _ => {}
                }
                change
            }));
        }
    }
    told.end.0 *= times;
}

#[test]
fn many_acquisitions_are_looked_at_one_by_one() {
    let mut build = mutexes(6);
    for i in 0..1_000 {
        takes(&mut build, 1 + i % 2, &[1 + i % 5, 6]);
    }
    let mut told = history(build);
    let changes: usize = told.resources.iter().map(|lock| lock.changes.len()).sum();
    assert_eq!(changes, 4_000, "the trace is whole");
    repeated(&mut told, 50);
    let begun = std::time::Instant::now();
    assert!(lock_order_inversions(&told).is_empty());
    let long = begun.elapsed();
    // A hundred thousand of them: next to nothing, however slow the machine.
    assert!(long.as_secs() < 5, "{long:?}");
}

#[test]
fn locks_of_one_place_are_one_finding() {
    let mut build = Build::new();
    build.text(1, "src/bank.rs");
    for line in 1..=3 {
        build.define(&Location {
            id: line,
            file: 1,
            line,
            column: 9,
        });
    }
    for lock in 1..=4 {
        build.event(&ResourceNew {
            resource: lock,
            kind: resource_kind::MUTEX,
            capacity: 1,
            location: 3,
            ..ResourceNew::default()
        });
    }
    build.task(1);
    build.task(2);
    for (task, from, to) in [(1, 1, 2), (2, 2, 1), (1, 3, 4), (2, 4, 3)] {
        build.poll(task, 1, |build| {
            for (lock, location) in [(from, 1), (to, 2)] {
                let sequence = build.change(lock);
                build.event(&Acquire {
                    resource: lock,
                    sequence,
                    location,
                    flags: operation_flag::INLINE,
                    units: 1,
                    ..Acquire::default()
                });
                if location == 2 {
                    build.release(to, sequence, 0);
                }
            }
            build.release(from, 1 + u64::from(task == 2) * 2, 0);
        });
    }
    let finding = only(build);
    let told = texts(&finding);
    assert!(told.contains("so it is with 2 pairs of locks"), "{told}");
    assert!(told.contains("src/bank.rs:2:9"), "{told}");
}
