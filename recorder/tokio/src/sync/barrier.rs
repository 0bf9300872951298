//! The recorded barrier.
//!
//! Who comes to it is counted before it is known whether that was the last one: an arrival is recorded at the first poll, just before
//! tokio counts it, and like tokio's count it stays when the operation is given up. The last arrival of a round lets all others go on.

use std::fmt;
use std::future::Future;
use std::panic::Location;

use ais_recorder::instrument::event::{Arrive, operation_kind, resource_kind};
use ais_recorder::instrument::{self, HasResource, Resource};
use real::sync as tokio;
use real::sync::BarrierWaitResult;

use crate::operation::Asks;

/// [`tokio::sync::Barrier`](real::sync::Barrier), recorded.
///
/// It gives tokio's own one, but cannot be made of it: that does not tell how many it waits for.
pub struct Barrier {
    resource: Resource,
    inner: tokio::Barrier,
}

impl Barrier {
    /// See [`real::sync::Barrier::new`]. The barrier is known by the place of this call.
    #[track_caller]
    pub fn new(n: usize) -> Barrier {
        let capacity = n.max(1) as u64;
        let location = Location::caller();
        Barrier {
            resource: crate::start::resource(resource_kind::BARRIER, capacity, location, None),
            inner: tokio::Barrier::new(n),
        }
    }

    /// See [`real::sync::Barrier::wait`].
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = BarrierWaitResult> {
        let location = Location::caller();
        let finish = |result, _, _| result;
        Asks::new(operation_kind::BARRIER, self, location, finish).by(async move {
            self.resource.change(|resource, sequence| Arrive {
                resource,
                sequence,
                location: instrument::location(location),
            });
            self.inner.wait().await
        })
    }
}

impl HasResource for Barrier {
    fn resource(&self) -> &Resource {
        &self.resource
    }
}

impl From<Barrier> for tokio::Barrier {
    fn from(barrier: Barrier) -> Self {
        barrier.inner
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
