//! An HTTP service with a slow handler, under load.
//!
//! Eight clients keep a connection each and send fifty requests over it. Most are for `/fast`. One in eight is for
//! `/report/REGION`, whose handler keeps the cache locked while it waits for the database: reports that could be made at the same
//! time queue up, and even one that is in the cache waits behind one that is not. Every handler tells a task in the background how
//! long it took, through a channel that is full while that task writes. Nothing is stuck, and everything ends.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_inspect::spawn;
use async_inspect::sync::{Mutex, Receiver, Sender, named_channel};
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

const CLIENTS: u32 = 8;
const REQUESTS: u32 = 50;
const REGIONS: u32 = 41;

fn main() -> Result<()> {
    ais_samples::record(run())
}

#[async_inspect::trace]
async fn run() -> Result<()> {
    let (metrics, measured) = named_channel("metrics", 8);
    let (stop, stopped) = named_channel("stop", 1);
    let router = Router::new()
        .route("/fast", get(fast))
        .route("/report/{region}", get(report))
        .with_state(Arc::new(Service {
            cache: Mutex::named("report cache", HashMap::new()),
            metrics,
        }));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;

    let metrics = spawn("metrics", write_metrics(measured), tokio::spawn);
    let server = spawn("server", serve(listener, router, stopped), tokio::spawn);
    let client = |n| spawn(format!("client {n}"), client(n, address), tokio::spawn);
    let clients: Vec<_> = (1..=CLIENTS).map(client).collect();

    // The clients first: the server stops when it is told, and the metrics when the last handler is gone.
    let mut answers = 0;
    for client in clients {
        answers += client.await??;
    }
    stop.send(()).await?;
    server.await??;
    println!("{answers} answers, {} measured", metrics.await?);
    Ok(())
}

/// What the handlers share.
struct Service {
    cache: Mutex<HashMap<u32, String>>,
    metrics: Sender<Duration>,
}

#[async_inspect::trace]
async fn fast(State(service): State<Arc<Service>>) -> &'static str {
    let started = Instant::now();
    // The answer waits for this while the channel is full.
    let _ = service.metrics.send(started.elapsed()).await;
    "pong\n"
}

#[async_inspect::trace]
async fn report(State(service): State<Arc<Service>>, Path(region): Path<u32>) -> String {
    let started = Instant::now();
    let mut cache = service.cache.lock().await;
    let text = if let Some(text) = cache.get(&region) {
        text.clone()
    } else {
        // The bottleneck: nobody can have any report while this one is made.
        let text = query(region).await;
        cache.entry(region).or_insert(text).clone()
    };
    drop(cache);
    let _ = service.metrics.send(started.elapsed()).await;
    text
}

/// Stands for a database that takes 20 to 60 ms to answer.
#[async_inspect::trace]
async fn query(region: u32) -> String {
    sleep(Duration::from_millis(20 + u64::from(region * 7 % 41))).await;
    format!("report of region {region}\n")
}

/// Writes measurements in batches; while it does, the handlers' channel fills up.
#[async_inspect::trace]
async fn write_metrics(measured: Receiver<Duration>) -> usize {
    let mut written = 0;
    let mut batch = Vec::new();
    while let Ok(time) = measured.recv().await {
        batch.push(time);
        if batch.len() == 40 {
            sleep(Duration::from_millis(60)).await;
            written += batch.drain(..).count();
        }
    }
    written + batch.len()
}

/// Gives each connection a task, until it is stopped; then waits for them.
#[async_inspect::trace]
async fn serve(listener: TcpListener, router: Router, stopped: Receiver<()>) -> Result<()> {
    let mut connections = Vec::new();
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => accepted?.0,
            _ = stopped.recv() => break,
        };
        let name = format!("connection {}", connections.len() + 1);
        connections.push(spawn(name, handle(stream, router.clone()), tokio::spawn));
    }
    for connection in connections {
        connection.await??;
    }
    Ok(())
}

#[async_inspect::trace]
async fn handle(stream: TcpStream, router: Router) -> Result<()> {
    let service = TowerToHyperService::new(router);
    http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    Ok(())
}

/// Sends its requests one after the other over one connection. Returns how many were answered.
#[async_inspect::trace]
async fn client(n: u32, server: SocketAddr) -> Result<u32> {
    let mut connection = BufReader::new(TcpStream::connect(server).await?);
    for i in 1..=REQUESTS {
        if (i + n).is_multiple_of(8) {
            let region = (n * 17 + i * 5) % REGIONS;
            request(&mut connection, &format!("/report/{region}")).await?;
        } else {
            request(&mut connection, "/fast").await?;
        }
        // Pauses that differ, and are the same in every run.
        sleep(Duration::from_millis(u64::from(10 + (n * 7 + i * 5) % 31))).await;
    }
    Ok(REQUESTS)
}

/// Asks for `path`, and reads the answer.
#[async_inspect::trace]
async fn request(connection: &mut BufReader<TcpStream>, path: &str) -> Result<()> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.write_all(request.as_bytes()).await?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = connection.read_line(&mut head).await?;
        ensure!(read > 0, "the server closed the connection");
    }
    ensure!(head.starts_with("HTTP/1.1 200"), "{path} answered {head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.parse().ok())?
    });
    let mut body = vec![0; length.context("the answer has no length")?];
    connection.read_exact(&mut body).await?;
    Ok(())
}
