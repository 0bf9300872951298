//! Channels for one message.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use ais_format::event::{Kind, OperationFired, operation_flag, operation_kind, resource_kind};
use recorded_tokio as tokio;
use tokio::sync::oneshot;

use crate::{in_both_flavours, kinds, outcomes};

#[test]
fn a_message_that_is_there_is_received_without_an_operation() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = oneshot::channel();
            sender.send(1).unwrap();
            assert_eq!((&mut receiver).await, Ok(1));
            assert!(receiver.is_terminated());
            receiver.close();
        },
        |events| {
            let channel = events.resource(resource_kind::ONESHOT);
            assert_eq!(channel.capacity, 1);
            assert!(events.place(channel.location).contains("oneshot.rs:"));
            let expected = [
                Kind::HandleNew,
                Kind::HandleNew,
                Kind::Send,
                Kind::HandleDrop,
                Kind::Receive,
                Kind::HandleDrop,
            ];
            assert_eq!(kinds(events, channel.resource), expected);
            assert!(outcomes(events, operation_kind::RECEIVE).is_empty());
        },
    );
}

#[test]
fn a_receiver_that_waits_is_one_operation_over_all_its_polls() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = oneshot::channel();
            let short = Duration::from_millis(2);
            assert!(tokio::time::timeout(short, &mut receiver).await.is_err());
            let (received, sent) = tokio::join!(receiver, async { sender.send(1) });
            assert_eq!((received, sent), (Ok(1), Ok(())));
        },
        |events| {
            let channel = events.resource(resource_kind::ONESHOT).resource;
            let expected = [
                Kind::OperationBegin,
                Kind::Send,
                Kind::HandleDrop,
                Kind::OperationEnd,
                Kind::Receive,
                Kind::HandleDrop,
            ];
            assert_eq!(kinds(events, channel)[2..], expected);
            assert_eq!(outcomes(events, operation_kind::RECEIVE), ["ready"]);
            let (begin, ..) = events.operations(operation_kind::RECEIVE)[0];
            assert!(begin.flags & operation_flag::NO_DROP != 0);
            let fired = events.rows::<OperationFired>();
            assert!(fired.iter().any(|f| f.operation == begin.operation));
        },
    );
}

#[test]
fn a_receiver_ends_as_closed_when_its_sender_is_gone_and_as_dropped_with_itself() {
    in_both_flavours(
        || async {
            let (sender, receiver) = oneshot::channel::<u8>();
            let (received, ()) = tokio::join!(receiver, async { drop(sender) });
            assert!(received.is_err());
            let (_sender, receiver) = oneshot::channel::<u8>();
            let waiting = tokio::time::timeout(Duration::from_millis(2), receiver);
            assert!(waiting.await.is_err());
        },
        |events| {
            let expected = ["closed", "dropped"];
            assert_eq!(outcomes(events, operation_kind::RECEIVE), expected);
            events.assert_complete();
        },
    );
}

#[test]
fn a_sender_waits_for_the_receiver_to_go_and_its_message_is_taken_back() {
    in_both_flavours(
        || async {
            let (mut sender, mut receiver) = oneshot::channel();
            let pending = poll_fn(|cx| Poll::Ready(sender.poll_closed(cx).is_pending())).await;
            assert!(pending);
            let ((), ()) = tokio::join!(sender.closed(), async { receiver.close() });
            assert_eq!(sender.send(1), Err(1));
        },
        |events| {
            let channel = events.resource(resource_kind::ONESHOT).resource;
            let expected = [
                Kind::OperationBegin,
                Kind::OperationEnd,
                Kind::OperationBegin,
                Kind::Close,
                Kind::OperationEnd,
                Kind::Send,
                Kind::SendFailed,
                Kind::HandleDrop,
                Kind::HandleDrop,
            ];
            assert_eq!(kinds(events, channel)[2..], expected);
            let expected = ["dropped", "ready"];
            assert_eq!(outcomes(events, operation_kind::CLOSED), expected);
        },
    );
}

#[test]
fn a_receiver_that_blocks_is_an_operation_of_its_thread() {
    in_both_flavours(
        || async {
            let (sender, receiver) = oneshot::channel();
            let thread = std::thread::spawn(move || receiver.blocking_recv());
            sender.send(1).unwrap();
            assert_eq!(thread.join().unwrap(), Ok(1));
        },
        |events| {
            assert_eq!(outcomes(events, operation_kind::RECEIVE), ["ready"]);
            let (begin, ..) = events.operations(operation_kind::RECEIVE)[0];
            assert!(begin.flags & operation_flag::BLOCKING != 0);
            assert!(events.place(begin.location).contains("oneshot.rs:"));
        },
    );
}

#[test]
fn ends_convert_both_ways_and_escape() {
    in_both_flavours(
        || async {
            let (sender, receiver) = oneshot::channel::<u8>();
            let own: ::tokio::sync::oneshot::Receiver<u8> = receiver.into();
            sender.into_inner().send(1).unwrap();
            let mut receiver = oneshot::Receiver::from(own);
            assert_eq!(receiver.try_recv(), Ok(1));
        },
        |events| {
            let channels = events.resources(resource_kind::ONESHOT);
            let escaped = [Kind::Escape, Kind::Escape];
            assert_eq!(kinds(events, channels[0].resource)[2..], escaped);
            let expected = [
                Kind::HandleNew,
                Kind::Escape,
                Kind::Receive,
                Kind::HandleDrop,
            ];
            assert_eq!(kinds(events, channels[1].resource), expected);
        },
    );
}
