//! A user of the recorder under another name, in an older edition, where the temporaries of a function's last expression
//! outlive its locals, the frame among them.

use std::future::ready;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

struct Noisy(&'static str);

impl Drop for Noisy {
    fn drop(&mut self) {
        println!("drop {}", self.0);
    }
}

async fn length_of(noisy: &Noisy) -> usize {
    noisy.0.len()
}

#[async_inspect::trace]
async fn temporary_at_the_end() -> usize {
    let _local = Noisy("local");
    length_of(&Noisy("temporary")).await
}

#[async_inspect::trace]
async fn guard_at_the_end() -> usize {
    match ready(Noisy("guard")).await.0 {
        name => ready(name.len()).await,
    }
}

fn run<T>(future: impl std::future::Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn main() {
    assert_eq!(run(temporary_at_the_end()), 9);
    assert_eq!(run(guard_at_the_end()), 5);
    assert_eq!(run(async_inspect::at_home()), 1);
}
