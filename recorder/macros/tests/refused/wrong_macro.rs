#[path = "../mock/mod.rs"]
mod mock;

use ais_macros::trace;
use mock::later;

#[trace(crate = mock)]
async fn arm_of_another_type() -> u8 {
    tokio::select! {
        x = later(1) => x,
        y = later("text") => y,
    }
}

#[trace(crate = mock)]
async fn unknown_name_in_an_arm() -> u8 {
    tokio::select! {
        _ = later(1) => missing(1).await,
    }
}

#[trace(crate = mock)]
async fn argument_is_moved_away(text: String) -> String {
    let block = async move { later(text).await };
    block.await;
    text
}

fn main() {}
