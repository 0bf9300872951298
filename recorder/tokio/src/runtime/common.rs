//! What our runtimes have in common: tokio's own, the resource that it is to the trace, and that its end is recorded.

use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::event::section_kind;
use ais_recorder::instrument::{Resource, Section, flush};

use super::{Handle, executors};

/// One of tokio's runtimes, an `R`, recorded: shut down when this is dropped.
pub(super) struct Common<R> {
    /// None only while it is shut down.
    inner: Option<R>,
    handle: Handle,
    resource: Arc<Resource>,
}

impl<R> Common<R> {
    /// The runtime that `handle` is of, made at `location`, with up to `pool` threads for blocking jobs (zero: not known).
    pub(super) fn new(
        inner: R,
        handle: real::runtime::Handle,
        pool: u32,
        location: &'static Location<'static>,
    ) -> Common<R> {
        // Without threads of its own, it polls its tasks on that of whoever blocks on it.
        let workers = match handle.runtime_flavor() {
            real::runtime::RuntimeFlavor::MultiThread => handle.metrics().num_workers() as u64,
            _ => 0,
        };
        let name = name_of(&handle).map(|name| name.to_owned().into());
        let resource = crate::start::runtime(workers, pool, location, name);
        let resource = Arc::new(resource);
        executors::insert(&handle, &resource);
        Common {
            inner: Some(inner),
            handle: Handle::new(handle, Arc::clone(&resource)),
            resource,
        }
    }

    /// Tokio's own.
    pub(super) fn real(&self) -> &R {
        match &self.inner {
            Some(inner) => inner,
            None => unreachable!("it is taken out by what consumes this"),
        }
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Tokio's own, which goes on.
    pub(super) fn into_inner(mut self) -> R {
        match self.inner.take() {
            Some(inner) => inner,
            None => unreachable!("it is taken out once"),
        }
    }

    /// Records that it is shut down, around what does it.
    pub(super) fn shut_down(&mut self, shut_down: impl FnOnce(R)) {
        let Some(inner) = self.inner.take() else {
            return;
        };
        let section = Section::enter(
            section_kind::SHUTDOWN,
            Some(&self.resource),
            Location::caller(),
        );
        shut_down(inner);
        drop(section);
        flush();
    }
}

impl<R> Drop for Common<R> {
    fn drop(&mut self) {
        self.shut_down(drop);
    }
}

#[cfg(tokio_minor_at_least_51)]
fn name_of(handle: &real::runtime::Handle) -> Option<&str> {
    handle.name()
}

/// Runtimes have no names.
#[cfg(not(tokio_minor_at_least_51))]
fn name_of(_: &real::runtime::Handle) -> Option<&str> {
    None
}
