//! What tokio offers and the drop-in lacks.
//!
//! The drop-in passes tokio's API through and puts types of its own in the place of some. What those lack is not seen by the programs in
//! our tests, but breaks somebody's build; and so does what is passed through but belongs to a type that is not. So the sources of both
//! are read here, and compared: names, methods, traits, and what of a function's shape is cheap to tell. What a signature says beyond that
//! is left to tokio's own tests (`recorder/tokio/scripts/run-tokio-tests`).
#![allow(
    clippy::unwrap_used,
    reason = "a test: what is unwrapped here must be there"
)]

mod compare;
mod source;
mod surface;

use std::path::{Path, PathBuf};
use std::process::Command;

use source::Source;
use surface::Surface;

/// What the drop-in does without, as the report names it, and why.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "sync::mpsc::WeakSender::upgrade takes or gives tokio's own Sender",
        "a macro's argument names what it gives: the recorded sender, as `tokio/mpsc.rs` shows",
    ),
    (
        "sync::mpsc::WeakUnboundedSender::upgrade takes or gives tokio's own UnboundedSender",
        "the same",
    ),
];

/// What cargo says of a package of this workspace or of those that it depends on.
fn package(name: &str) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let found = packages.iter().find(|package| package["name"] == name);
    found.unwrap().clone()
}

/// Its source.
fn source_of(package: &str) -> PathBuf {
    let package = self::package(package);
    let manifest = Path::new(package["manifest_path"].as_str().unwrap());
    manifest.with_file_name("src")
}

#[test]
fn the_drop_in_has_all_features_of_tokio() {
    let (real, ours) = (package("tokio"), package("ais-tokio"));
    let lacks: Vec<&String> = real["features"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| ours["features"].get(name.as_str()).is_none())
        .collect();
    assert!(lacks.is_empty(), "features: {lacks:?}");
}

#[test]
fn the_drop_in_lacks_nothing_that_tokio_offers() {
    let real = Surface::of(&Source::read(&source_of("tokio")));
    let ours = Surface::of(&Source::read(&source_of("ais-tokio")));
    let found = compare::lacks(&real, &ours);
    assert!(
        found.compared > 10,
        "too little was compared: {}",
        found.compared
    );

    let excepted = |lack: &String| EXCEPTIONS.iter().any(|(what, _)| what == lack);
    let lacks: Vec<&String> = found.lacks.iter().filter(|lack| !excepted(lack)).collect();
    let stale: Vec<&str> = EXCEPTIONS
        .iter()
        .map(|(what, _)| *what)
        .filter(|what| !found.lacks.iter().any(|lack| lack == what))
        .collect();
    assert!(
        lacks.is_empty(),
        "{} lacks:\n{}",
        lacks.len(),
        lacks
            .iter()
            .map(|lack| format!("  {lack}\n"))
            .collect::<String>()
    );
    assert!(stale.is_empty(), "exceptions that are none: {stale:#?}");
}

/// A crate of these files.
fn crate_of(files: &[(&str, &str)]) -> Surface {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    Surface::of(&Source::read(folder.path()))
}

#[test]
fn what_is_lacking_is_named() {
    let real = crate_of(&[
        (
            "lib.rs",
            r#"
            macro_rules! cfg_rt { ($($item:item)*) => { $( #[cfg(feature = "rt")] $item )* } }
            macro_rules! cfg_unstable { ($($item:item)*) => { $( #[cfg(tokio_unstable)] $item )* } }
            pub mod sync;
            cfg_rt! { pub mod task; pub use task::spawn; }
            "#,
        ),
        (
            "sync.rs",
            r"
            mod lock {
                #[derive(Debug)] #[must_use] pub struct Lock;
                impl Lock {
                    #[track_caller] pub const fn new() -> Lock { Lock }
                    pub async fn lock(&self) {}
                    pub fn also(&self, of: u8) {}
                    #[doc(hidden)] pub fn hidden(&self) {}
                    fn private(&self) {}
                    cfg_rt! { pub fn blocking(&self) {} }
                    cfg_unstable! { pub fn unstable(&self) {} }
                }
                impl From<u8> for Lock { fn from(_: u8) -> Lock { Lock } }
                pub struct Guard;
                impl Guard { pub fn lock(&self) -> Lock { Lock } }
            }
            pub use self::lock::{Guard, Lock};
            pub fn untouched() {}
            ",
        ),
        (
            "task.rs",
            "pub fn spawn() -> Handle {} pub fn later() {} pub struct Handle;",
        ),
    ]);
    let ours = crate_of(&[
        ("lib.rs", "pub use real::*; pub mod sync; pub mod task;"),
        (
            "sync.rs",
            r"
            pub use real::sync::*;
            pub struct Lock;
            impl Lock {
                pub fn new() -> Lock { Lock }
                pub fn lock(&self) {}
                pub fn also(&self) {}
            }
            ",
        ),
        ("task.rs", "pub fn spawn() -> Handle {} pub struct Handle;"),
    ]);
    let found: Vec<String> = compare::lacks(&real, &ours).lacks.into_iter().collect();
    let expected = [
        "spawn is tokio's own, elsewhere it is not",
        "sync::Guard::lock takes or gives tokio's own Lock",
        "sync::Lock: #[must_use]",
        "sync::Lock: Debug",
        "sync::Lock: From<u8>",
        "sync::Lock::also with 2 arguments",
        "sync::Lock::blocking",
        "sync::Lock::lock as a future",
        "sync::Lock::new: #[track_caller]",
        "sync::Lock::new: const",
        "task::later",
    ];
    assert_eq!(found, expected);
}
