//! What can be asked for.

use std::error::Error;
use std::num::NonZero;
use std::path::PathBuf;
use std::thread;

use anyloop::{Adapter, AnyRuntime, NoRuntime};
use clap::Parser;
use clap::builder::RangedU64ValueParser;

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
    #[arg(short, long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    jobs: Option<usize>,

    /// The async runtime [default: ANYLOOP_RUNTIME, or the only one compiled in]
    #[arg(short, long, value_name = "NAME", value_parser = named)]
    runtime: Option<Adapter>,
}

impl Args {
    pub(crate) fn jobs(&self) -> usize {
        self.jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get))
    }

    pub(crate) fn runtime(&self) -> Result<AnyRuntime, Box<dyn Error>> {
        match self.runtime {
            Some(adapter) => Ok((adapter.start)()?),
            None => anyloop::current().map_err(|error| match error {
                NoRuntime::Several { compiled_in, .. } => {
                    let names = compiled_in.join(", ");
                    format!("choose a runtime with --runtime or ANYLOOP_RUNTIME: {names}").into()
                }
                error => error.into(),
            }),
        }
    }
}

fn named(wanted: &str) -> Result<Adapter, String> {
    anyloop::adapters().find(|adapter| adapter.name == wanted).ok_or_else(|| {
        let names: Vec<_> = anyloop::adapters().map(|adapter| adapter.name).collect();
        match names[..] {
            [] => "no runtime is compiled in: build with `--features tokio`, say".to_owned(),
            _ => format!("compiled in are {}", names.join(", ")),
        }
    })
}
