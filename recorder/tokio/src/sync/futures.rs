//! Named future types, see [`real::sync::futures`].

pub use super::notify::{Notified, OwnedNotified};
