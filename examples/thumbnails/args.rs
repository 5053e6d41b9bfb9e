//! What can be asked for.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::RangedI64ValueParser;

use crate::cores::cores;
use crate::runtime::RuntimeChoice;

/// Makes a small copy of every picture in a folder, under the same name in another folder.
///
/// Pictures are the files that end in .png, .jpg or .jpeg; folders inside are left alone.
/// Small ones are not enlarged. What can be said is on standard error.
#[derive(Parser)]
#[command(
    name = "thumbnails",
    verbatim_doc_comment,
    after_help = "\
A picture takes the memory of its pixels and of its file. Those that are decoded at a
time take no more than --memory together; one that takes more alone is reported, and
not decoded.

Exit code: 0 when all is well, 1 when a picture could not be copied, 2 when the
program cannot begin."
)]
pub(crate) struct Args {
    /// Where the pictures are
    pub(crate) folder: PathBuf,

    /// Where the small ones go; made if it is not there, and files in it are replaced
    pub(crate) output: PathBuf,

    /// How many pixels a small picture has at most, in either direction
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) size: u32,

    /// Memory for all pictures that are decoded at a time, in MiB
    #[arg(short, long, value_name = "MIB", allow_negative_numbers = true, default_value_t = 256, value_parser = RangedI64ValueParser::<usize>::new().range(1..=1_000_000))]
    pub(crate) memory: usize,

    /// How many pictures are decoded at a time, at most; as many as there are cores, unless given
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = cores(), value_parser = RangedI64ValueParser::<usize>::new().range(1..=10_000))]
    pub(crate) jobs: usize,

    #[command(flatten)]
    pub(crate) runtime: RuntimeChoice,
}
