//! Writing to the terminal: nothing of a trace may command it, and a closed pipe is no error.

use std::io::{self, Write};
use std::process::ExitCode;

/// The exit status where the request or the file is unusable.
pub(crate) const UNUSABLE: u8 = 2;

/// Prints text that may hold colour (and only as far as the terminal wants it) to standard output.
///
/// # Errors
/// Writing fails, save that nobody reads any more.
pub(crate) fn print(text: &str) -> io::Result<()> {
    unless_closed(write_all(&mut anstream::stdout().lock(), text))
}

/// Prints text to standard output as it is.
///
/// # Errors
/// Writing fails, save that nobody reads any more.
pub(crate) fn print_raw(text: &str) -> io::Result<()> {
    unless_closed(write_all(&mut io::stdout().lock(), text))
}

fn write_all(out: &mut impl Write, text: &str) -> io::Result<()> {
    out.write_all(text.as_bytes())?;
    out.flush()
}

fn unless_closed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints what came of arguments that ask for nothing: help, the version, what is wrong with them. The exit status.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Help and version are no errors. A closed pipe while printing them is none either.
    let _ = error.print();
    if error.use_stderr() {
        ExitCode::from(UNUSABLE)
    } else {
        ExitCode::SUCCESS
    }
}

/// Says what is wrong, on standard error, in one line that begins with the name of the command.
pub(crate) fn complain(command: &str, text: &str) {
    // Where standard error is closed too there is nobody to tell.
    let _ = writeln!(anstream::stderr().lock(), "{command}: {}", clean(text));
}

/// Says what was done, on standard error, in one line.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{}", clean(text));
}

/// Prints text that may hold colour beside the output of another program: to standard error.
pub(crate) fn print_aside(text: &str) {
    // As where something is wrong: a program whose output nobody reads has ended all the same.
    let _ = write_all(&mut anstream::stderr().lock(), text);
}

/// Text from a trace with everything made visible that a terminal would obey: control characters (escape sequences begin with one),
/// and the marks that reverse the direction of writing.
pub(crate) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(clean("transfer a→b"), "transfer a→b");
        assert_eq!(clean("\x1b[2Jgone\r\n"), "\\u{1b}[2Jgone\\u{d}\\u{a}");
        assert_eq!(clean("a\u{202e}b"), "a\\u{202e}b");
    }
}
