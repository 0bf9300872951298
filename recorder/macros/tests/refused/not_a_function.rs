use ais_macros::trace;

#[trace]
const LIMIT: u8 = 1;

#[trace]
static NAME: &str = "name";

#[trace]
#[derive(Clone)]
pub struct Bank {
    balance: u64,
}

#[trace]
impl Bank {
    fn balance(&self) -> u64 {
        self.balance
    }
}

#[trace(name = "Bank")]
impl Clone for Kind {
    fn clone(&self) -> Self {
        Self::A
    }
}

#[trace]
enum Kind {
    A,
}

#[trace]
mod module {}

#[trace]
type Alias = u8;

#[trace]
trait Open {
    async fn open(&self);
}

fn main() {
    let bank = Bank { balance: 1 };
    let _ = (bank.balance(), Kind::A.clone(), LIMIT, NAME, Kind::A, 1 as Alias);
}
