//! The table of a function is registered once.

use std::sync::Barrier;

use ais_recorder::trace;

use crate::{calls, function, recorded};

#[trace]
async fn generic<T: Clone>(value: T) -> T {
    let block = async { value.clone() };
    block.await
}

#[test]
fn a_table_is_registered_once_for_all_threads_and_all_types() {
    /// Many functions, so that threads meet in some of them.
    macro_rules! functions {
        ($($name:ident)*) => {
            $(
                #[trace]
                async fn $name() {
                    std::future::ready(1).await;
                }
            )*
            const NAMES: &[&str] = &[$(stringify!($name)),*];

            async fn call_all() {
                $($name().await;)*
            }
        };
    }
    functions!(f0 f1 f2 f3 f4 f5 f6 f7 f8 f9);
    const THREADS: usize = 4;

    let history = recorded(async {
        let start = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    start.wait();
                    futures::executor::block_on(call_all());
                    futures::executor::block_on(generic(1));
                    futures::executor::block_on(generic("text"));
                });
            }
        });
    });
    for name in NAMES {
        let table = function(&history, name);
        assert_eq!(table.points.as_ref().unwrap().len(), 1);
        assert_eq!(calls(&history, name).len(), THREADS);
    }
    for name in ["generic", "generic::{block}"] {
        function(&history, name);
        assert_eq!(calls(&history, name).len(), 2 * THREADS);
    }
}
