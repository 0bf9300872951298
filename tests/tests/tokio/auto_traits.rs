//! Whether a recorded type can be sent, shared, moved and carried over a panic wherever tokio's own can.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use recorded_tokio::sync::{
    Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, SetOnce, broadcast, mpsc, oneshot, watch,
};
use recorded_tokio::task::JoinSet;
use recorded_tokio::time;

/// Neither `Send` nor `Sync`.
pub(crate) type Neither = Rc<u8>;
/// `Send`, not `Sync`.
pub(crate) type OnlySend = Cell<u8>;
/// Both.
pub(crate) type Both = u8;

/// Which auto traits a type has. The constants of the trait answer where those of the type, which are found first, do not exist.
macro_rules! auto_traits_of {
    ($type:ty) => {{
        #[allow(dead_code)]
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        trait Lacks {
            const SEND: bool = false;
            const SYNC: bool = false;
            const UNPIN: bool = false;
            const UNWIND_SAFE: bool = false;
            const REF_UNWIND_SAFE: bool = false;
        }
        impl<T: ?Sized> Lacks for Probe<T> {}
        #[allow(dead_code)]
        impl<T: ?Sized + Send> Probe<T> {
            const SEND: bool = true;
        }
        #[allow(dead_code)]
        impl<T: ?Sized + Sync> Probe<T> {
            const SYNC: bool = true;
        }
        #[allow(dead_code)]
        impl<T: ?Sized + Unpin> Probe<T> {
            const UNPIN: bool = true;
        }
        #[allow(dead_code)]
        impl<T: ?Sized + std::panic::UnwindSafe> Probe<T> {
            const UNWIND_SAFE: bool = true;
        }
        #[allow(dead_code)]
        impl<T: ?Sized + std::panic::RefUnwindSafe> Probe<T> {
            const REF_UNWIND_SAFE: bool = true;
        }
        [
            Probe::<$type>::SEND,
            Probe::<$type>::SYNC,
            Probe::<$type>::UNPIN,
            Probe::<$type>::UNWIND_SAFE,
            Probe::<$type>::REF_UNWIND_SAFE,
        ]
    }};
}

/// Asserts that recorded types have the auto traits of tokio's own, whatever they hold.
macro_rules! assert_same_auto_traits {
    ($($module:ident::$name:ident<$($lifetime:lifetime,)? T>;)*) => {$(
        assert_same_auto_traits!(@ $module $name Neither $($lifetime)?);
        assert_same_auto_traits!(@ $module $name OnlySend $($lifetime)?);
        assert_same_auto_traits!(@ $module $name Both $($lifetime)?);
    )*};
    (@ $module:ident $name:ident $held:ident $($lifetime:lifetime)?) => {
        assert_eq!(
            auto_traits_of!(recorded_tokio::sync::$module::$name<$($lifetime,)? $held>),
            auto_traits_of!(tokio::sync::$module::$name<$($lifetime,)? $held>),
            "{} of {}: Send, Sync, Unpin, UnwindSafe, RefUnwindSafe",
            stringify!($module::$name),
            stringify!($held),
        );
    };
}

#[test]
fn what_can_be_sent_shared_and_moved_is_what_tokio_lets_be() {
    assert_ne!(auto_traits_of!(Neither), auto_traits_of!(Both));
    assert_same_auto_traits! {
        mpsc::Sender<T>;
        mpsc::Receiver<T>;
        mpsc::WeakSender<T>;
        mpsc::UnboundedSender<T>;
        mpsc::UnboundedReceiver<T>;
        mpsc::WeakUnboundedSender<T>;
        mpsc::Permit<'static, T>;
        mpsc::PermitIterator<'static, T>;
        mpsc::OwnedPermit<T>;
        oneshot::Sender<T>;
        oneshot::Receiver<T>;
        watch::Sender<T>;
        watch::Receiver<T>;
        watch::Ref<'static, T>;
        broadcast::Sender<T>;
        broadcast::WeakSender<T>;
        broadcast::Receiver<T>;
    }
}

/// What a task can be that is handed to threads.
fn can_be_spawned(_: impl Future + Send + 'static) {}

/// Whether the future of an operation is `Send` does not tell yet whether a future is that awaits it: there the compiler forgets lifetimes.
#[test]
fn what_waits_can_be_awaited_in_a_task_that_is_sent() {
    let mutex = Arc::new(Mutex::new(1_u8));
    can_be_spawned({
        let mutex = Arc::clone(&mutex);
        async move { drop(mutex.lock().await) }
    });
    can_be_spawned(async move { drop(mutex.lock_owned().await) });

    let rwlock = Arc::new(RwLock::new(1_u8));
    can_be_spawned({
        let rwlock = Arc::clone(&rwlock);
        async move {
            drop(rwlock.read().await);
            drop(rwlock.write().await);
            drop(Arc::clone(&rwlock).read_owned().await);
            rwlock.write_owned().await
        }
    });

    let semaphore = Arc::new(Semaphore::new(1));
    can_be_spawned(async move {
        drop(semaphore.acquire().await);
        drop(semaphore.acquire_many(1).await);
        drop(Arc::clone(&semaphore).acquire_owned().await);
        semaphore.acquire_many_owned(1).await
    });

    let cell = Arc::new(OnceCell::<String>::new());
    can_be_spawned(async move {
        cell.get_or_init(|| async { String::new() }).await;
        let made: Result<_, u8> = cell.get_or_try_init(|| async { Ok(String::new()) }).await;
        made.is_ok()
    });

    let (once, barrier) = (SetOnce::<u8>::new(), Barrier::new(1));
    can_be_spawned(async move { (*once.wait().await, barrier.wait().await.is_leader()) });
    let notify = Arc::new(Notify::new());
    can_be_spawned(async move {
        notify.notified().await;
        notify.notified_owned().await;
    });

    let (sender, mut receiver) = mpsc::channel::<String>(1);
    can_be_spawned(async move {
        let _ = sender.send(String::new()).await;
        let _ = sender.send_timeout(String::new(), Duration::ZERO).await;
        drop(sender.reserve().await);
        drop(sender.reserve_many(1).await);
        drop(sender.clone().reserve_owned().await);
        sender.closed().await;
    });
    can_be_spawned(async move {
        receiver.recv().await;
        receiver.recv_many(&mut Vec::new(), 1).await
    });
    let (sender, mut receiver) = mpsc::unbounded_channel::<String>();
    can_be_spawned(async move { sender.closed().await });
    can_be_spawned(async move {
        receiver.recv().await;
        receiver.recv_many(&mut Vec::new(), 1).await
    });
    let (mut sender, receiver) = oneshot::channel::<String>();
    can_be_spawned(async move { sender.closed().await });
    can_be_spawned(receiver);
    let (sender, mut receiver) = watch::channel(String::new());
    can_be_spawned(async move { sender.closed().await });
    can_be_spawned(async move {
        let _ = receiver.changed().await;
        receiver.wait_for(|_| true).await.is_ok()
    });
    let (sender, mut receiver) = broadcast::channel::<String>(1);
    can_be_spawned(async move { sender.closed().await });
    can_be_spawned(async move { receiver.recv().await });

    let mut set = JoinSet::<String>::new();
    can_be_spawned(async move {
        set.join_next().await;
        set.join_next_with_id().await;
        set.shutdown().await;
        set.join_all().await
    });
    can_be_spawned(async {
        time::sleep(Duration::ZERO).await;
        let mut interval = time::interval(Duration::from_secs(1));
        interval.tick().await;
        time::timeout(Duration::ZERO, interval.tick()).await
    });
}
