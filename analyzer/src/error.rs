//! Why a trace could not be analysed at all. What is merely missing from a trace is a [`crate::source::Loss`], not an error.

use std::io;
use std::path::PathBuf;

/// Why a trace could not be analysed. The text is one line that says what is wrong and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file could not be read.
    #[error("{}: {}", path.display(), explain(reason))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: io::Error,
    },
    /// The file is no trace that this version reads.
    #[error("{}: {reason}{}", path.display(), advice(reason))]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: ais_format::Error,
    },
    /// No chunk of the file could be read.
    #[error("{}: nothing in it can be read: {reason}; record it again", path.display())]
    NothingReadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with the first chunk.
        reason: String,
    },
}

fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file; name a trace that a recorder has written".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; traces are readable by their owner only: run as that user, or change the file's mode"
                .to_owned()
        }
        io::ErrorKind::IsADirectory => "is a directory; name the .ais file in it".to_owned(),
        _ => error.to_string(),
    }
}

fn advice(error: &ais_format::Error) -> &'static str {
    match error {
        ais_format::Error::NotATrace(_) => {
            "; name a file that a recorder has written (AIS_TRACE=trace.ais)"
        }
        ais_format::Error::Cut(_) => {
            "; the recording ended before anything was written: record it again"
        }
        ais_format::Error::NewerVersion { .. } => "",
        _ => "; record it again",
    }
}
