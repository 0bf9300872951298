//! What a trace costs the future itself: it stays `Send`, and await points share their space.

use ais_macros::trace;

use crate::mock::{later, run};

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
