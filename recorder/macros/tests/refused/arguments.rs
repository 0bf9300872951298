use ais_macros::trace;

#[trace(nam = "a typo")]
async fn unknown() {}

#[trace(name)]
async fn without_value() {}

#[trace(name = 3)]
async fn name_of_another_kind() {}

#[trace(name = "  ")]
async fn empty_name() {}

#[trace(crate = "a::path")]
async fn path_in_quotes() {}

#[trace(name = "a", name = "b")]
async fn twice() {}

#[trace(name = "a" crate = b)]
async fn without_comma() {}

fn main() {
    // The functions are still there: there is one error for each, and none for its use.
    let _ = (unknown(), without_value(), name_of_another_kind());
    let _ = (empty_name(), path_in_quotes(), twice(), without_comma());
}
