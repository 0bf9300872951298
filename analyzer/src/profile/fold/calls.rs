//! Calls of instrumented functions, and the await points that they are at.

use ais_format::event::outcome;

use super::tables::{Caller, Place};
use super::task::NONE;
use super::{Call, Doer, Rest};

impl Rest<'_> {
    pub(super) fn make_future(&mut self, number: u64, function: u64) {
        if self.futures.place(number).is_some() {
            return;
        }
        // Mostly it is polled before another one is made.
        let before = self.made_last.replace((number, function));
        self.made.extend(before);
    }

    /// It is made no more: polled, or gone. The function.
    fn unmake(&mut self, number: u64) -> Option<u64> {
        if let Some((_, function)) = self.made_last.take_if(|(last, _)| *last == number) {
            return Some(function);
        }
        if self.made.is_empty() {
            return None;
        }
        self.made.remove(&number)
    }

    pub(super) fn begin_future(
        &mut self,
        doer: &mut Doer,
        number: u64,
        function: u64,
        parent: u64,
    ) {
        self.unmake(number);
        if self.futures.place(number).is_some() {
            return;
        }
        let place = doer.task();
        let row = if self.counts(place) {
            self.book.calls.place(&function, || u64::MAX)
        } else {
            NONE
        };
        let caller = match self.call(doer, parent) {
            Some(call) => Caller::Function(call.function),
            None => Caller::Task(self.tasks.at(place).map_or(NONE, |task| task.kind)),
        };
        let call = Call {
            number,
            function,
            row,
            task: place,
            caller,
            begun: self.now,
            point: None,
            is_suspended_there: false,
            is_suspended: false,
            last: (Place::Start, self.now),
            is_dropped: false,
            gaps: self.gaps,
        };
        let future = self.futures.insert(number, call);
        if let Some(task) = self.tasks.at(place) {
            task.frames.push(future);
        }
        self.switch(doer, row);
    }

    /// The row of the function of a call, given by its place.
    #[inline]
    pub(super) fn row_of(&mut self, call: u32) -> u32 {
        let call = self.futures.at(call);
        // One of before a gap may be over.
        let call = call.filter(|call| call.gaps == self.gaps);
        call.map_or(NONE, |call| call.row)
    }

    /// From here on the thread is in another function.
    #[inline]
    pub(super) fn switch(&mut self, doer: &mut Doer, to: u32) {
        let (now, from) = (self.now, self.book.from);
        if let Some(of) = self.book.calls.at(doer.runs) {
            of.busy.0 += now.since(doer.runs_since.max(from)).0;
        }
        (doer.runs, doer.runs_since) = (to, now);
    }

    /// The call with this number: most likely one that runs in the task that is polled.
    #[inline]
    fn call(&mut self, doer: &Doer, number: u64) -> Option<&mut Call> {
        if number == 0 {
            return None;
        }
        let task = self.tasks.at(doer.task());
        let frame = task.map_or(NONE, |task| task.leaf());
        let is_it = self
            .futures
            .at(frame)
            .is_some_and(|call| call.number == number);
        let place = if is_it {
            frame
        } else {
            self.futures.place(number)?
        };
        self.futures.at(place)
    }

    #[inline]
    pub(super) fn enter(&mut self, doer: &mut Doer, future: u64, point: u64) {
        let (now, from) = (self.now, self.book.from);
        let Some(call) = self.call(doer, future) else {
            return;
        };
        call.point = Some((point, now));
        call.is_suspended_there = false;
        let (last, row) = (call.last, call.row);
        if let Some(of) = self.book.calls.at(row).filter(|_| now >= from) {
            let step = of.steps.of((last.0, Place::Point(point)));
            step.add(now.since(last.1.max(from)));
        }
        self.switch(doer, row);
    }

    #[inline]
    pub(super) fn leave(&mut self, doer: &mut Doer, future: u64, how: u64) {
        let (now, from) = (self.now, self.book.from);
        let Some(call) = self.call(doer, future) else {
            return;
        };
        let entered = call.point.take();
        let (is_suspended, row) = (call.is_suspended_there, call.row);
        if let Some((number, since)) = entered {
            call.last = (Place::Point(number), now);
            call.is_dropped = how == outcome::DROPPED;
            let of = self.book.calls.at(row).filter(|_| now >= from);
            if let Some(point) = of.and_then(|of| of.point(number)) {
                point.elapsed.add(now.since(since.max(from)));
                point.suspended += u64::from(is_suspended);
                point.dropped += u64::from(how == outcome::DROPPED);
            }
        }
        self.switch(doer, row);
    }

    pub(super) fn end_future(&mut self, doer: &mut Doer, number: u64, how: u64) {
        let Some((place, call)) = self.futures.remove(number) else {
            self.end_unpolled(doer, number);
            return;
        };
        let mut outer = NONE;
        if let Some(task) = self.tasks.at(call.task) {
            task.frames.retain(|frame| *frame != place);
            outer = task.leaf();
        }
        // What ended inside of an await did not come to its own end.
        let is_dropped = how != outcome::READY || call.point.is_some() || call.is_dropped;
        let end = match how {
            outcome::PANICKED => Place::Panicked,
            _ if is_dropped => Place::Dropped,
            _ => Place::Returned,
        };
        self.count_call(&call, Some(end));
        let outer = self.row_of(outer);
        self.switch(doer, outer);
    }

    fn end_unpolled(&mut self, doer: &Doer, number: u64) {
        let Some(function) = self.unmake(number) else {
            return;
        };
        if self.now < self.book.from || !self.counts(doer.task()) {
            return;
        }
        let row = self.book.calls.place(&function, || u64::MAX);
        if let Some(of) = self.book.calls.at(row) {
            of.never_polled += 1;
        }
    }

    /// A call is over, or goes on when all is read.
    pub(super) fn count_call(&mut self, call: &Call, end: Option<Place>) {
        let (now, from) = (self.now, self.book.from);
        let Some(of) = self.book.calls.at(call.row).filter(|_| now >= from) else {
            return;
        };
        let long = now.since(call.begun.max(from));
        of.calls += 1;
        of.suspended += u64::from(call.is_suspended);
        of.elapsed.add(long);
        of.callers.of(call.caller).add(long);
        let Some(end) = end else {
            of.open += 1;
            return;
        };
        of.dropped += u64::from(end == Place::Dropped);
        of.panicked += u64::from(end == Place::Panicked);
        // Where it is dropped, that is from the await point.
        let last = match call.point {
            Some((point, _)) => (Place::Point(point), now),
            None => call.last,
        };
        let step = of.steps.of((last.0, end));
        step.add(now.since(last.1.max(from)));
    }
}
