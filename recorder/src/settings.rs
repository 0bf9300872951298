//! How a recording is to be made, as the environment says it.

use std::ffi::OsStr;
use std::io;

use crate::recorder::Builder;

/// The environment variable that names the trace to write.
pub const TRACE_VARIABLE: &str = "AIS_TRACE";
/// How the recording is kept: `file`, `ring` or `memory`.
const MODE: &str = "AIS_TRACE_MODE";
/// How many bytes are kept: on disk, of a flight recorder in memory.
const LIMIT: &str = "AIS_TRACE_LIMIT";
/// How many bytes of memory may hold what is not written yet.
const BUFFER: &str = "AIS_TRACE_BUFFER";
/// When a flight recorder's memory is written: `panic`, and names of signals.
const DUMP: &str = "AIS_TRACE_DUMP";
/// Whether the name of the machine is recorded: `1`.
const HOST: &str = "AIS_TRACE_HOST";

/// What the environment asks for; none where it does not ask for a recording.
pub(crate) fn from_env() -> io::Result<Option<Builder>> {
    from(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

fn from<V: AsRef<OsStr>>(variable: impl Fn(&str) -> Option<V>) -> io::Result<Option<Builder>> {
    let Some(path) = variable(TRACE_VARIABLE) else {
        return Ok(None);
    };
    let text =
        |name: &str| variable(name).map(|value| value.as_ref().to_string_lossy().into_owned());
    let wrong = |name: &str, value: &str, wanted: &str| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name}={value}: {wanted}"),
        )
    };
    let bytes_of = |name: &str| match text(name) {
        None => Ok(None),
        Some(value) => bytes(&value)
            .map(Some)
            .ok_or_else(|| wrong(name, &value, "give a size, such as 256MiB")),
    };
    let mut builder = Builder::default().path(path.as_ref());
    let limit = bytes_of(LIMIT)?;
    builder = match text(MODE).as_deref() {
        None | Some("file") => match limit {
            Some(limit) => builder.file_limit(limit),
            None => builder,
        },
        Some("ring") => builder.ring(limit.unwrap_or(Builder::RING)),
        Some("memory") => builder.flight_recorder(limit.unwrap_or(Builder::FLIGHT_RECORDER)),
        Some(other) => return Err(wrong(MODE, other, "give file, ring or memory")),
    };
    if let Some(buffer) = bytes_of(BUFFER)? {
        builder = builder.memory_limit(usize::try_from(buffer).unwrap_or(usize::MAX));
    }
    for when in text(DUMP).iter().flat_map(|value| value.split(',')) {
        builder = match when.trim() {
            "panic" => builder.dump_on_panic(),
            name => {
                let number = signal(name).ok_or_else(|| {
                    wrong(
                        DUMP,
                        name,
                        "give panic, USR1, USR2, or several with commas between",
                    )
                })?;
                builder.dump_on_signal(number)
            }
        };
    }
    if text(HOST).is_some_and(|value| value == "1") {
        builder = builder.record_host();
    }
    Ok(Some(builder))
}

/// A size in bytes: a whole number, alone or with a unit.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" | "kb" => 1 << 10,
        "m" | "mib" | "mb" => 1 << 20,
        "g" | "gib" | "gb" => 1 << 30,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// The number of a signal that programs may use for themselves, by its name or as it is.
fn signal(name: &str) -> Option<i32> {
    let name = name.trim_start_matches("SIG");
    #[cfg(unix)]
    match name {
        "USR1" => return Some(signal_hook::consts::SIGUSR1),
        "USR2" => return Some(signal_hook::consts::SIGUSR2),
        "HUP" => return Some(signal_hook::consts::SIGHUP),
        _ => {}
    }
    name.parse().ok().filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(variables: &[(&str, &str)]) -> io::Result<Option<Builder>> {
        from(|name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn sizes_may_have_units() {
        assert_eq!(bytes("1024"), Some(1024));
        assert_eq!(bytes("256MiB"), Some(256 << 20));
        assert_eq!(bytes("2 g"), Some(2 << 30));
        assert_eq!(bytes("64 KB"), Some(64 << 10));
        for wrong in ["", "MiB", "1.5G", "-1", "12parsecs", "99999999999G"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn without_a_trace_nothing_is_asked_for() {
        assert!(asked(&[(MODE, "nonsense")]).unwrap().is_none());
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        let said = |variable, value| {
            let error = asked(&[(TRACE_VARIABLE, "a.ais"), (variable, value)]).unwrap_err();
            error.to_string()
        };
        assert_eq!(
            said(MODE, "tape"),
            "AIS_TRACE_MODE=tape: give file, ring or memory"
        );
        assert_eq!(
            said(LIMIT, "much"),
            "AIS_TRACE_LIMIT=much: give a size, such as 256MiB"
        );
        assert!(said(DUMP, "never").starts_with("AIS_TRACE_DUMP=never: give panic"));
        assert!(said(BUFFER, "x").starts_with("AIS_TRACE_BUFFER=x: "));
    }
}
