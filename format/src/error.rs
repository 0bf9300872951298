//! What can be wrong with bytes that claim to be a trace.

/// Why bytes could not be read as (part of) a trace. The text says what is wrong; where (file, byte) is added by whoever knows it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes do not begin as an `.ais` file does.
    #[error("not an .ais trace: {0}")]
    NotATrace(&'static str),
    /// The file is of a later major version.
    #[error(
        "written in format version {major}.{minor}; this version reads {}.x: use a newer inspect-analyze",
        crate::VERSION_MAJOR
    )]
    NewerVersion {
        /// The file's major version.
        major: u16,
        /// The file's minor version.
        minor: u16,
    },
    /// The bytes end before the thing they began.
    #[error("cut off inside {0}")]
    Cut(&'static str),
    /// A checksum does not match: bytes were changed after they were written.
    #[error("checksum of {0} does not match")]
    Checksum(&'static str),
    /// The bytes contradict the format.
    #[error("malformed: {0}")]
    Malformed(&'static str),
    /// A length or a count is beyond what the format allows; nothing was allocated for it.
    #[error("{what} of {claimed} is beyond the limit of {limit}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// How large it claims to be.
        claimed: u64,
        /// What is allowed.
        limit: u64,
    },
    /// zstd could not decompress the chunk.
    #[error("zstd: {0}")]
    Compression(String),
}
