//! What goes to standard output.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::LazyLock;

use anyloop::{ThreadPool, async_wrap};
use indicatif::ProgressBar;

/// One thread, so that lines are written in the order in which they were handed over.
static OUTPUT: LazyLock<ThreadPool> = LazyLock::new(|| ThreadPool::new(1).expect("one thread is enough"));

/// Writes at once; around the progress bar where both are on the terminal.
#[async_wrap(pool = OUTPUT)]
pub(crate) fn print(lines: Vec<u8>, progress: &ProgressBar) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let mut write = || out.write_all(&lines).and_then(|()| out.flush());
    if io::stdout().is_terminal() { progress.suspend(write) } else { write() }
}

/// A line of `sha256sum`'s. In a name, it escapes what would break lines, and marks the line if there was any.
pub(crate) fn line(digest: &[u8], path: &Path) -> Vec<u8> {
    let name = path.as_os_str().as_encoded_bytes();
    let mut line = Vec::new();
    if name.iter().any(|byte| b"\\\n\r".contains(byte)) {
        line.push(b'\\');
    }
    line.extend(digest.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
    line.extend(b"  ");
    for byte in name {
        match byte {
            b'\\' => line.extend(b"\\\\"),
            b'\n' => line.extend(b"\\n"),
            b'\r' => line.extend(b"\\r"),
            byte => line.push(*byte),
        }
    }
    line.push(b'\n');
    line
}

/// Puts lines that come in any order into the order of their numbers.
#[derive(Debug, Default)]
pub(crate) struct InOrder {
    next: usize,
    waiting: BTreeMap<usize, Vec<u8>>,
}

impl InOrder {
    /// Takes the text of a number; gives what can be written now.
    pub(crate) fn put(&mut self, number: usize, text: Vec<u8>) -> Vec<u8> {
        self.waiting.insert(number, text);
        let mut ready = Vec::new();
        while let Some(text) = self.waiting.remove(&self.next) {
            ready.extend(text);
            self.next += 1;
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_in_order_and_once() {
        let mut order = InOrder::default();
        assert_eq!(order.put(1, b"b".to_vec()), b"");
        assert_eq!(order.put(2, Vec::new()), b"", "a file that could not be read has no line");
        assert_eq!(order.put(0, b"a".to_vec()), b"ab");
        assert_eq!(order.put(3, b"d".to_vec()), b"d");
    }

    #[test]
    fn a_name_that_would_break_the_line_is_escaped() {
        let plain = |name| String::from_utf8(line(&[0, 0xab], Path::new(name))).unwrap();
        assert_eq!(plain("a b"), "00ab  a b\n");
        assert_eq!(plain("a\\b\nc\rd"), "\\00ab  a\\\\b\\nc\\rd\n");
    }
}
