use ais_macros::trace;

trait Source {
    #[trace]
    async fn next(&mut self) -> Option<u8>;
}

impl Source for Vec<u8> {
    async fn next(&mut self) -> Option<u8> {
        self.pop()
    }
}

fn main() {
    let _ = vec![1].next();
}
