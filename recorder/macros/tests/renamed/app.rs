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

struct Greeter<'g> {
    greeting: &'g str,
}

impl<'g> Greeter<'g> {
    /// In this edition what a function returns holds references only where that is written down.
    #[async_inspect::trace]
    pub async fn greet(&self, name: &str, mark: impl std::fmt::Display) -> String {
        ready(format!("{} {name}{mark}", self.greeting)).await
    }
}

/// In this edition no more is needed to do what is unsafe.
#[async_inspect::trace]
async unsafe fn read(pointer: *const u8) -> u8 {
    ready(()).await;
    *pointer
}

#[async_inspect::trace]
async fn block_at_the_end() -> usize {
    let name = Noisy("borrowed");
    async { length_of(&name).await + length_of(&Noisy("temporary")).await }.await
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
    let name = String::from("world");
    let greeter = Greeter { greeting: "hello" };
    assert_eq!(run(greeter.greet(&name, '!')), "hello world!");
    assert_eq!(run(unsafe { read(&7) }), 7);
    assert_eq!(run(block_at_the_end()), 17);
}
