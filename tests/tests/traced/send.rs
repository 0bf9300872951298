//! A traced future can be sent to another thread if and only if the plain one can: told by the compiler, as this compiles.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use ais_recorder::{trace, traced};
use tokio::task::yield_now;

/// Compiles for what is `Send`.
fn assert_send<T: Send>(_: &T) {}

/// Two ways to have it where a type is `Send`, one where it is not: the compiler cannot choose then.
trait IsOne<Way> {}
impl<T> IsOne<()> for T {}
impl<T: Send> IsOne<bool> for T {}

/// Compiles for what is not `Send`.
fn assert_not_send<Way, T: IsOne<Way>>(_: &T) {}

#[trace]
async fn sends(text: &str, shared: Arc<u8>, mut count: u8) -> u8 {
    let block = async { text.len() as u8 };
    let moved = async move { *shared };
    let (a, b) = tokio::join!(block, moved);
    tokio::select! {
        biased;
        () = yield_now() => count += 1,
        c = async { 1 } => count += c,
        else => {}
    }
    let (c, d) = futures::join!(async { 1 }, async { 2 });
    nested(nested(a).await).await + b + c + d + count
}

#[trace]
async fn nested(n: u8) -> u8 {
    yield_now().await;
    n
}

/// What cannot be sent is gone before it awaits.
#[trace]
async fn sends_again(cell: &mut Cell<u8>) {
    {
        let shared = Rc::new(1);
        cell.set(*shared);
    }
    yield_now().await;
}

#[trace]
async fn keeps_rc() -> u8 {
    let shared = Rc::new(1);
    yield_now().await;
    *shared
}

#[trace]
async fn takes_rc(_shared: Rc<u8>) {}

/// `Cell` is not `Sync`, so a reference to one is not `Send`.
#[trace]
async fn borrows_cell(cell: &Cell<u8>) -> u8 {
    yield_now().await;
    cell.get()
}

#[trace]
async fn joins_rc() {
    let one = async { yield_now().await };
    let other = async {
        let shared = Rc::new(1);
        yield_now().await;
        drop(shared);
    };
    tokio::join!(one, other);
}

#[trace]
async fn generic<T: Default>() -> T {
    let value = T::default();
    yield_now().await;
    value
}

#[trace]
fn boxed(n: u8) -> std::pin::Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async move { nested(n).await })
}

fn kept_in_a_block() -> impl Future<Output = u8> {
    let shared = Rc::new(1);
    traced!("kept", async move { *shared })
}

#[test]
fn a_traced_future_is_send_if_and_only_if_the_plain_one_is() {
    let (text, mut cell) = (String::new(), Cell::new(1));
    assert_send(&sends(&text, Arc::new(1), 2));
    assert_send(&sends_again(&mut cell));
    assert_send(&generic::<String>());
    assert_send(&boxed(1));
    assert_send(&traced!("sent", async { nested(1).await }));

    assert_not_send(&keeps_rc());
    assert_not_send(&takes_rc(Rc::new(1)));
    assert_not_send(&borrows_cell(&cell));
    assert_not_send(&joins_rc());
    assert_not_send(&generic::<Rc<u8>>());
    assert_not_send(&kept_in_a_block());
}

#[test]
fn what_can_be_sent_runs_on_another_thread() {
    let text = String::from("abc");
    std::thread::scope(|scope| {
        let future = sends(&text, Arc::new(1), 2);
        let ran = scope.spawn(|| futures::executor::block_on(future));
        assert_eq!(ran.join().unwrap(), 10);
    });
}
