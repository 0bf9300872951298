//! Many locks that are taken in order: what that takes to look at.

use ais_analyzer::findings::lock_order_inversions;
use ais_analyzer::history::{ChangeKind, History};

use super::super::history;
use super::{mutexes, takes};

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
