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
    async fn open(&self) {}
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
    let _ = (bank.balance, LIMIT, NAME, Kind::A, 1 as Alias);
}
