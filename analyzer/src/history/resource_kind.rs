//! What resources are.

use ais_format::event::resource_kind;

/// What a resource is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// A lock with one holder.
    Mutex,
    /// A bounded channel.
    Channel,
    /// A lock with many readers or one writer.
    RwLock,
    /// Permits.
    Semaphore,
    /// A channel without a bound.
    UnboundedChannel,
    /// A channel for one message.
    Oneshot,
    /// A channel that keeps the last value only.
    Watch,
    /// A channel each of whose receivers gets each message.
    Broadcast,
    /// Lets tasks wait until they are notified.
    Notify,
    /// Lets tasks wait until enough of them have come.
    Barrier,
    /// A value that the first one who asks for it makes.
    OnceCell,
    /// A value that is set once, and waited for.
    SetOnce,
    /// A set of tasks that are joined as they end.
    TaskSet,
    /// An executor with threads that poll tasks.
    Runtime,
    /// An executor of tasks that are bound to one thread.
    LocalSet,
    /// Something that a later version records.
    Unknown,
}

impl ResourceKind {
    /// Whether all that counts of it is told at the beginning of a generation: who has units of it, who waits for it, how many messages are
    /// in it. Not what each receiver has seen, who is in a set, or how many have come to a barrier.
    pub fn is_known_from_a_base(self) -> bool {
        matches!(
            self,
            ResourceKind::Mutex
                | ResourceKind::RwLock
                | ResourceKind::Semaphore
                | ResourceKind::Channel
                | ResourceKind::UnboundedChannel
                | ResourceKind::Oneshot
        )
    }

    /// The kind with this number in the trace.
    pub fn from_number(number: u64) -> ResourceKind {
        match number {
            resource_kind::MUTEX => ResourceKind::Mutex,
            resource_kind::CHANNEL => ResourceKind::Channel,
            resource_kind::RWLOCK => ResourceKind::RwLock,
            resource_kind::SEMAPHORE => ResourceKind::Semaphore,
            resource_kind::UNBOUNDED_CHANNEL => ResourceKind::UnboundedChannel,
            resource_kind::ONESHOT => ResourceKind::Oneshot,
            resource_kind::WATCH => ResourceKind::Watch,
            resource_kind::BROADCAST => ResourceKind::Broadcast,
            resource_kind::NOTIFY => ResourceKind::Notify,
            resource_kind::BARRIER => ResourceKind::Barrier,
            resource_kind::ONCE_CELL => ResourceKind::OnceCell,
            resource_kind::SET_ONCE => ResourceKind::SetOnce,
            resource_kind::TASK_SET => ResourceKind::TaskSet,
            resource_kind::RUNTIME => ResourceKind::Runtime,
            resource_kind::LOCAL_SET => ResourceKind::LocalSet,
            _ => ResourceKind::Unknown,
        }
    }

    /// Its name in texts and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ResourceKind::Mutex => "mutex",
            ResourceKind::Channel => "channel",
            ResourceKind::RwLock => "rwlock",
            ResourceKind::Semaphore => "semaphore",
            ResourceKind::UnboundedChannel => "unbounded channel",
            ResourceKind::Oneshot => "oneshot channel",
            ResourceKind::Watch => "watch channel",
            ResourceKind::Broadcast => "broadcast channel",
            ResourceKind::Notify => "notify",
            ResourceKind::Barrier => "barrier",
            ResourceKind::OnceCell => "once cell",
            ResourceKind::SetOnce => "set-once cell",
            ResourceKind::TaskSet => "task set",
            ResourceKind::Runtime => "runtime",
            ResourceKind::LocalSet => "local set",
            ResourceKind::Unknown => "resource",
        }
    }

    /// Whether it has ends that send and ends that receive.
    pub fn is_channel(self) -> bool {
        matches!(
            self,
            ResourceKind::Channel
                | ResourceKind::UnboundedChannel
                | ResourceKind::Oneshot
                | ResourceKind::Watch
                | ResourceKind::Broadcast
        )
    }

    /// Whether it has a fixed count of units, of which no more can be held than there are.
    pub fn has_units(self) -> bool {
        matches!(
            self,
            ResourceKind::Mutex | ResourceKind::RwLock | ResourceKind::Semaphore
        )
    }
}
