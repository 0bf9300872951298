//! Stands in for the package `ais-recorder`: prints what the expansion of `#[trace]` does.

extern crate self as ais_recorder;

pub use ais_macros::trace;

/// Traced in the very crate that the attribute looks for.
#[trace]
pub async fn at_home() -> u8 {
    std::future::ready(1).await
}

#[doc(hidden)]
pub mod __private {
    use std::future::{Future, IntoFuture};
    use std::pin::Pin;
    use std::task::{Context, Poll};

    pub struct Place(&'static str, u32);

    impl Place {
        pub const fn new(file: &'static str, line: u32, _column: u32) -> Self {
            Self(file, line)
        }
    }

    pub struct AwaitPoint(&'static str, Place);

    impl AwaitPoint {
        pub const fn new(expression: &'static str, place: Place) -> Self {
            Self(expression, place)
        }
    }

    pub struct Unseen;

    pub struct Function(&'static str, Place, &'static [AwaitPoint]);

    impl Function {
        pub const fn new(
            name: &'static str,
            place: Place,
            points: &'static [AwaitPoint],
            _unseen: &'static [Unseen],
        ) -> Self {
            Self(name, place, points)
        }
    }

    pub struct Frame(&'static Function);

    impl Frame {
        pub fn new(function: &'static Function) -> Self {
            Self(function)
        }

        pub fn begin(&mut self, function: &'static Function) {
            let Function(name, Place(file, line), _) = function;
            println!("enter {name} at {}:{line}", file.replace('\\', "/"));
        }
    }

    impl Drop for Frame {
        fn drop(&mut self) {
            println!("leave {}", self.0.0);
        }
    }

    pub fn at<F: IntoFuture>(future: F, frame: &Frame, point: u16) -> At<F::IntoFuture> {
        let AwaitPoint(expression, Place(_, line)) = &frame.0.2[usize::from(point)];
        println!("await {expression} in line {line}");
        At {
            future: Box::pin(future.into_future()),
        }
    }

    pub struct At<F> {
        future: Pin<Box<F>>,
    }

    impl<F: Future> Future for At<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
            self.future.as_mut().poll(context)
        }
    }
}
