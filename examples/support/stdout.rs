//! The end of a program that writes to standard output.
#![allow(dead_code, reason = "each example uses what it needs")]

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

/// Writes the text; the program's exit code then.
pub(crate) fn print(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// The exit code of a program that could not write. It says so, but not if whoever reads the output has seen enough of
/// it (`| head`).
pub(crate) fn failed(error: &io::Error) -> ExitCode {
    if error.kind() != ErrorKind::BrokenPipe {
        eprintln!("error: standard output: {error}");
    }
    ExitCode::FAILURE
}
