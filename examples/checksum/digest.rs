//! The sum of one file.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::thread::{self, ThreadId};

use anyloop::{async_wrap, from_thread};
use indicatif::ProgressBar;
use sha2::{Digest, Sha256};

/// So much of a file is in memory at a time.
const CHUNK: usize = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Hashed {
    pub(crate) digest: [u8; 32],
    pub(crate) bytes: u64,
    /// Which thread did it.
    pub(crate) thread: ThreadId,
}

/// Reads a file to its end.
#[async_wrap]
pub(crate) fn digest(path: &Path, progress: &ProgressBar) -> io::Result<Hashed> {
    let mut file = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    let mut sum = Sha256::new();
    let mut bytes = 0;
    loop {
        let n = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        sum.update(&chunk[..n]);
        bytes += n as u64;
        progress.inc(n as u64);
        if from_thread::is_cancelled() {
            // Nobody waits for the sum any more.
            return Err(ErrorKind::Interrupted.into());
        }
    }
    Ok(Hashed { digest: sum.finalize().into(), bytes, thread: thread::current().id() })
}
