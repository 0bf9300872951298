//! The sources that `inspect-record` carries: the recorded tokio and the packages of this workspace that it needs. `build.rs` lists them.

/// Path in the workspace, with `/`, and content. In the order of the paths.
pub(crate) const SOURCES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/sources.rs"));

/// The text of the file at `path`, which must be one that is always there.
///
/// # Errors
/// There is no such file, or it is no text.
pub(crate) fn text(path: &str) -> anyhow::Result<&'static str> {
    let found = SOURCES.iter().find(|(name, _)| *name == path);
    let text = found.and_then(|(_, bytes)| std::str::from_utf8(bytes).ok());
    text.ok_or_else(|| {
        anyhow::anyhow!("this inspect-record was built without {path}: install it anew")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_build_needs_is_there() {
        for path in [
            "Cargo.toml",
            "format/Cargo.toml",
            "format/src/lib.rs",
            "recorder/Cargo.toml",
            "recorder/src/sync/mod.rs",
            "recorder/macros/src/lib.rs",
            "recorder/tokio/build.rs",
            "recorder/tokio/src/lib.rs",
        ] {
            assert!(text(path).is_ok(), "{path}");
        }
        assert!(SOURCES.iter().all(|(path, _)| !path.contains("tests/")));
    }
}
