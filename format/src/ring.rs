//! The names of a ring's segments: `trace.0001.ais`, `trace.0002.ais`, … for `trace.ais`.

use std::path::{Path, PathBuf};

/// `trace.0007.ais` for `trace.ais` and 7.
#[must_use]
pub fn segment(base: &Path, number: u64) -> PathBuf {
    let stem = base.file_stem().unwrap_or_default();
    let mut name = stem.to_os_string();
    name.push(format!(".{number:04}"));
    if let Some(extension) = base.extension() {
        name.push(".");
        name.push(extension);
    }
    base.with_file_name(name)
}

/// `trace.ais` and 7 for `trace.0007.ais`; none for another name.
#[must_use]
pub fn split(segment: &Path) -> Option<(PathBuf, u64)> {
    let stem = Path::new(segment.file_stem()?);
    // Without an extension of its own the number is the only one.
    let (stem, number, extension) = match stem.extension() {
        Some(number) => (stem.file_stem()?, number, segment.extension()),
        None => (stem.as_os_str(), segment.extension()?, None),
    };
    let number = number.to_str()?;
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut name = stem.to_os_string();
    if let Some(extension) = extension {
        name.push(".");
        name.push(extension);
    }
    Some((segment.with_file_name(name), number.parse().ok()?))
}

/// The files that are segments of this ring by their names, by number.
#[must_use]
pub fn segments(base: &Path) -> Vec<(u64, PathBuf)> {
    let folder = match base.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut found: Vec<(u64, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = base.with_file_name(entry.ok()?.file_name());
            let (of, number) = split(&path)?;
            (of == base).then_some((number, path))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_is_known_by_its_number() {
        for base in ["logs/trace.ais", "trace", "a.b.ais"] {
            let base = Path::new(base);
            for number in [1, 7, 123_456] {
                assert_eq!(
                    split(&segment(base, number)),
                    Some((base.to_owned(), number))
                );
            }
        }
        assert_eq!(
            segment(Path::new("logs/trace.ais"), 7),
            Path::new("logs/trace.0007.ais")
        );
        for other in [
            "logs/trace.previous.ais",
            "trace.ais",
            "trace",
            "trace..ais",
        ] {
            assert_eq!(split(Path::new(other)), None, "{other}");
        }
    }
}
