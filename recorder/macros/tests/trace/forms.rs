//! The forms a function can have.

use std::fmt::{Debug, Display};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use ais_macros::trace;

use crate::mock::{later, run};

/// Asserts that `future` ran traced, through this many await points, to this output.
#[track_caller]
#[expect(
    clippy::needless_pass_by_value,
    reason = "reads better where it is called"
)]
fn runs<T: PartialEq + Debug>(future: impl Future<Output = T>, points: usize, output: T) {
    let run = run(future);
    assert_eq!(run.function().points.len(), points);
    assert_eq!(run.output, output);
}

#[test]
fn generic_functions_are_traced() {
    #[trace(crate = crate::mock)]
    async fn generic<T, const N: usize>(value: T) -> [T; N]
    where
        T: Clone + Send,
    {
        let list = vec![later(value).await; N];
        list.try_into().unwrap_or_else(|_| unreachable!())
    }

    runs(generic::<_, 3>("x"), 0, ["x"; 3]);
}

#[test]
fn functions_with_lifetimes_are_traced() {
    #[trace(crate = crate::mock)]
    async fn longer<'a, 'b: 'a>(a: &'a str, b: &'b str) -> &'a str {
        if later(a.len()).await > b.len() {
            a
        } else {
            later(b).await
        }
    }

    runs(longer("ab", "c"), 2, "ab");
}

#[test]
fn functions_that_take_and_return_impl_trait_are_traced() {
    #[trace(crate = crate::mock)]
    async fn shown(value: impl Display + Clone) -> impl Iterator<Item = char> {
        later(value).await.to_string().into_iter_chars()
    }

    trait IntoIterChars {
        fn into_iter_chars(self) -> std::vec::IntoIter<char>;
    }
    impl IntoIterChars for String {
        fn into_iter_chars(self) -> std::vec::IntoIter<char> {
            self.chars().collect::<Vec<_>>().into_iter()
        }
    }

    let run = run(shown(12));
    assert_eq!(run.expressions(), ["later(value)"]);
    assert_eq!(run.output.collect::<String>(), "12");
}

#[test]
fn functions_that_take_async_closures_are_traced() {
    #[trace(crate = crate::mock)]
    async fn each<F: AsyncFn(&str) -> usize>(names: &[String], length: F) -> usize {
        let mut sum = 0;
        for name in names {
            sum += length(name).await;
        }
        sum
    }

    let names = ["a".to_owned(), "bc".to_owned()];
    runs(each(&names, async |name| later(name).await.len()), 1, 3);
}

#[test]
fn functions_with_patterns_as_arguments_are_traced() {
    #[trace(crate = crate::mock)]
    async fn destructured((a, mut b): (u8, u8), [c, ..]: [u8; 2]) -> u8 {
        b += later(a).await;
        b + c
    }

    runs(destructured((1, 2), [3, 4]), 1, 6);
}

struct Counter<T> {
    count: u8,
    label: T,
}

impl<T: Display> Counter<T> {
    #[trace(crate = crate::mock)]
    async fn shared(&self) -> u8 {
        later(self.count).await
    }

    #[trace(crate = crate::mock)]
    pub(crate) async fn exclusive(&mut self) -> &mut Self {
        self.count += later(1).await;
        self
    }

    #[trace(crate = crate::mock)]
    async fn owned(self) -> (u8, String) {
        (later(self.count).await, self.label.to_string())
    }

    #[trace(crate = crate::mock)]
    async fn boxed(self: Box<Self>) -> u8 {
        later(self).await.count
    }

    #[trace(crate = crate::mock)]
    async fn counted(self: Arc<Self>) -> u8 {
        later(self.count).await
    }

    #[trace(crate = crate::mock)]
    async fn pinned(self: Pin<&mut Self>) -> u8 {
        later(self.count).await
    }

    #[trace(crate = crate::mock)]
    async fn associated(label: T) -> Self {
        let count = later(1).await;
        Self { count, label }
    }
}

fn counter() -> Counter<&'static str> {
    Counter {
        count: 1,
        label: "counter",
    }
}

#[test]
fn methods_with_every_kind_of_self_are_traced() {
    runs(counter().shared(), 1, 1);
    runs(async { counter().exclusive().await.count }, 1, 2);
    runs(counter().owned(), 1, (1, "counter".to_owned()));
    runs(Box::new(counter()).boxed(), 1, 1);
    runs(Arc::new(counter()).counted(), 1, 1);
    runs(Pin::new(&mut counter()).pinned(), 1, 1);
    runs(async { Counter::associated("x").await.label }, 1, "x");
}

trait Source {
    const STEP: u8;

    async fn next(&mut self) -> Option<u8>;

    #[trace(crate = crate::mock)]
    async fn sum(&mut self) -> u8 {
        let mut sum = 0;
        while let Some(next) = self.next().await {
            sum += next * Self::STEP;
        }
        sum
    }
}

impl Source for Vec<u8> {
    const STEP: u8 = 2;

    #[trace(crate = crate::mock)]
    async fn next(&mut self) -> Option<u8> {
        later(self.pop()).await
    }
}

#[test]
fn methods_of_traits_and_default_bodies_are_traced() {
    let mut source = vec![1, 2];
    let run = run(source.sum());
    assert_eq!(run.output, 6);
    assert_eq!(run.expressions(), ["self.next()"]);
    assert_eq!(run.functions[1].points[0].expression, "later(self.pop())");
}

#[test]
fn recursive_functions_are_traced() {
    #[trace(crate = crate::mock)]
    async fn down(n: u8) -> u8 {
        if n == 0 {
            return 0;
        }
        1 + Box::pin(down(n - 1)).await
    }

    let run = run(down(3));
    assert_eq!(run.output, 3);
    assert_eq!(run.functions.len(), 4);
    assert!(
        run.functions
            .iter()
            .all(|f| std::ptr::eq(*f, run.functions[0]))
    );
}

#[test]
fn unsafe_functions_are_traced() {
    /// # Safety
    ///
    /// `pointer` is good to read.
    #[trace(crate = crate::mock)]
    async unsafe fn read(pointer: *const u8) -> u8 {
        // SAFETY: as promised by the caller.
        later(unsafe { *pointer }).await
    }

    let value = 7;
    // SAFETY: the value outlives the call.
    runs(unsafe { read(&raw const value) }, 1, 7);
}

#[test]
fn functions_whose_future_is_not_send_are_traced() {
    #[trace(crate = crate::mock)]
    async fn counted() -> usize {
        let shared = Rc::new(1);
        let copy = later(Rc::clone(&shared)).await;
        Rc::strong_count(&copy)
    }

    runs(counted(), 1, 2);
}

#[test]
fn functions_that_never_return_are_traced() {
    #[trace(crate = crate::mock)]
    async fn forever() -> ! {
        loop {
            later(()).await;
        }
    }

    let mut future = std::pin::pin!(forever());
    crate::mock::take_functions();
    assert!(crate::mock::poll_once(future.as_mut()).is_pending());
    assert_eq!(crate::mock::take_functions()[0].points.len(), 1);
}

#[test]
fn functions_that_begin_with_items_or_inner_attributes_are_traced() {
    #[trace(crate = crate::mock)]
    async fn with_items() -> u8 {
        #![allow(clippy::no_effect)]
        use std::future::ready;
        const ONE: u8 = 1;
        1;
        ready(ONE).await
    }

    runs(with_items(), 1, 1);
}

mod elsewhere {
    use ais_macros::trace;

    use crate::mock as another_name;

    #[trace(crate = another_name)]
    pub(super) async fn through_an_alias() {}
}

#[test]
fn the_path_to_the_runtime_is_seen_from_the_function() {
    runs(elsewhere::through_an_alias(), 0, ());
}
