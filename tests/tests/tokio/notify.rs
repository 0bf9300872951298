//! `Notify`.

use std::pin::pin;
use std::sync::Arc;

use ais_format::event::{
    Kind, Notify as Notifies, OperationPoll, notify_mode, operation_flag, operation_kind, outcome,
    resource_kind,
};
use ais_recorder::task;
use recorded_tokio as tokio;
use tokio::sync::Notify;

use crate::in_both_flavours;
use crate::locks::{changes, give_up, outcomes, use_up_budget, was_woken};

#[test]
fn a_token_that_is_there_is_taken_by_an_operation_that_ends_at_once() {
    in_both_flavours(
        || async {
            let notify = Notify::new();
            notify.notify_one();
            notify.notified().await;
        },
        |events| {
            let notified = Notifies::of(events);
            assert_eq!(notified, [notify_mode::ONE]);
            let ready = [Some(outcome::READY)];
            assert_eq!(outcomes(events, operation_kind::NOTIFIED), ready);
            let expected = [Kind::Notify, Kind::OperationBegin, Kind::OperationEnd];
            assert_eq!(changes(events, resource_kind::NOTIFY), expected);
            assert!(events.rows::<OperationPoll>().is_empty());
        },
    );
}

/// The modes of all notifications.
trait Modes {
    fn of(events: &ais_tests::events::Events) -> Vec<u64>;
}

impl Modes for Notifies {
    fn of(events: &ais_tests::events::Events) -> Vec<u64> {
        let notified = events.rows::<Notifies>();
        assert!(notified.iter().all(|notified| {
            let place = events.place(notified.location);
            place.contains("tokio/notify.rs:")
        }));
        notified.iter().map(|notified| notified.mode).collect()
    }
}

#[test]
fn one_waits_from_when_it_is_made_and_tells_of_its_first_poll() {
    in_both_flavours(
        || async {
            let notify = Arc::new(Notify::new());
            let (borrows, owns) = (notify.notified(), notify.clone().notified_owned());
            let last = async {
                notify.notify_last();
                notify.notify_waiters();
            };
            tokio::join!(biased; task("borrows", borrows), task("owns", owns), last);
        },
        |events| {
            let operations = events.operations(operation_kind::NOTIFIED);
            assert_eq!(operations.len(), 2);
            for (i, (begin, _, end)) in operations.iter().enumerate() {
                assert_eq!(begin.flags & operation_flag::OWNED != 0, i == 1);
                assert_eq!(*end, Some(outcome::READY));
                assert!(was_woken(events, begin.operation));
                let told = events.told::<OperationPoll>();
                let polls = told
                    .iter()
                    .filter(|(_, poll)| poll.operation == begin.operation);
                let polls: Vec<(u64, u64)> =
                    polls.map(|(told, poll)| (told.task, poll.flags)).collect();
                let task = events.task(["borrows", "owns"][i]);
                assert_eq!(polls, [(task, operation_flag::INLINE)]);
            }
            assert_eq!(
                Notifies::of(events),
                [notify_mode::LAST, notify_mode::WAITERS]
            );
            let expected = [
                Kind::OperationBegin,
                Kind::OperationBegin,
                Kind::Notify,
                Kind::Notify,
                Kind::OperationEnd,
                Kind::OperationEnd,
            ];
            assert_eq!(changes(events, resource_kind::NOTIFY), expected);
        },
    );
}

#[test]
fn what_is_given_up_ends_as_dropped_or_as_never_polled() {
    in_both_flavours(
        || async {
            let notify = Arc::new(Notify::new());
            give_up(notify.notified()).await;
            drop(notify.notified());
            give_up(notify.clone().notified_owned()).await;
            drop(notify.notified_owned());
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::NEVER_POLLED)].repeat(2);
            assert_eq!(outcomes(events, operation_kind::NOTIFIED), expected);
            assert_eq!(changes(events, resource_kind::NOTIFY).len(), 8);
        },
    );
}

#[test]
fn what_is_enabled_is_in_the_queue_or_done() {
    in_both_flavours(
        || async {
            let notify = Notify::new();
            {
                let mut queued = pin!(notify.notified());
                assert!(!queued.as_mut().enable());
            }
            notify.notify_one();
            let mut done = pin!(notify.notified());
            assert!(done.as_mut().enable());
            assert!(done.as_mut().enable());
            done.await;
        },
        |events| {
            let expected = [Some(outcome::DROPPED), Some(outcome::READY)];
            assert_eq!(outcomes(events, operation_kind::NOTIFIED), expected);
            assert_eq!(events.rows::<OperationPoll>().len(), 1);
            assert_eq!(changes(events, resource_kind::NOTIFY).len(), 5);
        },
    );
}

#[test]
fn a_wait_that_begins_without_budget_is_a_wait() {
    in_both_flavours(
        || async {
            let notify = Notify::new();
            let waits = async {
                use_up_budget().await;
                notify.notified().await;
            };
            tokio::join!(biased; task("waits", waits), async { notify.notify_one() });
        },
        |events| {
            let polls = events.rows::<OperationPoll>();
            assert_eq!(polls.len(), 1);
            assert_eq!(polls[0].flags, operation_flag::INLINE);
            assert!(was_woken(events, polls[0].operation));
        },
    );
}

#[test]
fn a_panic_ends_a_wait_as_panicked() {
    in_both_flavours(
        || async {
            let notify = Notify::new();
            let panics = async {
                let mut waits = pin!(notify.notified());
                assert!(!waits.as_mut().enable());
                std::panic::resume_unwind(Box::new("on purpose"));
            };
            let panics = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(panics));
            let () = panics
                .await
                .unwrap_err()
                .downcast::<&str>()
                .map(drop)
                .unwrap();
        },
        |events| {
            let panicked = [Some(outcome::PANICKED)];
            assert_eq!(outcomes(events, operation_kind::NOTIFIED), panicked);
        },
    );
}
