//! What `#[trace]` and `traced!` expand to: a table of the await points of each function and block, a frame for each call, and a future
//! around each awaited expression.
//!
//! The frame is a value in the future that the compiler makes: moved into it when the future is made, or, where a function has to stay
//! an `async fn`, a local variable of it that is declared first and so dropped last. So there is no type around the future, which stays
//! the compiler's own, with a few words more.
//!
//! A frame is polled with the future that it is in, but nothing tells it so; what a function awaits is. So the innermost future that
//! runs is made known around polls of what is awaited ([`Awaiting`], and [`Inside`] for the branches of a macro), and not around those
//! of the function itself.
//!
//! Nothing here is for users to call; the names are public because expanded code lives in other crates.

mod awaiting;
mod frame;
mod table;

pub use awaiting::{Awaiting, Inside, Within, at, inside};
pub use frame::Frame;
pub use table::{AwaitPoint, Function, Place, Unseen};
