//! `join!`, `try_join!` and `select!`, of tokio and of futures, are await points; what is awaited in them is seen.

use std::pin::pin;

use ais_macros::trace;
use futures::FutureExt as _;

use crate::mock::{Noisy, later, log, poll_once, run, take_log};

#[test]
fn join_of_tokio_is_an_await_point_whose_branches_run_inside() {
    #[trace(crate = crate::mock)]
    async fn joins() -> (u8, u8) {
        tokio::join!(later(1), later(2))
    }

    let run = run(joins());
    assert_eq!(run.output, (1, 2));
    assert_eq!(run.expressions(), ["tokio::join!(later(1), later(2))"]);
    assert_eq!(
        run.log,
        [
            "enter joins",
            "await 0 tokio::join!(later(1), later(2))",
            "inside joins",
            "inside joins",
            "inside joins",
            "inside joins",
            "ready 0",
            "leave joins",
        ]
    );
}

#[test]
fn every_form_of_join_gives_what_it_gives_without_the_attribute() {
    async fn fallible(value: u8) -> Result<u8, String> {
        later(value).await.checked_sub(1).ok_or("none left".into())
    }

    #[trace(crate = crate::mock)]
    async fn joins() -> Result<u8, String> {
        let mut sum = tokio::join!(later(1)).0;
        let two = tokio::join!(
            biased;
            later(2),
            async { later(3).await },
        );
        let (one, other) = futures::join!(later(4), later(5));
        sum += two.0 + two.1 + one + other;
        tokio::join!(later(()), later(()));
        let (one, other) = tokio::try_join!(fallible(7), fallible(8))?;
        sum += one + other;
        let (one, other) = futures::try_join!(fallible(9), fallible(10))?;
        sum += one + other;
        let last = tokio::join!(later(sum), later(later(1).await)).0;
        tokio::try_join!(fallible(last), fallible(0))?;
        unreachable!("the second one fails")
    }

    let run = run(joins());
    assert_eq!(run.output, Err("none left".to_owned()));
    assert_eq!(
        run.expressions(),
        [
            "tokio::join!(later(1))",
            "tokio::join!(biased; later(2), async { later(3).await })",
            "futures::join!(later(4), later(5))",
            "tokio::join!(later(()), later(()))",
            "tokio::try_join!(fallible(7), fallible(8))",
            "futures::try_join!(fallible(9), fallible(10))",
            "tokio::join!(later(sum), later(later(1).await))",
            "later(1)",
            "tokio::try_join!(fallible(last), fallible(0))",
        ]
    );
    assert!(run.function().unseen.is_empty());
}

#[test]
fn an_error_while_branches_are_made_leaves_before_the_join_begins() {
    #[trace(crate = crate::mock)]
    async fn leaves_early(value: Result<u8, ()>) -> Result<u8, ()> {
        Ok(tokio::join!(later(1), later(value?)).1)
    }

    let run = run(leaves_early(Err(())));
    assert_eq!(run.output, Err(()));
    assert_eq!(run.log, ["enter leaves_early", "leave leaves_early"]);
}

#[test]
fn what_a_branch_borrows_is_given_back_when_it_is_given_back_without_the_attribute() {
    fn name_of(noisy: &Noisy) -> impl Future<Output = &'static str> + use<> {
        let name = noisy.name();
        async move { later(name).await }
    }

    macro_rules! body {
        ($join:path) => {{
            use $join as join;
            let names = join!(name_of(&Noisy("a")), name_of(&Noisy("b")));
            log("joined");
            names
        }};
    }
    async fn plain_tokio() -> (&'static str, &'static str) {
        body!(tokio::join)
    }
    async fn plain_futures() -> (&'static str, &'static str) {
        body!(futures::join)
    }
    #[trace(crate = crate::mock)]
    async fn with_tokio() -> (&'static str, &'static str) {
        let names = tokio::join!(name_of(&Noisy("a")), name_of(&Noisy("b")));
        log("joined");
        names
    }
    #[trace(crate = crate::mock)]
    async fn with_futures() -> (&'static str, &'static str) {
        let names = futures::join!(name_of(&Noisy("a")), name_of(&Noisy("b")));
        log("joined");
        names
    }

    let own = |log: Vec<String>| -> Vec<String> {
        let is_own = |line: &String| line.starts_with("drop") || line == "joined";
        log.into_iter().filter(is_own).collect()
    };
    assert_eq!(own(run(with_tokio()).log), own(run(plain_tokio()).log));
    assert_eq!(own(run(with_futures()).log), own(run(plain_futures()).log));
}

#[test]
fn select_of_tokio_is_left_when_its_arm_begins() {
    #[trace(crate = crate::mock)]
    async fn selects() -> u8 {
        tokio::select! {
            biased;
            () = std::future::pending::<()>() => 1,
            x = later(2) => later(x).await,
        }
    }

    let run = run(selects());
    assert_eq!(run.output, 2);
    assert_eq!(run.expressions().len(), 2);
    assert!(run.expressions()[0].starts_with("tokio::select! { biased; () = std::future::pending"));
    assert_eq!(run.expressions()[1], "later(x)");
    let mut log = run.log;
    log.retain(|line| line != "inside selects");
    assert_eq!(
        log[1..],
        [
            &format!("await 0 {}", run.functions[0].points[0].expression),
            "ready 0",
            "await 1 later(x)",
            "ready 1",
            "leave selects",
        ]
    );
}

#[test]
fn every_form_of_select_of_tokio_gives_what_it_gives_without_the_attribute() {
    #[trace(crate = crate::mock)]
    async fn selects() -> Option<u32> {
        let mut sum = 0;
        let mut slow = pin!(later(100));
        let mut rounds = 0;
        loop {
            tokio::select! {
                Some(x) = later((sum < 3).then_some(1)), if sum < 10 => {
                    sum += x;
                }
                y = &mut slow, if rounds > 3 => break sum += y,
                else => rounds += 1,
            }
            rounds += 1;
        }
        // As a statement, as an operand, as an argument, and as the last expression.
        tokio::select! {
            () = later(()) => {}
            () = later(()) => (),
        };
        sum += tokio::select! { z = later(1_u32) => z }.count_ones();
        let more = later(tokio::select! { z = later(5) => z, z = later(5) => { z } }).await;
        tokio::select! {
            Ok::<u32, u8>(_) = later(Err(1)) => None?,
            else => Some(sum + more),
        }
    }

    let run = run(selects());
    assert_eq!(run.output, Some(109));
    assert!(run.function().unseen.is_empty());
    assert_eq!(run.expressions().len(), 6);
}

#[test]
fn an_arm_can_leave_the_loop_and_the_function() {
    #[trace(crate = crate::mock)]
    async fn leaves(first: Result<u8, u8>) -> Result<u8, u8> {
        loop {
            tokio::select! {
                () = later(()), if first == Ok(1) => break,
                () = later(()), if first == Ok(2) => return Ok(20),
                value = later(first) => { value?; }
            }
        }
        Ok(10)
    }

    for (input, output) in [(Ok(1), Ok(10)), (Ok(2), Ok(20)), (Err(3), Err(3))] {
        let run = run(leaves(input));
        assert_eq!(run.output, output);
        assert!(!run.log.iter().any(|line| line.starts_with("cancel")));
    }
}

#[test]
fn select_of_futures_takes_its_branches_as_they_are() {
    #[trace(crate = crate::mock)]
    async fn selects() -> u8 {
        let mut a = pin!(later(1).fuse());
        let mut b = pin!(later(2).fuse());
        let mut sum = 0;
        loop {
            futures::select! {
                x = a => sum += later(x).await,
                x = b => sum += x,
                complete => break,
            }
        }
        let c = futures::select_biased! {
            x = Box::pin(later(3)).fuse() => x,
            default => 9,
        };
        sum + c
    }

    let run = run(selects());
    assert_eq!(run.output, 12);
    assert_eq!(
        run.expressions(),
        [
            "futures::select! { x = a => sum += later(x).await, x = b => sum += x, complete …",
            "later(x)",
            "futures::select_biased! { x = Box::pin(later(3)).fuse() => x, default => 9 }",
        ]
    );
}

#[test]
fn macros_that_were_imported_are_known_by_their_last_name() {
    mod of_tokio {
        use crate::mock::later;
        use tokio::{join, select};

        #[super::trace(crate = crate::mock)]
        pub(super) async fn imported() -> u8 {
            let both = join!(later(1), later(2));
            select! {
                x = later(3) => x + both.0 + both.1,
                else => 0,
            }
        }
    }
    mod of_futures {
        use crate::mock::later;
        use futures::{FutureExt as _, join, select};

        #[super::trace(crate = crate::mock)]
        pub(super) async fn imported() -> u8 {
            let both = join!(later(1), later(2));
            let mut future = Box::pin(later(3)).fuse();
            select! {
                x = future => x + both.0 + both.1,
            }
        }
    }

    for run in [run(of_tokio::imported()), run(of_futures::imported())] {
        assert_eq!(run.output, 6);
        assert_eq!(run.expressions().len(), 2);
    }
}

#[test]
fn a_future_that_is_dropped_in_such_a_macro_leaves_it_unfinished() {
    #[trace(crate = crate::mock)]
    async fn joins() {
        tokio::join!(std::future::pending::<()>(), later(1));
    }

    #[trace(crate = crate::mock)]
    async fn selects() {
        tokio::select! {
            () = std::future::pending::<()>() => {}
        }
    }

    take_log();
    assert!(poll_once(pin!(joins())).is_pending());
    let log = take_log();
    assert_eq!(log[log.len() - 2..], ["cancel 0", "leave joins"]);
    assert!(poll_once(pin!(selects())).is_pending());
    let log = take_log();
    assert_eq!(log[log.len() - 2..], ["cancel 0", "leave selects"]);
}

#[test]
fn a_select_that_awaits_to_make_a_branch_is_not_seen_itself_but_its_awaits_are() {
    #[trace(crate = crate::mock)]
    async fn selects() -> u8 {
        tokio::select! {
            x = later(later(1).await) => later(x).await,
        }
    }

    let run = run(selects());
    assert_eq!(run.output, 1);
    assert_eq!(run.expressions(), ["later(1)", "later(x)"]);
    assert_eq!(run.function().unseen[0].name, "tokio::select!");
}

#[test]
fn a_macro_of_that_name_with_another_grammar_is_left_as_it_is() {
    macro_rules! select {
        (recv($x:expr) -> $y:ident => $then:expr) => {{
            let $y = $x.await;
            $then
        }};
    }
    macro_rules! join {
        ($($x:ident)*) => { concat!($(stringify!($x)),*) };
    }

    #[trace(crate = crate::mock)]
    async fn others() -> (u8, &'static str) {
        let x = select!(recv(later(1)) -> x => x + later(1).await);
        (x, join!(a b c))
    }

    let run = run(others());
    assert_eq!(run.output, (2, "abc"));
    assert_eq!(run.expressions(), [""; 0]);
    assert_eq!(run.function().unseen.len(), 1);
}
