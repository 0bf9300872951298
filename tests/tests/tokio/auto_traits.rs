//! Whether a recorded type can be sent, shared, moved and carried over a panic wherever tokio's own can.

use std::cell::Cell;
use std::rc::Rc;

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
