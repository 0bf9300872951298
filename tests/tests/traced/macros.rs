//! `join!`, `try_join!` and `select!`: states of the function that calls them, and whose branches run inside it.

use std::time::Duration;

use ais_analyzer::history::FutureEnd;
use ais_recorder::sync::Mutex;
use ais_recorder::trace;
use futures::FutureExt as _;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

use crate::{call, calls, end, function, marked, points, recorded, visited};

#[trace]
async fn branch(n: u8) -> u8 {
    yield_now().await;
    n
}

#[trace]
async fn joins(lock: &Mutex<u8>) -> u8 {
    let (a, b, c) = tokio::join!(branch(1), lock.lock(), async { branch(2).await }); // join
    let both = futures::join!(branch(3), branch(4)); // futures
    a + *b + c + both.0 + both.1
}

#[test]
fn join_is_a_state_and_its_branches_run_inside() {
    let history = recorded(async {
        assert_eq!(joins(&Mutex::new(5)).await, 15);
    });
    let expected = [
        (
            "tokio::join!(branch(1), lock.lock(), async { branch(2).await })".into(),
            marked!("macros.rs", "tokio", "join"),
        ),
        (
            "futures::join!(branch(3), branch(4))".into(),
            marked!("macros.rs", "futures", "futures"),
        ),
    ];
    assert_eq!(points(function(&history, "joins")), expected);
    let outer = call(&history, "joins");
    assert_eq!(visited(outer), [0, 1]);
    assert!(
        outer
            .awaits
            .iter()
            .all(|visit| visit.left.is_some() && !visit.dropped)
    );
    assert_eq!(end(outer), Some(FutureEnd::Returned));
    let block = call(&history, "joins::{block}");
    assert_eq!(block.parent, Some(outer.id));
    let parents: Vec<_> = calls(&history, "branch")
        .iter()
        .map(|call| call.parent)
        .collect();
    let (inside, in_block) = (Some(outer.id), Some(block.id));
    assert_eq!(parents, [inside, in_block, inside, inside]);
}

#[trace]
async fn selects() -> u8 {
    tokio::select! { // select
        biased;
        () = sleep(Duration::from_mins(1)) => 0,
        n = branch(1) => branch(n + 1).await, // arm
    }
}

#[test]
fn select_is_a_state_that_is_left_when_an_arm_begins() {
    let history = recorded(async {
        assert_eq!(selects().await, 2);
    });
    let table = points(function(&history, "selects"));
    assert_eq!(table.len(), 2);
    assert!(
        table[0]
            .0
            .starts_with("tokio::select! { biased; () = sleep(")
    );
    assert_eq!(table[0].1, marked!("macros.rs", "tokio", "select"));
    let arm = marked!("macros.rs", "await", "arm");
    assert_eq!(table[1], ("branch(n + 1)".into(), arm));
    let outer = call(&history, "selects");
    assert_eq!(visited(outer), [0, 1]);
    assert!(outer.awaits[0].left.unwrap() <= outer.awaits[1].entered);
    assert_eq!(end(outer), Some(FutureEnd::Returned));
    let inside = calls(&history, "branch");
    assert!(inside.iter().all(|branch| branch.parent == Some(outer.id)));
}

#[test]
fn a_future_that_is_dropped_in_such_a_macro_was_dropped_there() {
    #[trace]
    async fn waits_in_join() {
        tokio::join!(std::future::pending::<()>(), branch(1));
    }
    #[trace]
    async fn waits_in_select() {
        let mut never = std::future::pending::<()>().fuse();
        futures::select! {
            () = never => {}
        }
    }
    let history = recorded(async {
        let moment = Duration::from_millis(5);
        assert!(timeout(moment, waits_in_join()).await.is_err());
        assert!(timeout(moment, waits_in_select()).await.is_err());
    });
    for name in ["waits_in_join", "waits_in_select"] {
        let call = call(&history, name);
        assert!(call.awaits[0].dropped, "{name}");
        assert_eq!(end(call), Some(FutureEnd::Dropped), "{name}");
    }
}

#[test]
fn what_a_macro_hides_is_told_with_the_function() {
    macro_rules! twice {
        ($value:expr) => {
            $value + $value
        };
    }

    #[trace]
    async fn hides() -> u8 {
        assert_eq!(branch(1).await, 1);
        assert!(branch(1).await == 1); // hidden in assert
        twice!(branch(2).await) // hidden in twice
    }
    let history = recorded(async {
        assert_eq!(hides().await, 4);
    });
    let table = function(&history, "hides");
    let hidden: Vec<(String, String)> = table
        .unseen
        .iter()
        .map(|call| {
            let place = call.location.as_ref().unwrap();
            (call.name.to_string(), place.to_string())
        })
        .collect();
    assert_eq!(
        hidden,
        [
            (
                "assert!".into(),
                marked!("macros.rs", "assert", "hidden in assert")
            ),
            (
                "twice!".into(),
                marked!("macros.rs", "twice", "hidden in twice")
            ),
        ]
    );
    assert_eq!(points(table).len(), 1);
    let seen = function(&history, "branch");
    assert!(seen.unseen.is_empty());
}
