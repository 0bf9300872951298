//! Where time goes: counted from events as they come, it is what histories tell.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use ais_analyzer::Trace;
use ais_tests::profile::counts_what_happened;

#[test]
fn what_is_counted_of_the_sample_traces_is_what_their_histories_tell() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    for name in ["abba", "http", "pipeline"] {
        let trace = Trace::open(folder.join(name).with_extension("ais")).unwrap();
        counts_what_happened(&trace);
    }
}
