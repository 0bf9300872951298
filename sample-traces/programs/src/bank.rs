//! A bank: accounts, each behind a lock of its own, and what is done with them.
//!
//! [`transfer`] has a bug. It locks the account that pays and then the account that is paid, whichever these are, and between
//! the two it waits for the fraud check. Two transfers in opposite directions that are made within this time wait for each other
//! for ever.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_inspect::sync::{Mutex, Receiver, Sender};
use tokio::time::{interval, sleep};

/// How long the fraud check takes to answer.
const FRAUD_CHECK: Duration = Duration::from_millis(50);

/// All accounts, and the journal in which each transfer is entered.
pub struct Bank {
    accounts: Vec<Account>,
    journal: Sender<Entry>,
}

struct Account {
    name: &'static str,
    cents: Mutex<i64>,
}

/// What is told to the journal.
pub enum Entry {
    /// So much was moved from one account to another.
    Transfer(i64),
    /// Time to sum up.
    Tick,
}

impl Bank {
    /// A bank with an account of `cents` for each of `names`.
    pub fn open(names: &[&'static str], cents: i64, journal: Sender<Entry>) -> Arc<Bank> {
        let account = |&name| Account {
            name,
            cents: Mutex::named(name, cents),
        };
        Arc::new(Bank {
            accounts: names.iter().map(account).collect(),
            journal,
        })
    }

    fn account(&self, name: &str) -> Result<&Account> {
        let mut accounts = self.accounts.iter();
        accounts
            .find(|account| account.name == name)
            .with_context(|| format!("there is no account {name}"))
    }
}

/// Moves `cents` from one account to another.
///
/// # Errors
/// There is no such account, or too little money in it.
#[async_inspect::trace]
pub async fn transfer(bank: Arc<Bank>, from: &str, to: &str, cents: i64) -> Result<()> {
    let (from, to) = (bank.account(from)?, bank.account(to)?);
    let mut source = from.cents.lock().await;
    withdraw(&mut source, cents).await?;
    // The bug: whoever moves money the other way holds this one by now, and waits for ours.
    let mut target = to.cents.lock().await;
    *target += cents;
    drop((source, target));
    bank.journal.send(Entry::Transfer(cents)).await?;
    Ok(())
}

#[async_inspect::trace]
async fn withdraw(balance: &mut i64, cents: i64) -> Result<()> {
    fraud_check().await;
    ensure!(*balance >= cents, "not enough money for this transfer");
    *balance -= cents;
    Ok(())
}

/// Stands for a request to another service.
#[async_inspect::trace]
async fn fraud_check() {
    sleep(FRAUD_CHECK).await;
}

/// Makes the same transfer again and again, with a pause after each.
///
/// # Errors
/// As [`transfer`].
#[async_inspect::trace]
pub async fn standing_order(
    bank: Arc<Bank>,
    [from, to]: [&str; 2],
    times: u32,
    pause: Duration,
) -> Result<()> {
    for _ in 0..times {
        transfer(Arc::clone(&bank), from, to, 100).await?;
        sleep(pause).await;
    }
    Ok(())
}

/// Prints how much money there is in all accounts.
///
/// # Errors
/// None; it has the type of the other orders.
#[async_inspect::trace]
pub async fn audit(bank: Arc<Bank>) -> Result<()> {
    let mut total = 0;
    for account in &bank.accounts {
        total += balance(account).await;
    }
    println!("audit: {total} cents in all accounts");
    Ok(())
}

#[async_inspect::trace]
async fn balance(account: &Account) -> i64 {
    *account.cents.lock().await
}

/// Asks for a summary four times a second.
///
/// # Errors
/// The journal is closed.
#[async_inspect::trace]
pub async fn tick(bank: Arc<Bank>) -> Result<()> {
    let mut interval = interval(Duration::from_millis(250));
    loop {
        interval.tick().await;
        bank.journal.send(Entry::Tick).await?;
    }
}

/// Keeps the statistics: counts the transfers, and prints a summary at each tick.
#[async_inspect::trace]
pub async fn keep_statistics(journal: Receiver<Entry>) {
    let (mut transfers, mut moved) = (0, 0);
    while let Ok(entry) = journal.recv().await {
        match entry {
            Entry::Transfer(cents) => {
                transfers += 1;
                moved += cents;
            }
            Entry::Tick => println!("statistics: {transfers} transfers, {moved} cents moved"),
        }
    }
}
