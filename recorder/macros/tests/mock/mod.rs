//! A runtime that keeps a log: what the expansion of `#[trace]` calls, without a recorder behind it.
//!
//! The log is one of the thread's, as a test runs on one. Tests add lines of their own to it, so that it tells in which order
//! the program's and the expansion's doings came.

#![allow(
    dead_code,
    reason = "each test crate that includes this uses a part of it"
)]

use std::cell::RefCell;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use __private::Function;

pub(crate) mod __private {
    use std::future::{Future, IntoFuture};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct Place {
        pub(crate) file: &'static str,
        pub(crate) line: u32,
        pub(crate) column: u32,
    }

    impl Place {
        pub(crate) const fn new(file: &'static str, line: u32, column: u32) -> Self {
            Self { file, line, column }
        }
    }

    #[derive(Debug)]
    pub(crate) struct AwaitPoint {
        pub(crate) expression: &'static str,
        pub(crate) place: Place,
    }

    impl AwaitPoint {
        pub(crate) const fn new(expression: &'static str, place: Place) -> Self {
            Self { expression, place }
        }
    }

    #[derive(Debug)]
    pub(crate) struct Function {
        pub(crate) name: &'static str,
        pub(crate) place: Place,
        pub(crate) points: &'static [AwaitPoint],
    }

    impl Function {
        pub(crate) const fn new(
            name: &'static str,
            place: Place,
            points: &'static [AwaitPoint],
        ) -> Self {
            Self {
                name,
                place,
                points,
            }
        }
    }

    #[derive(Debug)]
    pub(crate) struct Frame {
        function: &'static Function,
    }

    impl Frame {
        pub(crate) fn enter(function: &'static Function) -> Self {
            super::FUNCTIONS.with_borrow_mut(|functions| functions.push(function));
            super::log(format!("enter {}", super::last_segment(function.name)));
            Self { function }
        }

        pub(crate) fn at<F: IntoFuture>(&self, point: u16, future: F) -> At<'_, F::IntoFuture> {
            At {
                frame: self,
                point,
                begun: false,
                future: future.into_future(),
            }
        }
    }

    impl Drop for Frame {
        fn drop(&mut self) {
            super::log(format!("leave {}", super::last_segment(self.function.name)));
        }
    }

    pin_project_lite::pin_project! {
        pub(crate) struct At<'a, F> {
            frame: &'a Frame,
            point: u16,
            begun: bool,
            #[pin]
            future: F,
        }
    }

    impl<F: Future> Future for At<'_, F> {
        type Output = F::Output;

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            let this = self.project();
            let point = &this.frame.function.points[usize::from(*this.point)];
            if !*this.begun {
                *this.begun = true;
                super::log(format!("await {} {}", this.point, point.expression));
            }
            let result = this.future.poll(context);
            if result.is_ready() {
                super::log(format!("ready {}", this.point));
            }
            result
        }
    }
}

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static FUNCTIONS: RefCell<Vec<&'static Function>> = const { RefCell::new(Vec::new()) };
}

/// Adds a line to the log.
pub(crate) fn log(line: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(line.into()));
}

/// The log since the last call.
pub(crate) fn take_log() -> Vec<String> {
    LOG.take()
}

/// The functions entered since the last call, in that order.
pub(crate) fn take_functions() -> Vec<&'static Function> {
    FUNCTIONS.take()
}

/// What one future did.
pub(crate) struct Run<T> {
    pub(crate) output: T,
    pub(crate) log: Vec<String>,
    pub(crate) functions: Vec<&'static Function>,
}

impl<T> Run<T> {
    /// The function that was entered first.
    pub(crate) fn function(&self) -> &'static Function {
        self.functions.first().expect("no traced function ran")
    }

    /// The awaited expressions in the first function's table.
    pub(crate) fn expressions(&self) -> Vec<&'static str> {
        let points = self.function().points.iter();
        points.map(|point| point.expression).collect()
    }
}

/// Polls `future` until it is ready.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> Run<T> {
    take_log();
    take_functions();
    let mut future = pin!(future);
    let mut polls = 0;
    let output = loop {
        polls += 1;
        assert!(polls < 1000, "the future never becomes ready");
        if let Poll::Ready(output) = poll_once(future.as_mut()) {
            break output;
        }
    };
    Run {
        output,
        log: take_log(),
        functions: take_functions(),
    }
}

/// Polls `future` once, with a waker that does nothing.
pub(crate) fn poll_once<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A future that is pending once, and wakes its task at once.
pub(crate) async fn pause() {
    let mut paused = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A future that is pending once, then has the value.
pub(crate) async fn later<T>(value: T) -> T {
    pause().await;
    value
}

/// A value that logs its end.
pub(crate) struct Noisy(pub(crate) &'static str);

impl Noisy {
    pub(crate) fn name(&self) -> &'static str {
        self.0
    }
}

impl Drop for Noisy {
    fn drop(&mut self) {
        log(format!("drop {}", self.0));
    }
}

fn last_segment(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}
