//! What is true of a state: every way to go on from it is tried.

use std::collections::HashSet;

use crate::model::{Model, Pace, State};

/// Of programs with more states than this nothing is known.
const MOST_STATES: usize = 50_000;

/// The live tasks that can progress from `state` on: reach another step, have one of two waits done, or end. None where there are too
/// many ways to go on.
///
/// Other tasks may come in between any two steps of a poll: what is proven must hold on any executor.
pub(crate) fn who_can_progress(model: &Model, state: &State) -> Option<HashSet<usize>> {
    let before = state.stands();
    let mut left: HashSet<usize> = state.live().into_iter().collect();
    let live = left.clone();
    let mut seen = HashSet::from([state.clone()]);
    let mut open = vec![state.clone()];
    while let Some(state) = open.pop() {
        for task in state.woken() {
            let mut next = state.clone();
            model.poll(&mut next, task, Pace::Step);
            left.retain(|&task| next.tasks[task].stand() == before[task]);
            if left.is_empty() {
                return Some(live);
            }
            if !seen.contains(&next) {
                if seen.len() == MOST_STATES {
                    return None;
                }
                seen.insert(next.clone());
                open.push(next);
            }
        }
    }
    Some(&live - &left)
}
