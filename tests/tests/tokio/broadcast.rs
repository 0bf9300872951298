//! Channels each of whose receivers gets each message.

use std::time::Duration;

use ais_format::event::{HandleNew, Kind, Lag, Receive, operation_kind, resource_kind};
use recorded_tokio as tokio;
use tokio::sync::broadcast::{self, error::RecvError};

use crate::{in_both_flavours, kinds, outcomes};

#[test]
fn each_receiver_receives_each_message() {
    in_both_flavours(
        || async {
            let (sender, mut first) = broadcast::channel(3);
            let mut second = sender.subscribe();
            assert_eq!(sender.send(1).unwrap(), 2);
            assert_eq!(first.recv().await, Ok(1));
            assert_eq!(second.try_recv(), Ok(1));
            let third = second.resubscribe();
            drop((first, second, third));
            sender.send(2).unwrap_err();
        },
        |events| {
            let channel = events.resource(resource_kind::BROADCAST);
            assert_eq!(channel.capacity, 4, "as tokio rounds it");
            let expected = [
                [Kind::HandleNew, Kind::HandleNew, Kind::HandleNew].as_slice(),
                &[Kind::Send, Kind::Receive, Kind::Receive, Kind::HandleNew],
                &[Kind::HandleDrop, Kind::HandleDrop, Kind::HandleDrop],
                &[Kind::Send, Kind::SendFailed, Kind::HandleDrop],
            ];
            assert_eq!(kinds(events, channel.resource), expected.concat());
            let ends: Vec<u64> = events.rows::<HandleNew>().iter().map(|h| h.end).collect();
            assert_eq!(ends, [1, 2, 2, 2]);
            let by: Vec<u64> = events.rows::<Receive>().iter().map(|r| r.handle).collect();
            assert_eq!(by, [2, 3]);
        },
    );
}

#[test]
fn a_receiver_that_is_too_slow_is_told_how_many_messages_it_missed() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = broadcast::channel(2);
            for i in 0..5 {
                sender.send(i).unwrap();
            }
            assert_eq!(receiver.recv().await, Err(RecvError::Lagged(3)));
            assert_eq!(receiver.recv().await, Ok(3));
            for i in 5..8 {
                sender.send(i).unwrap();
            }
            assert!(receiver.try_recv().is_err());
        },
        |events| {
            let missed: Vec<(u64, u64)> = events
                .rows::<Lag>()
                .iter()
                .map(|lag| (lag.handle, lag.messages))
                .collect();
            assert_eq!(missed, [(2, 3), (2, 2)]);
            let channel = events.resource(resource_kind::BROADCAST).resource;
            let lags = kinds(events, channel).into_iter();
            assert_eq!(lags.filter(|&kind| kind == Kind::Lag).count(), 2);
        },
    );
}

#[test]
fn waits_end_ready_closed_dropped_and_never_polled() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = broadcast::channel(2);
            let short = Duration::from_millis(2);
            let (received, _) = tokio::join!(receiver.recv(), async { sender.send(1) });
            assert_eq!(received, Ok(1));
            assert!(tokio::time::timeout(short, receiver.recv()).await.is_err());
            drop(receiver.recv());
            let weak = sender.downgrade();
            drop(weak.upgrade());
            let (received, ()) = tokio::join!(receiver.recv(), async { drop(sender) });
            assert_eq!(received, Err(RecvError::Closed));
            assert!(weak.upgrade().is_none());
            let sender = broadcast::Sender::<u8>::new(1);
            let receiver = sender.subscribe();
            tokio::join!(sender.closed(), async { drop(receiver) });
        },
        |events| {
            let expected = ["ready", "dropped", "never polled", "closed"];
            assert_eq!(outcomes(events, operation_kind::RECEIVE), expected);
            assert_eq!(outcomes(events, operation_kind::CLOSED), ["ready"]);
            events.assert_complete();
        },
    );
}

#[test]
fn a_receiver_that_blocks_and_ends_that_convert() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = broadcast::channel(2);
            let thread = std::thread::spawn(move || (receiver.blocking_recv(), receiver));
            sender.send(1).unwrap();
            let (received, receiver) = thread.join().unwrap();
            assert_eq!(received, Ok(1));
            let receiver = broadcast::Receiver::from(receiver.into_inner());
            let sender: ::tokio::sync::broadcast::Sender<u8> = sender.into();
            drop((sender, receiver));
        },
        |events| {
            let channels = events.resources(resource_kind::BROADCAST);
            let first = kinds(events, channels[0].resource);
            assert!(first.ends_with(&[Kind::Escape, Kind::Escape]));
            let expected = [Kind::HandleNew, Kind::Escape, Kind::HandleDrop];
            assert_eq!(kinds(events, channels[1].resource), expected);
            assert_eq!(outcomes(events, operation_kind::RECEIVE), ["ready"]);
        },
    );
}
