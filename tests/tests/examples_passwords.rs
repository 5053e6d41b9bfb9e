//! `examples/passwords`: every hash is verified, and the event loop is seen to go on beside wrapped calls.
#![cfg(unix)]

mod examples_support;

use std::collections::HashMap;
use std::process::Command;

use examples_support::{ALL, Ended, NONE, RUNTIMES, command, program, run};

fn passwords(args: &[&str]) -> Command {
    let mut command = command(program("passwords", ALL));
    command.env("ANYLOOP_RUNTIME", "smol").args(args);
    command
}

/// The cells of each row, by the name of the row.
fn rows(text: &str) -> HashMap<&str, Vec<&str>> {
    let table = text.lines().filter(|line| line.starts_with("| "));
    let rows = table.skip(1).map(|row| row.trim_matches('|').split('|').map(str::trim));
    rows.map(|mut cells| (cells.next().unwrap(), cells.collect())).collect()
}

/// How often the loop woke in each of both runs.
#[track_caller]
fn woke(ended: &Ended, users: usize) -> [u64; 2] {
    let text = ended.text();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{text}");
    let rows = rows(&text);
    assert_eq!(rows.len(), 2, "{text}");
    ["plain", "wrapped"].map(|name| {
        assert_eq!(rows[name][1], format!("{users} of {users}"), "{text}");
        rows[name][2].parse().unwrap()
    })
}

#[test]
fn every_runtime_verifies_every_hash_and_goes_on_beside_wrapped_calls() {
    for runtime in RUNTIMES {
        let ended = run(&mut passwords(&["--users", "8", "--memory", "256", "--runtime", runtime]));
        let [plain, wrapped] = woke(&ended, 8);
        // Between the calls, three for each user, the loop has a turn, and no other.
        assert!(plain <= 8 * 3 + 1, "{ended:?}");
        assert!(wrapped > plain, "{ended:?}");
        let text = ended.text();
        assert!(text.contains(&format!("(runtime: {runtime})\n")), "{text}");
        assert!(text.starts_with("users 8, argon2id of 256 KiB and 2 passes, "), "{text}");
    }
}

#[test]
fn the_least_that_can_be_asked_for_works() {
    let ended = run(&mut passwords(&["-u", "1", "-m", "8", "-p", "1", "-j", "1"]));
    woke(&ended, 1);
    assert!(ended.text().starts_with("users 1, argon2id of 8 KiB and 1 passes, 1 wrapped "), "{ended:?}");
    // More jobs than users take no more memory than the users do.
    woke(&run(&mut passwords(&["-u", "2", "-m", "8", "-p", "1", "-j", "10000"])), 2);
}

#[test]
fn what_it_cannot_do_is_an_error() {
    let refused = |args: &[&str], texts: &[&str]| run(&mut passwords(args)).assert_refused(texts);
    refused(&["--users", "0"], &["'0'", "--users"]);
    refused(&["--users", "some"], &["'some'", "--users"]);
    refused(&["--passes", "0"], &["'0'", "--passes"]);
    refused(&["--jobs", "0"], &["'0'", "--jobs"]);
    refused(&["--memory", "7"], &["--memory 7", "8 KiB or more"]);
    refused(&["--memory", "4294967295"], &["--memory 4294967295 KiB", "--jobs", "more than 4 GiB"]);
    refused(&["--memory", "4294967296"], &["'4294967296'", "--memory"]);
    refused(&["--memory", "1048576", "--jobs", "5"], &["--memory 1048576 KiB", "--jobs 5", "4 GiB"]);
    refused(&["someone"], &["'someone'", "--help"]);
    refused(&["--runtime", "bogus"], &["'bogus'", "compiled in are tokio, smol, async-std, futures"]);

    run(&mut command(program("passwords", NONE))).assert_refused(&["no adapter is compiled in", "`tokio`"]);
    let help = run(&mut passwords(&["--help"]));
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    assert!(help.text().contains("Exit code: ") && help.text().contains("ANYLOOP_RUNTIME"), "{help:?}");
}
