//! Traits: `async fn` in them and in their implementations, and `#[async_trait]`.

use ais_macros::trace;
use async_trait::async_trait;

use crate::mock::{later, run};

trait Source {
    async fn next(&mut self) -> Option<u8>;

    fn sent(&self) -> impl Future<Output = u8> + Send;

    #[trace(crate = crate::mock)]
    async fn sum(&mut self) -> u8
    where
        Self: Sized,
    {
        let mut sum = 0;
        while let Some(next) = self.next().await {
            sum += next;
        }
        sum
    }
}

impl Source for Vec<u8> {
    #[trace(crate = crate::mock)]
    async fn next(&mut self) -> Option<u8> {
        later(self.pop()).await
    }

    #[trace(crate = crate::mock)]
    async fn sent(&self) -> u8 {
        later(self.len() as u8).await
    }
}

#[test]
fn an_async_fn_in_a_trait_has_its_points_in_default_bodies_and_implementations() {
    let run_of_sum = run(vec![1, 2].sum());
    assert_eq!(run_of_sum.output, 3);
    assert_eq!(run_of_sum.expressions(), ["self.next()"]);
    let inner = run_of_sum.functions[1];
    assert_eq!(inner.points[0].expression, "later(self.pop())");
    assert_eq!(run(vec![1, 2].sent()).output, 2);
}

#[async_trait]
trait Store: Sync {
    async fn get(&self, key: &str) -> Result<u8, String>;

    #[trace(crate = crate::mock)]
    async fn get_or(&self, key: &str, default: u8) -> u8 {
        match self.get(key).await {
            Ok(value) => value,
            Err(_) => later(default).await,
        }
    }
}

struct Empty;

#[async_trait]
impl Store for Empty {
    /// With a comment.
    #[trace(crate = crate::mock)]
    #[allow(clippy::unused_async)]
    async fn get(&self, key: &str) -> Result<u8, String> {
        let error = later(format!("no {key}")).await;
        Err(later(error).await)?;
        Ok(1)
    }
}

#[async_trait(?Send)]
trait Local {
    async fn count(&self) -> usize;
}

#[async_trait(?Send)]
impl Local for std::rc::Rc<u8> {
    #[trace(crate = crate::mock)]
    async fn count(&self) -> usize {
        std::rc::Rc::strong_count(&later(self.clone()).await)
    }
}

#[test]
fn methods_under_async_trait_are_traced_in_default_bodies_and_implementations() {
    let store: &dyn Store = &Empty;
    let run_of_store = run(store.get_or("key", 7));
    assert_eq!(run_of_store.output, 7);
    assert_eq!(
        run_of_store.expressions(),
        ["self.get(key)", "later(default)"]
    );
    let get = run_of_store.functions[1];
    assert!(get.name.ends_with("::get"));
    let expressions: Vec<&str> = get.points.iter().map(|point| point.expression).collect();
    assert_eq!(
        expressions,
        ["later(format!(\"no {key}\"))", "later(error)"]
    );
    assert_eq!(run(std::rc::Rc::new(1).count()).output, 2);
}
