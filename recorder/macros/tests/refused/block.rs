#[path = "../mock/mod.rs"]
mod mock;

use ais_macros::traced;

fn main() {
    traced!();
    traced!("a name");
    traced!("", async {});
    traced!(std::future::ready(1));
    traced!(crate = mock, "not async", |x: u8| x);
    traced!(crate = mock, async {}, async {});
    traced!(crate = mock, name = "no key", async {});
    traced!(async {});
    traced!(crate = mock, "in it", async { missing(1).await });
}
