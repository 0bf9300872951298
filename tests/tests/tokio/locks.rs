//! What the tests of locks and their like ask of a trace.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use ais_format::event::{Acquire, Kind, OperationBegin, OperationFired, operation_flag, outcome};
use ais_tests::events::Events;
use futures::FutureExt;
use recorded_tokio as tokio;

/// The kinds of the changes of the only resource of this kind.
pub(crate) fn changes(events: &Events, resource_kind: u64) -> Vec<Kind> {
    crate::kinds(events, events.resource(resource_kind).resource)
}

/// How the operations of a kind ended.
pub(crate) fn outcomes(events: &Events, operation_kind: u64) -> Vec<Option<u64>> {
    let operations = events.operations(operation_kind);
    operations
        .into_iter()
        .map(|(_, _, outcome)| outcome)
        .collect()
}

/// The only operation of a kind waited in the task of this name, was woken, and ended as ready.
pub(crate) fn waited_in(events: &Events, operation_kind: u64, task: &str) -> OperationBegin {
    let operations = events.operations(operation_kind);
    assert_eq!(operations.len(), 1, "{operations:?}");
    let (begin, by, end) = operations[0];
    assert_eq!(by, events.task(task));
    assert_eq!(end, Some(outcome::READY));
    assert!(begin.flags & operation_flag::INLINE != 0, "{begin:?}");
    assert!(begin.flags & operation_flag::FOREIGN_WAKER == 0);
    assert!(was_woken(events, begin.operation));
    begin
}

/// Whether the waker of an operation was called.
pub(crate) fn was_woken(events: &Events, operation: u64) -> bool {
    let fired = events.rows::<OperationFired>();
    fired.iter().any(|fired| fired.operation == operation)
}

/// What was taken by an operation that waited.
pub(crate) fn taken_by(events: &Events, operation: u64) -> Acquire {
    let acquires = events.rows::<Acquire>();
    let of: Vec<&Acquire> = acquires
        .iter()
        .filter(|acquire| acquire.operation == operation)
        .collect();
    assert_eq!(of.len(), 1, "{acquires:?}");
    *of[0]
}

/// Gives a future up that has to wait.
pub(crate) async fn give_up<F: Future>(future: F) {
    let waiting = tokio::time::timeout(Duration::from_millis(5), future);
    assert!(waiting.await.is_err());
}

/// Panics while `holding` is alive.
pub(crate) async fn panic_with<T>(holding: impl Future<Output = T>) {
    let panicking = async {
        let _held = holding.await;
        std::panic::resume_unwind(Box::new("on purpose"));
    };
    assert!(AssertUnwindSafe(panicking).catch_unwind().await.is_err());
}

/// Aborts a task that waits for ever, with `holding` alive.
pub(crate) async fn abort_with<T: Send + 'static>(
    holding: impl Future<Output = T> + Send + 'static,
) {
    let (send, held) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        let _held = holding.await;
        send.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    held.await.unwrap();
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
}

/// Uses up all that the current task may do in this turn.
pub(crate) async fn use_up_budget() {
    while tokio::task::coop::has_budget_remaining() {
        tokio::task::coop::consume_budget().await;
    }
}
