//! The manifests of the packages in the cache, made from those of this workspace and from the real tokio's.
//!
//! Four kinds: of the *workspace* that the packages inherit from, of a *member* of it, of the *drop-in*, which becomes tokio by its name,
//! its version and exactly the features that the real tokio of that version has, and of the *real* tokio, which becomes a package of
//! another name. (Two packages of one name and version, both from folders, cannot stand in one lock file. The library in it is still
//! called `tokio`.) None says anything of tests or lints: all are built as part of somebody's program.

use std::path::Path;

use anyhow::{Context, anyhow, bail};
use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value, value};

/// The name that the package with the real tokio has.
const REAL: &str = "ais-real-tokio";
/// What is not needed to build the library, or says how our own tests are built.
const NOT_BUILT: [&str; 9] = [
    "dev-dependencies",
    "lints",
    "test",
    "example",
    "bench",
    "bin",
    "profile",
    "patch",
    "badges",
];

/// The manifest of the workspace in the cache: what our own says for its members to inherit, and these `members`.
///
/// `elsewhere` are packages of ours, name and folder, that are not taken from the cache.
///
/// # Errors
/// The text is no such manifest.
pub(crate) fn workspace(
    ours: &str,
    members: &[&str],
    elsewhere: &[(&str, &Path)],
) -> anyhow::Result<String> {
    let mut manifest = parse(ours)?;
    for unused in NOT_BUILT {
        manifest.remove(unused);
    }
    let workspace = table(manifest.as_table_mut(), "workspace")?;
    workspace.remove("default-members");
    workspace.insert("members", value(members.iter().copied().collect::<Array>()));
    workspace.insert("exclude", value(["real"].into_iter().collect::<Array>()));
    workspace.remove("lints");
    let dependencies = table(workspace, "dependencies")?;
    let stale: Vec<String> = dependencies
        .iter()
        .filter_map(|(name, item)| {
            let path = item.as_table_like()?.get("path")?.as_str()?;
            let is_there = members.contains(&path) || elsewhere.iter().any(|(at, _)| *at == name);
            (!is_there).then(|| name.to_owned())
        })
        .collect();
    for name in stale {
        dependencies.remove(&name);
    }
    for (name, folder) in elsewhere {
        let dependency = table(dependencies, name)?;
        dependency.insert("path", value(utf8(folder)?));
    }
    Ok(manifest.to_string())
}

/// The manifest of a member of the workspace in the cache.
///
/// # Errors
/// The text is no manifest.
pub(crate) fn member(ours: &str) -> anyhow::Result<String> {
    let mut manifest = parse(ours)?;
    strip(&mut manifest);
    Ok(manifest.to_string())
}

/// The manifest that makes the drop-in the tokio whose manifest is `real`, with the real one in the folder `at`.
///
/// # Errors
/// One of the texts is no such manifest.
pub(crate) fn drop_in(ours: &str, real: &str, at: &str) -> anyhow::Result<String> {
    let mut manifest = parse(ours)?;
    let real = parse(real)?;
    let version = real
        .get("package")
        .and_then(|package| package.get("version")?.as_str())
        .ok_or_else(|| anyhow!("the manifest of tokio has no version"))?;
    strip(&mut manifest);
    let package = table(manifest.as_table_mut(), "package")?;
    package.insert("name", value("tokio"));
    package.insert("version", value(version));

    let dependencies = table(manifest.as_table_mut(), "dependencies")?;
    let dependency = table(dependencies, "real")?;
    dependency.remove("version");
    dependency.insert("package", value(REAL));
    dependency.insert("path", value(at));

    let offered = Features::of(&real);
    let features = table(manifest.as_table_mut(), "features")?;
    offered.fit(features);
    Ok(manifest.to_string())
}

/// The manifest of the real tokio under the name that it has in the cache.
///
/// # Errors
/// The text is no manifest of tokio.
pub(crate) fn real(real: &str) -> anyhow::Result<String> {
    let mut manifest = parse(real)?;
    strip(&mut manifest);
    table(manifest.as_table_mut(), "package")?.insert("name", value(REAL));
    // The library is named after the package where nothing else is said.
    let library = manifest
        .entry("lib")
        .or_insert_with(|| Item::Table(Table::new()));
    let library = library
        .as_table_like_mut()
        .ok_or_else(|| anyhow!("[lib] is no table"))?;
    library.insert("name", value("tokio"));
    Ok(manifest.to_string())
}

/// The features of the real tokio, each with those that it switches on.
struct Features(Vec<(String, Vec<String>)>);

impl Features {
    fn of(manifest: &DocumentMut) -> Features {
        let mut named: Vec<(String, Vec<String>)> = Vec::new();
        let features = manifest.get("features").and_then(Item::as_table_like);
        for (name, item) in features.into_iter().flat_map(TableLike::iter) {
            named.push((name.to_owned(), strings(item)));
        }
        // An optional dependency is a feature of its name, unless a feature speaks of it with `dep:`.
        for dependencies in dependency_tables(manifest) {
            for (name, item) in dependencies.iter() {
                let optional = item.as_table_like().and_then(|item| item.get("optional"));
                let spoken_of = format!("dep:{name}");
                if optional.and_then(Item::as_bool) == Some(true)
                    && !named
                        .iter()
                        .any(|(feature, parts)| feature == name || parts.contains(&spoken_of))
                {
                    named.push((name.to_owned(), Vec::new()));
                }
            }
        }
        Features(named)
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(feature, _)| feature == name)
    }

    /// Makes the features of the drop-in those of this tokio: without what it lacks, and with what the drop-in does not know passed
    /// through. What the drop-in has for itself stays.
    fn fit(&self, ours: &mut dyn TableLike) {
        let of_real = |part: &str| part.strip_prefix("real/").map(str::to_owned);
        let missing: Vec<String> = ours
            .iter()
            .filter(|(name, item)| {
                let stands_for = strings(item)
                    .iter()
                    .any(|part| of_real(part).as_deref() == Some(*name));
                stands_for && !self.has(name)
            })
            .map(|(name, _)| name.to_owned())
            .collect();
        for name in &missing {
            ours.remove(name);
        }
        for (_, item) in ours.iter_mut() {
            let kept = strings(item).into_iter().filter(|part| {
                !missing.contains(part) && of_real(part).is_none_or(|feature| self.has(&feature))
            });
            *item = value(kept.collect::<Array>());
        }
        for (name, parts) in &self.0 {
            if !ours.contains_key(name) {
                let passed = format!("real/{name}");
                // What it switches on of tokio's own must be switched on of the drop-in's, too.
                let own = parts.iter().filter(|part| self.has(part)).cloned();
                ours.insert(
                    name,
                    value([passed].into_iter().chain(own).collect::<Array>()),
                );
            }
        }
    }
}

/// All tables of dependencies, for every platform.
fn dependency_tables(manifest: &DocumentMut) -> Vec<&dyn TableLike> {
    let of_all = manifest.get("dependencies").and_then(Item::as_table_like);
    let targets = manifest.get("target").and_then(Item::as_table_like);
    let of_each = targets
        .into_iter()
        .flat_map(TableLike::iter)
        .filter_map(|(_, target)| target.as_table_like()?.get("dependencies")?.as_table_like());
    of_all.into_iter().chain(of_each).collect()
}

/// Removes what is not needed to build the library.
fn strip(manifest: &mut DocumentMut) {
    for unused in NOT_BUILT {
        manifest.remove(unused);
    }
    let targets = manifest.get_mut("target").and_then(Item::as_table_like_mut);
    for (_, target) in targets.into_iter().flat_map(TableLike::iter_mut) {
        if let Some(target) = target.as_table_like_mut() {
            target.remove("dev-dependencies");
        }
    }
}

fn parse(text: &str) -> anyhow::Result<DocumentMut> {
    text.parse().context("a manifest cannot be read")
}

/// The table called `name` in another.
fn table<'a>(parent: &'a mut dyn TableLike, name: &str) -> anyhow::Result<&'a mut dyn TableLike> {
    parent
        .get_mut(name)
        .and_then(Item::as_table_like_mut)
        .ok_or_else(|| anyhow!("a manifest has no table {name}"))
}

fn strings(item: &Item) -> Vec<String> {
    let array = item.as_array().into_iter().flat_map(Array::iter);
    array.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The path as text, which is all that a manifest can hold.
///
/// # Errors
/// It is no UTF-8.
pub(crate) fn utf8(path: &Path) -> anyhow::Result<&str> {
    match path.to_str() {
        Some(path) => Ok(path),
        None => bail!(
            "{} is not UTF-8, so cargo cannot be told of it: use another folder",
            path.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::sources;

    const OURS: &str = r#"
        [package]
        name = "ais-tokio"
        version.workspace = true

        [lints]
        workspace = true

        [features]
        default = []
        full = ["real/full", "rt", "taskdump"]
        rt = ["real/rt"]
        taskdump = ["real/taskdump", "rt"]
        quiet = ["rt"]

        [dependencies]
        ais-recorder.workspace = true
        real = { package = "tokio", version = "1.54", features = ["rt"] }

        [dev-dependencies]
        axum = "0.8"
    "#;
    const REAL_MANIFEST: &str = r#"
        [package]
        name = "tokio"
        version = "1.50.2"

        [features]
        default = []
        full = ["rt", "net"]
        net = ["rt", "libc", "mio/net", "dep:mio"]
        rt = []

        [dependencies.mio]
        version = "1"
        optional = true

        [target.'cfg(unix)'.dependencies]
        libc = { version = "0.2", optional = true }

        [target.'cfg(unix)'.dev-dependencies]
        tokio-test = "1"

        [[test]]
        name = "a"

        [lints.rust.unexpected_cfgs]
        level = "warn"
        check-cfg = ["cfg(loom)"]
    "#;

    fn features(manifest: &str) -> Vec<(String, Vec<String>)> {
        let manifest = parse(manifest).unwrap();
        let features = manifest["features"].as_table_like().unwrap().iter();
        features
            .map(|(name, item)| (name.to_owned(), strings(item)))
            .collect()
    }

    fn feature(name: &str, parts: &[&str]) -> (String, Vec<String>) {
        (
            name.to_owned(),
            parts.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn the_drop_in_is_that_tokio_by_name_version_and_features() {
        let text = drop_in(OURS, REAL_MANIFEST, "../../real").unwrap();
        let manifest = parse(&text).unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some("tokio"));
        assert_eq!(manifest["package"]["version"].as_str(), Some("1.50.2"));
        let real = &manifest["dependencies"]["real"];
        assert_eq!(real["path"].as_str(), Some("../../real"));
        assert_eq!(real["package"].as_str(), Some(REAL));
        assert!(real.get("version").is_none());
        assert!(manifest.get("dev-dependencies").is_none());
        assert_eq!(
            features(&text),
            [
                feature("default", &[]),
                feature("full", &["real/full", "rt"]),
                feature("rt", &["real/rt"]),
                feature("quiet", &["rt"]),
                feature("net", &["real/net", "rt", "libc"]),
                feature("libc", &["real/libc"]),
            ]
        );
    }

    #[test]
    fn the_real_tokio_only_changes_its_name_and_loses_its_tests() {
        let manifest = parse(&real(REAL_MANIFEST).unwrap()).unwrap();
        assert_eq!(manifest["package"]["name"].as_str(), Some(REAL));
        assert_eq!(manifest["lib"]["name"].as_str(), Some("tokio"));
        assert!(manifest.get("test").is_none());
        let unix = &manifest["target"]["cfg(unix)"];
        assert!(unix.get("dependencies").is_some() && unix.get("dev-dependencies").is_none());
        assert!(manifest.get("lints").is_none());
    }

    #[test]
    fn the_workspace_has_its_members_and_what_they_inherit() {
        let ours = sources::text("Cargo.toml").unwrap();
        let all = ["format", "recorder", "recorder/macros", "recorder/tokio"];
        let manifest = parse(&workspace(ours, &all, &[]).unwrap()).unwrap();
        let shared = &manifest["workspace"];
        assert_eq!(strings(&shared["members"]), all);
        assert!(shared["package"].get("edition").is_some());
        let dependencies = &shared["dependencies"];
        assert_eq!(dependencies["ais-format"]["path"].as_str(), Some("format"));
        assert!(dependencies.get("ais-analyzer").is_none() && dependencies.get("zstd").is_some());
        assert!(shared.get("lints").is_none());

        let theirs = Path::new("/their/recorder");
        let elsewhere = [("ais-recorder", theirs)];
        let text = workspace(ours, &["recorder/tokio"], &elsewhere).unwrap();
        let dependencies = &parse(&text).unwrap()["workspace"]["dependencies"];
        let recorder = &dependencies["ais-recorder"];
        assert_eq!(recorder["path"].as_str(), Some("/their/recorder"));
        assert_eq!(recorder["default-features"].as_bool(), Some(false));
        assert!(dependencies.get("ais-format").is_none());
    }

    #[test]
    fn our_own_manifests_can_be_used() {
        for path in ["format", "recorder", "recorder/macros"] {
            let text = sources::text(&format!("{path}/Cargo.toml")).unwrap();
            assert!(!member(text).unwrap().contains("dev-dependencies"));
        }
        let ours = sources::text("recorder/tokio/Cargo.toml").unwrap();
        assert!(drop_in(ours, REAL_MANIFEST, "x").is_ok());
        assert!(drop_in(ours, "[package]", "x").is_err());
    }
}
