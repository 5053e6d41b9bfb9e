//! `examples/tour`: every claim is shown for every runtime, and checked.
#![cfg(unix)]

mod examples_support;

use examples_support::{ALL, Ended, NONE, RUNTIMES, command, copied, leave_out, nobody, program, run, works};

fn tour(features: &'static str, runtime: Option<&str>, args: &[&str]) -> Ended {
    let mut command = command(program("tour", features));
    run(command.args(args).envs(runtime.map(|name| ("ANYLOOP_RUNTIME", name))))
}

type Table<'a> = Vec<Vec<&'a str>>;

/// The cells of each table, row by row, the header first.
fn tables(text: &str) -> Vec<Table<'_>> {
    fn cells(line: &str) -> Vec<&str> {
        line.trim_matches('|').split('|').map(str::trim).collect()
    }
    let tables = text.split("\n\n").filter(|block| block.starts_with('|'));
    tables.map(|table| table.lines().filter(|line| !line.starts_with("|-")).map(cells).collect()).collect()
}

/// One column of a table, without its header.
fn column<'a>(table: &Table<'a>, n: usize) -> Vec<&'a str> {
    table.iter().skip(1).map(|row| row[n]).collect()
}

/// What is gathered in each row of the second table, and how many threads that takes.
fn rows() -> Vec<(String, usize)> {
    let numbers = [1, 5, 9, 13, 17];
    let wrapped = numbers.map(|n| (format!("{n} wrapped"), n));
    let non_blocking = numbers.map(|n| (format!("{n} async"), 1));
    let on_two = numbers.map(|n| (format!("{n} wrapped, on a pool of two"), n.min(2)));
    [wrapped, non_blocking, on_two].concat()
}

#[track_caller]
fn assert_complete(ended: &Ended, runtimes: &[&str]) {
    let text = ended.text();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{text}");
    let tables = tables(&text);
    let [who, threads, pools] = &tables[..] else { panic!("not three tables in {text}") };

    let each_twice: Vec<_> = runtimes.iter().flat_map(|name| [*name; 2]).collect();
    assert_eq!(column(who, 0), each_twice, "{text}");
    let same = |ids: &str| ids.split_once(", ").is_some_and(|(first, second)| first == second);
    assert!(column(who, 2).into_iter().all(same), "one process: {text}");
    let threads_of_one_pair = [false, true];
    assert!(column(who, 3).into_iter().map(same).eq(threads_of_one_pair.repeat(runtimes.len())), "{text}");

    assert_eq!(threads[0], [&["gathered", "claim"], runtimes].concat(), "{text}");
    assert_eq!(threads.len(), 1 + rows().len(), "{text}");
    for (row, (gathered, expected)) in threads[1..].iter().zip(rows()) {
        assert_eq!((row[0], row.len()), (gathered.as_str(), 2 + runtimes.len()), "{text}");
        for cell in &row[2..] {
            let (used, millis) = cell.split_once(',').unwrap();
            assert_eq!(used.parse(), Ok(expected), "{row:?}");
            assert!(millis.trim().parse::<u32>().unwrap() >= 100, "{row:?}");
        }
    }

    assert_eq!(column(pools, 0), runtimes, "{text}");
    assert_eq!(column(pools, 1), vec!["two, other, two"; runtimes.len()], "{text}");
    assert!(text.ends_with(&format!("\n\nAll {} claims hold.\n", 18 * runtimes.len())), "{text}");

    // It can be read in a terminal of a usual width, and in a file.
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
        let mut widths = table.lines().map(|line| line.chars().count());
        let first = widths.next();
        assert!(widths.all(|width| Some(width) == first), "{table}");
    }
}

#[test]
fn every_claim_is_shown_side_by_side_for_every_runtime() {
    assert_complete(&tour(ALL, None, &[]), &RUNTIMES);
}

#[test]
fn one_runtime_can_be_asked_for() {
    assert_complete(&tour(ALL, Some("smol"), &[]), &["smol"]);
}

#[test]
fn what_it_cannot_do_is_an_error() {
    tour(ALL, None, &["--bogus"]).assert_refused(&["--bogus", "--help"]);
    tour(ALL, None, &["tokio"]).assert_refused(&["tokio", "--help"]);
    tour(ALL, Some("tokyo"), &[])
        .assert_refused(&["ANYLOOP_RUNTIME=tokyo", "tokio, smol, async-std, futures"]);
    tour(NONE, None, &[]).assert_refused(&["no adapter is compiled in", "`smol`"]);

    let help = tour(ALL, None, &["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for text in ["Exit code: ", "ANYLOOP_RUNTIME", "ANYLOOP_POOL", "of 100 threads", "cannot be\nwritten"] {
        assert!(help.text().contains(text), "no {text:?} in {help:?}");
    }
}

/// A user who may have 12 threads, of which the runtime takes some, sees the claims about 13 and 17 fail.
#[test]
fn a_claim_that_does_not_hold_is_named_and_is_the_exit_code() {
    let Some(nobody) = nobody().filter(|_| works("prlimit", &["--version"])) else {
        leave_out("without root, setpriv and prlimit, threads cannot be made scarce");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let mut tour = command("setpriv");
    tour.args(nobody).args(["prlimit", "--nproc=12"]).arg(copied(&program("tour", ALL), folder.path()));
    let ended = run(tour.env("ANYLOOP_RUNTIME", "smol"));

    let text = ended.text();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""), "{text}");
    let (_, report) =
        text.split_once("\n2 of 18 claims FAILED, marked with `!`:\n").unwrap_or_else(|| panic!("{text}"));
    let lines: Vec<_> = report.lines().collect();
    let [first, expected, seen, second, ..] = lines[..] else { panic!("{report}") };
    assert_eq!((first, second), ("13 wrapped, on smol:", "17 wrapped, on smol:"));
    assert_eq!(expected, "  expected: 1 process, 13 threads, 100 ms or more but less than 300");
    assert!(seen.starts_with("  seen:     1 process, ") && !seen.contains("13 threads"), "{seen}");
    assert_eq!(text.matches(" ! |").count(), 2, "{text}");
}
