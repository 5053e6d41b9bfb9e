//! `examples/checksum`: the real `sha256sum` is what it is compared with.
#![cfg(unix)]

mod examples_support;

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use examples_support::{
    ALL, Ended, NONE, RUNTIMES, command, copied, end_of, leave_out, nobody, program, run, start, works,
};
use tempfile::TempDir;

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn checksum(folder: &Path) -> Command {
    let mut command = command(program("checksum", ALL));
    command.current_dir(folder).env("ANYLOOP_RUNTIME", "smol");
    command
}

fn sums(folder: &Path, args: &[&str]) -> Ended {
    run(checksum(folder).args(args))
}

/// A folder with files of these names and contents.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

/// The same from GNU's tools, if they are there.
fn reference(folder: &Path, args: &[&OsStr]) -> Option<Vec<u8>> {
    let version = Command::new("sha256sum").arg("--version").output().ok()?;
    if !String::from_utf8_lossy(&version.stdout).contains("GNU coreutils") {
        return None;
    }
    let mut shell = command("sh");
    shell.args(["-c", r#"find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum"#, "sh"]);
    let ended = run(shell.args(args).current_dir(folder));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    Some(ended.stdout)
}

#[track_caller]
fn assert_as_reference(folder: &Path, args: &[&str]) {
    let ended = sums(folder, args);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    match reference(folder, &args.iter().map(OsStr::new).collect::<Vec<_>>()) {
        Some(expected) => assert_eq!(ended.text(), String::from_utf8_lossy(&expected)),
        None => leave_out("no GNU sha256sum to compare with"),
    }
}

#[test]
fn the_sums_are_those_of_the_standard() {
    let folder = folder(&[("d/empty", ""), ("d/sub/abc", "abc")]);
    let ended = sums(folder.path(), &["d"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.text(), format!("{EMPTY}  d/empty\n{ABC}  d/sub/abc\n"));
    assert!(ended.stderr.starts_with("2 files, 3 B, "), "{ended:?}");
    assert!(ended.stderr.ends_with(" s (runtime: smol)\n"), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "no progress bar where there is no terminal: {ended:?}");
}

#[test]
fn every_runtime_prints_what_sha256sum_prints() {
    let folder = folder(&[]);
    fs::create_dir_all(folder.path().join("d/a/b/c")).unwrap();
    fs::create_dir_all(folder.path().join("d/empty folder")).unwrap();
    let names: [&[u8]; 12] = [
        b"a/b/c/deep",
        b"a/b-before-the-slash",
        b"a/b/after",
        b"a.b",
        b" leading and trailing ",
        b"-dash",
        b"new\nline",
        b"back\\slash",
        b"\\n",
        b"not utf-8 \xff\xfe",
        "Größe".as_bytes(),
        b"quote'\"$(x)*",
    ];
    for (i, name) in names.iter().enumerate() {
        // From nothing to more than is read at a time.
        fs::write(folder.path().join("d").join(OsStr::from_bytes(name)), "x".repeat(i * 20_000)).unwrap();
    }
    let Some(expected) = reference(folder.path(), &[OsStr::new("d")]) else {
        leave_out("no GNU sha256sum to compare with");
        return;
    };
    for runtime in RUNTIMES {
        for jobs in ["1", "2", "64"] {
            let ended = run(checksum(folder.path()).args(["d", "--runtime", runtime, "--jobs", jobs]));
            assert_eq!(ended.code, Some(0), "{ended:?}");
            assert!(
                ended.stdout == expected,
                "{}\nexpected\n{}",
                ended.text(),
                String::from_utf8_lossy(&expected)
            );
            assert!(ended.stderr.ends_with(&format!("(runtime: {runtime})\n")), "{ended:?}");
        }
    }
}

/// Older versions of `sha256sum` do not escape it.
#[test]
fn a_carriage_return_in_a_name_is_escaped() {
    let folder = folder(&[("d/a\rb", "abc")]);
    assert_eq!(sums(folder.path(), &["d"]).text(), format!("\\{ABC}  d/a\\rb\n"));
}

#[test]
fn paths_are_printed_as_they_are_given() {
    let folder = folder(&[("d/a", "1"), ("d/s/b", "2"), ("e/c", "3"), ("single", "4")]);
    for args in [
        &["."][..],
        &["d/"],
        &["d//"],
        &["./d/../d"],
        &["e", "d"],
        &["single"],
        &["single", "d"],
        // Given twice, or one inside the other: listed twice, as by `find`.
        &["d", "d"],
        &["d", "d/s"],
    ] {
        assert_as_reference(folder.path(), args);
    }
    let absolute = folder.path().join("d");
    assert_as_reference(folder.path(), &[absolute.to_str().unwrap()]);
}

#[test]
fn sha256sum_accepts_the_sums() {
    let folder = folder(&[("d/a", "1"), ("d/back\\slash", "2"), ("d/new\nline", "3")]);
    let ended = sums(folder.path(), &["d"]);
    fs::write(folder.path().join("sums"), &ended.stdout).unwrap();
    if works("sha256sum", &["--version"]) {
        let checked = run(command("sha256sum").args(["--check", "sums"]).current_dir(folder.path()));
        assert_eq!(checked.code, Some(0), "{checked:?}");
    }
}

#[test]
fn links_are_not_followed() {
    let folder = folder(&[("d/file", "1"), ("elsewhere/file", "2")]);
    symlink("../elsewhere", folder.path().join("d/to-folder")).unwrap();
    symlink("file", folder.path().join("d/to-file")).unwrap();
    symlink("nowhere", folder.path().join("d/to-nothing")).unwrap();
    symlink("d", folder.path().join("link")).unwrap();
    assert_as_reference(folder.path(), &["d"]);
    assert_as_reference(folder.path(), &["link/"]);
    sums(folder.path(), &["link"]).assert_refused(&[r#""link": is a symbolic link"#]);
}

#[test]
fn an_empty_folder_has_no_sums() {
    let folder = folder(&[]);
    let ended = sums(folder.path(), &["."]);
    assert_eq!((ended.code, ended.text().as_str()), (Some(0), ""));
    assert!(ended.stderr.starts_with("0 files, 0 B, 0 threads, "), "{ended:?}");
}

#[test]
fn what_cannot_begin_is_an_error() {
    let folder = folder(&[("d/a", "1")]);
    let refused = |args: &[&str], texts: &[&str]| sums(folder.path(), args).assert_refused(texts);
    refused(&[], &["<DIR>", "--help"]);
    refused(&["missing"], &[r#""missing": No such file or directory"#]);
    refused(&["d", "missing", "d", "gone"], &[r#""missing": No such"#, r#"error: "gone": No such"#]);
    refused(&["d/a/"], &[r#""d/a/": Not a directory"#]);
    refused(&["/dev/null"], &[r#""/dev/null": is neither a directory nor a regular file"#]);
    refused(&["--jobs", "0", "d"], &["'0'", "--jobs", "not in 1..="]);
    refused(&["--jobs", "many", "d"], &["'many'", "--jobs"]);
    refused(&["--bogus", "d"], &["--bogus"]);
    refused(&["--runtime", "bogus", "d"], &["'bogus'", "compiled in are tokio, smol, async-std, futures"]);
}

#[test]
fn the_runtime_is_chosen_as_the_facade_chooses_it() {
    let folder = folder(&[("d/a", "1")]);
    let chosen = |variable: &str, args: &[&str]| {
        run(checksum(folder.path()).env("ANYLOOP_RUNTIME", variable).arg("d").args(args))
    };
    let ended = chosen("futures", &[]);
    assert!(ended.code == Some(0) && ended.stderr.ends_with("(runtime: futures)\n"), "{ended:?}");
    let ended = chosen("futures", &["--runtime", "tokio"]);
    assert!(ended.code == Some(0) && ended.stderr.ends_with("(runtime: tokio)\n"), "{ended:?}");
    chosen("", &[]).assert_refused(&["--runtime", "ANYLOOP_RUNTIME", "tokio, smol, async-std, futures"]);
    chosen("tokyo", &[]).assert_refused(&["ANYLOOP_RUNTIME=tokyo"]);

    let mut without = command(program("checksum", NONE));
    without.current_dir(folder.path()).arg("d");
    run(&mut without).assert_refused(&["no adapter is compiled in", "`tokio`"]);
    run(without.args(["--runtime", "smol"])).assert_refused(&["no runtime is compiled in", "--features"]);
}

/// Reading a process's memory from address 0 is an error for everybody, root included.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let folder = folder(&[("d/a", "abc"), ("d/b", "")]);
    let ended = sums(folder.path(), &["/proc/self/mem", "d"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.text(), format!("{ABC}  d/a\n{EMPTY}  d/b\n"));
    let mut lines = ended.stderr.lines();
    assert_eq!(lines.next(), Some(r#"checksum: "/proc/self/mem": Input/output error (os error 5)"#));
    let summary = lines.next().unwrap();
    assert!(summary.starts_with("2 files, 3 B, ") && summary.contains("; 1 could not be read"), "{summary}");
}

#[test]
fn what_must_not_be_read_does_not_stop_the_others() {
    let folder = folder(&[("d/locked", "1"), ("d/locked folder/inside", "2"), ("d/open", "abc")]);
    let lock = |name: &str, mode| {
        fs::set_permissions(folder.path().join(name), Permissions::from_mode(mode)).unwrap();
    };
    lock("d/locked", 0o000);
    lock("d/locked folder", 0o000);
    let everybody = File::open(folder.path().join("d/locked")).is_err();
    let ended = if everybody {
        sums(folder.path(), &["d"])
    } else if let Some(nobody) = nobody() {
        // Root may read everything.
        let mut command = command("setpriv");
        command.args(nobody).arg(copied(&program("checksum", ALL), folder.path())).args([
            "--runtime",
            "smol",
            "d",
        ]);
        run(command.current_dir(folder.path()))
    } else {
        leave_out("without setpriv, nothing can be made unreadable for root");
        return;
    };
    lock("d/locked folder", 0o700);

    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(ended.text(), format!("{ABC}  d/open\n"));
    for name in ["locked", "locked folder"] {
        let line = format!("checksum: \"d/{name}\": Permission denied (os error 13)");
        assert!(ended.stderr.lines().any(|found| found == line), "no {line} in {ended:?}");
    }
    assert!(ended.stderr.contains("1 file, 3 B, 1 thread, "), "{ended:?}");
    assert!(ended.stderr.contains("; 2 could not be read"), "{ended:?}");
}

#[test]
fn a_full_disk_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        leave_out("no /dev/full");
        return;
    };
    let folder = folder(&[("d/a", "1")]);
    let status =
        checksum(folder.path()).arg("d").stdout(full).stderr(std::process::Stdio::piped()).output().unwrap();
    let stderr = String::from_utf8_lossy(&status.stderr);
    assert_eq!(status.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: standard output: No space left on device"), "{stderr}");
}

/// As `| head -1` does it; and the huge file that is being read meanwhile is given up.
#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let folder = folder(&[]);
    // Names so long that a pipe does not hold all the lines.
    let deep = ["d", &"x".repeat(250), &"y".repeat(250), &"z".repeat(250)].join("/");
    fs::create_dir_all(folder.path().join(&deep)).unwrap();
    for i in 0..150 {
        File::create(folder.path().join(format!("{deep}/{i:03}"))).unwrap();
    }
    let huge = File::create(folder.path().join(format!("{deep}/huge"))).unwrap();
    huge.set_len(1 << 40).unwrap();

    let mut child = start(checksum(folder.path()).args(["d", "--jobs", "150"]));
    let mut line = String::new();
    let mut reader = BufReader::with_capacity(16, child.stdout.take().unwrap());
    reader.read_line(&mut line).unwrap();
    assert_eq!(line, format!("{EMPTY}  {deep}/000\n"));
    // It cannot go on printing now, but it can begin with the huge file.
    thread::sleep(Duration::from_millis(500));
    drop(reader);
    let closed = Instant::now();
    let ended = end_of(child);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
    assert!(closed.elapsed() < Duration::from_secs(20), "went on for {:?}", closed.elapsed());
}

#[test]
fn no_more_threads_are_used_than_jobs_are_asked_for() {
    let folder = folder(&[]);
    for i in 0..200 {
        fs::write(folder.path().join(format!("{i}")), "x".repeat(1000)).unwrap();
    }
    let ended = sums(folder.path(), &["--jobs", "1", "."]);
    assert!(ended.stderr.starts_with("200 files, 195.31 KiB, 1 thread, "), "{ended:?}");
    let ended = sums(folder.path(), &["--jobs", "3", "."]);
    let threads = ended.stderr.split(", ").find_map(|part| part.split_once(" thread")).unwrap().0;
    assert!((1..=3).contains(&threads.parse().unwrap()), "{ended:?}");
}

/// Neither of one file's size nor of the number of open files.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_files() {
    let folder = folder(&[]);
    for i in 0..4 {
        File::create(folder.path().join(format!("{i}"))).unwrap().set_len(64 << 20).unwrap();
    }
    let child = start(checksum(folder.path()).args(["--jobs", "4", "."]));
    let status = format!("/proc/{}/status", child.id());
    let open = format!("/proc/{}/fd", child.id());
    let (mut peak, mut most_open) = (0, 0);
    let waiting = Instant::now();
    // A process that has ended, but was not waited for, has no memory any more.
    while let Some(kilobytes) = fs::read_to_string(&status).ok().and_then(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok())
    }) {
        peak = kilobytes.max(peak);
        most_open = fs::read_dir(&open).map_or(0, Iterator::count).max(most_open);
        thread::sleep(Duration::from_millis(1));
        assert!(waiting.elapsed() < Duration::from_secs(120), "did not end");
    }
    let ended = end_of(child);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(peak > 0 && peak < 32 << 10, "{peak} kB, of files of 64 MiB");
    assert!(most_open < 30, "{most_open} open files");
}

#[test]
fn a_terminal_sees_a_progress_bar_and_then_only_the_sums() {
    if !works("script", &["-qec", "true", "/dev/null"]) {
        leave_out("no `script` to make a terminal");
        return;
    }
    let folder = folder(&[("d/abc", "abc")]);
    File::create(folder.path().join("d/large")).unwrap().set_len(64 << 20).unwrap();
    let mut line = OsString::from("stty rows 24 cols 40 && ");
    line.push(program("checksum", ALL));
    line.push(" d");
    let mut script = command("script");
    script.arg("-qec").arg(line).arg("/dev/null").current_dir(folder.path());
    let ended = run(script.env("ANYLOOP_RUNTIME", "smol").env("TERM", "xterm"));
    let text = ended.text();
    assert_eq!(ended.code, Some(0), "{text}");
    assert!(text.contains(" of 64.00 MiB, "), "{text:?}");
    // On the 40 columns that the terminal has.
    let drawn = text.split('\r').map(|line| line.trim_start_matches(['\n']).replace("\x1b[2K", ""));
    let mut bars = drawn.filter(|line| line.ends_with(" left"));
    assert!(bars.all(|line| line.chars().count() == 40), "{text:?}");
    assert!(text.contains(&format!("{ABC}  d/abc\r\n")), "{text:?}");
    // The last thing: the bar is wiped away, the summary stands.
    let (_, last) = text.rsplit_once("\x1b[2K").unwrap();
    assert!(last.starts_with("2 files, 64.00 MiB, ") && last.ends_with("(runtime: smol)\r\n"), "{last:?}");
}
