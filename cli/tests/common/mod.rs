//! What tests of the command share.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The path of a sample trace.
pub(crate) fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
    folder.join(name).display().to_string()
}

/// Runs the command.
pub(crate) fn inspect(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inspect-analyze"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}
