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

struct Bank(u8);

#[trace(crate = crate::mock)]
impl Bank {
    const START: u8 = 1;

    /// A constructor.
    pub(crate) async fn open() -> Self {
        Self(later(Self::START).await)
    }

    async fn deposit(&mut self, amount: u8) -> &mut Self {
        self.0 += later(amount).await;
        self
    }

    #[trace(name = "its own", crate = crate::mock)]
    async fn named(&self) -> u8 {
        later(self.0).await
    }

    fn boxed(&self) -> std::pin::Pin<Box<dyn Future<Output = u8> + '_>> {
        Box::pin(async move { later(self.0).await })
    }

    fn balance(&self) -> u8 {
        self.0
    }
}

#[test]
fn an_attribute_on_an_impl_block_is_one_on_each_function_with_a_future() {
    let opened = run(Bank::open());
    let name = concat!(module_path!(), "::Bank::open");
    assert_eq!(opened.function().name, name);
    let mut bank = opened.output;
    assert_eq!(run(async { bank.deposit(2).await.balance() }).output, 3);
    assert_eq!(run(bank.named()).function().name, "its own");
    assert_eq!(run(bank.boxed()).expressions(), ["later(self.0)"]);
}

#[trace(crate = crate::mock)]
#[async_trait]
trait TraceAbove: Sync {
    async fn one(&self) -> u8;
    async fn two(&self) -> u8 {
        self.one().await + later(1).await
    }
}

#[async_trait]
#[trace(crate = crate::mock)]
trait TraceBelow: Sync {
    async fn one(&self) -> u8;
    async fn two(&self) -> u8 {
        self.one().await + later(1).await
    }
}

#[trace(crate = crate::mock)]
#[async_trait]
impl TraceAbove for Bank {
    async fn one(&self) -> u8 {
        later(self.0).await
    }
}

#[async_trait]
#[trace(crate = crate::mock)]
impl TraceBelow for Bank {
    async fn one(&self) -> u8 {
        later(self.0).await
    }
}

#[trace(crate = crate::mock)]
trait WithoutMacro {
    async fn one(&self) -> u8;
    async fn two(&self) -> u8 {
        self.one().await + later(1).await
    }
}

#[trace(crate = crate::mock)]
impl WithoutMacro for Bank {
    async fn one(&self) -> u8 {
        later(self.0).await
    }
}

#[test]
fn it_can_stand_above_and_below_async_trait() {
    let (above, below): (&dyn TraceAbove, &dyn TraceBelow) = (&Bank(1), &Bank(2));
    let runs = [
        (run(above.two()), 2, "TraceAbove"),
        (run(below.two()), 3, "TraceBelow"),
        (run(WithoutMacro::two(&Bank(3))), 4, "WithoutMacro"),
    ];
    for (run, output, name) in runs {
        assert_eq!(run.output, output);
        assert!(run.function().name.ends_with(&format!("::{name}::two")));
        assert_eq!(run.expressions(), ["self.one()", "later(1)"]);
        let one = run.functions[1];
        assert!(one.name.ends_with("::Bank::one"));
        assert_eq!(one.points[0].expression, "later(self.0)");
    }
}
