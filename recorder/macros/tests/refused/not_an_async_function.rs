use std::future::{Future, ready};

use ais_macros::trace;

#[trace]
fn plain() -> u8 {
    1
}

/// With documentation, and a future made by another function.
#[trace]
pub(crate) fn returns_a_future(x: u8) -> impl Future<Output = u8> {
    ready(x)
}

/// Its block is not the last thing in it.
#[trace]
fn returns_a_local() -> impl Future<Output = ()> {
    let block = async {};
    block
}

macro_rules! from_a_macro {
    ($name:ident) => {
        #[trace]
        fn $name() -> impl Future<Output = ()> {
            ready(())
        }
    };
}
from_a_macro!(made);

fn main() {
    let _ = (plain(), returns_a_future(1), returns_a_local(), made());
}
