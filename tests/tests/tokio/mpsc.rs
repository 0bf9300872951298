//! Channels with many senders and one receiver.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use ais_format::event::{
    Acquire, HandleNew, Kind, OperationFired, Receive, Release, Send, operation_flag,
    operation_kind, resource_flag, resource_kind, send_flag,
};
use recorded_tokio as tokio;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

use crate::{in_both_flavours, kinds, let_others_run, outcomes};

#[test]
fn a_message_is_sent_and_received_without_an_operation_that_waits() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = mpsc::channel(2);
            sender.send(1).await.unwrap();
            sender.try_send(2).unwrap();
            assert_eq!(receiver.recv().await, Some(1));
            assert_eq!(receiver.try_recv(), Ok(2));
            let timely = sender.send_timeout(3, Duration::from_mins(1)).await;
            timely.unwrap();
            assert_eq!(receiver.recv().await, Some(3));
            let other = sender.clone();
            drop(sender);
            drop(receiver);
            drop(other);
        },
        |events| {
            let channel = events.resource(resource_kind::CHANNEL);
            assert_eq!(channel.capacity, 2);
            assert!(events.place(channel.location).contains("mpsc.rs:"));
            let expected = [
                [Kind::HandleNew, Kind::HandleNew].as_slice(),
                &[Kind::Send, Kind::Send, Kind::Receive, Kind::Receive],
                &[Kind::Send, Kind::Receive, Kind::HandleNew],
                &[Kind::HandleDrop, Kind::HandleDrop, Kind::HandleDrop],
            ];
            assert_eq!(kinds(events, channel.resource), expected.concat());
            for send in events.rows::<Send>() {
                assert_eq!((send.handle, send.flags), (1, 0));
                assert!(events.place(send.location).contains("mpsc.rs:"));
            }
            for receive in events.rows::<Receive>() {
                assert_eq!((receive.handle, receive.messages), (2, 1));
                assert!(events.place(receive.location).contains("mpsc.rs:"));
            }
            events.assert_complete();
            assert!(outcomes(events, operation_kind::SEND).is_empty());
            assert!(outcomes(events, operation_kind::RECEIVE).is_empty());
        },
    );
}

#[test]
fn a_send_into_a_full_channel_waits_is_fired_and_records_its_message_when_it_has_room() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = mpsc::channel(1);
            sender.send(String::new()).await.unwrap();
            let (sent, first) = tokio::join!(sender.send(String::new()), receiver.recv());
            assert!(sent.is_ok() && first.is_some());
        },
        |events| {
            let channel = events.resource(resource_kind::CHANNEL).resource;
            let expected = [
                Kind::Send,
                Kind::OperationBegin,
                Kind::Receive,
                Kind::OperationEnd,
                Kind::Send,
            ];
            assert_eq!(kinds(events, channel)[2..7], expected);
            assert_eq!(outcomes(events, operation_kind::SEND), ["ready"]);
            let (begin, ..) = events.operations(operation_kind::SEND)[0];
            assert_eq!((begin.target, begin.handle, begin.units), (channel, 1, 1));
            let fired = events.rows::<OperationFired>();
            assert!(fired.iter().any(|f| f.operation == begin.operation));
            assert_eq!(events.rows::<Send>()[0].flags, send_flag::CAN_HOLD);
        },
    );
}

#[test]
fn a_send_that_is_given_up_or_never_polled_leaves_no_message() {
    in_both_flavours(
        || async {
            let (sender, _receiver) = mpsc::channel(1);
            sender.send(1).await.unwrap();
            let short = Duration::from_millis(5);
            assert!(timeout(short, sender.send(2)).await.is_err());
            drop(sender.send(3));
            assert!(sender.send_timeout(4, short).await.is_err());
            sender.try_send(5).unwrap_err();
        },
        |events| {
            let channel = events.resource(resource_kind::CHANNEL).resource;
            let expected = ["dropped", "never polled", "dropped"];
            assert_eq!(outcomes(events, operation_kind::SEND), expected);
            let kinds = kinds(events, channel);
            let sent = kinds.iter().filter(|&&kind| kind == Kind::Send).count();
            assert_eq!(sent, 2, "the first, and the attempt");
            assert!(kinds.ends_with(&[
                Kind::Send,
                Kind::SendFailed,
                Kind::HandleDrop,
                Kind::HandleDrop
            ]));
            let waits = outcomes(events, operation_kind::TIMEOUT);
            assert!(waits.contains(&"ready"), "the time that it waited for too");
        },
    );
}

#[test]
fn what_waits_ends_as_closed_after_the_other_end_is_gone() {
    in_both_flavours(
        || async {
            let (sender, receiver) = mpsc::channel(1);
            sender.send(1).await.unwrap();
            let (sent, (), ()) = tokio::join!(sender.send(2), sender.closed(), async {
                drop(receiver);
            });
            assert!(sent.is_err());
            let (sender, mut receiver) = mpsc::unbounded_channel::<u8>();
            let (received, ()) = tokio::join!(receiver.recv(), async { drop(sender) });
            assert!(received.is_none());
        },
        |events| {
            let bounded = events.resource(resource_kind::CHANNEL).resource;
            let expected = [
                Kind::Send,
                Kind::OperationBegin,
                Kind::OperationBegin,
                Kind::HandleDrop,
                Kind::OperationEnd,
                Kind::OperationEnd,
                Kind::HandleDrop,
            ];
            assert_eq!(kinds(events, bounded)[2..], expected);
            assert_eq!(outcomes(events, operation_kind::SEND), ["closed"]);
            assert_eq!(outcomes(events, operation_kind::CLOSED), ["ready"]);
            let unbounded = events.resource(resource_kind::UNBOUNDED_CHANNEL).resource;
            let expected = [
                Kind::OperationBegin,
                Kind::HandleDrop,
                Kind::OperationEnd,
                Kind::HandleDrop,
            ];
            assert_eq!(kinds(events, unbounded)[2..], expected);
            assert_eq!(outcomes(events, operation_kind::RECEIVE), ["closed"]);
        },
    );
}

#[test]
fn a_receiver_that_closes_is_recorded_before_the_fact_and_what_is_sent_then_is_taken_back() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            sender.send(1).unwrap();
            receiver.close();
            sender.send(2).unwrap_err();
            assert_eq!(receiver.recv().await, Some(1));
            assert_eq!(receiver.recv().await, None);
        },
        |events| {
            let channel = events.resource(resource_kind::UNBOUNDED_CHANNEL).resource;
            let expected = [
                Kind::Send,
                Kind::Close,
                Kind::Send,
                Kind::SendFailed,
                Kind::Receive,
            ];
            assert_eq!(kinds(events, channel)[2..7], expected);
        },
    );
}

#[test]
fn a_permit_holds_a_slot_until_it_sends_or_is_dropped() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = mpsc::channel(4);
            sender.reserve().await.unwrap().send(1);
            drop(sender.try_reserve().unwrap());
            let mut permits = sender.reserve_many(2).await.unwrap();
            permits.next().unwrap().send(2);
            drop(permits);
            let owned = sender.clone().reserve_owned().await.unwrap();
            let sender = owned.send(3);
            let sender = sender.try_reserve_owned().unwrap().release();
            drop(sender.reserve_many(0).await.unwrap());
            let mut messages = Vec::new();
            assert_eq!(receiver.recv_many(&mut messages, 9).await, 3);
        },
        |events| {
            let channel = events.resource(resource_kind::CHANNEL).resource;
            let expected = [
                // reserve, try_reserve
                [Kind::Acquire, Kind::Send, Kind::Release].as_slice(),
                &[Kind::Acquire, Kind::Release],
                // reserve_many, of which one is sent and one is left
                &[Kind::Acquire, Kind::Send, Kind::Release, Kind::Release],
                // reserve_owned, of a clone; try_reserve_owned
                &[Kind::HandleNew, Kind::Acquire, Kind::Send, Kind::Release],
                &[Kind::Acquire, Kind::Release, Kind::Receive],
            ];
            let expected = expected.concat();
            assert_eq!(kinds(events, channel)[2..][..expected.len()], expected);
            let taken: Vec<u64> = events.rows::<Acquire>().iter().map(|a| a.units).collect();
            assert_eq!(taken, [1, 1, 2, 1, 1]);
            let many = events.rows::<Acquire>()[2].sequence;
            let given: Vec<(bool, u64)> = events
                .rows::<Release>()
                .iter()
                .map(|release| (release.hold == many, release.units))
                .collect();
            let ones = [false, false, true, true, false, false];
            assert_eq!(given, ones.map(|is_of_many| (is_of_many, 1)));
            let owned: Vec<bool> = events
                .rows::<Acquire>()
                .iter()
                .map(|acquire| acquire.flags & operation_flag::OWNED != 0)
                .collect();
            assert_eq!(owned, [false, false, false, true, true]);
            assert_eq!(events.rows::<Receive>()[0].messages, 3);
            events.assert_complete();
        },
    );
}

#[test]
fn a_reservation_that_waits_gets_its_units_when_it_ends() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = mpsc::channel(2);
            sender.send(1).await.unwrap();
            sender.send(2).await.unwrap();
            let owned = sender.clone().reserve_owned();
            let (permits, owned, ()) = tokio::join!(sender.reserve_many(2), owned, async {
                let mut messages = Vec::new();
                receiver.recv_many(&mut messages, 2).await;
                drop(sender.reserve());
                let_others_run().await;
                receiver.close();
            });
            assert!(permits.is_ok() && owned.is_err());
        },
        |events| {
            let operations = events.operations(operation_kind::RESERVE);
            let asked: Vec<(u64, u64)> = operations
                .iter()
                .map(|(begin, ..)| (begin.units, begin.handle))
                .collect();
            assert_eq!(asked, [(2, 1), (1, 3), (1, 1)]);
            let expected = ["ready", "closed", "never polled"];
            assert_eq!(outcomes(events, operation_kind::RESERVE), expected);
            let acquire = events.rows::<Acquire>()[0];
            assert_eq!(acquire.operation, operations[0].0.operation);
            assert_eq!(acquire.units, 2);
        },
    );
}

#[test]
fn an_owned_reservation_that_is_given_up_ends_before_its_sender_is_gone() {
    in_both_flavours(
        || async {
            let (sender, _receiver) = mpsc::channel(1);
            sender.send(1).await.unwrap();
            let waiting = timeout(Duration::from_millis(5), sender.reserve_owned());
            assert!(waiting.await.is_err());
        },
        |events| {
            let channel = events.resource(resource_kind::CHANNEL).resource;
            let expected = [
                Kind::OperationBegin,
                Kind::OperationEnd,
                Kind::HandleDrop,
                Kind::HandleDrop,
            ];
            assert_eq!(kinds(events, channel)[3..], expected);
            assert_eq!(outcomes(events, operation_kind::RESERVE), ["dropped"]);
        },
    );
}

#[test]
fn a_weak_sender_is_no_end_and_what_it_is_upgraded_to_is_one() {
    in_both_flavours(
        || async {
            let (sender, receiver) = mpsc::channel::<u8>(1);
            let weak = sender.downgrade();
            assert_eq!((weak.strong_count(), weak.clone().weak_count()), (1, 2));
            let second = weak.upgrade().unwrap();
            assert!(second.same_channel(&sender));
            drop(sender);
            drop(second);
            assert!(weak.upgrade().is_none());
            drop(receiver);
        },
        |events| {
            let handles: Vec<u64> = events.rows::<HandleNew>().iter().map(|h| h.end).collect();
            assert_eq!(handles, [1, 2, 1]);
            let channel = events.resource(resource_kind::CHANNEL).resource;
            assert_eq!(kinds(events, channel)[3..], [Kind::HandleDrop; 3]);
        },
    );
}

#[test]
fn a_polled_receiver_keeps_its_operation_until_it_is_used_otherwise_or_gone() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = mpsc::channel(1);
            let pending = poll_fn(|cx| Poll::Ready(receiver.poll_recv(cx).is_pending())).await;
            assert!(pending);
            let pending = poll_fn(|cx| Poll::Ready(receiver.poll_recv(cx).is_pending())).await;
            assert!(pending);
            sender.send(1).await.unwrap();
            assert_eq!(poll_fn(|cx| receiver.poll_recv(cx)).await, Some(1));
            let pending = poll_fn(|cx| Poll::Ready(receiver.poll_recv(cx).is_pending())).await;
            assert!(pending);
            sender.send(2).await.unwrap();
            assert_eq!(receiver.recv().await, Some(2));
            let mut messages = Vec::new();
            let pending = poll_fn(|cx| {
                Poll::Ready(receiver.poll_recv_many(cx, &mut messages, 4).is_pending())
            });
            assert!(pending.await);
            drop(receiver);
        },
        |events| {
            let expected = ["ready", "dropped", "dropped"];
            assert_eq!(outcomes(events, operation_kind::RECEIVE), expected);
            for (begin, ..) in events.operations(operation_kind::RECEIVE) {
                assert!(begin.flags & operation_flag::NO_DROP != 0);
                assert!(events.place(begin.location).contains("mpsc.rs:"));
            }
            let channel = events.resource(resource_kind::CHANNEL).resource;
            let end = [
                Kind::OperationBegin,
                Kind::OperationEnd,
                Kind::HandleDrop,
                Kind::HandleDrop,
            ];
            assert!(kinds(events, channel).ends_with(&end));
        },
    );
}

#[test]
fn calls_that_block_are_operations_of_their_thread() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = mpsc::channel(1);
            sender.send(1).await.unwrap();
            let thread = std::thread::spawn(move || sender.blocking_send(2));
            std::thread::sleep(Duration::from_millis(10));
            assert_eq!(receiver.recv().await, Some(1));
            thread.join().unwrap().unwrap();
            let thread = std::thread::spawn(move || {
                assert_eq!(receiver.blocking_recv(), Some(2));
                assert_eq!(receiver.blocking_recv(), None);
            });
            thread.join().unwrap();
        },
        |events| {
            assert_eq!(outcomes(events, operation_kind::SEND), ["ready"]);
            let received = outcomes(events, operation_kind::RECEIVE);
            assert!(received.ends_with(&["ready", "closed"]), "{received:?}");
            let (send, ..) = events.operations(operation_kind::SEND)[0];
            assert!(send.flags & operation_flag::BLOCKING != 0);
            let channel = events.resource(resource_kind::CHANNEL).resource;
            let kinds = kinds(events, channel);
            let begun = kinds.iter().position(|&k| k == Kind::OperationBegin);
            let ended = kinds.iter().position(|&k| k == Kind::OperationEnd);
            let during = &kinds[begun.unwrap()..ended.unwrap()];
            assert!(during.contains(&Kind::Send), "{kinds:?}");
        },
    );
}

#[test]
fn no_message_is_received_before_it_is_sent_in_the_order_of_the_changes() {
    in_both_flavours(
        || async {
            let (sender, mut receiver) = mpsc::channel(2);
            for task in 0..4 {
                let sender = sender.clone();
                tokio::spawn(async move {
                    for i in 0..50 {
                        match (task + i) % 3 {
                            0 => sender.send(i).await.unwrap(),
                            1 => sender.reserve().await.unwrap().send(i),
                            _ => {
                                while sender.try_send(i).is_err() {
                                    tokio::task::yield_now().await;
                                }
                            }
                        }
                    }
                });
            }
            drop(sender);
            let mut received = 0;
            while receiver.recv().await.is_some() {
                received += 1;
            }
            assert_eq!(received, 200);
        },
        |events| {
            let channel = events.resource(resource_kind::CHANNEL).resource;
            let (mut queued, mut kept) = (0_i32, 0_i32);
            for kind in kinds(events, channel) {
                match kind {
                    Kind::Send => queued += 1,
                    Kind::SendFailed | Kind::Receive => queued -= 1,
                    Kind::Acquire => kept += 1,
                    Kind::Release => kept -= 1,
                    _ => (),
                }
                assert!(queued >= 0 && kept >= 0);
            }
            assert_eq!((queued, kept), (0, 0));
            events.assert_complete();
        },
    );
}

#[test]
fn ends_convert_both_ways_and_escape() {
    type Own<T> = ::tokio::sync::mpsc::Sender<T>;
    in_both_flavours(
        || async {
            let (sender, receiver) = mpsc::channel::<u8>(4);
            let own: Own<u8> = sender.into();
            drop(own);
            drop(receiver.into_inner());
            let (sender, receiver) = ::tokio::sync::mpsc::unbounded_channel::<u8>();
            let sender = UnboundedSender::from(sender);
            sender.send(1).unwrap();
            assert_eq!(UnboundedReceiver::from(receiver).recv().await, Some(1));
            drop(sender);
        },
        |events| {
            let channel = events.resource(resource_kind::CHANNEL).resource;
            assert_eq!(kinds(events, channel)[2..], [Kind::Escape, Kind::Escape]);
            let adopted: Vec<_> = events
                .rows::<ais_format::event::ResourceNew>()
                .into_iter()
                .filter(|row| row.kind == resource_kind::UNBOUNDED_CHANNEL)
                .collect();
            assert_eq!(adopted.len(), 2, "each end is one of a channel half seen");
            for (channel, used) in adopted.iter().zip([Kind::Send, Kind::Receive]) {
                assert_eq!(channel.flags & resource_flag::LATE, 0);
                let expected = [Kind::HandleNew, Kind::Escape, used, Kind::HandleDrop];
                assert_eq!(kinds(events, channel.resource), expected);
            }
        },
    );
}

#[test]
fn what_is_written_of_an_end_is_what_tokio_writes() {
    in_both_flavours(
        || async {
            let (sender, receiver) = mpsc::channel::<u8>(1);
            assert!(format!("{sender:?}").starts_with("Sender { chan: Tx { inner: Chan {"));
            assert!(format!("{receiver:?}").starts_with("Receiver { chan: Rx { inner: Chan {"));
            assert_eq!(format!("{:?}", sender.downgrade()), "WeakSender");
        },
        |_| (),
    );
}
