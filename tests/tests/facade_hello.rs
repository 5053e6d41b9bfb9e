//! One source file, every runtime: `examples/hello.rs` is built and run with each feature alone and with
//! all together.

mod facade_support;

use std::path::{Path, PathBuf};
use std::process::Command;

use facade_support::{Ended, LIMIT, NAMES, run};

const PRINTED: &str = "\
gathered 17, the last is Some(\"row 16\")
row 1 and 3
row 2 from the database
row 3 from this very thread
row 4 from a task
row 5 for sure
row 6 and row 7 from a spawned task
gave up: the time was up before the future ended
";

/// The target folder of this very build, so that little has to be built anew.
fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().to_owned()
}

/// Builds the program; gives where it is.
fn build(features: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "anyloop", "--example", "hello", "--features", features]);
    cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    cargo.arg("--target-dir").arg(target());
    cargo.arg("--message-format=json-render-diagnostics");
    // Everything may have to be built anew, on a slow machine.
    let built = run(&mut cargo, 20 * LIMIT);
    assert!(built.status.success(), "with the features {features:?}:\n{}", built.stderr);
    let path = built.stdout.split_once(r#""executable":""#).and_then(|(_, rest)| rest.split_once('"'));
    let (path, _) = path.unwrap_or_else(|| panic!("no program in {}", built.stdout));
    PathBuf::from(path.replace(r"\\", r"\"))
}

fn start(program: &Path, runtime: Option<&str>, arguments: &[&str]) -> Ended {
    let mut command = Command::new(program);
    command.env_remove("ANYLOOP_RUNTIME").env_remove("ANYLOOP_POOL").args(arguments);
    command.envs(runtime.map(|name| ("ANYLOOP_RUNTIME", name)));
    run(&mut command, LIMIT)
}

#[track_caller]
fn assert_prints(ended: &Ended, runtime: &str) {
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.stdout, format!("on {runtime}\n{PRINTED}"));
    assert_eq!(ended.stderr, "");
}

// One test and not several: all builds write to the same place.
#[test]
fn c31_the_same_program_runs_with_each_adapter_and_with_all() {
    for name in NAMES {
        let program = build(name);
        assert_prints(&start(&program, None, &[]), name);
        assert_prints(&start(&program, Some(name), &[]), name);
        is_told_in_words(&program, name);
        let other = start(&program, Some("glommio"), &[]);
        assert_eq!(other.status.code(), Some(2), "{other:?}");
        assert!(
            other.stderr.contains(&format!("one of {name}")) && other.stderr.contains("glommio"),
            "{other:?}"
        );
    }

    let program = build(&NAMES.join(","));
    for name in NAMES {
        assert_prints(&start(&program, Some(name), &[]), name);
        is_told_in_words(&program, name);
    }
    #[cfg(unix)]
    ends_in_silence_when_nobody_reads(&program);
    let none_chosen = start(&program, None, &[]);
    assert_eq!(none_chosen.status.code(), Some(2), "{none_chosen:?}");
    assert!(none_chosen.stderr.contains("tokio, smol, async-std, futures"), "{none_chosen:?}");
    assert!(none_chosen.stderr.contains("ANYLOOP_RUNTIME"), "{none_chosen:?}");

    let program = build("");
    for wanted in [None, Some("smol")] {
        let no_adapter = start(&program, wanted, &[]);
        assert_eq!(no_adapter.status.code(), Some(2), "{no_adapter:?}");
        assert_eq!(no_adapter.stdout, "");
        for line in no_adapter.stderr.lines() {
            assert!(line.starts_with("error: "), "{line}");
        }
        assert!(
            no_adapter.stderr.contains("feature") && no_adapter.stderr.contains("`smol`"),
            "{no_adapter:?}"
        );
    }
}

/// What is no number of rows is refused before anything is done, and whoever reads the output may see enough of it.
fn is_told_in_words(program: &Path, runtime: &str) {
    for (arguments, text) in [
        (&["seventeen"][..], "invalid value 'seventeen' for '[ROWS]'"),
        (&["-5"], "-5 is not in 0..="),
        (&["1", "2"], "unexpected argument '2'"),
    ] {
        let ended = start(program, Some(runtime), arguments);
        assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.starts_with("error: ") && ended.stderr.contains(text), "{ended:?}");
    }
    let help = start(program, Some(runtime), &["--help"]);
    assert_eq!((help.status.code(), help.stderr.as_str()), (Some(0), ""), "{help:?}");
    assert!(help.stdout.contains("Exit code: ") && help.stdout.contains("[ROWS]"), "{help:?}");
}

/// As under `| head -0`.
#[cfg(unix)]
fn ends_in_silence_when_nobody_reads(program: &Path) {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(program);
    command.env("ANYLOOP_RUNTIME", "smol").stdout(writer).stderr(std::process::Stdio::piped());
    let ended = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(1), &b""[..]), "{ended:?}");
}
