//! Named futures: `.traced("name")` on any future makes it one that the trace knows.

use std::borrow::Cow;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use ais_format::event::{FutureBegin, FutureEnd, FutureNew, outcome};

use crate::context;
use crate::define;
use crate::record::emit;
use crate::session;

/// Names futures in the trace.
pub trait TraceExt: Future + Sized {
    /// Gives this future a name in the trace: when it was made, in which task and inside what it runs, how it ended, and whether it
    /// was dropped without ever being polled.
    ///
    /// ```
    /// use ais_recorder::TraceExt as _;
    /// # futures::executor::block_on(async {
    /// assert_eq!(async { 5 }.traced("five").await, 5);
    /// # });
    /// ```
    #[track_caller]
    fn traced(self, name: impl Into<Cow<'static, str>>) -> Traced<Self> {
        let mut function = 0;
        let mut id = 0;
        if session::is_recording() {
            function = define::named_future(&name.into(), Location::caller());
            id = session::next_local_id();
            emit(&FutureNew {
                future: id,
                function,
            });
        }
        Traced {
            future: self,
            id,
            function,
            phase: Phase::New,
        }
    }
}

impl<F: Future> TraceExt for F {}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    New,
    Begun,
    Ended,
}

pin_project_lite::pin_project! {
    /// A future with a name in the trace. Made by [`TraceExt::traced`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Traced<F> {
        #[pin]
        future: F,
        // Zero where no recording was under way when it was made.
        id: u64,
        function: u64,
        phase: Phase,
    }

    impl<F> PinnedDrop for Traced<F> {
        fn drop(this: Pin<&mut Self>) {
            if this.id == 0 || !session::is_recording() {
                return;
            }
            match this.phase {
                Phase::Ended => {}
                _ if std::thread::panicking() => emit(&FutureEnd { future: this.id, outcome: outcome::PANICKED }),
                Phase::Begun => emit(&FutureEnd { future: this.id, outcome: outcome::DROPPED }),
                Phase::New => emit(&FutureEnd { future: this.id, outcome: outcome::NEVER_POLLED }),
            }
        }
    }
}

impl<F: Future> Future for Traced<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if *this.id == 0 || !session::is_recording() {
            return this.future.poll(cx);
        }
        if *this.phase == Phase::New {
            *this.phase = Phase::Begun;
            emit(&FutureBegin {
                future: *this.id,
                function: *this.function,
                parent: context::future(),
            });
        }
        let scope = context::enter_future(*this.id);
        let result = this.future.poll(cx);
        drop(scope);
        if result.is_ready() {
            *this.phase = Phase::Ended;
            emit(&FutureEnd {
                future: *this.id,
                outcome: outcome::READY,
            });
        }
        result
    }
}
