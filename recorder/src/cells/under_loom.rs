//! Whatever the order in which threads write cells and the writer copies them, a keyframe tells what there was.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ais_format::event::Kind;
use ais_format::live::layout::segment::RECORDS;
use loom::sync::atomic::AtomicU64;
use loom::thread;

use super::words::{self, Look, copy, expect, lose, note, share, unshare};
use super::{CELL_WORDS, at};
use crate::resource::noted;
use crate::segment::handover;

type Cell = [AtomicU64; CELL_WORDS];

/// A place in memory that is a thread's, with room for so many records of one word.
const WORDS: usize = RECORDS + 8;
type Segment = [AtomicU64; WORDS];

fn cell() -> Arc<Cell> {
    Arc::new(std::array::from_fn(|_| AtomicU64::new(0)))
}

fn segment() -> Arc<Segment> {
    Arc::new(std::array::from_fn(|_| AtomicU64::new(0)))
}

/// All orders with up to three switches of threads where none was needed.
fn in_every_order(test: impl Fn() + Sync + Send + 'static) {
    let mut orders = loom::model::Builder::new();
    orders.preemption_bound = Some(3);
    orders.check(test);
}

/// The same where there is more to do.
fn in_most_orders(test: impl Fn() + Sync + Send + 'static) {
    let mut orders = loom::model::Builder::new();
    orders.preemption_bound = Some(2);
    orders.check(test);
}

/// The first word of a record, at one tick: the clock may be coarse.
fn first(kind: Kind) -> u64 {
    7 << 8 | kind as u64
}

/// Orders threads in every way, and synchronizes nothing. The model checker tries the orders of two accesses where they are the last ones
/// of their threads to a word: a thread that looks at a word before it writes it, as the owner of a segment does, hides its writing.
struct Turns(AtomicU64);

impl Turns {
    fn new() -> Arc<Turns> {
        Arc::new(Turns(AtomicU64::new(0)))
    }

    fn take(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a thread has published so far.
fn published(segment: &Segment, turns: &Turns) -> Vec<u64> {
    turns.take();
    let len = handover::look(segment).map_or(RECORDS, |seen| seen.len);
    let words = &segment[RECORDS..len];
    words
        .iter()
        .map(|word| word.load(Ordering::Relaxed))
        .collect()
}

/// A cell is used for one hold after the other, at the same tick: none of the words of a copy is of another hold than the rest.
#[test]
fn a_copy_is_never_of_two_things() {
    in_most_orders(|| {
        let cell = cell();
        let note_number = |cell: &Cell, number| {
            let record = [first(Kind::Acquire), 5, number, 10 + number];
            note(cell, &record, 30 + number, []);
        };
        note_number(&cell, 1);
        let reuses = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                words::clear(&*cell);
                note_number(&cell, 2);
            })
        };
        if let Look::Noted(copy) = copy(&*cell) {
            let number = copy[at::RECORD + 1];
            let rest = [copy[at::BY], copy[at::RECORD + 2]];
            assert_eq!(rest, [30 + number, 10 + number]);
        }
        reuses.join().unwrap();
    });
}

/// A mutex is locked by one after the other, at the same tick: the hold that is copied is one of them, whole.
#[test]
fn a_copied_hold_of_a_mutex_is_one() {
    in_most_orders(|| {
        let cell = cell();
        lock(&cell, 1);
        let uses = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                noted::clear_hold(&*cell);
                lock(&cell, 2);
            })
        };
        let mut copy = [0; CELL_WORDS];
        if noted::copy_hold(&*cell, &mut copy) && copy[noted::HOLD] != 0 {
            let [by, number, third, ..] = noted::HOLD_REST.map(|at| copy[at]);
            assert_eq!([by, third], [30 + number, 10 + number]);
        }
        uses.join().unwrap();
    });
}

/// Somebody takes a mutex by a change with this number.
fn lock(cell: &Cell, number: u64) {
    noted::expect_hold(cell);
    let record = [first(Kind::Acquire), 5, number, 10 + number, 0, 0, 0, 0];
    noted::note_hold(cell, 30 + number, &record);
}

/// What the writer took before the keyframe, what the keyframe tells, and what comes after it: of something that was born, or has ended, at
/// least one of them knows; and nothing is told that had ended before.
#[test]
fn what_is_not_told_is_recorded_after_that() {
    const BORN: u64 = 1;
    const ENDED: u64 = 2;
    for ends in [false, true] {
        in_every_order(move || {
            let (cell, segment, turns) = (cell(), segment(), Turns::new());
            assert!(handover::take(&*segment, 1, 1, 0));
            let lives = {
                let (cell, segment, turns) =
                    (Arc::clone(&cell), Arc::clone(&segment), Arc::clone(&turns));
                thread::spawn(move || {
                    note(&*cell, &[first(Kind::FutureBegin), 5, 6, 0], 0, [0]);
                    assert!(handover::publish(&*segment, [BORN]));
                    turns.take();
                    if ends {
                        words::clear(&*cell);
                        assert!(handover::publish(&*segment, [ENDED]));
                        turns.take();
                    }
                })
            };
            let before = published(&segment, &turns);
            turns.take();
            let is_told = copy(&*cell) != Look::Free;
            lives.join().unwrap();
            let after = published(&segment, &turns).split_off(before.len());
            assert!(
                !(is_told && before.contains(&ENDED)),
                "it would live for ever"
            );
            if before == [BORN] && !is_told {
                assert!(after.contains(&ENDED), "nothing tells that it is there");
            }
            if before.is_empty() && !is_told {
                assert!(after.contains(&BORN));
            }
        });
    }
}

/// What a keyframe knows of a resource: how many changes it had before anything was copied, and what was copied then. Where the number of
/// a birth is among them, it is in the copy, or is expected there.
#[test]
fn changes_that_are_counted_are_in_what_is_copied_after_that() {
    in_every_order(|| {
        let (resource, hold) = (cell(), cell());
        resource[noted::CHANGES].store(noted::NO_MESSAGES, Ordering::Relaxed);
        let takes = {
            let (resource, hold) = (Arc::clone(&resource), Arc::clone(&hold));
            thread::spawn(move || {
                expect(&*hold);
                let number = noted::next_change(&*resource, 0);
                note(&*hold, &[first(Kind::Acquire), 5, number, 0, 0], 0, [1]);
                number
            })
        };
        let counted = resource[noted::CHANGES].load(Ordering::Acquire) >> noted::MESSAGE_BITS;
        let look = copy(&*hold);
        let number = takes.join().unwrap();
        if counted >= number {
            assert_ne!(look, Look::Free, "change {number} is lost");
        }
        // What is waited for comes.
        assert!(matches!(copy(&*hold), Look::Noted(copy) if copy[at::RECORD + 1] == number));
    });
}

/// The same for the hold of a mutex, which is in the cell of that; before it there was another one.
#[test]
fn a_counted_lock_is_in_what_is_copied_after_that() {
    in_most_orders(|| {
        let cell = cell();
        cell[noted::CHANGES].store(noted::NO_MESSAGES, Ordering::Relaxed);
        noted::next_change(&*cell, 0);
        lock(&cell, 1);
        let takes = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || {
                noted::clear_hold(&*cell);
                assert_eq!(noted::next_change(&*cell, 0), 2);
                noted::expect_hold(&*cell);
                let number = noted::next_change(&*cell, 0);
                let record = [first(Kind::Acquire), 5, number, 0, 0, 0, 0, 0];
                noted::note_hold(&*cell, 0, &record);
            })
        };
        let counted = cell[noted::CHANGES].load(Ordering::Acquire) >> noted::MESSAGE_BITS;
        let mut copy = [0; CELL_WORDS];
        let is_there = noted::copy_hold(&*cell, &mut copy);
        takes.join().unwrap();
        let number = (copy[noted::HOLD] != 0).then_some(copy[noted::HOLD_REST[1]]);
        if counted >= 2 && is_there {
            assert_ne!(number, Some(1), "it would be held for ever");
        }
        if counted >= 3 && is_there {
            assert_eq!(number, Some(3), "who has it is lost");
        }
    });
}

/// Two threads send and receive: with so many changes as a copy says, so many messages were there as it says.
#[test]
fn messages_and_changes_are_counted_together() {
    in_every_order(|| {
        let cell = cell();
        note(&*cell, &[first(Kind::ResourceNew), 5, 1], 0, []);
        cell[noted::CHANGES].store(noted::NO_MESSAGES, Ordering::Relaxed);
        let other = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || [1, 1].map(|step| (noted::next_change(&*cell, step), step)))
        };
        let copies = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || copy(&*cell))
        };
        let received = (noted::next_change(&*cell, -1), -1);
        let mut changes = other.join().unwrap().to_vec();
        changes.push(received);
        changes.sort_unstable();
        assert_eq!(
            changes.iter().map(|change| change.0).collect::<Vec<_>>(),
            [1, 2, 3]
        );
        let Look::Noted(copy) = copies.join().unwrap() else {
            panic!("it was there all the time")
        };
        let (count, messages) = (
            copy[noted::CHANGES] >> noted::MESSAGE_BITS,
            copy[noted::CHANGES] & ((1 << noted::MESSAGE_BITS) - 1),
        );
        let first = &changes[..count as usize];
        let sum: i64 = first.iter().map(|change| change.1).sum();
        assert_eq!(
            messages.cast_signed() - noted::NO_MESSAGES.cast_signed(),
            sum
        );
    });
}

/// Units of one hold are given back by two threads: it ends once, and no copy has more of it than there were.
#[test]
fn the_last_units_end_a_hold_once() {
    in_every_order(|| {
        let cell = cell();
        note(&*cell, &[first(Kind::Acquire), 5, 1, 0, 0], 0, [3]);
        let other = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || lose(&*cell, 1))
        };
        let copies = {
            let cell = Arc::clone(&cell);
            thread::spawn(move || copy(&*cell))
        };
        let is_last = lose(&*cell, 2);
        assert!(is_last != other.join().unwrap(), "it ends once");
        if let Look::Noted(copy) = copies.join().unwrap() {
            assert!(copy[at::NOW] <= 3);
        }
        assert_eq!(copy(&*cell), Look::Free);
    });
}

/// A waker outlives its task, and notes a wake when the task has ended. The cell becomes another's only after that: what is noted there is
/// that one's alone.
#[test]
fn a_waker_never_writes_into_the_cell_of_another() {
    const WAKES: usize = at::NOW + 5;
    in_most_orders(|| {
        let cell = cell();
        // The cells that are free.
        let free: Arc<loom::sync::Mutex<Vec<Arc<Cell>>>> = Arc::default();
        note(
            &*cell,
            &[first(Kind::TaskNew), 1, 0],
            0,
            [0, 0, 0, 0, 1, 0, 0],
        );
        share(&*cell);
        let give_back = |cell: Arc<Cell>, free: &loom::sync::Mutex<Vec<Arc<Cell>>>| {
            if unshare(&*cell) {
                free.lock().unwrap().push(cell);
            }
        };
        let wakes = {
            let (cell, free) = (Arc::clone(&cell), Arc::clone(&free));
            thread::spawn(move || {
                cell[WAKES].store(1 << 32 | 1, Ordering::Relaxed);
                give_back(cell, &free);
            })
        };
        let reuses = {
            let free = Arc::clone(&free);
            thread::spawn(move || {
                let cell = free.lock().unwrap().pop();
                if let Some(cell) = &cell {
                    note(
                        &**cell,
                        &[first(Kind::TaskNew), 2, 0],
                        0,
                        [0, 0, 0, 0, 1, 0, 0],
                    );
                    cell[WAKES].store(2 << 32 | 1, Ordering::Relaxed);
                }
                cell
            })
        };
        words::clear(&*cell);
        give_back(Arc::clone(&cell), &free);
        wakes.join().unwrap();
        if let Some(cell) = reuses.join().unwrap() {
            let Look::Noted(copy) = copy(&*cell) else {
                panic!("it lives")
            };
            assert_eq!((copy[at::RECORD], copy[WAKES]), (2, 2 << 32 | 1));
        } else {
            assert_eq!(free.lock().unwrap().len(), 1, "it is free, once");
        }
    });
}

/// A task is polled and woken while it is copied: a wake that was taken before the keyframe is known after it, by the number of the last
/// poll or by itself.
#[test]
fn a_wake_that_was_taken_is_noted() {
    const POLL: usize = at::NOW + 2;
    const WAKES: usize = at::NOW + 5;
    in_every_order(|| {
        let (cell, segment, turns) = (cell(), segment(), Turns::new());
        assert!(handover::take(&*segment, 1, 1, 0));
        note(&*cell, &[first(Kind::TaskNew), 1, 0], 0, [0; 7]);
        let wakes = {
            let (cell, segment, turns) =
                (Arc::clone(&cell), Arc::clone(&segment), Arc::clone(&turns));
            thread::spawn(move || {
                cell[WAKES].store(1 << 32 | 1, Ordering::Relaxed);
                assert!(handover::publish(&*segment, [1]));
                turns.take();
                // The poll that sees it.
                cell[POLL].store(1 << 32 | 1, Ordering::Relaxed);
                assert!(handover::publish(&*segment, [2]));
                turns.take();
            })
        };
        let before = published(&segment, &turns);
        let Look::Noted(copy) = copy(&*cell) else {
            panic!("it lives")
        };
        if before.contains(&1) {
            assert_eq!(copy[WAKES] as u32, 1);
        }
        if before.contains(&2) {
            assert_eq!(copy[POLL] as u32, 1);
        }
        wakes.join().unwrap();
    });
}
