//! Async blocks and closures: in a traced function, at the end of a plain one, and in `traced!`.

use std::pin::Pin;
use std::rc::Rc;

use ais_macros::{trace, traced};
use futures::FutureExt as _;
use futures::future::{BoxFuture, LocalBoxFuture};

use crate::mock::{Noisy, later, log, run, take_log};

#[test]
fn a_block_in_a_traced_function_is_a_future_of_its_own() {
    #[trace(crate = crate::mock)]
    async fn outer() -> u8 {
        let block = async {
            let inner = async move { later(1).await };
            inner.await + later(2).await
        };
        later(block.await).await
    }

    let run = run(outer());
    assert_eq!(run.output, 3);
    let names: Vec<&str> = run.functions.iter().map(|function| function.name).collect();
    assert_eq!(
        names,
        [
            concat!(module_path!(), "::outer"),
            concat!(module_path!(), "::outer::{block}"),
            concat!(module_path!(), "::outer::{block}"),
        ]
    );
    assert_eq!(run.expressions(), ["block", "later(block.await)"]);
    let points = |index: usize| -> Vec<&str> {
        let points = run.functions[index].points.iter();
        points.map(|point| point.expression).collect()
    };
    assert_eq!(points(1), ["inner", "later(2)"]);
    assert_eq!(points(2), ["later(1)"]);
}

#[test]
fn a_block_borrows_and_moves_what_it_did() {
    #[trace(crate = crate::mock)]
    async fn outer(mut list: Vec<u8>) -> (Vec<u8>, usize) {
        let text = String::from("four");
        let borrows = async {
            list.push(later(1).await);
            text.len()
        };
        let length = borrows.await;
        let moves = async move {
            list.push(2);
            later(list).await
        };
        (moves.await, length + text.len())
    }

    assert_eq!(run(outer(vec![0])).output, (vec![0, 1, 2], 8));
}

#[test]
fn a_block_that_is_never_polled_was_made_and_is_forgotten() {
    #[trace(crate = crate::mock)]
    async fn outer() {
        let noisy = Noisy("captured");
        drop(async move { noisy.name() });
        drop(async { later(1).await });
    }

    assert_eq!(
        run(outer()).log[1..],
        [
            "make outer::{block}",
            "forget outer::{block}",
            "drop captured",
            "make outer::{block}",
            "forget outer::{block}",
            "leave outer",
        ]
    );
}

#[test]
fn blocks_can_stand_wherever_expressions_can() {
    #[trace(crate = crate::mock)]
    async fn outer() -> u8 {
        async { log("a statement") }.await;
        async { later(1).await }.map(|x| x + 1).await;
        let boxed: BoxFuture<'_, u8> = async { later(2).await }.boxed();
        let list: [Pin<Box<dyn Future<Output = u8>>>; 1] = [Box::pin(async { 1 })];
        let mut sum = boxed.await;
        for future in list {
            sum += future.await;
        }
        sum + if sum == 3 { async { 4 }.await } else { 0 }
    }

    assert_eq!(run(outer()).output, 7);
}

#[test]
fn closures_and_items_are_not_entered() {
    #[trace(crate = crate::mock)]
    async fn outer() -> u8 {
        async fn item() -> u8 {
            async { later(1).await }.await
        }
        let closure = async |x: u8| later(x).await;
        let returns_block = || async { later(2).await };
        item().await + closure(4).await + returns_block().await
    }

    let run = run(outer());
    assert_eq!(run.output, 7);
    assert_eq!(run.functions.len(), 1);
    assert_eq!(
        run.expressions(),
        ["item()", "closure(4)", "returns_block()"]
    );
}

#[test]
fn functions_that_return_a_boxed_block_are_traced() {
    #[trace(crate = crate::mock)]
    fn boxed<'a>(x: &'a u8) -> Pin<Box<dyn Future<Output = u8> + Send + 'a>> {
        log("called");
        Box::pin(async move { later(*x).await })
    }

    #[trace(crate = crate::mock)]
    fn recursive(n: u8) -> BoxFuture<'static, u8> {
        async move {
            match n {
                0 => 0,
                n => later(1).await + recursive(n - 1).await,
            }
        }
        .boxed()
    }

    #[trace(crate = crate::mock)]
    fn local() -> LocalBoxFuture<'static, usize> {
        let shared = Rc::new(1);
        async move { Rc::strong_count(&later(shared).await) }.boxed_local()
    }

    #[trace(crate = crate::mock)]
    fn opaque(x: u8) -> impl Future<Output = Result<u8, String>> {
        let doubled = x * 2;
        async move {
            let x = later("3").await.parse::<u8>().map_err(|e| e.to_string())?;
            Ok(x + doubled)
        }
    }

    let run_of_boxed = run(async {
        let future = boxed(&7);
        log("made");
        future.await
    });
    assert_eq!(run_of_boxed.output, 7);
    assert_eq!(
        run_of_boxed.log,
        [
            "called",
            "make boxed",
            "made",
            "enter boxed",
            "await 0 later(*x)",
            "ready 0",
            "leave boxed"
        ]
    );
    let run_of_recursive = run(recursive(3));
    assert_eq!(run_of_recursive.output, 3);
    assert_eq!(run_of_recursive.functions.len(), 4);
    assert_eq!(run(local()).output, 1);
    let run_of_opaque = run(opaque(2));
    assert_eq!(run_of_opaque.output, Ok(7));
    assert_eq!(run_of_opaque.expressions(), ["later(\"3\")"]);
    assert!(run_of_opaque.function().name.ends_with("::opaque"));
}

#[test]
fn traced_takes_a_block() {
    let x = 1;
    let named = traced!(crate = crate::mock, "the block", async {
        later(x).await + async { later(2).await }.await
    });
    let named = run(named);
    assert_eq!(named.output, 3);
    assert_eq!(named.function().name, "the block");
    assert_eq!(named.functions[1].name, "the block::{block}");
    assert_eq!(
        named.expressions(),
        ["later(x)", "async { later(2).await }"]
    );

    let line = line!() + 1;
    let unnamed = run(traced!(crate = crate::mock, async move { later(x).await }));
    assert_eq!(
        unnamed.function().name,
        concat!(module_path!(), "::{block}")
    );
    assert_eq!(unnamed.function().place.line, line);
}

#[test]
fn traced_takes_async_closures() {
    async fn twice(function: impl AsyncFn(u8) -> u8) -> u8 {
        function(1).await + function(2).await
    }

    let base = 10;
    let closure = traced!(crate = crate::mock, "the closure", async |x: u8| {
        later(base + x).await
    });
    let run_of_closure = run(twice(closure));
    assert_eq!(run_of_closure.output, 23);
    assert_eq!(run_of_closure.functions.len(), 2);
    assert_eq!(run_of_closure.function().name, "the closure");

    let short = traced!(crate = crate::mock, async |x| later(x).await);
    assert_eq!(run(twice(short)).expressions(), ["later(x)"]);

    let returns_block = traced!(crate = crate::mock, |x: u8| async move { later(x).await });
    let future = returns_block(5);
    assert_eq!(take_log(), ["make blocks::{block}"]);
    assert_eq!(run(future).output, 5);
}

#[test]
fn traced_works_in_a_traced_function() {
    #[trace(crate = crate::mock)]
    async fn outer() -> u8 {
        let named = traced!(crate = crate::mock, "named", async { later(1).await });
        named.await + traced!(crate = crate::mock, "inline", async { later(2).await }).await
    }

    let run = run(outer());
    assert_eq!(run.output, 3);
    assert_eq!(run.functions[1].name, "named");
    assert_eq!(run.functions[2].name, "inline");
    assert!(run.function().unseen.is_empty());
}
