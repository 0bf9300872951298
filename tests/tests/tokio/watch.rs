//! Channels that keep the last value only.

use std::time::Duration;

use ais_format::event::{
    Kind, SectionBegin, SectionEnd, operation_flag, operation_kind, resource_kind, section_kind,
};
use recorded_tokio as tokio;
use tokio::sync::watch;

use crate::{in_both_flavours, kinds, let_others_run, outcomes};

#[test]
fn each_value_is_a_message_and_one_that_is_not_put_in_is_taken_back() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = watch::channel(0);
            sender.send(1).unwrap();
            receiver.changed().await.unwrap();
            sender.send_modify(|value| *value += 1);
            assert_eq!(sender.send_replace(3), 2);
            assert!(!sender.send_if_modified(|_| false));
            assert_eq!(*receiver.borrow_and_update(), 3);
            drop(receiver);
            sender.send(4).unwrap_err();
        },
        |events| {
            let channel = events.resource(resource_kind::WATCH).resource;
            let expected = [
                [Kind::HandleNew, Kind::HandleNew].as_slice(),
                &[Kind::Send, Kind::Receive, Kind::Send, Kind::Send],
                &[Kind::Send, Kind::SendFailed, Kind::Receive],
                &[Kind::HandleDrop, Kind::Send, Kind::SendFailed],
                &[Kind::HandleDrop],
            ];
            assert_eq!(kinds(events, channel), expected.concat());
            events.assert_complete();
        },
    );
}

#[test]
fn waits_for_a_value_end_ready_closed_dropped_and_never_polled() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = watch::channel(0);
            let short = Duration::from_millis(2);
            assert!(
                tokio::time::timeout(short, receiver.changed())
                    .await
                    .is_err()
            );
            drop(receiver.changed());
            let mut asked = Vec::new();
            let is_two = |value: &i32| {
                asked.push(*value);
                *value == 2
            };
            tokio::join!(
                async { assert_eq!(*receiver.wait_for(is_two).await.unwrap(), 2) },
                async {
                    sender.send(1).unwrap();
                    let_others_run().await;
                    sender.send(2).unwrap();
                }
            );
            assert_eq!(asked, [0, 1, 2], "each value is looked at once");
            let (changed, ()) = tokio::join!(receiver.changed(), async { drop(sender) });
            assert!(changed.is_err());
        },
        |events| {
            let expected = ["dropped", "never polled", "ready", "closed"];
            assert_eq!(outcomes(events, operation_kind::CHANGED), expected);
            events.assert_complete();
        },
    );
}

#[test]
fn a_borrowed_value_is_a_section_and_a_send_that_finds_one_is_an_operation_that_blocks() {
    in_both_flavours(
        || async {
            let (sender, receiver) = watch::channel(0);
            drop(sender.borrow());
            sender.send(1).unwrap();
            let borrowed = receiver.borrow();
            let second = sender.clone();
            let (begins, begun) = std::sync::mpsc::channel();
            let thread = std::thread::spawn(move || {
                begins.send(()).unwrap();
                second.send(2)
            });
            begun.recv().unwrap();
            // Time enough for the thread to come to the send.
            std::thread::sleep(Duration::from_millis(100));
            assert_eq!((*borrowed, thread.is_finished()), (1, false));
            drop(borrowed);
            thread.join().unwrap().unwrap();
        },
        |events| {
            let channel = events.resource(resource_kind::WATCH).resource;
            let begun = events.rows::<SectionBegin>();
            let borrows: Vec<_> = begun
                .iter()
                .filter(|section| section.kind == section_kind::BORROW)
                .collect();
            assert_eq!(borrows.len(), 2);
            for section in borrows {
                assert_eq!(section.resource, channel);
                assert!(events.place(section.location).contains("watch.rs:"));
            }
            let ended = events.rows::<SectionEnd>();
            let ended = ended.iter().filter(|section| section.resource == channel);
            assert_eq!(ended.count(), 2);
            assert_eq!(outcomes(events, operation_kind::SEND), ["ready"]);
            let (begin, ..) = events.operations(operation_kind::SEND)[0];
            assert!(begin.flags & operation_flag::BLOCKING != 0);
        },
    );
}

#[test]
fn a_sender_waits_until_nobody_listens_and_others_can_subscribe() {
    in_both_flavours(
        || async {
            let sender = watch::Sender::new(0);
            let receiver = sender.subscribe();
            let second = receiver.clone();
            tokio::join!(sender.closed(), async { drop((receiver, second)) });
        },
        |events| {
            let channel = events.resource(resource_kind::WATCH).resource;
            let expected = [
                Kind::HandleNew,
                Kind::HandleNew,
                Kind::HandleNew,
                Kind::OperationBegin,
                Kind::HandleDrop,
                Kind::HandleDrop,
                Kind::OperationEnd,
                Kind::HandleDrop,
            ];
            assert_eq!(kinds(events, channel), expected);
            assert_eq!(outcomes(events, operation_kind::CLOSED), ["ready"]);
        },
    );
}

#[test]
fn a_change_that_panics_is_taken_back() {
    in_both_flavours(
        || async {
            let (sender, receiver) = watch::channel(0);
            let change = || sender.send_modify(|_| panic!("as the test wants"));
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(change)).unwrap_err();
            drop(receiver);
        },
        |events| {
            let channel = events.resource(resource_kind::WATCH).resource;
            assert_eq!(kinds(events, channel)[2..4], [Kind::Send, Kind::SendFailed]);
        },
    );
}

#[test]
fn ends_convert_both_ways_and_escape() {
    in_both_flavours(
        || async {
            let (sender, receiver) = watch::channel(0);
            let own: ::tokio::sync::watch::Sender<i32> = sender.into();
            drop(receiver.into_inner());
            drop(watch::Sender::from(own));
        },
        |events| {
            let channels = events.resources(resource_kind::WATCH);
            let escaped = [Kind::Escape, Kind::Escape];
            assert_eq!(kinds(events, channels[0].resource)[2..], escaped);
            let expected = [Kind::HandleNew, Kind::Escape, Kind::HandleDrop];
            assert_eq!(kinds(events, channels[1].resource), expected);
        },
    );
}
