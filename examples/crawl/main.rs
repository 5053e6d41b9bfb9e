//! Crawls a web site with a client that blocks, as if it were async:
//!
//! ```text
//! cargo run --features tokio --example crawl
//! cargo run --features smol --example crawl -- --hosts 5 --per-host 2 --pages 1000
//! ```
//!
//! The site is this program's own, on loopback, and a bad one: some pages fail at first, some never answer.
//! `client::fetch` is plain code that blocks. What is around it is in `crawl`: a limit for each host, a deadline for each
//! request, retries, and Ctrl-C, which reaches the requests that are under way.

mod client;
#[path = "../support/counted.rs"]
mod counted;
mod crawl;
#[path = "../support/pool.rs"]
mod pool;
#[path = "../support/runtime.rs"]
mod runtime;
mod site;
#[path = "../support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyloop::{BlockOn, CancelToken, Runtime};
use clap::Parser;
use clap::builder::RangedI64ValueParser;

use crate::crawl::{Report, crawl};
use crate::runtime::RuntimeChoice;
use crate::site::Site;

/// Starts a web site of several hosts on loopback, and crawls all of it with a blocking client.
///
/// Every seventh page answers 503 to the first request; every fifth of those without links,
/// but not the first page, never answers, and is given up at its deadline.
#[derive(Parser)]
#[command(
    name = "crawl",
    verbatim_doc_comment,
    after_help = "\
Exit code: 0 when every page of the site was reached, and read or given up; 1 when a page
failed for another reason than its deadline, or hid those that it links to, or the output
cannot be written; 2 when the program cannot begin; 130 after Ctrl-C."
)]
struct Args {
    /// How many pages the site has
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, default_value_t = 200, value_parser = RangedI64ValueParser::<usize>::new().range(1..=100_000))]
    pages: usize,

    /// On how many hosts they are
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 3, value_parser = RangedI64ValueParser::<usize>::new().range(1..=64))]
    hosts: usize,

    /// How many requests a host gets at a time
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = 4, value_parser = RangedI64ValueParser::<usize>::new().range(1..=256))]
    per_host: usize,

    /// How many milliseconds a request may take
    #[arg(long, value_name = "MS", allow_negative_numbers = true, default_value_t = 300, value_parser = RangedI64ValueParser::<u64>::new().range(1..=60_000))]
    patience: u64,

    /// How often a page that fails is asked for again
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=10))]
    retries: u32,

    #[command(flatten)]
    runtime: RuntimeChoice,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let stop = CancelToken::new();
    match run(&args, &stop) {
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
        Ok(report) => {
            if let Err(error) = writeln!(io::stdout(), "{report}") {
                return stdout::failed(&error);
            }
            match report.failed.is_empty() && report.reached == report.pages {
                _ if stop.is_cancelled() => ExitCode::from(130),
                true => ExitCode::SUCCESS,
                false => ExitCode::FAILURE,
            }
        }
    }
}

fn run(args: &Args, stop: &CancelToken) -> Result<Report, Box<dyn Error>> {
    let runtime = args.runtime.start()?;
    pool::check(&runtime)?;
    let site = Site::start(args.hosts, args.pages)?;
    let on_ctrl_c = stop.clone();
    ctrlc::set_handler(move || on_ctrl_c.cancel())?;
    let manners = crawl::Manners {
        per_host: args.per_host,
        patience: Duration::from_millis(args.patience),
        retries: args.retries,
    };
    eprintln!("crawling {} and all that it links to (runtime: {})", site.start_page(), runtime.name());
    let mut report = runtime.run(crawl(site.start_page(), manners, stop));
    (report.busiest, report.pages) = (site.busiest(), args.pages);
    Ok(report)
}
