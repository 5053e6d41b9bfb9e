//! A case in a process of its own: this binary again, with a hidden argument.

use std::{
    env,
    io::Read,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::meter::Sample;

/// The one line that counts begins so; whatever else a case prints is ignored.
const MARK: &str = "bench-sample ";

/// Prints `sample` for the parent to read.
pub(crate) fn hand_over(sample: &Sample) {
    let json = serde_json::to_string(sample).expect("a sample is plain numbers");
    // The line break in front ends whatever the case left unfinished.
    println!("\n{MARK}{json}");
}

/// Runs one case in a process of its own; kills it after `patience`. An error is told in words.
pub(crate) fn run(workload: &str, label: &str, quick: bool, patience: Duration) -> Result<Sample, String> {
    let program = env::current_exe().map_err(|error| format!("cannot find this binary: {error}"))?;
    let mut command = Command::new(program);
    command.args(["--case", workload, label]).stdin(Stdio::null()).stdout(Stdio::piped());
    if quick {
        command.arg("--quick");
    }
    let mut child = command.spawn().map_err(|error| format!("cannot start: {error}"))?;
    let (output, status) = read_to_end(&mut child, patience)?;
    if !status.success() {
        return Err(format!("failed: {status}"));
    }
    output
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix(MARK))
        .ok_or_else(|| "ended without a sample".to_owned())
        .and_then(|json| serde_json::from_str(json).map_err(|error| format!("bad sample: {error}")))
}

fn read_to_end(child: &mut Child, patience: Duration) -> Result<(String, ExitStatus), String> {
    let mut stdout = child.stdout.take().expect("stdout is piped");
    let (sender, receiver) = mpsc::channel();
    // A pipe cannot be read with a time limit, a channel can. The end of output stands for the end of
    // the process; a killed one ends the thread too.
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.read_to_end(&mut bytes);
        // The receiver is gone if patience ran out in the meantime; then nobody wants the output.
        let _ = sender.send(read.map(|_| String::from_utf8_lossy(&bytes).into_owned()));
    });
    let received = receiver.recv_timeout(patience);
    if received.is_err() {
        // It may have ended by itself just now, which is as good.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| format!("cannot be waited for: {error}"))?;
    match received {
        Ok(Ok(output)) => Ok((output, status)),
        Ok(Err(error)) => Err(format!("cannot be read: {error}")),
        Err(_) => Err(format!("hung: killed after {} s", patience.as_secs())),
    }
}
