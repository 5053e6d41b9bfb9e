//! What can be asked for.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::RangedI64ValueParser;

use crate::cores::cores;
use crate::runtime::RuntimeChoice;

/// Prints the SHA-256 of every file under the directories, sorted, as sha256sum does.
///
/// Symbolic links are not followed. The sums go to standard output; the summary, the
/// progress and what could not be read go to standard error.
#[derive(Parser)]
#[command(
    name = "checksum",
    verbatim_doc_comment,
    after_help = "\
Exit code: 0 when all is well, 1 when a file could not be read or the output not
be written, 2 when the program cannot begin."
)]
pub(crate) struct Args {
    /// The directories; a file stands for itself
    #[arg(required = true, value_name = "DIR")]
    pub(crate) roots: Vec<PathBuf>,

    /// How many files are read at a time [default: as many as there are cores]
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, value_parser = RangedI64ValueParser::<usize>::new().range(1..=10_000))]
    jobs: Option<usize>,

    #[command(flatten)]
    pub(crate) runtime: RuntimeChoice,
}

impl Args {
    pub(crate) fn jobs(&self) -> usize {
        self.jobs.unwrap_or_else(cores)
    }
}
