//! Shared by the tests of the examples: how they are built, and run as a user would.
#![allow(dead_code, reason = "each test crate uses what it needs")]

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// Far more than any of them takes; ends one that hangs.
const LIMIT: Duration = Duration::from_secs(120);
/// Everything may have to be built anew, on a slow machine.
const BUILD_LIMIT: Duration = Duration::from_secs(1800);

pub(crate) const RUNTIMES: [&str; 4] = ["tokio", "smol", "async-std", "futures"];
pub(crate) const ALL: &str = "tokio,smol,async-std,futures";
pub(crate) const NONE: &str = "";

/// An example, built once with these features.
pub(crate) fn program(example: &'static str, features: &'static str) -> PathBuf {
    // Locked while it is built, too: this process has each built once.
    static BUILT: Mutex<Option<HashMap<[&str; 2], PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    built.entry([example, features]).or_insert_with(|| build(example, features)).clone()
}

fn build(example: &str, features: &str) -> PathBuf {
    let own_folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    // Every build writes to the same place, from which the program is taken away: another test binary must not build its own
    // in between. The system lets go of the lock when the process ends, however it does.
    let lock = File::create(own_folder.join("examples.lock")).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "anyloop", "--example", example, "--features", features]);
    cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    // That of this very build, so that little has to be built anew.
    cargo.arg("--target-dir").arg(own_folder.parent().unwrap());
    cargo.arg("--message-format=json-render-diagnostics");
    let ended = run_for(BUILD_LIMIT, &mut cargo);
    assert_eq!(ended.code, Some(0), "{example} with the features {features:?}:\n{}", ended.stderr);
    let messages = ended.text();
    let path = messages.split_once(r#""executable":""#).and_then(|(_, rest)| rest.split_once('"'));
    let (path, _) = path.unwrap_or_else(|| panic!("no program in {messages}"));

    let taken_away = own_folder.join(format!("{example}-{features}"));
    // A program that runs cannot be written to, but it can be replaced.
    let unfinished = own_folder.join(format!("{example}-{features}-{}", std::process::id()));
    fs::copy(path, &unfinished).unwrap();
    fs::rename(&unfinished, &taken_away).unwrap();
    taken_away
}

/// What a process left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// That it could not begin, did nothing, and says why.
    #[track_caller]
    pub(crate) fn assert_refused(&self, texts: &[&str]) {
        assert_eq!((self.code, self.text().as_str()), (Some(2), ""), "{self:?}");
        assert!(self.stderr.starts_with("error: "), "{self:?}");
        for text in texts {
            assert!(self.stderr.contains(text), "no {text:?} in {self:?}");
        }
    }
}

/// A command that no setting from outside changes.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for variable in ["ANYLOOP_RUNTIME", "ANYLOOP_POOL", "ANYLOOP_MAX_THREADS"] {
        command.env_remove(variable);
    }
    command.env("RUST_BACKTRACE", "0");
    command
}

/// Runs a command to its end, or kills it when the time is up.
pub(crate) fn run(command: &mut Command) -> Ended {
    run_for(LIMIT, command)
}

fn run_for(limit: Duration, command: &mut Command) -> Ended {
    let mut child = start(command);
    let stdout = drained(child.stdout.take());
    let stderr = drained(child.stderr.take());
    let code = wait(child, limit);
    let stderr = String::from_utf8_lossy(&stderr.join().unwrap()).into_owned();
    Ended { code, stdout: stdout.join().unwrap(), stderr }
}

/// Starts a command, with pipes to read from.
pub(crate) fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

fn drained(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}

fn wait(mut child: Child, limit: Duration) -> Option<i32> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            panic!("did not end within {limit:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The end of what was started, and what it still wrote to standard error.
pub(crate) fn end_of(mut child: Child) -> Ended {
    drop(child.stdout.take());
    let stderr = drained(child.stderr.take());
    let code = wait(child, LIMIT);
    Ended { code, stdout: Vec::new(), stderr: String::from_utf8_lossy(&stderr.join().unwrap()).into_owned() }
}

/// Whether a command is there and works.
pub(crate) fn works(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Leaves a test out, and says so.
pub(crate) fn leave_out(why: &str) {
    eprintln!("left out: {why}");
}

/// A copy of a program in `folder`, for users who cannot read where it was built.
pub(crate) fn copied(program: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join("program");
    fs::copy(program, &copy).unwrap();
    for path in [folder, &copy] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    copy
}

/// Arguments of `setpriv` for a user that is nobody else's and has no privilege, if one can be had.
pub(crate) fn nobody() -> Option<[String; 3]> {
    let user = 1_000_000_000 + std::process::id();
    let args = [format!("--reuid={user}"), format!("--regid={user}"), "--clear-groups".to_owned()];
    let [reuid, regid, groups] = args.each_ref().map(String::as_str);
    works("setpriv", &[reuid, regid, groups, "true"]).then_some(args)
}
