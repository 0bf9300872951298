//! Circles of locks that are no findings.

use std::collections::HashSet;

use crate::history::{History, OperationKind, TaskId, TaskState};

/// Tasks in a circle of which each waits, first of all, for a lock of which the next one is the only holder. It need not be a deadlock:
/// each may wait for something else, too. The handler of a request does, which ends when its client hangs up.
pub fn lock_circles(history: &History) -> Vec<Vec<TaskId>> {
    let next = |id: TaskId| {
        let task = history.task(id)?;
        let TaskState::Idle(_) = task.state() else {
            return None;
        };
        let lock = match history.main_wait(id)?.kind {
            OperationKind::Lock(lock) | OperationKind::Read(lock) | OperationKind::Write(lock) => {
                history.resource(lock)?
            }
            _ => return None,
        };
        match lock.holders() {
            [hold] if !lock.uncertain => hold.task,
            _ => None,
        }
    };
    let mut seen = HashSet::new();
    let mut circles = Vec::new();
    for task in &history.tasks {
        let mut path = Vec::new();
        let mut at = Some(task.id);
        while let Some(id) = at.filter(|&id| seen.insert(id)) {
            path.push(id);
            at = next(id);
        }
        // Where the way comes back to itself, and not to one that was walked before.
        let begin = at.and_then(|id| path.iter().position(|&passed| passed == id));
        if let Some(begin) = begin {
            circles.push(path.split_off(begin));
        }
    }
    circles
}
