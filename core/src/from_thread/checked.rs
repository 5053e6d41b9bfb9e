//! A reader, writer or iterator that stops when its call is cancelled.

use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

use super::{Cancelled, check_cancelled};

/// Wraps a reader, a writer or an iterator so that each step of it fails once the call that the code runs in was cancelled.
///
/// So `io::copy`, `read_to_end` and the like, a parser, or a loop over many items stops between two steps without being
/// written for it. A step that blocks is not interrupted: [`on_cancel`](super::on_cancel) is for that. Outside a call
/// it changes nothing.
///
/// # Errors
///
/// [`Cancelled`]: of an iterator as its last item, of the others as an [`io::Error`].
///
/// ```
/// use std::io::{self, Read};
/// use anyloop_core::from_thread::{self, checked};
///
/// let mut text = String::new();
/// checked(&b"all of it"[..]).read_to_string(&mut text)?;
/// assert_eq!(text, "all of it");
///
/// let sum: Result<u64, from_thread::Cancelled> = checked(1..=10).sum();
/// assert_eq!(sum, Ok(55));
/// # Ok::<(), io::Error>(())
/// ```
pub fn checked<R>(inner: R) -> Checked<R> {
    Checked { inner, over: false }
}

/// A reader, writer or iterator that stops when its call is cancelled: see [`checked`].
#[derive(Clone, Debug)]
pub struct Checked<R> {
    inner: R,
    /// An iterator's error was given out.
    over: bool,
}

impl<R> Checked<R> {
    /// What is inside.
    pub fn get_ref(&self) -> &R {
        &self.inner
    }

    /// What is inside. Its steps are not checked.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Gives back what is inside.
    pub fn into_inner(self) -> R {
        self.inner
    }
}

impl<I: Iterator> Iterator for Checked<I> {
    type Item = Result<I::Item, Cancelled>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        if let Err(cancelled) = check_cancelled() {
            self.over = true;
            return Some(Err(cancelled));
        }
        self.inner.next().map(Ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self.inner.size_hint() {
            _ if self.over => (0, Some(0)),
            // Cancelled at once, its error is an item all the same.
            (least, most) => (least.min(1), most.and_then(|most| most.checked_add(1))),
        }
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        check_cancelled()?;
        self.inner.read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        check_cancelled()?;
        self.inner.read_vectored(buffers)
    }
}

impl<R: BufRead> BufRead for Checked<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        check_cancelled()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.inner.consume(amount);
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        check_cancelled()?;
        self.inner.write(bytes)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        check_cancelled()?;
        self.inner.write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        check_cancelled()?;
        self.inner.flush()
    }
}

impl<S: Seek> Seek for Checked<S> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
