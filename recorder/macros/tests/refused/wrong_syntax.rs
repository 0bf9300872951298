#[path = "../mock/mod.rs"]
mod mock;

use ais_macros::trace;

#[trace(crate = mock)]
async fn an_operand_is_missing() {
    later(1).await +
}

fn main() {}
