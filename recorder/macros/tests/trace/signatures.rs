//! Arguments and what is returned: a traced function treats them as the `async fn` that it was.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::pending;
use std::pin::pin;

use ais_macros::trace;

use crate::mock::{Noisy, later, log, pause, poll_once, run, take_functions, take_log};

/// What a program logs itself, without the mock.
fn own_lines(log: Vec<String>) -> Vec<String> {
    let words = ["make ", "forget ", "enter ", "leave ", "await ", "ready "];
    let is_mocks = |line: &String| words.iter().any(|word| line.starts_with(word));
    log.into_iter().filter(|line| !is_mocks(line)).collect()
}

/// The same methods with and without the attribute.
macro_rules! with_noisy_arguments {
    ($owner:ident $(, #[$attribute:meta])?) => {
        struct $owner(Noisy);

        impl $owner {
            $(#[$attribute])?
            #[allow(
                clippy::too_many_arguments,
                clippy::toplevel_ref_arg,
                reason = "every kind of pattern is tried"
            )]
            async fn method(
                self,
                used: Noisy,
                _: Noisy,
                _unused: Noisy,
                (left, _): (Noisy, Noisy),
                ref by_reference: Noisy,
                mut changed: Noisy,
                first @ Noisy(_): Noisy,
                end: bool,
            ) {
                let _local = Noisy("local");
                log(used.name());
                log(left.name());
                log(by_reference.name());
                log(self.0.name());
                let _moved = first;
                log(changed.name());
                changed = Noisy("new value");
                log(changed.name());
                pause().await;
                if !end {
                    pending::<()>().await;
                }
                log("end");
            }

            fn called(end: bool) -> impl Future<Output = ()> {
                Self(Noisy("self")).method(
                    Noisy("used"),
                    Noisy("not bound"),
                    Noisy("unused"),
                    (Noisy("left"), Noisy("right")),
                    Noisy("by reference"),
                    Noisy("changed"),
                    Noisy("first"),
                    end,
                )
            }
        }
    };
}

with_noisy_arguments!(Plain);
with_noisy_arguments!(Traced, #[trace(crate = crate::mock)]);

#[test]
fn arguments_are_dropped_in_the_same_order() {
    let plain = run(Plain::called(true)).log;
    assert!(plain.len() > 12);
    assert_eq!(own_lines(run(Traced::called(true)).log), plain);
}

#[test]
fn arguments_of_a_future_that_is_cancelled_are_dropped_in_the_same_order() {
    fn cancelled(future: impl Future) -> Vec<String> {
        take_log();
        {
            let mut future = pin!(future);
            assert!(poll_once(future.as_mut()).is_pending());
            assert!(poll_once(future.as_mut()).is_pending());
        }
        own_lines(take_log())
    }
    assert_eq!(
        cancelled(Traced::called(false)),
        cancelled(Plain::called(false))
    );
}

#[test]
fn arguments_of_a_future_that_is_never_polled_are_dropped_in_the_same_order() {
    fn forgotten(future: impl Future) -> Vec<String> {
        take_log();
        drop(future);
        own_lines(take_log())
    }
    let plain = forgotten(Plain::called(true));
    assert_eq!(plain.len(), 9);
    assert_eq!(forgotten(Traced::called(true)), plain);
}

#[test]
fn arguments_can_have_attributes() {
    #[trace(crate = crate::mock)]
    async fn attributes(
        #[cfg(any())] missing: u8,
        #[cfg(not(any()))] there: u8,
        #[expect(unused_variables)] unused: u8,
        #[allow(unused_mut)] mut unchanged: u8,
    ) -> u8 {
        later(there + unchanged).await
    }

    assert_eq!(run(attributes(1, 2, 3)).output, 4);
}

#[test]
fn names_can_be_raw_and_come_from_macros() {
    macro_rules! make {
        ($name:ident, $argument:ident) => {
            #[trace(crate = crate::mock)]
            async fn $name($argument: u8, mine: u8, mut r#type: u8) -> u8 {
                r#type += later($argument + mine).await;
                r#type
            }
        };
    }
    make!(made, given);
    assert_eq!(run(made(1, 2, 3)).output, 6);
}

#[test]
fn what_is_returned_is_converted_to_the_type_that_the_signature_names() {
    #[trace(crate = crate::mock)]
    async fn boxed(is_text: bool) -> Box<dyn Display> {
        if is_text {
            return Box::new(later("text").await);
        }
        Box::new(later(1).await)
    }

    #[trace(crate = crate::mock)]
    async fn converts(text: &str) -> Result<u8, Box<dyn Error + Send + Sync>> {
        let number: u8 = later(text).await.parse()?;
        if number == 0 {
            Err("zero")?;
        }
        Ok(number)
    }

    #[trace(crate = crate::mock)]
    async fn borrowed<'a>(text: &'a mut String, more: &str) -> &'a str {
        text.push_str(later(more).await);
        text
    }

    #[trace(crate = crate::mock)]
    async fn nested() -> Result<impl Iterator<Item = u8> + Debug, impl Error> {
        later("1").await.parse::<u8>().map(std::iter::once)
    }

    #[trace(crate = crate::mock)]
    async fn none() -> Option<Vec<u8>> {
        None
    }

    assert_eq!(run(boxed(true)).output.to_string(), "text");
    assert_eq!(run(boxed(false)).output.to_string(), "1");
    assert_eq!(run(converts("7")).output.unwrap(), 7);
    assert_eq!(run(converts("0")).output.unwrap_err().to_string(), "zero");
    assert!(run(converts("x")).output.is_err());
    let mut text = "a".to_owned();
    assert_eq!(run(borrowed(&mut text, "b")).output, "ab");
    assert!(run(nested()).output.is_ok_and(|one| one.eq([1])));
    assert_eq!(run(none()).output, None);
}

#[test]
fn a_future_may_hold_all_that_its_function_was_given() {
    struct Service<'s> {
        name: &'s str,
    }
    impl<'s> Service<'s> {
        #[trace(crate = crate::mock)]
        async fn call<T: Display>(&self, other: &str, value: &T, shown: impl Display) -> String {
            let text = format!("{} {other} {value} {shown}", self.name);
            later(text).await
        }

        #[trace(crate = crate::mock)]
        async fn longest<'o>(&'s self, other: &'o Service<'_>) -> &'s str
        where
            'o: 's,
        {
            later(other).await;
            self.name
        }
    }

    let service = Service { name: "a" };
    let other = String::from("b");
    assert_eq!(run(service.call(&other, &1, "c")).output, "a b 1 c");
    assert_eq!(run(service.longest(&Service { name: "long" })).output, "a");
}

#[test]
fn recursive_functions_can_be_sent_to_other_threads() {
    fn assert_send<T: Send>(value: T) -> T {
        value
    }

    #[trace(crate = crate::mock)]
    async fn even(n: u32) -> bool {
        match n {
            0 => true,
            n => assert_send(odd(n - 1)).await,
        }
    }

    #[trace(crate = crate::mock)]
    fn odd(n: u32) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send>> {
        Box::pin(async move {
            match n {
                0 => false,
                n => Box::pin(even(n - 1)).await,
            }
        })
    }

    #[trace(crate = crate::mock)]
    async fn down(n: u8) -> u8 {
        if n == 0 {
            0
        } else {
            1 + Box::pin(down(n - 1)).await
        }
    }

    assert!(run(assert_send(even(4))).output);
    assert_eq!(run(assert_send(down(3))).output, 3);
}

#[test]
fn functions_can_be_handed_on_as_async_functions() {
    async fn twice(function: impl AsyncFn(&str) -> usize) -> usize {
        function("a").await + function("bc").await
    }

    #[trace(crate = crate::mock)]
    async fn length(text: &str) -> usize {
        later(text).await.len()
    }

    assert_eq!(run(twice(length)).output, 3);
}

#[test]
fn what_has_to_stay_an_async_fn_is_known_from_its_first_poll_on() {
    #[trace(crate = crate::mock)]
    #[must_use]
    async fn must_be_used() -> u8 {
        later(1).await
    }

    #[trace(crate = crate::mock)]
    #[tokio::main(flavor = "current_thread")]
    async fn main() -> u8 {
        later(2).await
    }

    take_log();
    drop(must_be_used());
    assert_eq!(take_log(), [""; 0]);
    assert_eq!(run(must_be_used()).log[0], "enter must_be_used");
    take_functions();
    assert_eq!(main(), 2);
    assert_eq!(take_functions().len(), 1);
    assert_eq!(take_log()[0], "enter main");
}
