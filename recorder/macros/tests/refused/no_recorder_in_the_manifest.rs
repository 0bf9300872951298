use ais_macros::trace;

#[trace]
async fn traced() {}

fn main() {
    let _ = traced();
}
