//! Senders that keep no channel open.

use std::panic::Location;
use std::sync::Arc;

use ais_recorder::instrument::Ends;
use ais_recorder::instrument::event::{handle_end, resource_kind};
use real::sync::mpsc as tokio;

use super::{Sender, UnboundedSender};
use crate::sync::channel::{adopted, escaping, shown_as_inner, unwraps, upgraded};

macro_rules! weak_senders {
    ($($weak:ident of $strong:ident: $kind:expr;)*) => {$(
        #[doc = concat!("[`tokio::sync::mpsc::", stringify!($weak), "`](real::sync::mpsc::", stringify!($weak), "), recorded.")]
        pub struct $weak<T> {
            ends: Arc<Ends>,
            inner: tokio::$weak<T>,
        }

        impl<T> $weak<T> {
            pub(super) fn new(ends: &Arc<Ends>, inner: tokio::$weak<T>) -> Self {
                $weak {
                    ends: Arc::clone(ends),
                    inner,
                }
            }

            #[doc = concat!("See [`real::sync::mpsc::", stringify!($weak), "::upgrade`].")]
            pub fn upgrade(&self) -> Option<$strong<T>> {
                let inner = self.inner.upgrade()?;
                Some($strong {
                    end: upgraded(&self.ends),
                    inner,
                })
            }

            #[doc = concat!("See [`real::sync::mpsc::", stringify!($weak), "::strong_count`].")]
            pub fn strong_count(&self) -> usize {
                self.inner.strong_count()
            }

            #[doc = concat!("See [`real::sync::mpsc::", stringify!($weak), "::weak_count`].")]
            pub fn weak_count(&self) -> usize {
                self.inner.weak_count()
            }

            /// Tokio's own. What is sent through what it is upgraded to is not recorded.
            pub fn into_inner(self) -> tokio::$weak<T> {
                escaping(&self.ends);
                self.inner
            }
        }

        impl<T> Clone for $weak<T> {
            fn clone(&self) -> Self {
                $weak::new(&self.ends, self.inner.clone())
            }
        }

        impl<T> From<tokio::$weak<T>> for $weak<T> {
            #[track_caller]
            fn from(inner: tokio::$weak<T>) -> Self {
                let capacity = inner.upgrade().map_or(0, |sender| $strong::capacity_of(&sender));
                let end = adopted($kind, capacity, handle_end::SENDER, Location::caller());
                $weak::new(end.ends(), inner)
            }
        }

        unwraps! { $weak => tokio::$weak<T>; }
        shown_as_inner! { [T] $weak<T>; }
    )*};
}

weak_senders! {
    WeakSender of Sender: resource_kind::CHANNEL;
    WeakUnboundedSender of UnboundedSender: resource_kind::UNBOUNDED_CHANNEL;
}
