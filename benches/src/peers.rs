//! The programs of `benches/peers`, in which others record and read.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

/// Where the program with this name is; all are built where they are not, or not of this source.
///
/// # Errors
/// They cannot be built.
pub fn program(name: &str) -> Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    // What is set for this build would hide the flags in the folder's own configuration.
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--quiet"])
        .current_dir(&folder)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env_remove("CARGO_TARGET_DIR")
        .status()
        .context("cargo cannot be run")?;
    if !status.success() {
        bail!("{} cannot be built", folder.display());
    }
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    Ok(folder.join("target/release").join(name))
}
