//! `examples/git_log`: repositories that are made here are read back.
#![cfg(unix)]

mod examples_support;

use std::fs;
use std::path::Path;
use std::process::Command;

use examples_support::{ALL, Ended, NONE, RUNTIMES, command, program, run};
use git2::{Oid, Repository, RepositoryInitOptions, Signature, Time};
use tempfile::TempDir;

fn git_log(folder: &Path) -> Command {
    let mut command = command(program("git_log", ALL));
    command.current_dir(folder).env("ANYLOOP_RUNTIME", "smol");
    // What the user who runs the tests has set for Git.
    command.env_remove("GIT_DIR").env("HOME", folder).env("XDG_CONFIG_HOME", folder);
    command
}

fn log(folder: &Path, args: &[&str]) -> Ended {
    run(git_log(folder).args(args))
}

fn repository() -> (TempDir, Repository) {
    let folder = tempfile::tempdir().unwrap();
    let mut options = RepositoryInitOptions::new();
    options.initial_head("trunk");
    let repository = Repository::init_opts(folder.path(), &options).unwrap();
    (folder, repository)
}

/// Commits a tree of these files on what is checked out, with these parents.
fn commit(repository: &Repository, message: &str, files: &[(&str, &str)], parents: &[Oid]) -> Oid {
    let mut tree = repository.treebuilder(None).unwrap();
    for (name, content) in files {
        tree.insert(name, repository.blob(content.as_bytes()).unwrap(), 0o100_644).unwrap();
    }
    let tree = repository.find_tree(tree.write().unwrap()).unwrap();
    // Each a second after the one before.
    let seconds = 1_000_000_000 + parents.len() as i64 + i64::from(message.as_bytes()[0]);
    let author = Signature::new("Ada", "ada@example.org", &Time::new(seconds, 0)).unwrap();
    let parents: Vec<_> = parents.iter().map(|id| repository.find_commit(*id).unwrap()).collect();
    let parents: Vec<_> = parents.iter().collect();
    repository.commit(Some("HEAD"), &author, &author, message, &tree, &parents).unwrap()
}

fn short(id: Oid) -> String {
    id.to_string()[..7].to_owned()
}

#[test]
fn every_runtime_prints_the_commits_and_how_many_files_each_changed() {
    let (folder, repository) = repository();
    let first = commit(&repository, "a: begin\n\nmore text", &[("x", "1"), ("y", "1")], &[]);
    let second = commit(&repository, "b: x \x1b[2J", &[("x", "2"), ("y", "1")], &[first]);
    let third = commit(&repository, "c: all", &[("x", "3"), ("z", "1"), ("w", "1")], &[second]);
    let merge = commit(&repository, "d: Größe", &[("x", "3"), ("z", "1"), ("w", "1")], &[third, first]);
    repository.branch("other", &repository.find_commit(first).unwrap(), false).unwrap();

    let expected = [
        "on trunk, of 2 local branches".to_owned(),
        format!("{}      0 files  d: Größe (Ada)", short(merge)),
        format!("{}      4 files  c: all (Ada)", short(third)),
        format!("{}      1 file   b: x \u{fffd}[2J (Ada)", short(second)),
        format!("{}      2 files  a: begin (Ada)", short(first)),
    ];
    for runtime in RUNTIMES {
        for jobs in ["1", "3"] {
            let ended = log(folder.path(), &["--runtime", runtime, "--jobs", jobs]);
            assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
            assert_eq!(ended.text().lines().collect::<Vec<_>>(), expected, "{runtime}");
        }
    }
    let ended = log(folder.path(), &[".", "--number", "2"]);
    assert_eq!(ended.text().lines().collect::<Vec<_>>(), expected[..3]);

    // From a folder inside, and from elsewhere.
    let inside = folder.path().join("a/b");
    fs::create_dir_all(&inside).unwrap();
    assert_eq!(log(&inside, &["-n1"]).text().lines().collect::<Vec<_>>(), expected[..2]);
    let path = folder.path().to_str().unwrap();
    assert_eq!(log(Path::new("/"), &[path, "-n1"]).text().lines().collect::<Vec<_>>(), expected[..2]);

    repository.set_head_detached(second).unwrap();
    let ended = log(folder.path(), &[]);
    assert!(ended.text().starts_with("on no branch, of 2 local branches\n"), "{ended:?}");
    assert_eq!(ended.text().lines().skip(1).collect::<Vec<_>>(), expected[3..]);
}

#[test]
fn many_commits_come_in_their_order() {
    let (folder, repository) = repository();
    let mut parents = Vec::new();
    for i in 0..200 {
        parents = vec![commit(&repository, &format!("m{i}"), &[("x", &i.to_string())], &parents)];
    }
    let ended = log(folder.path(), &["-n", "1000", "-j", "8"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let text = ended.text();
    let numbers =
        text.lines().skip(1).map(|line| line.split_once("  m").unwrap().1.split_once(' ').unwrap().0);
    assert!(numbers.eq((0..200).rev().map(|i| i.to_string())), "{text}");
}

#[test]
fn a_history_that_cannot_be_read_is_an_error() {
    let (folder, repository) = repository();
    let ended = log(folder.path(), &[]);
    assert_eq!((ended.code, ended.text().as_str()), (Some(1), ""), "{ended:?}");
    assert_eq!(ended.stderr, "error: \".\": there are no commits yet\n");

    let first = commit(&repository, "a", &[("x", "1")], &[]);
    commit(&repository, "b", &[("x", "2")], &[first]);
    let object = first.to_string();
    let object = Path::new(".git/objects").join(&object[..2]).join(&object[2..]);
    fs::remove_file(folder.path().join(object)).unwrap();
    let ended = log(folder.path(), &[]);
    assert_eq!((ended.code, ended.text().as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.starts_with("error: \".\": object not found"), "{ended:?}");
}

#[test]
fn what_it_cannot_do_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let refused = |args: &[&str], texts: &[&str]| log(path, args).assert_refused(texts);
    refused(&[], &["\".\": there is no repository"]);
    refused(&["none"], &["\"none\": "]);
    refused(&[".", "--number", "0"], &["'0'", "--number"]);
    refused(&[".", "-j", "-1"], &["'-1' for '--jobs <N>': -1 is not in 1..=256"]);
    refused(&[".", "--jobs", "some"], &["'some'", "--jobs"]);
    refused(&[".", "more"], &["'more'", "--help"]);
    refused(&["--runtime", "bogus"], &["'bogus'", "compiled in are tokio, smol, async-std, futures"]);
    run(command(program("git_log", NONE)).current_dir(path)).assert_refused(&["no adapter is compiled in"]);

    let help = log(path, &["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.text().contains("Exit code: ") && help.text().contains("--number"), "{help:?}");
}
