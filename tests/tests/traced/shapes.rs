//! Each shape of a function and of a block: its table, its states, its end.

use std::pin::Pin;

use ais_analyzer::history::FutureEnd;
use ais_recorder::{trace, traced};
use async_trait::async_trait;
use tokio::task::yield_now;

use crate::{call, calls, end, function, marked, points, recorded, visited};

#[trace]
async fn later(value: u8) -> u8 {
    yield_now().await; // in later
    value
}

#[trace]
fn boxed(n: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async move {
        if n == 0 {
            return later(1).await; // innermost
        }
        boxed(n - 1).await // recursion
    })
}

#[test]
fn a_function_that_returns_a_boxed_block_has_its_name_and_its_states() {
    let history = recorded(async {
        assert_eq!(boxed(2).await, 1);
    });
    let table = function(&history, "boxed");
    assert_eq!(&*table.name, "traced::shapes::boxed");
    assert_eq!(
        points(table),
        [
            (
                "later(1)".into(),
                marked!("shapes.rs", "await", "innermost")
            ),
            (
                "boxed(n - 1)".into(),
                marked!("shapes.rs", "await", "recursion")
            ),
        ]
    );
    let calls = calls(&history, "boxed");
    let states: Vec<_> = calls.iter().map(|call| visited(call)).collect();
    assert_eq!(states, [vec![1], vec![1], vec![0]]);
    assert_eq!(calls[1].parent, Some(calls[0].id));
    assert_eq!(calls[2].parent, Some(calls[1].id));
    assert_eq!(call(&history, "later").parent, Some(calls[2].id));
    assert!(
        calls
            .iter()
            .all(|call| end(call) == Some(FutureEnd::Returned))
    );
}

#[trace]
async fn with_blocks() -> u8 {
    let block = async {
        let one = later(1).await; // in the block
        one + later(2).await
    }; // the block
    let forgotten = async { later(9).await };
    drop(forgotten);
    block.await
}

#[test]
fn a_block_in_a_traced_function_runs_inside_it_and_has_states_of_its_own() {
    let history = recorded(async {
        assert_eq!(with_blocks().await, 3);
    });
    let outer = call(&history, "with_blocks");
    assert_eq!(visited(outer), [0]);
    let [ran, forgotten] = calls(&history, "with_blocks::{block}")[..] else {
        panic!("two blocks");
    };
    let table = history.function_of(ran).unwrap();
    assert_eq!(table.title(), "with_blocks::{block}");
    assert_eq!(points(table).len(), 2);
    assert_eq!(
        points(table)[0],
        (
            "later(1)".into(),
            marked!("shapes.rs", "await", "in the block")
        )
    );
    assert_eq!((ran.parent, visited(ran)), (Some(outer.id), vec![0, 1]));
    assert!(ran.begun.is_some_and(|begun| begun > ran.made));
    assert_eq!(end(forgotten), Some(FutureEnd::NeverPolled));
    assert_eq!((forgotten.begun, forgotten.awaits.len()), (None, 0));
}

#[test]
fn a_call_that_is_never_polled_was_made_and_says_so_at_its_end() {
    struct Caller;
    impl Caller {
        #[trace]
        async fn method(&self) {
            later(0).await;
        }
    }

    let history = recorded(async {
        drop(later(1));
        drop(Caller.method());
        std::mem::forget(traced!("kept for ever", async { later(2).await }));
        drop(traced!("a closure", |n: u8| async move { later(n).await })(
            3,
        ));
    });
    for name in ["later", "method", "a closure"] {
        let call = call(&history, name);
        assert_eq!(end(call), Some(FutureEnd::NeverPolled), "{name}");
        assert_eq!((call.begun, call.task), (None, None), "{name}");
        assert!(call.made < call.ended.unwrap().0, "{name}");
    }
    let kept = call(&history, "kept for ever");
    assert_eq!((kept.begun, kept.ended), (None, None));
}

#[test]
fn a_call_is_known_from_when_it_is_made_to_when_it_ends() {
    let history = recorded(async {
        let made = later(1);
        yield_now().await;
        made.await;
        let mut dropped = Box::pin(later(2));
        assert!(futures::poll!(&mut dropped).is_pending());
        drop(dropped);
    });
    let [awaited, dropped] = calls(&history, "later")[..] else {
        panic!("two calls");
    };
    assert_eq!(end(awaited), Some(FutureEnd::Returned));
    assert_eq!(end(dropped), Some(FutureEnd::Dropped));
    assert!(dropped.awaits[0].dropped && !awaited.awaits[0].dropped);
    let begun = awaited.begun.unwrap();
    let polls = &history.tasks[0].polls;
    assert!(
        awaited.made < polls[0].end.unwrap(),
        "made in the first poll"
    );
    assert!(begun > polls[1].begin, "and polled in the second one");
}

#[async_trait]
trait Store {
    async fn get(&self, key: &str) -> u8;

    #[trace(name = "Store::get_twice")]
    async fn get_twice(&self, key: &str) -> u8 {
        self.get(key).await + self.get(key).await // twice
    }
}

struct Memory(u8);

#[async_trait]
impl Store for Memory {
    #[trace]
    async fn get(&self, _key: &str) -> u8 {
        later(self.0).await // in get
    }
}

trait Native {
    async fn load(&mut self) -> u8;

    #[trace]
    async fn load_all(&mut self) -> u8 {
        self.load().await // in load_all
    }
}

impl Native for Memory {
    #[trace]
    async fn load(&mut self) -> u8 {
        later(self.0).await // in load
    }
}

#[test]
fn methods_of_traits_have_their_states() {
    let history = recorded(async {
        let store: &(dyn Store + Sync) = &Memory(3);
        assert_eq!(store.get_twice("key").await, 6);
        assert_eq!(Memory(4).load_all().await, 4);
    });
    let place = |marker| marked!("shapes.rs", "await", marker);
    let twice = points(function(&history, "get_twice"));
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[1], ("self.get(key)".into(), place("twice")));
    let get = points(function(&history, "get"));
    assert_eq!(get, [("later(self.0)".into(), place("in get"))]);
    let load_all = points(function(&history, "load_all"));
    assert_eq!(load_all, [("self.load()".into(), place("in load_all"))]);
    let load = points(function(&history, "load"));
    assert_eq!(load, [("later(self.0)".into(), place("in load"))]);

    let outer = call(&history, "get_twice");
    assert_eq!(visited(outer), [0, 1]);
    let inner = calls(&history, "get");
    assert!(inner.iter().all(|get| get.parent == Some(outer.id)));
    assert!(
        inner
            .iter()
            .all(|get| end(get) == Some(FutureEnd::Returned))
    );
    let (load, load_all) = (call(&history, "load"), call(&history, "load_all"));
    assert_eq!(load.parent, Some(load_all.id));
}

#[test]
fn async_closures_and_blocks_are_traced_by_a_macro() {
    async fn apply(function: impl AsyncFn(u8) -> u8) -> u8 {
        function(1).await + function(2).await
    }
    let history = recorded(async {
        let closure = traced!("the closure", async |n| later(n).await); // closure
        assert_eq!(apply(closure).await, 3);
        let block = traced!(async move {
            later(3).await // in traced
        });
        assert_eq!(block.await, 3);
    });
    let closure = points(function(&history, "the closure"));
    let place = marked!("shapes.rs", "await", "closure");
    assert_eq!(closure, [("later(n)".into(), place)]);
    assert_eq!(calls(&history, "the closure").len(), 2);
    let table = history
        .functions
        .values()
        .find(|function| &*function.name == "traced::shapes::{block}")
        .unwrap();
    let place = marked!("shapes.rs", "await", "in traced");
    assert_eq!(points(table), [("later(3)".into(), place)]);
}

#[test]
fn a_panic_ends_a_call_and_what_was_never_polled_beside_it() {
    #[trace]
    async fn panics() {
        let _unpolled = later(1);
        later(2).await;
        panic!("as it should");
    }
    let history = recorded(async {
        let joined = tokio::spawn(panics()).await;
        assert!(joined.unwrap_err().is_panic());
    });
    assert_eq!(end(call(&history, "panics")), Some(FutureEnd::Panicked));
    let ends: Vec<_> = calls(&history, "later")
        .iter()
        .map(|call| end(call))
        .collect();
    assert_eq!(ends, [Some(FutureEnd::Panicked), Some(FutureEnd::Returned)]);
}
