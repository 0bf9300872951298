use std::future::Future;

use ais_macros::trace;

#[trace]
fn plain() -> u8 {
    1
}

/// With documentation, and a future made by hand.
#[trace]
pub(crate) fn returns_a_future(x: u8) -> impl Future<Output = u8> {
    async move { x }
}

macro_rules! from_a_macro {
    ($name:ident) => {
        #[trace]
        fn $name() -> impl Future<Output = ()> {
            async {}
        }
    };
}
from_a_macro!(made);

fn main() {
    let _ = (plain(), returns_a_future(1), made());
}
