//! The table of await points: names, texts, order and places.

use ais_macros::trace;

use crate::mock::__private::Place;
use crate::mock::{later, run};

/// The place of the `await` in the one line of this file that ends in the comment `// marker`.
fn await_marked(marker: &str) -> Place {
    marked("await", marker)
}

/// The place of the last `needle` in that line.
fn marked(needle: &str, marker: &str) -> Place {
    let comment = format!("// {marker}");
    place_of(needle, |line| line.ends_with(&comment))
}

/// The place of `needle`, in the one line of this file which `wanted` accepts.
fn place_of(needle: &str, wanted: impl Fn(&str) -> bool) -> Place {
    let source = include_str!("points.rs");
    let mut lines = source.lines().zip(1..).filter(|(line, _)| wanted(line));
    let (line, number) = lines.next().expect("no such line");
    assert!(lines.next().is_none(), "more than one such line");
    let byte = line.rfind(needle).expect("not in that line");
    let column = (1..).nth(line[..byte].chars().count());
    Place::new(file!(), number, column.expect("lines are not as long"))
}

#[trace(crate = crate::mock)]
async fn three_awaits(x: u8) -> u8 {
    let a = later(x).await;
    let b = later(a + 1).await;
    later(a + b).await
}

#[test]
fn a_function_is_named_by_its_module_and_its_name() {
    let run = run(three_awaits(1));
    assert_eq!(run.output, 3);
    assert_eq!(
        run.function().name,
        concat!(module_path!(), "::three_awaits")
    );
}

#[test]
fn every_await_is_a_point_with_its_expression() {
    let run = run(three_awaits(1));
    assert_eq!(
        run.expressions(),
        ["later(x)", "later(a + 1)", "later(a + b)"]
    );
}

#[test]
fn at_each_await_the_frame_is_told_its_position_in_the_table() {
    assert_eq!(
        run(three_awaits(1)).log,
        [
            "enter three_awaits",
            "await 0 later(x)",
            "ready 0",
            "await 1 later(a + 1)",
            "ready 1",
            "await 2 later(a + b)",
            "ready 2",
            "leave three_awaits",
        ]
    );
}

#[test]
fn a_raw_name_is_recorded_without_its_prefix() {
    #[trace(crate = crate::mock)]
    async fn r#match() {}

    assert!(run(r#match()).function().name.ends_with("::match"));
}

#[test]
fn a_given_name_replaces_the_functions_own() {
    #[trace(name = "Bank::transfer", crate = crate::mock)]
    async fn transfer() {}

    assert_eq!(run(transfer()).function().name, "Bank::transfer");
}

#[test]
fn a_method_is_named_by_its_module_and_its_name() {
    struct Bank;
    impl Bank {
        #[trace(crate = crate::mock)]
        async fn open(&self) {}
    }

    assert_eq!(
        run(Bank.open()).function().name,
        concat!(module_path!(), "::open")
    );
}

#[test]
fn a_function_that_awaits_nothing_has_an_empty_table() {
    #[trace(crate = crate::mock)]
    async fn nothing() -> u8 {
        1
    }

    let run = run(nothing());
    assert_eq!(run.expressions(), [""; 0]);
    assert_eq!(run.log, ["enter nothing", "leave nothing"]);
}

#[test]
fn awaits_within_an_awaited_expression_come_before_it() {
    #[trace(crate = crate::mock)]
    async fn nested() -> u8 {
        later(later(1).await + later(2).await).await
    }

    let run = run(nested());
    assert_eq!(run.output, 3);
    assert_eq!(
        run.expressions(),
        [
            "later(1)",
            "later(2)",
            "later(later(1).await + later(2).await)"
        ]
    );
    assert_eq!(run.log[1], "await 0 later(1)");
    assert_eq!(run.log[3], "await 1 later(2)");
    assert_eq!(run.log[5], "await 2 later(later(1).await + later(2).await)");
}

#[test]
fn parentheses_around_an_awaited_expression_are_not_part_of_it() {
    #[trace(crate = crate::mock)]
    async fn by_reference() -> u8 {
        let mut future = Box::pin(later(1));
        (&mut future).await
    }

    assert_eq!(run(by_reference()).expressions(), ["&mut future"]);
}

#[trace(crate = crate::mock)]
async fn placed() -> usize {
    let first = later(1).await; // the first
    let chain = later("a string over no line")
        .await // at the end of a chain
        .len();
    later(format!("{first} grüße")).await.len() + later(chain).await // after umlauts
}

#[test]
fn each_point_is_where_its_await_stands_in_the_users_source() {
    let run = run(placed());
    let places: Vec<Place> = run.function().points.iter().map(|p| p.place).collect();
    assert_eq!(places.len(), 4);
    assert_eq!(places[0], await_marked("the first"));
    assert_eq!(places[1], await_marked("at the end of a chain"));
    assert_eq!(places[2].line, places[3].line);
    assert!(places[2].column < places[3].column);
    assert_eq!(places[3], await_marked("after umlauts"));
}

#[test]
fn a_function_is_where_its_name_stands_in_the_users_source() {
    let run = run(placed());
    let expected = place_of("placed", |line| line.starts_with("async fn placed"));
    assert_eq!(run.function().place, expected);
}

#[test]
fn what_passes_through_a_macro_keeps_its_place() {
    macro_rules! unchanged {
        ($($tokens:tt)*) => { $($tokens)* };
    }
    unchanged! {
        #[trace(crate = crate::mock)]
        async fn passed_through() {
            later(()).await; // passed through
        }
    }

    let run = run(passed_through());
    assert_eq!(
        run.function().points[0].place,
        await_marked("passed through")
    );
}

#[test]
fn what_a_macro_makes_is_where_the_macro_is_called() {
    macro_rules! make {
        ($name:ident, $value:expr) => {
            #[trace(crate = crate::mock)]
            async fn $name() -> u8 {
                let __ais_frame = $value;
                later(__ais_frame).await
            }
        };
    }
    let line = line!() + 1;
    make!(made, 7);

    let run = run(made());
    assert_eq!(run.output, 7);
    assert_eq!(run.expressions(), ["later(__ais_frame)"]);
    assert_eq!(run.function().points[0].place.line, line);
}

#[test]
fn a_macro_can_say_where_the_runtime_is_from_where_it_stands_itself() {
    macro_rules! make {
        ($name:ident $body:block) => {
            #[trace(crate = $crate::mock)]
            async fn $name() -> u8 $body
        };
    }
    make!(with_a_block {
        later(8).await
    });

    let run = run(with_a_block());
    assert_eq!(run.output, 8);
    assert_eq!(run.expressions(), ["later(8)"]);
}

#[test]
fn names_of_the_user_cannot_clash_with_those_of_the_expansion() {
    #[trace(crate = crate::mock)]
    async fn same_names() -> u8 {
        static FUNCTION: u8 = 1;
        let __ais_frame = later(FUNCTION).await;
        later(__ais_frame + 1).await + __ais_frame
    }

    assert_eq!(run(same_names()).output, 3);
}

#[test]
fn futures_of_their_own_are_not_entered() {
    #[trace(crate = crate::mock)]
    async fn outer() -> u8 {
        async fn item() -> u8 {
            later(1).await
        }
        let closure = async |x: u8| later(x).await;
        let returns_block = || async { later(2).await };
        let block = async { later(3).await };
        item().await + closure(4).await + returns_block().await + block.await
    }

    let run = run(outer());
    assert_eq!(run.output, 10);
    assert_eq!(
        run.expressions(),
        ["item()", "closure(4)", "returns_block()", "block"]
    );
}

#[test]
fn a_traced_function_in_a_traced_function_has_its_own_table() {
    #[trace(crate = crate::mock)]
    async fn outer() -> u8 {
        #[trace(crate = crate::mock)]
        async fn inner() -> u8 {
            later(1).await
        }
        inner().await + later(2).await
    }

    let run = run(outer());
    assert_eq!(run.output, 3);
    assert_eq!(run.expressions(), ["inner()", "later(2)"]);
    assert_eq!(run.functions.len(), 2);
    assert_eq!(run.functions[1].points.len(), 1);
    assert_eq!(
        run.log,
        [
            "enter outer",
            "make inner",
            "await 0 inner()",
            "enter inner",
            "await 0 later(1)",
            "ready 0",
            "leave inner",
            "ready 0",
            "await 1 later(2)",
            "ready 1",
            "leave outer",
        ]
    );
}

#[test]
fn awaits_in_expression_lists_of_the_standard_macros_are_points() {
    #[trace(crate = crate::mock)]
    async fn in_macros() -> String {
        let list = vec![later(1).await, later(2).await];
        assert_eq!(later(2).await, list.len(), "{}", later("why").await);
        std::println!("{}", later(3).await);
        let some = matches!(later(Some(4)).await, Some(x) if x > 3);
        format!(
            "{list:?} {} {some} {named}",
            later(5).await,
            named = later(6).await
        )
    }

    let run = run(in_macros());
    assert_eq!(run.output, "[1, 2] 5 true 6");
    assert_eq!(
        run.expressions(),
        [
            "later(1)",
            "later(2)",
            "later(2)",
            "later(\"why\")",
            "later(3)",
            "later(Some(4))",
            "later(5)",
            "later(6)",
        ]
    );
}

#[test]
fn awaits_in_other_macros_run_but_are_no_points() {
    macro_rules! twice {
        ($value:expr) => {
            $value + $value
        };
    }

    #[trace(crate = crate::mock)]
    async fn in_other_macros() -> u8 {
        assert!(later(true).await); // assert
        let repeated = [later(1).await; 2];
        let vector = std::vec![later(1).await; 2].into_boxed_slice(); // vec
        twice!(1) + twice!(later(3).await) + repeated[0] + vector[1] // twice
    }

    let run = run(in_other_macros());
    assert_eq!(run.output, 10);
    assert_eq!(run.expressions(), ["later(1)"]);
    let unseen = run.function().unseen.iter();
    assert_eq!(
        unseen
            .map(|call| (call.name, call.place))
            .collect::<Vec<_>>(),
        [
            ("assert!", marked("assert!", "assert")),
            ("std::vec!", marked("std::vec!", "vec")),
            ("twice!", marked("twice!", "twice")),
        ]
    );
}

#[test]
fn a_failed_assertion_shows_the_users_source() {
    #[trace(crate = crate::mock)]
    async fn fails() {
        assert!(later(false).await);
    }

    let panic = std::panic::catch_unwind(|| run(fails()).output).unwrap_err();
    assert_eq!(
        panic.downcast_ref::<&str>(),
        Some(&"assertion failed: later(false).await")
    );
}
