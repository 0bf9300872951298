//! Which traces a run has left, and what to say of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use ais_analyzer::Trace;

use super::command::Kind;
use crate::analysis::Analysis;
use crate::text;

/// The traces there are, each with what changes when it is written anew.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Traces(BTreeMap<PathBuf, (SystemTime, u64)>);

impl Traces {
    /// The trace at `path`, and those that the recorder writes beside it where that one is taken: `trace.PID.ais`.
    pub(crate) fn at(path: &Path) -> Traces {
        let folder = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let mut traces = BTreeMap::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Spelled as the user did.
            let found = path.with_file_name(entry.file_name());
            if (found == path || is_beside(&found, path))
                && let Ok(state) = state(&found)
            {
                traces.insert(found, state);
            }
        }
        Traces(traces)
    }

    /// Those that are new or were written anew since `before`; the one at `path` first.
    pub(crate) fn since(self, before: &Traces, path: &Path) -> Vec<PathBuf> {
        let mut new: Vec<PathBuf> = self
            .0
            .into_iter()
            .filter(|(path, state)| before.0.get(path) != Some(state))
            .map(|(path, _)| path)
            .collect();
        new.sort_by_key(|found| found != path);
        new
    }
}

fn state(path: &Path) -> io::Result<(SystemTime, u64)> {
    let metadata = fs::metadata(path)?;
    Ok((metadata.modified()?, metadata.len()))
}

/// Whether `found` is `trace.PID.ais` to the `trace.ais` that is `path`.
fn is_beside(found: &Path, path: &Path) -> bool {
    let stem = |path: &Path| path.file_stem().map(PathBuf::from);
    let (Some(found_stem), Some(path_stem)) = (stem(found), stem(path)) else {
        return false;
    };
    found.extension() == path.extension()
        && found_stem.file_stem() == Some(path_stem.as_os_str())
        && found_stem
            .extension()
            .and_then(|pid| pid.to_str())
            .is_some_and(|pid| pid.bytes().all(|digit| digit.is_ascii_digit()))
}

/// What to say of the traces: the first one's summary in brief, and where the others are.
pub(crate) fn report(traces: &[PathBuf]) -> String {
    let (mut report, mut also) = (String::new(), String::new());
    for (number, path) in traces.iter().enumerate() {
        match Trace::open(path) {
            Ok(trace) if number == 0 => report += &text::brief(&Analysis::of(trace)),
            Ok(trace) => also += &text::also(&Analysis::of(trace)),
            Err(error) => also += &text::unusable(&error.to_string()),
        }
    }
    // Apart from what to do next, which is about the first.
    if !report.is_empty() && !also.is_empty() {
        report.push('\n');
    }
    report + &also
}

/// Why there may be no trace, in one line.
pub(crate) fn why_none(kind: Kind, is_success: bool) -> &'static str {
    match (kind, is_success) {
        (Kind::Build, _) => {
            "nothing was recorded: this command only builds; run the program with `inspect-record cargo run`, or a test with `cargo test`"
        }
        (_, false) => {
            "nothing was recorded: the build failed, the program ended before it started a tokio runtime, or the trace cannot be written (see above)"
        }
        (Kind::Run, true) => {
            "nothing was recorded: the program started no tokio runtime, or cannot write where -o says"
        }
        (Kind::Test, true) => {
            "nothing was recorded: no test that ran started a tokio runtime, or the trace cannot be written where -o says"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_written_by_the_run_counts() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["trace.ais", "trace.7.ais", "trace.old.ais", "other.ais"] {
            fs::write(at(name), b"old").unwrap();
        }
        let path = at("trace.ais");
        let before = Traces::at(&path);
        assert_eq!(before.0.len(), 2);
        assert!(Traces::at(&path).since(&before, &path).is_empty());
        for name in ["trace.ais", "trace.12.ais", "trace.new.ais", "other.ais"] {
            fs::write(at(name), b"written").unwrap();
        }
        assert_eq!(
            Traces::at(&path).since(&before, &path),
            [path.clone(), at("trace.12.ais")]
        );
    }

    #[test]
    fn the_first_trace_is_summed_up_and_the_others_are_named() {
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample-traces");
        let at = |name: &str| samples.join(name);
        let text = report(&[at("abba.ais"), at("http.ais"), at("README.md")]);
        for part in [
            "deadlock-cycle, proven",
            "next:",
            "http.ais, http",
            "unusable",
        ] {
            assert!(text.contains(part), "{part}\nis missing from\n{text}");
        }
        assert!(!text.contains("alive at the end"), "{text}");
    }

    #[test]
    fn each_reason_is_one_line() {
        for kind in [Kind::Run, Kind::Test, Kind::Build] {
            for is_success in [true, false] {
                assert_eq!(why_none(kind, is_success).lines().count(), 1);
            }
        }
    }
}
