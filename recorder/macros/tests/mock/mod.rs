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
    pub(crate) struct Unseen {
        pub(crate) name: &'static str,
        pub(crate) place: Place,
    }

    impl Unseen {
        pub(crate) const fn new(name: &'static str, place: Place) -> Self {
            Self { name, place }
        }
    }

    #[derive(Debug)]
    pub(crate) struct Function {
        pub(crate) name: &'static str,
        pub(crate) place: Place,
        pub(crate) points: &'static [AwaitPoint],
        pub(crate) unseen: &'static [Unseen],
    }

    impl Function {
        pub(crate) const fn new(
            name: &'static str,
            place: Place,
            points: &'static [AwaitPoint],
            unseen: &'static [Unseen],
        ) -> Self {
            Self {
                name,
                place,
                points,
                unseen,
            }
        }

        fn log(&self, what: &str) {
            super::log(format!("{what} {}", super::short_name(self.name)));
        }
    }

    #[derive(Debug)]
    pub(crate) struct Frame {
        function: &'static Function,
        is_begun: bool,
    }

    impl Frame {
        pub(crate) fn new(function: &'static Function) -> Self {
            function.log("make");
            Self {
                function,
                is_begun: false,
            }
        }

        pub(crate) fn begin(&mut self, function: &'static Function) {
            assert!(std::ptr::eq(self.function, function));
            super::FUNCTIONS.with_borrow_mut(|functions| functions.push(function));
            function.log("enter");
            self.is_begun = true;
        }

        pub(crate) fn enter(function: &'static Function) -> Self {
            let mut frame = Self {
                function,
                is_begun: false,
            };
            frame.begin(function);
            frame
        }

        fn expression(&self, point: u16) -> &'static str {
            self.function.points[usize::from(point)].expression
        }
    }

    impl Drop for Frame {
        fn drop(&mut self) {
            let what = if self.is_begun { "leave" } else { "forget" };
            self.function.log(what);
        }
    }

    pub(crate) fn at<F: IntoFuture>(awaited: F, frame: &Frame, point: u16) -> At<F::IntoFuture> {
        At {
            expression: frame.expression(point),
            point,
            begun: false,
            future: awaited.into_future(),
        }
    }

    pub(crate) fn inside<F: IntoFuture>(branch: F, frame: &Frame) -> Inside<F::IntoFuture> {
        Inside {
            function: frame.function,
            future: branch.into_future(),
        }
    }

    pin_project_lite::pin_project! {
        pub(crate) struct At<F> {
            expression: &'static str,
            point: u16,
            begun: bool,
            #[pin]
            future: F,
        }
    }

    impl<F: Future> Future for At<F> {
        type Output = F::Output;

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            let this = self.project();
            if !*this.begun {
                *this.begun = true;
                super::log(format!("await {} {}", this.point, this.expression));
            }
            let result = this.future.poll(context);
            if result.is_ready() {
                super::log(format!("ready {}", this.point));
            }
            result
        }
    }

    pin_project_lite::pin_project! {
        pub(crate) struct Inside<F> {
            function: &'static Function,
            #[pin]
            future: F,
        }
    }

    impl<F: Future> Future for Inside<F> {
        type Output = F::Output;

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
            let this = self.project();
            this.function.log("inside");
            this.future.poll(context)
        }
    }

    #[derive(Debug)]
    pub(crate) struct Within {
        point: u16,
        left: bool,
    }

    impl Within {
        pub(crate) fn enter(frame: &Frame, point: u16) -> Self {
            super::log(format!("await {point} {}", frame.expression(point)));
            Self { point, left: false }
        }

        pub(crate) fn leave(mut self) {
            super::log(format!("ready {}", self.point));
            self.left = true;
        }

        pub(crate) fn left<T>(self, value: T) -> T {
            self.leave();
            value
        }
    }

    impl Drop for Within {
        fn drop(&mut self) {
            if !self.left {
                super::log(format!("cancel {}", self.point));
            }
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

/// A name without the module's path.
fn short_name(name: &str) -> &str {
    let function = name.strip_suffix("::{block}").unwrap_or(name);
    let start = function.rfind("::").map_or(0, |at| at + 2);
    &name[start..]
}
