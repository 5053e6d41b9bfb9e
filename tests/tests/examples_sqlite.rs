//! `examples/sqlite`: what is written is read, and what nobody waits for is interrupted.
#![cfg(unix)]

mod examples_support;

use std::fs;
use std::path::Path;
use std::process::Command;

use examples_support::{ALL, Ended, NONE, RUNTIMES, command, program, run};

fn sqlite(folder: &Path) -> Command {
    let mut command = command(program("sqlite", ALL));
    command.current_dir(folder).env("ANYLOOP_RUNTIME", "smol");
    command
}

fn notes(folder: &Path, args: &[&str]) -> Ended {
    run(sqlite(folder).args(args))
}

#[track_caller]
fn assert_prints(ended: &Ended, lines: &[&str]) {
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(ended.text().lines().collect::<Vec<_>>(), lines);
}

/// It would not end if the query went on: the connection that counts is the one that would be busy.
#[test]
fn every_runtime_writes_and_reads_and_interrupts() {
    let folder = tempfile::tempdir().unwrap();
    for runtime in RUNTIMES {
        let database = format!("{runtime}.db");
        let args = [&database, "--notes", "200", "--readers", "3", "--patience", "20", "--runtime", runtime];
        assert_prints(
            &notes(folder.path(), &args),
            &[
                "wrote 200 notes, numbers 1 to 200",
                "read 200 of them; readers: 3",
                "a query without an end: gave up after 20 ms",
                "then on the same connection: 200 notes in all",
            ],
        );
    }
}

#[test]
fn a_database_that_is_there_is_added_to() {
    let folder = tempfile::tempdir().unwrap();
    notes(folder.path(), &["notes.db", "-n", "5", "-p", "1"]);
    assert_prints(
        &notes(folder.path(), &["notes.db", "-n", "2", "-c", "1", "-p", "1"]),
        &[
            "wrote 2 notes, numbers 6 to 7",
            "read 2 of them; readers: 1",
            "a query without an end: gave up after 1 ms",
            "then on the same connection: 7 notes in all",
        ],
    );
}

#[test]
fn a_database_that_cannot_be_used_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("notes.db")).unwrap();
    database.execute_batch("CREATE TABLE note (id INTEGER PRIMARY KEY, title TEXT)").unwrap();
    let ended = notes(folder.path(), &["notes.db"]);
    assert_eq!((ended.code, ended.text().as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.starts_with("error: \"notes.db\": ") && ended.stderr.contains("text"), "{ended:?}");
}

#[test]
fn what_it_cannot_do_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::write(path.join("prose"), "this is no database, and long enough not to be an empty one".repeat(100))
        .unwrap();
    let refused = |args: &[&str], texts: &[&str]| notes(path, args).assert_refused(texts);
    refused(&[], &["<DATABASE>", "--help"]);
    refused(&["prose"], &["\"prose\": file is not a database"]);
    refused(&["none/notes.db"], &["error: \"none/notes.db\": unable to open database file\n"]);
    refused(&["."], &["error: \".\": unable to open database file\n"]);
    refused(&[""], &["a database without a name", "name a file"]);
    refused(&["notes.db", "-c", "-1"], &["'-1' for '--readers <N>': -1 is not in 1..=256"]);
    refused(&[":memory:"], &["':memory:'", "name a file"]);
    refused(&["file:notes?mode=memory"], &["name a file"]);
    refused(&["notes.db", "--notes", "0"], &["'0'", "--notes"]);
    refused(&["notes.db", "--readers", "some"], &["'some'", "--readers"]);
    refused(&["notes.db", "--patience", "0"], &["'0'", "--patience"]);
    refused(&["notes.db", "--runtime", "bogus"], &["'bogus'", "compiled in are tokio, smol, async-std"]);
    run(command(program("sqlite", NONE)).arg("notes.db").current_dir(path))
        .assert_refused(&["no adapter is compiled in"]);
    assert!(!path.join("notes.db").exists(), "nothing was begun");

    let help = notes(path, &["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.text().contains("Exit code: ") && help.text().contains("--patience"), "{help:?}");
}
