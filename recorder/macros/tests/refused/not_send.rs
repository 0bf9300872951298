#[path = "../mock/mod.rs"]
mod mock;

use std::rc::Rc;

use ais_macros::trace;

#[trace(crate = mock)]
async fn holds_an_rc() -> u8 {
    let shared = Rc::new(1);
    mock::later(()).await;
    *shared
}

fn assert_send(_: impl Send) {}

fn main() {
    assert_send(holds_an_rc());
}
