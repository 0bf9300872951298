//! What a trace costs the future itself: it stays `Send`, and about as large.

use ais_macros::trace;

use crate::mock::__private::{At, Frame};
use crate::mock::{later, pause, run};

fn assert_send<T: Send>(_: &T) {}

#[test]
fn a_traced_future_is_send_where_the_plain_one_is() {
    trait Load: Send + Sync {
        fn load<'a>(&'a self, name: &'a str) -> impl Future<Output = &'a str> + Send;
    }

    #[trace(crate = crate::mock)]
    async fn borrows(names: &[String]) -> usize {
        let mut sum = 0;
        for name in names.iter().map(String::as_str) {
            sum += later(name).await.len() + later(&name[..1]).await.len();
        }
        println!("{}", later(sum).await);
        sum
    }

    #[trace(crate = crate::mock)]
    async fn generic<L: Load>(loader: &L, names: &[String]) -> usize {
        let futures = names.iter().map(|name| loader.load(name));
        let mut sum = 0;
        for future in futures {
            sum += future.await.len();
        }
        sum
    }

    struct Echo;
    impl Load for Echo {
        async fn load<'a>(&'a self, name: &'a str) -> &'a str {
            later(name).await
        }
    }

    let names = ["a".to_owned(), "bc".to_owned()];
    let borrowing = borrows(&names);
    assert_send(&borrowing);
    assert_eq!(run(borrowing).output, 5);

    let loading = generic(&Echo, &names);
    assert_send(&loading);
    assert_eq!(run(loading).output, 3);
}

/// The same three functions, each calling the next with a large argument, under an attribute or without.
macro_rules! three_deep {
    ($module:ident $(, #[$attribute:meta])?) => {
        mod $module {
            use super::pause;

            $(#[$attribute])?
            pub(super) async fn first(large: [u8; 1024]) -> u8 {
                second(large).await
            }

            $(#[$attribute])?
            async fn second(large: [u8; 1024]) -> u8 {
                third(large).await
            }

            $(#[$attribute])?
            async fn third(large: [u8; 1024]) -> u8 {
                pause().await;
                large[0]
            }
        }
    };
}

three_deep!(plain);
three_deep!(traced, #[super::trace(crate = crate::mock)]);

#[test]
fn a_traced_future_is_larger_by_a_frame_and_a_bracket_for_each_level() {
    let plain = size_of_val(&plain::first([1; 1024]));
    let traced = size_of_val(&traced::first([1; 1024]));

    let per_level = size_of::<Frame>() + size_of::<At<()>>() + size_of::<usize>();
    assert!(
        traced <= plain + 3 * per_level,
        "{traced} bytes traced, {plain} plain, {per_level} allowed for each of 3 levels"
    );
    assert!(traced > plain, "the mock holds a frame, so it must show");
    assert_eq!(run(traced::first([1; 1024])).functions.len(), 3);
}

#[test]
fn await_points_one_after_the_other_share_their_space() {
    #[trace(crate = crate::mock)]
    async fn one() {
        later([0_u8; 256]).await;
    }

    #[trace(crate = crate::mock)]
    async fn four() {
        later([0_u8; 256]).await;
        later([1_u8; 256]).await;
        later([2_u8; 256]).await;
        later([3_u8; 256]).await;
    }

    assert_eq!(size_of_val(&four()), size_of_val(&one()));
}
