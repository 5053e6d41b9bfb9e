//! A database that async code awaits: plain blocking methods, and one attribute.
//!
//! ```text
//! cargo run --features tokio --example sqlite -- notes.db
//! cargo run --features smol --example sqlite -- notes.db --notes 10000 --readers 4 --patience 500
//! ```
//!
//! A SQLite connection is one thread's at a time. `Db` has one, and is ordinary blocking code; `AsyncDb` is the
//! handle that the attribute makes: the connection lives on a thread of its own, and its calls are awaited. One of
//! them writes; a few more read, at the same time. A query that nobody waits for any more is interrupted.

#[path = "support/cores.rs"]
mod cores;
#[path = "support/runtime.rs"]
mod runtime;
#[path = "support/stdout.rs"]
mod stdout;

use std::error::Error;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyloop::{BlockOn, async_wrap, from_thread, timeout, try_gather};
use clap::Parser;
use clap::builder::{OsStringValueParser, RangedI64ValueParser, TypedValueParser as _};
use rusqlite::{Connection, OpenFlags};

use crate::cores::cores;
use crate::runtime::RuntimeChoice;

/// Writes notes into a SQLite database, reads them through several connections at once, and
/// gives up a query that takes too long.
#[derive(Parser)]
#[command(
    name = "sqlite",
    verbatim_doc_comment,
    after_help = "\
Exit code: 0 when all is well, 1 when the database could not be used or the output not
be written, 2 when the program cannot begin: where there is no database to open, say."
)]
struct Args {
    /// The database's file; made if it is not there
    #[arg(value_parser = OsStringValueParser::new().try_map(file))]
    database: PathBuf,

    /// How many notes are written
    #[arg(short, long, value_name = "N", allow_negative_numbers = true, default_value_t = 1_000, value_parser = RangedI64ValueParser::<usize>::new().range(1..=1_000_000))]
    notes: usize,

    /// How many connections read; as many as there are cores, unless given
    #[arg(short = 'c', long, value_name = "N", allow_negative_numbers = true, default_value_t = cores(), value_parser = RangedI64ValueParser::<usize>::new().range(1..=256))]
    readers: usize,

    /// How many milliseconds the query without an end is waited for
    #[arg(short, long, value_name = "MS", allow_negative_numbers = true, default_value_t = 50, value_parser = RangedI64ValueParser::<u64>::new().range(1..=60_000))]
    patience: u64,

    #[command(flatten)]
    runtime: RuntimeChoice,
}

/// What is in memory, or in a file without a name, has no other connection to it: the readers would find nothing there.
fn file(path: OsString) -> Result<PathBuf, &'static str> {
    let text = path.to_string_lossy();
    if text.is_empty() {
        return Err(
            "a database without a name has one connection, but here others read what one writes: name a file",
        );
    }
    if text == ":memory:" || (text.starts_with("file:") && text.contains("mode=memory")) {
        return Err(
            "a database in memory has one connection, but here others read what one writes: name a file",
        );
    }
    Ok(path.into())
}

/// Notes in a database: blocking code, as it was before there was any async around it.
struct Db {
    connection: Connection,
}

/// A handle to a database that has a connection, and a thread, of its own.
#[async_wrap(actor = AsyncDb)]
impl Db {
    /// Opens it for writing, and makes what is not there.
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let db = Self::over(Connection::open(path)?)?;
        // Readers go on while there is a writer.
        db.connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT NOT NULL)",
        )?;
        Ok(db)
    }

    /// Opens one that is there, for reading.
    pub(crate) fn open_to_read(path: &Path) -> rusqlite::Result<Self> {
        Self::over(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
    }

    /// Adds a note; gives its number.
    pub(crate) fn add(&mut self, text: &str) -> rusqlite::Result<i64> {
        self.connection.prepare_cached("INSERT INTO note (text) VALUES (?1)")?.insert([text])
    }

    /// The text of a note, if there is one of this number.
    pub(crate) fn note(&self, id: i64) -> rusqlite::Result<Option<String>> {
        use rusqlite::OptionalExtension as _;
        let mut query = self.connection.prepare_cached("SELECT text FROM note WHERE id = ?1")?;
        query.query_row([id], |row| row.get(0)).optional()
    }

    /// How many there are.
    pub(crate) fn count(&self) -> rusqlite::Result<i64> {
        self.connection.query_row("SELECT count(*) FROM note", [], |row| row.get(0))
    }

    /// Counts without an end.
    pub(crate) fn count_for_ever(&self) -> rusqlite::Result<i64> {
        let query = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        self.connection.query_row(query, [], |row| row.get(0))
    }

    fn over(connection: Connection) -> rusqlite::Result<Self> {
        // SQLite asks every so many of its steps. Nobody waits for the call that runs: it ends with an error. The
        // next one on this connection is another call, and is not hit. (`sqlite3_interrupt`, as a hook that is called
        // once, would miss a call that is cancelled before its statement begins.)
        connection.progress_handler(1_000, Some(from_thread::is_cancelled))?;
        Ok(Self { connection })
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(Ok(text)) => stdout::print(&text),
        Ok(Err(error)) => {
            eprintln!("error: {}", explained(&args.database, &error));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The text; or the error of a database that can be opened, but not used; or why that cannot begin.
fn run(args: &Args) -> Result<rusqlite::Result<String>, Box<dyn Error>> {
    let runtime = args.runtime.start()?;
    let cannot_open = |error| explained(&args.database, &error);
    runtime.run(async {
        let writer = AsyncDb::open(&args.database).await.map_err(cannot_open)?;
        let readers = (0..args.readers).map(|_| AsyncDb::open_to_read(&args.database));
        let readers: Vec<AsyncDb> = try_gather(readers).await.map_err(cannot_open)?;
        Ok(write_and_read(&writer, &readers, args).await)
    })
}

/// The path and the error, which in some cases ends in the path, too.
fn explained(path: &Path, error: &rusqlite::Error) -> String {
    let text = error.to_string();
    let reason = text.strip_suffix(&format!(": {}", path.display())).unwrap_or(&text);
    format!("{path:?}: {reason}")
}

async fn write_and_read(writer: &AsyncDb, readers: &[AsyncDb], args: &Args) -> rusqlite::Result<String> {
    // So many callers at once; the writer takes them in turn.
    let texts: Vec<_> = (0..args.notes).map(|i| format!("note {i}")).collect();
    let ids: Vec<i64> = try_gather(texts.iter().map(|text| writer.add(text))).await?;

    // Each note is read by the next connection.
    let read = ids.iter().zip(readers.iter().cycle()).map(|(id, reader)| reader.note(*id));
    let notes: Vec<Option<String>> = try_gather(read).await?;
    let there = notes.iter().zip(&texts).filter(|(note, text)| note.as_ref() == Some(text)).count();

    // What is not awaited any more is cancelled, and the progress handler ends it.
    let reader = &readers[0];
    let patience = Duration::from_millis(args.patience);
    let counted = match timeout(patience, reader.count_for_ever()).await {
        Ok(count) => format!("counted to {}", count?),
        Err(_) => format!("gave up after {} ms", args.patience),
    };
    // The same connection, which would be busy for ever.
    let count = reader.count().await?;

    let (first, last) = (ids.first().unwrap_or(&0), ids.last().unwrap_or(&0));
    Ok(format!(
        "wrote {} notes, numbers {first} to {last}\n\
         read {there} of them; readers: {}\n\
         a query without an end: {counted}\n\
         then on the same connection: {count} notes in all\n",
        ids.len(),
        readers.len(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_blocking_code_is_there_as_it_was() {
        let mut db = Db::open(Path::new(":memory:")).unwrap();
        assert_eq!(db.count(), Ok(0));
        assert_eq!(db.add("a"), Ok(1));
        assert_eq!((db.note(1), db.note(2)), (Ok(Some("a".to_owned())), Ok(None)));
        assert!(Db::open_to_read(Path::new("/no/such/file")).is_err());
    }
}
