#[path = "../mock/mod.rs"]
mod mock;

use ais_macros::trace;

#[trace(crate = mock)]
async fn awaits_a_number(number: u32) {
    number.await;
}

#[trace(crate = mock)]
async fn mismatched() -> u8 {
    let text: &str = mock::later(1_u8).await;
    text.len()
}

#[trace(crate = mock)]
async fn unknown_name() {
    mock::later(()).await;
    missing(1).await;
}

#[trace(crate = mock)]
async fn moved_twice(text: String) -> usize {
    let first = mock::later(text).await;
    let second = mock::later(text).await;
    first.len() + second.len()
}

fn main() {}
