//! `examples/crawl`: a whole site, its bad pages, and the end by Ctrl-C.
#![cfg(unix)]

mod examples_support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use examples_support::{ALL, Ended, NONE, RUNTIMES, command, program, run, start};

fn crawl(runtime: &str) -> Command {
    let mut command = command(program("crawl", ALL));
    command.env("ANYLOOP_RUNTIME", runtime);
    command
}

/// The number before `what`.
#[track_caller]
fn number(ended: &Ended, what: &str) -> usize {
    let text = ended.text();
    let before = text.split(what).next().unwrap_or_default();
    let number = before.split_whitespace().next_back().and_then(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("no number before {what:?} in {ended:?}"))
}

/// Of 40 pages, four of those without links never answer, and six fail at first.
#[test]
fn every_runtime_reads_the_whole_site_and_gives_up_what_never_answers() {
    for runtime in RUNTIMES {
        let ended = run(crawl(runtime).args(["-n", "40", "--per-host", "2", "--patience", "3000"]));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(ended.text().starts_with("40 of 40 pages reached, 36 read from 3 hosts in "), "{ended:?}");
        assert!(ended.text().contains(" s, 6 retries, 4 given up; "), "{ended:?}");
        assert!((1..=2).contains(&number(&ended, " request")), "{ended:?}");
        assert!(ended.stderr.starts_with("crawling http://127.0.0.1:"), "{ended:?}");
        assert!(ended.stderr.ends_with(&format!("(runtime: {runtime})\n")), "{ended:?}");
    }
}

#[test]
fn without_retries_a_busy_page_is_a_failure() {
    let ended = run(crawl("smol").args(["-n", "9", "--retries", "0", "--hosts", "1", "--patience", "3000"]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    // Page 3 links to 7 and 8, which nobody hears of then, and 5 never answers.
    let text = ended.text();
    assert!(
        text.starts_with("failed: http://127.0.0.1:") && text.contains("/3: the host is busy (503)\n"),
        "{text}"
    );
    assert!(
        text.contains("\n7 of 9 pages reached, 5 read from 1 host in ")
            && text.contains(" 0 retries, 1 given up; "),
        "{text}"
    );
}

#[test]
fn a_page_that_is_given_up_may_hide_others_and_that_is_a_failure() {
    // The site works on each page for longer.
    let ended = run(crawl("smol").args(["-n", "20", "--patience", "1"]));
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.text().starts_with("1 of 20 pages reached, 0 read from 1 host in "), "{ended:?}");
    assert!(ended.text().contains(" 1 given up; "), "{ended:?}");
}

#[test]
fn the_first_page_answers_also_where_it_is_the_only_one() {
    let ended = run(crawl("smol").args(["-n", "1", "--patience", "3000"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let text = ended.text();
    assert!(text.starts_with("1 of 1 page reached, 1 read from 1 host in "), "{text}");
    assert!(
        text.ends_with(" s, 0 retries, 0 given up; a host had 1 request at a time at the most\n"),
        "{text}"
    );
}

#[test]
fn ctrl_c_stops_it_at_once_with_what_there_is() {
    let mut child = start(crawl("smol").args(["-n", "100000"]));
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.starts_with("crawling "), "{line}");
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).stdin(Stdio::null()).status().unwrap();
    assert!(killed.success());
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{text}");
    assert!(text.starts_with("stopped by Ctrl-C\n"), "{text}");
}

#[test]
fn what_cannot_be_is_refused() {
    run(crawl("smol").args(["--hosts", "0"])).assert_refused(&["--hosts", "1..=64"]);
    run(crawl("smol").args(["--pages", "many"])).assert_refused(&["--pages", "many"]);
    run(crawl("smol").args(["-p", "-5"]))
        .assert_refused(&["'-5' for '--per-host <N>': -5 is not in 1..=256"]);
    for (variable, value) in [("ANYLOOP_MAX_THREADS", "0"), ("ANYLOOP_POOL", "bogus")] {
        run(crawl("smol").env(variable, value)).assert_refused(&[&format!("{variable}={value} is ")]);
    }
    run(crawl("nope").args(["-n", "1"])).assert_refused(&["ANYLOOP_RUNTIME", "nope"]);
    run(&mut command(program("crawl", NONE))).assert_refused(&["feature"]);
}
