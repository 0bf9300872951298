//! A tiny executor on one thread: it polls the task that it is told to.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ais_recorder::Task;

use crate::model::Life;

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

/// Tasks by their number in the program; those that were not spawned yet are not there.
#[derive(Default)]
pub(crate) struct Executor {
    tasks: RefCell<Vec<Spawned>>,
}

struct Spawned {
    number: usize,
    /// As the trace knows it.
    recorded: u64,
    /// None while it is polled, and after its end.
    future: Option<Boxed>,
    woken: Arc<Woken>,
    end: Rc<End>,
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The end of a task, and who waits for it.
#[derive(Default)]
struct End {
    reached: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

/// Waits for the end of a task.
pub(crate) struct Handle(Rc<End>);

impl Future for Handle {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.reached.get() {
            return Poll::Ready(());
        }
        let mut waker = self.0.waker.borrow_mut();
        let is_same = |waker: &Waker| waker.will_wake(cx.waker());
        if !waker.as_ref().is_some_and(is_same) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        *self.0.waker.borrow_mut() = None;
    }
}

impl Executor {
    /// Takes over a task, which is woken.
    pub(crate) fn push<F>(&self, number: usize, task: Task<F>) -> Handle
    where
        F: Future<Output = ()> + 'static,
    {
        let end = Rc::new(End::default());
        self.tasks.borrow_mut().push(Spawned {
            number,
            recorded: task.id(),
            future: Some(Box::pin(task)),
            woken: Arc::new(Woken(AtomicBool::new(true))),
            end: Rc::clone(&end),
        });
        Handle(end)
    }

    /// The tasks that can be polled, by number.
    pub(crate) fn woken(&self) -> Vec<usize> {
        let tasks = self.tasks.borrow();
        let is_woken =
            |task: &&Spawned| !task.end.reached.get() && task.woken.0.load(Ordering::Relaxed);
        let mut woken: Vec<usize> = tasks
            .iter()
            .filter(is_woken)
            .map(|task| task.number)
            .collect();
        woken.sort_unstable();
        woken
    }

    pub(crate) fn life(&self, number: usize) -> Life {
        let tasks = self.tasks.borrow();
        match tasks.iter().find(|task| task.number == number) {
            None => Life::Before,
            Some(task) if task.end.reached.get() => Life::Ended,
            Some(_) => Life::Live,
        }
    }

    /// The number that a task has in the program.
    pub(crate) fn number_of(&self, recorded: u64) -> Option<usize> {
        let tasks = self.tasks.borrow();
        let task = tasks.iter().find(|task| task.recorded == recorded)?;
        Some(task.number)
    }

    /// The number that a task has in the trace.
    pub(crate) fn recorded(&self, number: usize) -> Option<u64> {
        let tasks = self.tasks.borrow();
        let task = tasks.iter().find(|task| task.number == number)?;
        Some(task.recorded)
    }

    /// Polls a task once.
    pub(crate) fn poll(&self, number: usize) {
        let Some((mut future, woken, end)) = self.begin(number) else {
            return;
        };
        let waker = Waker::from(Arc::clone(&woken));
        let result = future.as_mut().poll(&mut Context::from_waker(&waker));
        if result.is_pending() {
            self.put_back(number, future);
            return;
        }
        drop(future);
        end.reached.set(true);
        let waiting = end.waker.borrow_mut().take();
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    fn begin(&self, number: usize) -> Option<(Boxed, Arc<Woken>, Rc<End>)> {
        let mut tasks = self.tasks.borrow_mut();
        let task = tasks.iter_mut().find(|task| task.number == number)?;
        task.woken.0.store(false, Ordering::Relaxed);
        Some((
            task.future.take()?,
            Arc::clone(&task.woken),
            Rc::clone(&task.end),
        ))
    }

    fn put_back(&self, number: usize, future: Boxed) {
        let mut tasks = self.tasks.borrow_mut();
        if let Some(task) = tasks.iter_mut().find(|task| task.number == number) {
            task.future = Some(future);
        }
    }
}
