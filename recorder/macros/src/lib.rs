//! The attribute `#[trace]` of `ais-recorder`.
//!
//! An async function is compiled to a state machine whose states are its await points, and nothing outside of the compiler
//! can say which of them a running future is in. `#[trace]` makes it known: it lists the function's await points in a static
//! table and brackets each of them with one call, so that a trace can say "waits at `a.lock()`, src/bank.rs:43:22, state 2 of
//! 4 of `transfer`".
//!
//! A function comes in as tokens and goes out as the same tokens with two additions: one `let` at the top of the body, and
//! one call around each awaited expression. Nothing is wrapped in a block or in an inner future. That is what keeps
//! temporaries, `?`, borrowing, `Send` and the size of the future as they were.
//!
//! | module | turns | into |
//! |---|---|---|
//! | `args` | the tokens in `#[trace(…)]` | the options a user gave |
//! | `runtime` | those options and the user's manifest | the path of the runtime the expansion calls |
//! | `subject` | the item under the attribute | the body to trace, or one sentence on why there is none |
//! | `rewrite` | that body | the bracketed body and its await points |
//! | `points` | names and await points | the static table and the `let` that enters it |
//! | `text` | an awaited expression | one short line a person can read |
//!
//! The expansion and the runtime meet in the hidden module `__private` of the runtime crate. Its promises:
//!
//! - `Place::new`, `AwaitPoint::new` and `Function::new` are `const`, as they build a static;
//! - `Frame::enter(&'static Function)` is the first thing that runs when the future is first polled, and the frame it returns
//!   is dropped after every other local of the body;
//! - `Frame::at(&Frame, u16, impl IntoFuture)` returns a future with the output of its last argument. The number is the await
//!   point's position in the function's table;
//! - `Frame` is `Send` and `Sync`, or traced futures would stop being `Send`.

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

/// Records the await points of an `async fn`.
///
/// Every call of the function becomes a future with a name in the trace, and every `.await` in it a state: the expression that
/// is awaited, its file, line and column, when it was entered and when it was left.
///
/// ```text
/// #[async_inspect::trace]
/// async fn transfer(from: &Account, to: &Account, cents: u64) -> Result<(), Overdrawn> {
///     let mut from = from.balance.lock().await;   // state 1 of 2: `from.balance.lock()`
///     let mut to = to.balance.lock().await;       // state 2 of 2: `to.balance.lock()`
///     *from = from.checked_sub(cents).ok_or(Overdrawn)?;
///     *to += cents;
///     Ok(())
/// }
/// ```
///
/// It belongs on free functions, on methods, on `async fn` in the implementation of a trait and on such with a default body.
/// Other attributes of the function keep working, above or below: `#[tokio::main]` and `#[tokio::test]`, `#[async_trait]`,
/// `#[tracing::instrument]`. (One which moves the body into another function has to stand below.)
///
/// # Arguments
///
/// - `name = "Bank::transfer"` is the name to record. Without it, that is the module's path and the function's name, as in
///   `bank::accounts::transfer`. An attribute on a method cannot see the type that the method belongs to, so methods of one
///   name in one module share it and are told apart by their place in the source, or by this argument.
/// - `crate = path::to::recorder` is where the recorder is to be found. Without it, the crate's `Cargo.toml` is asked under
///   which name it depends on `ais-recorder`.
///
/// # What is recorded
///
/// Names, places and the text of awaited expressions, all of them known at compile time; never a value. The text is folded to
/// one line and cut to 80 characters.
///
/// # What is not
///
/// - An `.await` in the arguments of a macro (`select!`, `join!`, …) is run as it was but not recorded, apart from macros of
///   the standard library which take a list of expressions (`println!`, `format!`, `vec!`, `assert_eq!` and the like).
/// - Async blocks and closures within the function are futures of their own, with a name of their own if they are given one;
///   they and nested functions are left as they are.
/// - A function that was called but whose future was never polled has not begun, and leaves no trace.
/// - An `.await` behind `#[cfg(…)]` is in the function's list of await points whether it is compiled or not.
///
/// One warning of the compiler gets lost: that the result of an `async fn` with `#[must_use]` is awaited and not used. Where the
/// result's type asks to be used, as `Result` does, it warns as ever.
#[proc_macro_attribute]
pub fn trace(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::trace(args.into(), item.into()).into()
}

/// Records the await points of an async block or closure, as [`macro@trace`] does those of a function.
#[proc_macro]
pub fn traced(input: TokenStream) -> TokenStream {
    expand::traced(input.into()).into()
}
