//! `examples/passwords`: every hash is verified, and the event loop is seen to go on beside wrapped calls.
#![cfg(unix)]

mod examples_support;

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::Command;

use examples_support::{ALL, Ended, NONE, RUNTIMES, command, program, run, start};

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
    assert!(
        ended.text().starts_with("users 1, argon2id of 8 KiB and 1 pass, 1 wrapped call at a time;"),
        "{ended:?}"
    );
    // More jobs than users take no more memory than the users do.
    woke(&run(&mut passwords(&["-u", "2", "-m", "8", "-p", "1", "-j", "10000"])), 2);
}

/// It is ended as soon as the first row is there: the second one takes as long again.
#[test]
fn the_heading_and_each_row_are_there_as_soon_as_they_are_known() {
    let mut child = start(&mut passwords(&["-u", "60", "-m", "256", "-j", "1"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let heading: Vec<_> = lines.by_ref().take(5).collect();
    assert!(heading[0].starts_with("users 60, ") && heading[3].starts_with("| calls "), "{heading:?}");
    let first = lines.next();
    child.kill().unwrap();
    child.wait().unwrap();
    let first = first.unwrap();
    assert!(first.starts_with("| plain ") && first.len() == heading[3].len(), "{first}");
    assert_eq!(lines.next(), None, "it went on");
}

#[test]
fn a_pool_that_takes_no_calls_is_told_before_anything_is_done() {
    for (variable, value) in [("ANYLOOP_MAX_THREADS", "0"), ("ANYLOOP_POOL", "bogus")] {
        let ended = run(passwords(&["-u", "1", "-m", "8"]).env(variable, value));
        ended.assert_refused(&[&format!("{variable}={value} is ")]);
    }
}

#[test]
fn what_it_cannot_do_is_an_error() {
    let refused = |args: &[&str], texts: &[&str]| run(&mut passwords(args)).assert_refused(texts);
    refused(&["--users", "0"], &["'0'", "--users"]);
    refused(&["--users", "some"], &["'some'", "--users"]);
    refused(&["--passes", "0"], &["'0'", "--passes"]);
    refused(&["--jobs", "0"], &["'0'", "--jobs"]);
    refused(&["-j", "-1"], &["'-1' for '--jobs <N>': -1 is not in 1..=10000"]);
    refused(&["-m", "-5"], &["'-5' for '--memory <KIB>': -5 is not in 0..="]);
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
