//! Which tokio a program has, and whether it can be replaced.

use std::path::PathBuf;

use anyhow::bail;

use super::cargo::{Metadata, Package};

/// The oldest tokio 1 that can be recorded, by its minor version.
pub(crate) const OLDEST: u32 = 47;
/// The registry whose packages a `[patch.crates-io]` replaces.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// Our packages that a program may depend on itself.
const OURS: [&str; 3] = ["ais-format", "ais-macros", "ais-recorder"];
/// The version that they must have to work with the drop-in that this command carries: this package's.
const OUR_VERSION: &str = env!("CARGO_PKG_VERSION");

/// The tokio to be replaced.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tokio {
    pub(crate) version: String,
    /// Its folder: the real one's sources.
    pub(crate) folder: PathBuf,
    /// Our packages that the program uses itself, with their folders. The drop-in must use the same.
    pub(crate) ours: Vec<(&'static str, PathBuf)>,
}

impl Metadata {
    /// Whether there is a package with this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }

    /// The tokio of the program.
    ///
    /// # Errors
    /// It has none that can be replaced; the error says what to do.
    pub(crate) fn tokio(&self) -> anyhow::Result<Tokio> {
        if self.has("ais-tokio") {
            bail!(
                "this program uses ais-tokio and records itself: run it without inspect-record, with AIS_TRACE=trace.ais in its environment"
            );
        }
        let named = || {
            self.packages
                .iter()
                .filter(|package| package.name == "tokio")
        };
        let Some(package) = named().find(|package| package.version.starts_with("1.")) else {
            match named().next() {
                Some(old) => bail!(
                    "this program has tokio {} only: 1.{OLDEST} or newer can be recorded, so update it",
                    old.version
                ),
                None => bail!(
                    "this program does not depend on tokio, so there is nothing to replace: use #[trace] and spawn of ais-recorder in it"
                ),
            }
        };
        let version = &package.version;
        match package.source.as_deref() {
            Some(CRATES_IO) => {}
            None => bail!(
                "tokio {version} comes from {}, by a path or a [patch]: only the one from crates.io can be replaced, so take that one",
                folder_of(package).display()
            ),
            Some(source) => bail!(
                "tokio {version} comes from {source}: only the one from crates.io can be replaced, so take that one"
            ),
        }
        let minor = version
            .split('.')
            .nth(1)
            .and_then(|minor| minor.parse().ok());
        if minor.is_none_or(|minor: u32| minor < OLDEST) {
            bail!(
                "tokio {version} is too old to be recorded, 1.{OLDEST} is the oldest: run `cargo update --recursive tokio@{version}` first"
            );
        }
        Ok(Tokio {
            version: version.clone(),
            folder: folder_of(package),
            ours: self.ours()?,
        })
    }

    fn ours(&self) -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
        let mut ours = Vec::new();
        for name in OURS {
            for package in self.packages.iter().filter(|package| package.name == name) {
                let version = &package.version;
                if version != OUR_VERSION || package.source.is_some() {
                    bail!(
                        "this program uses {name} {version}{}: with this inspect-record only {OUR_VERSION} from a folder will do, so use that",
                        package
                            .source
                            .as_ref()
                            .map(|source| format!(" from {source}"))
                            .unwrap_or_default()
                    );
                }
                ours.push((name, folder_of(package)));
            }
        }
        Ok(ours)
    }
}

fn folder_of(package: &Package) -> PathBuf {
    let folder = package.manifest_path.parent();
    folder.map(PathBuf::from).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, source: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            source: source.map(str::to_owned),
            manifest_path: format!("/src/{name}-{version}/Cargo.toml").into(),
        }
    }

    fn tokio_among(packages: &[(&str, &str, Option<&str>)]) -> anyhow::Result<Tokio> {
        let packages = packages
            .iter()
            .map(|(name, version, source)| package(name, version, *source));
        Metadata {
            packages: packages.collect(),
        }
        .tokio()
    }

    #[test]
    fn the_first_version_is_replaced_and_older_ones_stay() {
        let tokio = tokio_among(&[
            ("tokio", "0.2.25", Some(CRATES_IO)),
            ("tokio", "1.54.1", Some(CRATES_IO)),
        ])
        .unwrap();
        assert_eq!(tokio.version, "1.54.1");
        assert_eq!(tokio.folder, PathBuf::from("/src/tokio-1.54.1"));
        assert!(tokio.ours.is_empty());
    }

    #[test]
    fn the_recorder_of_the_program_is_the_drop_ins_too() {
        let ours = ("ais-recorder", OUR_VERSION, None);
        let tokio = tokio_among(&[ours, ("tokio", "1.54.1", Some(CRATES_IO))]).unwrap();
        assert_eq!(tokio.ours.len(), 1);
        assert_eq!(tokio.ours[0].0, "ais-recorder");
    }

    #[test]
    fn what_cannot_be_replaced_is_said_with_what_to_do() {
        let crates_io = Some(CRATES_IO);
        let git = Some("git+https://example.org/tokio#0");
        let new = ("tokio", "1.54.1", crates_io);
        for (packages, part) in [
            (
                &[("serde", "1.0.0", crates_io)][..],
                "does not depend on tokio",
            ),
            (&[("tokio", "0.2.25", crates_io)], "update it"),
            (
                &[("tokio", "1.46.9", crates_io)],
                "cargo update --recursive tokio@1.46.9",
            ),
            (&[("tokio", "1.54.1", None)], "by a path or a [patch]"),
            (&[("tokio", "1.54.1", git)], "git+https://example.org"),
            (&[("ais-tokio", "0.1.0", None), new], "AIS_TRACE=trace.ais"),
            (&[("ais-recorder", "9.9.9", None), new], "so use that"),
            (&[("ais-recorder", OUR_VERSION, git), new], "from git+"),
        ] {
            let error = tokio_among(packages).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert_eq!(error.lines().count(), 1);
        }
    }
}
