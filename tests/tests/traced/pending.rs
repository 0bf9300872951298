//! What the report says of a task that waits in one of the new places.

use std::future::pending;

use ais_analyzer::report::{AwaitFrame, await_path, panel};
use ais_analyzer::waits::Progress;
use ais_recorder::{spawn, trace};
use tokio::task::yield_now;

use crate::{marked, recorded, task_called};

#[trace]
async fn stands_in_select() {
    yield_now().await;
    loop {
        tokio::select! { // stands
            () = inner() => {}
            () = pending() => {}
        }
    }
}

#[trace]
async fn inner() {
    async {
        yield_now().await;
        pending::<()>().await; // inner
    }
    .await;
}

#[test]
fn a_task_that_hangs_in_select_is_shown_at_its_state_and_in_its_branch() {
    let history = recorded(async {
        drop(spawn("hangs", stands_in_select(), tokio::spawn));
        for _ in 0..5 {
            yield_now().await;
        }
    });
    let task = task_called(&history, "hangs").id;
    let path = await_path(&history, task);
    let shown: Vec<(&str, Option<usize>, Option<usize>)> = path
        .iter()
        .map(|frame| (frame.function.as_str(), frame.state, frame.states))
        .collect();
    assert_eq!(
        shown,
        [
            ("stands_in_select", Some(2), Some(2)),
            ("inner", Some(1), Some(1)),
            ("inner::{block}", Some(2), Some(2)),
        ]
    );
    assert_eq!(
        path[0].location.as_ref().unwrap().to_string(),
        marked!("pending.rs", "tokio", "stands")
    );
    let AwaitFrame {
        expression,
        location,
        ..
    } = &path[2];
    assert_eq!(expression.as_deref(), Some("pending::<()>()"));
    assert_eq!(
        location.as_ref().unwrap().to_string(),
        marked!("pending.rs", "await", "inner")
    );
    assert_eq!(path[0].title(), "stands_in_select()");
    assert_eq!(path[2].title(), "inner::{block}");

    let progress = Progress::default();
    let panel = panel(&history, &progress, task).unwrap();
    let functions: Vec<&str> = panel
        .transitions
        .iter()
        .map(|transition| transition.function.as_str())
        .collect();
    assert!(functions.contains(&"inner::{block}") && functions.contains(&"inner()"));
}
