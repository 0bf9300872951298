//! A traced function does what the plain one does, in the same order.

use std::pin::pin;

use ais_macros::trace;

use crate::mock::{self, Noisy, later, log, pause, run};

/// Asserts that a body, traced, has the output of the plain one, and drops and logs the same things in the same order.
macro_rules! same_as_plain {
    ($output:ty, { $($body:tt)* }) => {{
        async fn plain() -> $output { $($body)* }

        #[trace(crate = crate::mock)]
        async fn traced() -> $output { $($body)* }

        let (plain, traced) = (run(plain()), run(traced()));
        assert_eq!(traced.output, plain.output);
        let own_lines: Vec<&String> = traced.log.iter().filter(|line| !is_mocks(line)).collect();
        assert_eq!(own_lines, plain.log.iter().collect::<Vec<_>>());
        assert!(!own_lines.is_empty(), "nothing was logged, so nothing compared");
        assert!(!traced.expressions().is_empty(), "nothing was awaited, so nothing bracketed");
    }};
}

fn is_mocks(line: &str) -> bool {
    [
        "make ", "forget ", "enter ", "leave ", "await ", "ready ", "inside ", "cancel ",
    ]
    .iter()
    .any(|word| line.starts_with(word))
}

async fn name_of(noisy: &Noisy) -> &'static str {
    pause().await;
    log(format!("name of {}", noisy.name()));
    noisy.name()
}

async fn fallible(value: Result<u8, &'static str>) -> Result<u8, &'static str> {
    pause().await;
    log(format!("{value:?}"));
    value
}

#[test]
fn temporaries_live_to_the_end_of_their_statement() {
    same_as_plain!(usize, {
        let length = name_of(&Noisy("temporary")).await.len();
        log("next statement");
        length
    });
}

#[test]
fn temporaries_of_the_last_expression_live_as_long_as_before() {
    same_as_plain!(usize, {
        let _local = Noisy("local");
        name_of(&Noisy("temporary")).await.len()
    });
}

#[test]
fn temporaries_of_a_scrutinee_live_through_the_match() {
    same_as_plain!(&'static str, {
        match name_of(&Noisy("scrutinee")).await {
            "scrutinee" => {
                log("in the arm");
                "matched"
            }
            _ => "missed",
        }
    });
}

#[test]
fn a_guard_in_a_scrutinee_is_held_through_the_match() {
    same_as_plain!(u8, {
        match later(Noisy("guard")).await.name().len() {
            5 => {
                log("in the arm");
                1
            }
            _ => 0,
        }
    });
}

#[test]
fn a_borrowed_result_of_an_await_lives_as_long_as_its_borrow() {
    same_as_plain!(&'static str, {
        let borrowed = &later(Noisy("result")).await;
        log("borrowed");
        later(borrowed).await.name()
    });
}

#[test]
fn a_question_mark_leaves_early_and_drops_what_there_is() {
    same_as_plain!(Result<u8, &'static str>, {
        let _first = Noisy("first");
        let one = fallible(Ok(1)).await?;
        let _second = Noisy("second");
        let two = fallible(Err("no")).await?;
        log("not reached");
        Ok(one + two)
    });
}

#[test]
fn return_in_the_middle_of_an_awaited_expression_returns() {
    same_as_plain!(u8, {
        let _local = Noisy("local");
        let early = Some(4);
        later(match early {
            Some(value) => return value,
            None => 5,
        })
        .await
    });
}

#[test]
fn loops_and_labels_work() {
    same_as_plain!(u32, {
        let mut stack = vec![3, 2, 1];
        let mut sum = 0;
        while let Some(next) = later(stack.pop()).await {
            log(format!("popped {next}"));
            sum += next;
        }
        'outer: for row in later([1, 2, 3]).await {
            for column in 1..=3 {
                if later(row * column).await == 4 {
                    log(format!("found {row} {column}"));
                    break 'outer;
                }
                sum += 1;
            }
        }
        let found = 'search: {
            if later(true).await {
                break 'search 100;
            }
            200
        };
        sum + loop {
            if later(sum).await > 0 {
                break later(found).await;
            }
        }
    });
}

#[test]
fn let_chains_and_let_else_work() {
    same_as_plain!(u8, {
        let Some(first) = later(Some(1)).await else {
            return 0;
        };
        if let Some(second) = later(Some(2)).await
            && later(second > first).await
            && let [third, ..] = later([3, 4]).await
        {
            log("all held");
            return first + second + third;
        }
        9
    });
}

#[test]
fn expressions_with_braces_can_be_awaited_at_the_start_of_a_statement() {
    same_as_plain!(u8, {
        async { log("in a block") }.await;
        match Some(1) {
            Some(value) => later(value),
            None => later(2),
        }
        .await;
        #[allow(unused_unsafe)]
        unsafe { later(()) }.await;
        later(1).await
    });
}

#[test]
fn types_are_inferred_through_an_await() {
    async fn made<T: Default + std::fmt::Debug>() -> T {
        let value = later(T::default()).await;
        log(format!("{value:?}"));
        value
    }

    async fn mapped<T, U>(value: T, map: impl AsyncFnOnce(T) -> U) -> U {
        map(value).await
    }

    same_as_plain!(String, {
        let mut text: String = made().await;
        let number: Result<u8, _> = later("12".parse()).await;
        text += mapped("ab", async |text| later(text.len()).await)
            .await
            .to_string()
            .as_str();
        text += &number.map_or(0, |number| number + 1).to_string();
        text
    });
}

#[test]
fn guards_of_match_arms_can_follow_an_await() {
    same_as_plain!(u8, {
        match (later(1).await, later("x").await) {
            (1, text) if text.len() == 1 => {
                log(text);
                1
            }
            _ => 2,
        }
    });
}

#[test]
fn what_is_borrowed_mutably_by_an_await_is_free_after_it() {
    async fn push(list: &mut Vec<u8>, value: u8) -> &mut Vec<u8> {
        pause().await;
        list.push(value);
        log(format!("{list:?}"));
        list
    }

    same_as_plain!(Vec<u8>, {
        let mut list = Vec::new();
        push(push(&mut list, 1).await, 2).await.push(3);
        list.push(later(4).await);
        list
    });
}

#[test]
fn a_type_that_only_becomes_a_future_can_be_awaited() {
    struct Request(u8);
    impl IntoFuture for Request {
        type Output = u8;
        type IntoFuture = std::future::Ready<u8>;
        fn into_future(self) -> Self::IntoFuture {
            log("sent");
            std::future::ready(self.0)
        }
    }

    same_as_plain!(u8, { Request(3).await });
}

#[test]
fn the_frame_is_left_after_all_locals_and_arguments() {
    #[trace(crate = crate::mock)]
    async fn with_locals(_argument: Noisy) {
        let _local = Noisy("local");
        later(()).await;
    }

    assert_eq!(
        run(with_locals(Noisy("argument"))).log,
        [
            "enter with_locals",
            "await 0 later(())",
            "ready 0",
            "drop local",
            "drop argument",
            "leave with_locals",
        ]
    );
}

#[test]
fn a_frame_is_left_when_its_future_is_dropped_while_pending() {
    #[trace(crate = crate::mock)]
    async fn cancelled() {
        let _local = Noisy("local");
        std::future::pending::<()>().await;
    }

    mock::take_log();
    {
        let mut future = pin!(cancelled());
        assert!(mock::poll_once(future.as_mut()).is_pending());
    }
    assert_eq!(
        mock::take_log(),
        [
            "make cancelled",
            "enter cancelled",
            "await 0 std::future::pending::<()>()",
            "drop local",
            "leave cancelled",
        ]
    );
}

#[test]
fn a_frame_is_left_when_its_function_panics() {
    #[trace(crate = crate::mock)]
    async fn panics() {
        later(()).await;
        panic!("as it should");
    }

    mock::take_log();
    assert!(std::panic::catch_unwind(|| run(panics()).output).is_err());
    assert_eq!(
        mock::take_log().last().map(String::as_str),
        Some("leave panics")
    );
}

#[test]
fn a_future_that_is_never_polled_was_made_and_is_forgotten() {
    #[trace(crate = crate::mock)]
    async fn forgotten(_argument: Noisy) {}

    mock::take_log();
    drop(forgotten(Noisy("argument")));
    assert_eq!(
        mock::take_log(),
        ["make forgotten", "drop argument", "forget forgotten"]
    );
}
