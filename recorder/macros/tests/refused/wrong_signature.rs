#[path = "../mock/mod.rs"]
mod mock;

use ais_macros::trace;
use mock::later;

#[trace(crate = mock)]
async fn returns_another_type(x: u8) -> String {
    later(x).await
}

#[trace(crate = mock)]
async fn returns_nothing() -> u8 {
    later(1).await;
}

#[trace(crate = mock)]
async fn unknown_type(x: Missing) -> u8 {
    later(x).await
}

#[trace(crate = mock)]
async fn is_not_mutable(x: u8) -> u8 {
    x += later(1).await;
    x
}

#[trace(crate = mock)]
async fn returns_what_it_borrows_from_itself() -> &'static str {
    let text = later(String::new()).await;
    &text
}

#[trace(crate = mock)]
async fn fails_with_another_error() -> Result<u8, std::fmt::Error> {
    Ok(later("1").await.parse()?)
}

#[trace(crate = mock)]
async fn refers_to_itself() {
    refers_to_itself().await;
}

fn main() {}
