//! Calls of instrumented functions, and the await points that they are at.

use ais_format::event::outcome;

use super::task::NONE;
use super::{Call, Doer, Rest};

impl Rest<'_> {
    pub(super) fn begin_future(&mut self, doer: &Doer, number: u64, function: u64) {
        if self.futures.place(number).is_some() {
            return;
        }
        let place = doer.task();
        let counts = self.counts(place);
        let row = if counts {
            self.calls.place(&function, || u64::MAX)
        } else {
            NONE
        };
        let call = Call {
            number,
            function,
            row,
            task: place,
            begun: self.now,
            point: None,
            is_suspended_there: false,
            is_suspended: false,
        };
        let future = self.futures.insert(number, call);
        if let Some(task) = self.tasks.at(place) {
            task.frames.push(future);
        }
    }

    /// The call with this number: most likely one that runs in the task that is polled.
    #[inline]
    pub(super) fn call(&mut self, doer: &Doer, number: u64) -> Option<&mut Call> {
        let task = self.tasks.at(doer.task());
        let frame = task.and_then(|task| task.frames.last().copied());
        let is_it = frame.filter(|&frame| {
            let call = self.futures.at(frame);
            call.is_some_and(|call| call.number == number)
        });
        let place = is_it.or_else(|| self.futures.place(number))?;
        self.futures.at(place)
    }

    #[inline]
    pub(super) fn enter(&mut self, doer: &Doer, future: u64, point: u64) {
        let now = self.now;
        if let Some(call) = self.call(doer, future) {
            call.point = Some((point, now));
            call.is_suspended_there = false;
        }
    }

    #[inline]
    pub(super) fn leave(&mut self, doer: &Doer, future: u64) {
        let (now, from) = (self.now, self.from);
        let Some(call) = self.call(doer, future) else {
            return;
        };
        let entered = call.point.take();
        let (is_suspended, row) = (call.is_suspended_there, call.row);
        let calls = &mut self.calls;
        let (Some((number, since)), Some(of)) = (entered, calls.at(row)) else {
            return;
        };
        if let Some(point) = of.point(number).filter(|_| now >= from) {
            point.elapsed.add(now.since(since.max(from)));
            point.suspended += u64::from(is_suspended);
        }
    }

    pub(super) fn end_future(&mut self, number: u64, how: u64) {
        let Some((place, call)) = self.futures.remove(number) else {
            return;
        };
        if let Some(task) = self.tasks.at(call.task) {
            task.frames.retain(|frame| *frame != place);
        }
        self.count_call(&call, how != outcome::READY, false);
    }

    /// A call is over, or goes on when all is read.
    pub(super) fn count_call(&mut self, call: &Call, is_dropped: bool, is_open: bool) {
        let (now, from) = (self.now, self.from);
        let Some(of) = self.calls.at(call.row).filter(|_| now >= from) else {
            return;
        };
        of.calls += 1;
        // What ended inside of an await did not come to its own end.
        of.dropped += u64::from(!is_open && (is_dropped || call.point.is_some()));
        of.open += u64::from(is_open);
        of.suspended += u64::from(call.is_suspended);
        of.elapsed.add(now.since(call.begun.max(from)));
    }
}
