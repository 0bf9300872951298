use ais_macros::trace;

#[trace(crate = nowhere::recorder)]
async fn traced() {
    std::future::ready(1).await;
}

fn main() {
    let _ = traced();
}
