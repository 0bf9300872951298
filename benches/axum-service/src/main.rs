//! A small shop as a web service, for `benches/service` to put under load.
//!
//! Nothing is slow in it, so that what recording adds is not hidden: each request is some microseconds of axum and hyper, takes the lock
//! of the shop, and sends the clerk a message through a channel that can be full; one in three waits for the clerk's answer too. It
//! serves on a free port of loopback, which it prints, until its input ends.
//!
//! With the feature `trace` every handler is a `#[trace]`d function, and so are those that they call.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::error::Error;
use std::io::Read as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};

/// What the handlers share.
struct Shop {
    stock: Mutex<HashMap<u32, u64>>,
    clerk: mpsc::Sender<Message>,
}

/// What the clerk is told.
enum Message {
    /// Somebody has looked at something.
    Seen,
    /// Somebody wants to know the number of an order.
    Ordered(oneshot::Sender<u64>),
}

/// How many messages the clerk may be behind.
const BACKLOG: usize = 16;

/// How many things there are to buy.
const ITEMS: u32 = 100;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (clerk, messages) = mpsc::channel(BACKLOG);
    let work = tokio::spawn(work(messages));
    let stock = (0..ITEMS).map(|item| (item, 0)).collect();
    let router = Router::new()
        .route("/visit", get(visit))
        .route("/stock/{item}", get(stock_of))
        .route("/order/{item}", get(order))
        .with_state(Arc::new(Shop {
            stock: Mutex::new(stock),
            clerk,
        }));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());

    let (end, ended) = oneshot::channel();
    std::thread::spawn(move || {
        // Nothing is expected but the end, which an error is too.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        let _ = end.send(());
    });
    axum::serve(listener, router)
        .with_graceful_shutdown(async {
            let _ = ended.await;
        })
        .await?;
    work.await?;
    Ok(())
}

/// The clerk: works until nobody can send anything any more.
#[cfg_attr(feature = "trace", ais_recorder::trace)]
async fn work(mut messages: mpsc::Receiver<Message>) {
    let (mut seen, mut orders) = (0_u64, 0);
    while let Some(message) = messages.recv().await {
        match message {
            Message::Seen => seen += 1,
            Message::Ordered(answer) => {
                orders += 1;
                // Who hangs up does not want to know.
                let _ = answer.send(orders);
            }
        }
    }
    eprintln!("{seen} seen, {orders} orders");
}

#[cfg_attr(feature = "trace", ais_recorder::trace)]
async fn visit(State(shop): State<Arc<Shop>>) -> Result<String, StatusCode> {
    let items = shop.stock.lock().await.len();
    tell(&shop, Message::Seen).await?;
    Ok(format!("{items} items\n"))
}

#[cfg_attr(feature = "trace", ais_recorder::trace)]
async fn stock_of(
    State(shop): State<Arc<Shop>>,
    Path(item): Path<u32>,
) -> Result<String, StatusCode> {
    let sold = shop.stock.lock().await.get(&item).copied();
    tell(&shop, Message::Seen).await?;
    let sold = sold.ok_or(StatusCode::NOT_FOUND)?;
    Ok(format!("{sold} sold\n"))
}

#[cfg_attr(feature = "trace", ais_recorder::trace)]
async fn order(State(shop): State<Arc<Shop>>, Path(item): Path<u32>) -> Result<String, StatusCode> {
    {
        let mut stock = shop.stock.lock().await;
        *stock.get_mut(&item).ok_or(StatusCode::NOT_FOUND)? += 1;
    }
    let (answer, answered) = oneshot::channel();
    tell(&shop, Message::Ordered(answer)).await?;
    let number = answered
        .await
        .map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    Ok(format!("order {number}\n"))
}

/// Waits while the clerk is behind.
#[cfg_attr(feature = "trace", ais_recorder::trace)]
async fn tell(shop: &Shop, message: Message) -> Result<(), StatusCode> {
    let sent = shop.clerk.send(message).await;
    sent.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}
