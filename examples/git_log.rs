//! The last commits of a repository, each with the number of files that it changed:
//!
//! ```text
//! cargo run --features tokio --example git_log
//! cargo run --features smol --example git_log -- path/to/repository --number 100 --jobs 4
//! ```
//!
//! libgit2 reads files, and blocks. Its `Repository` may be used by one thread at a time; what it hands out (commits,
//! trees, walks) borrows from it, and may not leave the thread at all. Here an `Actor` owns a repository on a thread of
//! its own: such handles live and die inside a call, and plain rows come out. Several actors, several queries at once.

#[path = "support/cores.rs"]
mod cores;
#[path = "support/counted.rs"]
mod counted;
#[path = "support/runtime.rs"]
mod runtime;
#[path = "support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyloop::{Actor, BlockOn, gather, try_gather};
use clap::Parser;
use clap::builder::RangedI64ValueParser;
use git2::{BranchType, ErrorCode, Oid, Repository};

use crate::cores::cores;
use crate::counted::counted;
use crate::runtime::RuntimeChoice;

/// Prints the last commits of a Git repository, the newest first, each with the number of
/// files that it changed.
///
/// A merge is compared with its first parent.
#[derive(Parser)]
#[command(
    name = "git_log",
    verbatim_doc_comment,
    after_help = "\
Exit code: 0 when all is well, 1 when the history could not be read or the output not
be written, 2 when the program cannot begin: where there is no repository, say."
)]
struct Args {
    /// The repository, or a folder in it
    #[arg(default_value = ".")]
    repository: PathBuf,

    /// How many commits are printed, at most
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = 10, value_parser = RangedI64ValueParser::<usize>::new().range(1..=1_000_000))]
    number: usize,

    /// How many times the repository is opened, for so many queries at a time; as many as there are cores, unless given
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = cores(), value_parser = RangedI64ValueParser::<usize>::new().range(1..=256))]
    jobs: usize,

    #[command(flatten)]
    runtime: RuntimeChoice,
}

fn main() -> ExitCode {
    let args = Args::parse();
    match log(&args) {
        Ok(Ok(text)) => stdout::print(&text),
        Ok(Err(error)) => {
            eprintln!("error: {:?}: {}", args.repository, error.message());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The text; or the error of a repository that can be opened, but not read; or why that cannot begin.
fn log(args: &Args) -> Result<Result<String, git2::Error>, Box<dyn Error>> {
    let runtime = args.runtime.start()?;
    runtime.run(async {
        let repositories = open(&args.repository, args.jobs).await?;
        Ok(text(&repositories, args.number).await)
    })
}

/// Opens the repository so many times, each on a thread of its own.
async fn open(path: &Path, times: usize) -> Result<Vec<Actor<Repository>>, Box<dyn Error>> {
    let opening = (0..times).map(|_| {
        let path = path.to_owned();
        Actor::try_new(move || Repository::discover(path))
    });
    let opened: Result<_, git2::Error> = try_gather(opening).await?.into_iter().collect();
    opened.map_err(|error| match error.code() {
        ErrorCode::NotFound => format!("{path:?}: there is no repository, nor in the folders above").into(),
        _ => format!("{path:?}: {}", error.message()).into(),
    })
}

/// What is printed: different queries at once, then the same for each commit at once.
async fn text(repositories: &[Actor<Repository>], number: usize) -> Result<String, git2::Error> {
    let mut next = repositories.iter().cycle();
    let mut repository = || next.next().expect("at least one is opened");

    let heading = repository().call(|repository| heading(repository));
    let newest = repository().call(move |repository| newest(repository, number));
    let (heading, newest) = gather((heading, newest)).await;
    let mut text = heading?;

    let rows = newest?.into_iter().map(|id| repository().call(move |repository| row(repository, id)));
    let rows: Vec<Row> = try_gather(rows).await?;
    for Row { id, files, author, summary } in rows {
        let s = if files == 1 { " " } else { "s" };
        writeln!(text, "{id}  {files:>5} file{s}  {summary} ({author})").expect("a string takes it all");
    }
    Ok(text)
}

/// What is checked out, and how many branches there are.
fn heading(repository: &Repository) -> Result<String, git2::Error> {
    let head = repository.head().map_err(|error| match error.code() {
        ErrorCode::UnbornBranch => git2::Error::from_str("there are no commits yet"),
        _ => error,
    })?;
    let name =
        if repository.head_detached()? { "no branch".to_owned() } else { line(head.shorthand_bytes()) };
    let branches = repository.branches(Some(BranchType::Local))?.count();
    let branches = counted(branches, "local branch", "local branches");
    Ok(format!("on {name}, of {branches}\n"))
}

/// The newest commits that `HEAD` leads to.
fn newest(repository: &Repository, number: usize) -> Result<Vec<Oid>, git2::Error> {
    let mut walk = repository.revwalk()?;
    walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::TIME)?;
    walk.push_head()?;
    walk.take(number).collect()
}

/// What is told of a commit. It can go to any thread; the commit cannot.
#[derive(Debug)]
struct Row {
    id: String,
    files: usize,
    author: String,
    summary: String,
}

fn row(repository: &Repository, id: Oid) -> Result<Row, git2::Error> {
    let commit = repository.find_commit(id)?;
    let before = match commit.parent_count() {
        0 => None,
        _ => Some(commit.parent(0)?.tree()?),
    };
    let diff = repository.diff_tree_to_tree(before.as_ref(), Some(&commit.tree()?), None)?;
    Ok(Row {
        id: commit.as_object().short_id()?.as_str().unwrap_or_default().to_owned(),
        files: diff.deltas().len(),
        author: line(commit.author().name_bytes()),
        summary: line(commit.summary_bytes().unwrap_or_default()),
    })
}

/// Text of somebody else's, on one line, and with nothing in it that a terminal would obey.
fn line(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_nothing_in_it_that_a_terminal_would_obey() {
        assert_eq!(line(b"Gr\xc3\xb6\xc3\x9fe"), "Größe");
        assert_eq!(line(b"a\x1b[2Jb\nc\xff"), "a\u{fffd}[2Jb\u{fffd}c\u{fffd}");
    }
}
