//! The task's side of a closure.

#![expect(unsafe_code, reason = "passes on what `Cell` asks of the task; see `Awaiter`")]

use std::task::{Context as TaskContext, Poll};

use super::{Closure, Finished};
use crate::catch::drop_quietly;
use crate::error::TaskError;
use crate::park::is_job_awaited;
use crate::spin;
use crate::task::cell::Claim;
use crate::task::{ClosureHandle, Urgency};
use crate::warning;

impl<F, T> ClosureHandle<T> for Closure<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    unsafe fn poll(&self, cx: &mut TaskContext<'_>) -> Poll<Result<T, TaskError>> {
        // Parking and being woken would take longer than a call that a thread was looking for.
        if self.cell.was_expected_soon() {
            spin::until(|| self.cell.is_finished());
        }
        // SAFETY: the caller's promise.
        match unsafe { self.cell.poll(cx.waker()) } {
            Poll::Ready(Finished { result, context }) => {
                // C06: what the call carried goes before its result can be seen.
                drop(context);
                Poll::Ready(result)
            }
            Poll::Pending => {
                if is_job_awaited() {
                    self.cell.mark(Urgency::Awaited);
                }
                Poll::Pending
            }
        }
    }

    fn abort(&self) {
        match self.cell.cancel() {
            Claim::Lost => self.leave_running(),
            won => self.end(won, TaskError::Cancelled),
        }
    }

    fn note_awaited(&self) {
        if self.cell.is_serving() {
            self.cell.mark(Urgency::Awaited);
        }
    }

    fn dismiss(&self) {
        self.cell.note_dismissed();
        self.end(self.cell.cancel(), TaskError::Cancelled);
    }

    unsafe fn abandon(&self) {
        // SAFETY: the caller's promise.
        let (claim, unwanted) = unsafe { self.cell.abandon() };
        match claim {
            Claim::Lost => self.leave_running(),
            won => {
                warning::dropped_in_queue(self.place);
                self.end(won, TaskError::Cancelled);
            }
        }
        if let Some(Finished { result, context }) = unwanted {
            drop_quietly(result);
            drop(context);
        }
    }

    fn is_finished(&self) -> bool {
        self.cell.is_finished()
    }

    unsafe fn refused(&self, reason: TaskError) {
        self.end(self.cell.claim(), TaskError::Shutdown);
        let mut reason = Some(reason);
        // SAFETY: the caller's promise. A pool that ran the job although it says that it refused it has
        // the last word.
        unsafe {
            self.cell.edit_result(|finished| {
                if let (Err(TaskError::Shutdown), Some(reason)) = (&finished.result, reason.take()) {
                    finished.result = Err(reason);
                }
            });
        }
        drop_quietly(reason);
    }
}
