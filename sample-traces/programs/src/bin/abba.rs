//! An ABBA deadlock among healthy tasks.
//!
//! A bank is open for 2.7 s. Standing orders, a ticker and the statistics run from the beginning. After 0.4 s two customers pay
//! each other at the same moment: `transfer a→b` takes account `a` and `transfer b→a` takes `b`, both wait 50 ms for the fraud
//! check, and then each wants the account that the other one holds. Half a second later the auditor comes, wants `a`, and waits
//! behind them. Everything else goes on as if nothing had happened, which is why such a bug is hard to see from the outside.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use ais_samples::bank::{Bank, audit, keep_statistics, standing_order, tick, transfer};
use anyhow::Result;
use async_inspect::{spawn, sync};
use tokio::task;
use tokio::time::{sleep, timeout};

/// What [`spawn`] returns for the orders of customers.
type Order = async_inspect::JoinHandle<task::JoinHandle<Result<()>>>;

fn main() -> Result<()> {
    ais_samples::record(run())
}

#[async_inspect::trace]
async fn run() -> Result<()> {
    let (journal, entries) = sync::named_channel("journal", 16);
    let bank = Bank::open(&["a", "b", "c", "d", "e"], 100_000, journal);
    let bank = || Arc::clone(&bank);

    // The daily business. The two standing orders share account `c` and so wait for each other now and then, never for long: each
    // takes its accounts in alphabetical order.
    let ms = Duration::from_millis;
    let rent = standing_order(bank(), ["c", "d"], 10, ms(60));
    let wages = standing_order(bank(), ["c", "e"], 30, ms(45));
    let _business = (
        spawn("statistics", keep_statistics(entries), tokio::spawn),
        spawn("ticker", tick(bank()), tokio::spawn),
        spawn("standing order c→d", rent, tokio::spawn),
        spawn("standing order c→e", wages, tokio::spawn),
    );
    sleep(ms(400)).await;

    // Two customers, one moment.
    let one_way = transfer(bank(), "a", "b", 2_000);
    let other_way = transfer(bank(), "b", "a", 3_000);
    let mut orders = vec![
        spawn("transfer a→b", one_way, tokio::spawn),
        spawn("transfer b→a", other_way, tokio::spawn),
    ];
    sleep(ms(500)).await;
    orders.push(spawn("auditor", audit(bank()), tokio::spawn));

    let settled = timeout(ms(1_800), settle(orders)).await;
    if settled.is_err() {
        println!("closing time: some orders are not settled");
    }
    settled.unwrap_or(Ok(()))
}

/// Waits until all of `orders` are done.
#[async_inspect::trace]
async fn settle(orders: Vec<Order>) -> Result<()> {
    for order in orders {
        order.await??;
    }
    Ok(())
}
