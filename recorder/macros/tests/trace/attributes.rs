//! Other attributes keep working, above and below.

use std::process::Command;

use ais_macros::trace;

use crate::mock::{later, run, take_functions};

/// The points of the one function that was entered on this thread; blocks in it are not counted.
#[track_caller]
fn entered_points() -> Vec<&'static str> {
    let mut functions = take_functions();
    functions.retain(|function| !function.name.ends_with("::{block}"));
    assert_eq!(functions.len(), 1, "one traced function runs here");
    let points = functions[0].points.iter();
    points.map(|point| point.expression).collect()
}

#[trace(crate = crate::mock)]
#[tokio::test]
async fn a_tokio_test_below_is_traced() {
    tokio::task::yield_now().await;
    assert_eq!(entered_points(), ["tokio::task::yield_now()"]);
}

#[tokio::test]
#[trace(crate = crate::mock)]
async fn a_tokio_test_above_is_traced() {
    tokio::task::yield_now().await;
    assert_eq!(entered_points(), ["tokio::task::yield_now()"]);
}

#[tokio::test]
#[trace(crate = crate::mock)]
async fn a_tokio_test_with_a_result_is_traced() -> Result<(), String> {
    let parsed: u8 = later("3").await.parse().map_err(|_| "no number")?;
    assert_eq!(parsed, 3);
    assert_eq!(entered_points(), ["later(\"3\")"]);
    Ok(())
}

mod imported {
    use ais_macros::trace;
    use tokio::test;

    use super::entered_points;

    #[test]
    #[trace(crate = crate::mock)]
    async fn an_imported_test_above_is_traced() {
        tokio::task::yield_now().await;
        assert_eq!(entered_points(), ["tokio::task::yield_now()"]);
    }

    #[trace(crate = crate::mock)]
    #[test]
    async fn an_imported_test_below_is_traced() {
        tokio::task::yield_now().await;
        assert_eq!(entered_points(), ["tokio::task::yield_now()"]);
    }
}

#[test]
#[should_panic(expected = "in a traced test")]
fn a_traced_test_that_fails_does_fail() {
    #[trace(crate = crate::mock)]
    #[tokio::main(flavor = "current_thread")]
    async fn fails() {
        later(()).await;
        panic!("in a traced test");
    }

    fails();
}

#[test]
fn the_test_harness_knows_the_traced_tests() {
    let me = std::env::current_exe().unwrap();
    let list = Command::new(me).arg("--list").output().unwrap().stdout;
    let list = String::from_utf8(list).unwrap();
    for name in [
        "a_tokio_test_below_is_traced",
        "a_tokio_test_above_is_traced",
        "a_tokio_test_with_a_result_is_traced",
        "imported::an_imported_test_above_is_traced",
        "imported::an_imported_test_below_is_traced",
    ] {
        assert!(
            list.contains(&format!("attributes::{name}: test")),
            "{name} is missing in {list}"
        );
    }
}

#[test]
fn a_main_function_is_traced_with_the_runtime_above_or_below() {
    #[tokio::main(flavor = "current_thread")]
    #[trace(crate = crate::mock)]
    async fn runtime_above() -> u8 {
        let one = tokio::spawn(async { later(1).await }).await.unwrap();
        later(one + 1).await
    }

    #[trace(crate = crate::mock)]
    #[tokio::main(flavor = "current_thread")]
    async fn runtime_below() -> u8 {
        let one = tokio::spawn(async { later(1).await }).await.unwrap();
        later(one + 1).await
    }

    let points = ["tokio::spawn(async { later(1).await })", "later(one + 1)"];
    take_functions();
    assert_eq!(runtime_above(), 2);
    assert_eq!(entered_points(), points);
    assert_eq!(runtime_below(), 2);
    assert_eq!(entered_points(), points);
}

#[test]
fn a_function_left_out_by_cfg_is_left_out() {
    #[trace(crate = crate::mock)]
    #[cfg(any())]
    async fn chosen() -> u8 {
        1
    }

    #[cfg(not(any()))]
    #[trace(crate = crate::mock)]
    async fn chosen() -> u8 {
        2
    }

    assert_eq!(run(chosen()).output, 2);
}

#[test]
fn a_deprecation_and_lints_stay_on_the_function_in_either_order() {
    #[deprecated = "for a reason"]
    #[trace(crate = crate::mock)]
    #[allow(non_snake_case, unused_variables)]
    async fn Above(Unused: u8) -> u8 {
        later(1).await
    }

    #[trace(crate = crate::mock)]
    #[deprecated = "for a reason"]
    #[allow(non_snake_case, unused_variables)]
    async fn Below(Unused: u8) -> u8 {
        later(2).await
    }

    // Without the deprecation this expectation would be one too many.
    #[expect(deprecated)]
    let outputs = (run(Above(0)).output, run(Below(0)).output);
    assert_eq!(outputs, (1, 2));
}

#[test]
fn a_function_that_must_be_used_still_says_so() {
    #[trace(crate = crate::mock)]
    #[must_use = "for a reason"]
    async fn below() -> u8 {
        later(1).await
    }

    #[must_use = "for a reason"]
    #[trace(crate = crate::mock)]
    async fn above() -> u8 {
        later(2).await
    }

    let future = async {
        // The output is what must be used.
        #[expect(unused_must_use)]
        {
            below().await;
        }
        #[expect(unused_must_use)]
        {
            above().await;
        }
    };
    run(future);
}

#[test]
fn hints_and_documentation_stay_on_the_function() {
    /// Documented.
    #[inline]
    #[must_use = "for a reason"]
    #[trace(crate = crate::mock)]
    #[allow(clippy::let_and_return)]
    async fn decorated(#[allow(unused)] x: u8) -> u8 {
        #[expect(unused_variables)]
        let unused = later(1).await;
        #[rustfmt::skip]
        let y = later(2).await;
        y
    }

    let run = run(decorated(1));
    assert_eq!(run.output, 2);
    assert_eq!(run.expressions(), ["later(1)", "later(2)"]);
}
