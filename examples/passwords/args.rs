//! What can be asked for.

use std::error::Error;

use argon2::Params;
use clap::Parser;
use clap::builder::RangedI64ValueParser;

use crate::cores::cores;
use crate::runtime::RuntimeChoice;

/// What all hashes at a time may take together. Beyond it, a machine begins to swap, or the system ends the program.
const MEMORY_LIMIT: u64 = 4 << 20;

/// Hashes and verifies a password for each user, first called plainly in async code, then
/// wrapped, and shows how late the event loop was meanwhile.
#[derive(Parser)]
#[command(
    name = "passwords",
    verbatim_doc_comment,
    after_help = "\
A hash takes --memory, and so many are in memory at a time as --jobs says: 4 GiB at most.

Exit code: 0 when every hash takes its own password and no other, 1 when one does not
or the output cannot be written, 2 when the program cannot begin: where the default
pool takes no calls, say."
)]
pub(crate) struct Args {
    /// How many users there are
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = 8, value_parser = RangedI64ValueParser::<usize>::new().range(1..=100_000))]
    pub(crate) users: usize,

    /// Memory that each hash takes, in KiB
    #[arg(short, long, value_name = "KIB", allow_negative_numbers = true, default_value_t = Params::DEFAULT_M_COST)]
    pub(crate) memory: u32,

    /// How often each hash goes over its memory
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = Params::DEFAULT_T_COST, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) passes: u32,

    /// How many wrapped calls run at a time; as many as there are cores, unless given
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = cores(), value_parser = RangedI64ValueParser::<usize>::new().range(1..=10_000))]
    pub(crate) jobs: usize,

    #[command(flatten)]
    pub(crate) runtime: RuntimeChoice,
}

impl Args {
    /// What each hash is to cost.
    pub(crate) fn cost(&self) -> Result<Params, Box<dyn Error>> {
        let Self { memory, passes, jobs, .. } = *self;
        // No more of them are there at a time than there are users.
        let together = u64::from(memory) * jobs.min(self.users) as u64;
        if together > MEMORY_LIMIT {
            let limit = MEMORY_LIMIT >> 20;
            return Err(format!(
                "--memory {memory} KiB for each of --jobs {jobs} is more than {limit} GiB: ask for less of one of them"
            )
            .into());
        }
        Params::new(memory, passes, 1, None).map_err(|error| {
            let least = Params::MIN_M_COST;
            format!("--memory {memory}: argon2 says that {error} (it takes {least} KiB or more)").into()
        })
    }
}
