//! The attribute `#[trace]` of `ais-recorder`, and `traced!`.
//!
//! An async function is compiled to a state machine whose states are its await points, and nothing outside of the compiler
//! can say which of them a running future is in. `#[trace]` makes it known: it lists the function's await points in a static
//! table and brackets each of them with one call, so that a trace can say "waits at `a.lock()`, src/bank.rs:43:22, state 2 of
//! 4 of `transfer`".
//!
//! A function comes in as tokens and goes out as what the compiler would have made of it, a function that returns an async block,
//! with two additions: a frame that the block captures, and one call around each awaited expression. Nothing that the user wrote is
//! wrapped in an inner future. That is what keeps temporaries, `?`, borrowing, `Send` and the size of the future as they were.
//!
//! | module | turns | into |
//! |---|---|---|
//! | `args` | the tokens in `#[trace(…)]` | the options a user gave |
//! | `runtime` | those options and the user's manifest | the path of the runtime the expansion calls |
//! | `items` | the item under the attribute | the functions to trace, or one sentence on why there are none |
//! | `subject` | a function | the body of its future |
//! | `rewrite` | that body | the bracketed body and its await points |
//! | `macros` | a macro call in it | an await point, if it awaits |
//! | `points` | names and await points | the static table |
//! | `frame` | body and table | the body, or an async block, with its frame |
//! | `function` | an `async fn` | a function that returns such a block |
//! | `block` | the tokens in `traced!(…)` | such a block, or a closure |
//! | `text` | an awaited expression | one short line a person can read |
//!
//! The expansion and the runtime meet in the hidden module `__private` of the runtime crate. Its promises:
//!
//! - `Place::new`, `AwaitPoint::new`, `Unseen::new` and `Function::new` are `const`, as they build a static;
//! - `Frame::new(&'static Function)` is called when the future is made, and `Frame::begin(&mut Frame, &'static Function)` when it is
//!   first polled; the frame is dropped with the future, after all other locals and the arguments of the body;
//! - `Frame::enter(&'static Function)` is both at once, and what it returns is dropped after every other local of the body;
//! - `at(impl IntoFuture, &Frame, u16)` returns a future with the output of its first argument. The number is the await
//!   point's position in the function's table;
//! - `inside(impl IntoFuture, &Frame)` does for a branch of a macro; `Within::enter(&Frame, u16)` stands while the macro awaits,
//!   until `leave` or `left` or its end;
//! - `Frame` and `Within` are `Send`, and `Frame` is `Sync`, or traced futures would stop being `Send`.

#![forbid(unsafe_code)]

mod args;
mod block;
mod expand;
mod frame;
mod function;
mod items;
mod macros;
mod points;
mod rewrite;
mod runtime;
mod subject;
mod text;

use proc_macro::TokenStream;

#[doc = include_str!("../docs/trace.md")]
#[proc_macro_attribute]
pub fn trace(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::trace(args.into(), item.into()).into()
}

#[doc = include_str!("../docs/traced.md")]
#[proc_macro]
pub fn traced(input: TokenStream) -> TokenStream {
    expand::traced(input.into()).into()
}
