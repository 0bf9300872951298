//! A pipeline over bounded channels whose last stage is its slowest.
//!
//! ```text
//! source ──lines──▶ parser 1, 2, 3 ──records──▶ joiner ──batches──▶ sink
//! ```
//!
//! The source could read its 400 lines in less than a second, but the sink takes 40 ms for each batch of eight, and so the channels
//! fill up from the end: the joiner waits for the sink, the parsers for the joiner, the source for the parsers. That is
//! back-pressure, and as it should be. Everything ends by itself, apart from two things that are cancelled on purpose: the future
//! `fetch stations`, given up after 150 ms, and the task `progress`, aborted when the work is done.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_inspect::sync::{Receiver, Sender, named_channel};
use async_inspect::{TraceExt, spawn};
use tokio::time::{interval, sleep, timeout};

const LINES: usize = 400;
const BATCH: usize = 8;

fn main() -> Result<()> {
    ais_samples::record(run())
}

/// A line of input, with its number.
struct Line(usize, String);

/// What a line says, with its number.
struct Record(usize, u32);

#[async_inspect::trace]
async fn run() -> Result<()> {
    // A server that does not answer: we give up, and do without the names of the stations.
    let stations = fetch_stations().traced("fetch stations");
    if timeout(Duration::from_millis(150), stations).await.is_err() {
        println!("no names of stations: the server does not answer");
    }

    let (to_parsers, lines) = named_channel("lines", 16);
    let (to_joiner, records) = named_channel("records", 8);
    let (to_sink, batches) = named_channel("batches", 2);
    let done = Arc::new(AtomicUsize::new(0));
    let progress = show_progress(Arc::clone(&done));
    let progress = spawn("progress", progress, tokio::spawn);
    let source = spawn("source", read(to_parsers), tokio::spawn);
    let parser = |n| {
        let parsing = parse(lines.clone(), to_joiner.clone());
        spawn(format!("parser {n}"), parsing, tokio::spawn)
    };
    let parsers = [parser(1), parser(2), parser(3)];
    // Each stage ends when all senders of the stage before are gone: ours must go, too.
    drop((lines, to_joiner));
    let joiner = spawn("joiner", join(records, to_sink), tokio::spawn);
    let sink = spawn("sink", store(batches, done), tokio::spawn);

    source.await??;
    for parser in parsers {
        parser.await??;
    }
    joiner.await??;
    let rain = sink.await?;
    progress.abort();
    ensure!(progress.await.is_err_and(|error| error.is_cancelled()));
    println!("{rain} mm of rain");
    Ok(())
}

/// Stands for a request to a server that hangs.
async fn fetch_stations() {
    sleep(Duration::from_secs(30)).await;
}

/// Reads lines, one each millisecond.
#[async_inspect::trace]
async fn read(lines: Sender<Line>) -> Result<()> {
    for number in 0..LINES {
        sleep(Duration::from_millis(1)).await;
        let line = format!("station {}: {} mm", number % 7, number * 37 % 100);
        lines.send(Line(number, line)).await?;
    }
    Ok(())
}

/// Takes lines as they come, with two other parsers: records come out in another order than lines went in.
#[async_inspect::trace]
async fn parse(lines: Receiver<Line>, records: Sender<Record>) -> Result<()> {
    while let Ok(Line(number, line)) = lines.recv().await {
        let (station, rain) = line.split_once(": ").context("a line without a colon")?;
        calibrate(station.len()).await;
        let rain = rain.trim_end_matches(" mm").parse()?;
        records.send(Record(number, rain)).await?;
    }
    Ok(())
}

/// Stands for a look-up that takes longer for some stations.
#[async_inspect::trace]
async fn calibrate(station: usize) {
    sleep(Duration::from_millis(2 + station as u64 % 3)).await;
}

/// Puts the records back in order and makes batches of them.
#[async_inspect::trace]
async fn join(records: Receiver<Record>, batches: Sender<Vec<Record>>) -> Result<()> {
    let mut early = BTreeMap::new();
    let mut batch = Vec::new();
    let mut next = 0;
    while let Ok(Record(number, rain)) = records.recv().await {
        early.insert(number, rain);
        while let Some(rain) = early.remove(&next) {
            batch.push(Record(next, rain));
            next += 1;
            if batch.len() == BATCH {
                batches.send(std::mem::take(&mut batch)).await?;
            }
        }
    }
    ensure!(early.is_empty(), "line {next} is missing");
    if !batch.is_empty() {
        batches.send(batch).await?;
    }
    Ok(())
}

/// Stores batches, slowly, and counts what is done. Returns how much rain there was.
#[async_inspect::trace]
async fn store(batches: Receiver<Vec<Record>>, done: Arc<AtomicUsize>) -> u32 {
    let mut rain = 0;
    while let Ok(batch) = batches.recv().await {
        write(batch.len()).await;
        done.fetch_add(batch.len(), Ordering::Relaxed);
        rain += batch.iter().map(|Record(_, rain)| rain).sum::<u32>();
    }
    rain
}

/// Stands for a disk that takes 5 ms for each record.
#[async_inspect::trace]
async fn write(records: usize) {
    sleep(Duration::from_millis(5) * records as u32).await;
}

/// Shows how far the sink is, until it is aborted.
#[async_inspect::trace]
async fn show_progress(done: Arc<AtomicUsize>) {
    let mut interval = interval(Duration::from_millis(500));
    loop {
        interval.tick().await;
        println!(
            "{} of {LINES} lines are stored",
            done.load(Ordering::Relaxed)
        );
    }
}
