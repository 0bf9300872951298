//! How much larger a traced future is than the plain one.

use tokio::task::yield_now;

/// What `#[trace]` says of it: for each traced function on the way down, at most so many bytes.
const PER_LEVEL: usize = 32;
/// And for each branch of a macro that is awaited there.
const PER_BRANCH: usize = 8;

/// The same functions, under the attribute or without.
macro_rules! functions {
    ($module:ident $(, #[$attribute:meta])?) => {
        mod $module {
            use super::yield_now;

            $(#[$attribute])?
            pub(super) async fn first(large: [u8; 4096]) -> u8 {
                second(large).await
            }

            $(#[$attribute])?
            async fn second(large: [u8; 4096]) -> u8 {
                third(large).await
            }

            $(#[$attribute])?
            pub(super) async fn third(large: [u8; 4096]) -> u8 {
                yield_now().await;
                large[0]
            }

            $(#[$attribute])?
            pub(super) async fn many_awaits(large: [u8; 4096]) -> u8 {
                let a = third(large).await;
                let b = third(large).await;
                third([a + b; 4096]).await
            }

            $(#[$attribute])?
            pub(super) async fn nested_awaits(large: [u8; 4096]) -> u8 {
                third([third([third(large).await; 4096]).await; 4096]).await
            }

            pub(super) struct Large([u8; 4096]);
            impl Large {
                pub(super) fn new() -> Self {
                    Self([1; 4096])
                }

                $(#[$attribute])?
                pub(super) async fn method(self) -> u8 {
                    yield_now().await;
                    self.0[0]
                }
            }

            $(#[$attribute])?
            pub(super) async fn joins(large: [u8; 4096]) -> u8 {
                let (one, other) = (third(large), third(large));
                let (a, b) = tokio::join!(one, other);
                a + b
            }

            $(#[$attribute])?
            pub(super) async fn selects(large: [u8; 4096]) -> u8 {
                tokio::select! {
                    biased;
                    a = third(large) => a,
                    b = third(large) => b,
                }
            }

            $(#[$attribute])?
            pub(super) async fn has_block(large: [u8; 4096]) -> u8 {
                let block = async { third(large).await };
                block.await
            }
        }
    };
}

functions!(plain);
functions!(traced, #[ais_recorder::trace]);

/// Asserts that the traced one is larger by at most so many bytes.
macro_rules! at_most {
    ($allowed:expr, $($call:tt)*) => {
        let plain = size_of_val(&plain::$($call)*);
        let traced = size_of_val(&traced::$($call)*);
        assert!(
            traced <= plain + $allowed,
            "{}: {traced} bytes traced, {plain} plain, {} allowed",
            stringify!($($call)*),
            $allowed
        );
    };
}

#[test]
fn a_traced_future_is_larger_by_a_constant_for_each_traced_level() {
    let large = [1; 4096];
    at_most!(PER_LEVEL, third(large));
    at_most!(3 * PER_LEVEL, first(large));
    at_most!(2 * PER_LEVEL, many_awaits(large));
    at_most!(2 * PER_LEVEL, nested_awaits(large));
    at_most!(PER_LEVEL, Large::new().method());
    // What is awaited side by side adds up.
    at_most!(3 * PER_LEVEL + 2 * PER_BRANCH, joins(large));
    at_most!(3 * PER_LEVEL + 2 * PER_BRANCH, selects(large));
    // A block that is not `move` holds its frame twice: where it was captured, and where it lives.
    at_most!(3 * PER_LEVEL + 16, has_block(large));
}
