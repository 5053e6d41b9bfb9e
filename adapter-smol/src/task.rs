//! smol's handle of a spawned future.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use anyloop_core::{Cancelling, NativeTask, WakerGuard};
use smol::Task;

/// Dropping a `smol::Task` cancels it.
pub(crate) struct Joined<T> {
    /// Locked by `abort` and `is_finished` alone; a poll goes round it.
    stage: Mutex<Stage<T>>,
    /// async-task, on which smol is built, aborts the process when an awaiter's waker panics.
    guard: WakerGuard,
}

enum Stage<T> {
    Running(Task<T>),
    /// Cancelling takes the task away.
    Cancelling(Box<Cancelling<T>>),
    /// While the stage changes, and after `detach`.
    Gone,
}

impl<T> Joined<T> {
    pub(crate) fn new(task: Task<T>) -> Self {
        Self { stage: Mutex::new(Stage::Running(task)), guard: WakerGuard::default() }
    }
}

impl<T: Send + 'static> NativeTask<T> for Joined<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let stage = self.stage.get_mut().unwrap_or_else(PoisonError::into_inner);
        match stage {
            // What has ended calls no waker. The executor is never shut down, and a supervised future
            // does not panic.
            Stage::Running(task) if task.is_finished() => {
                Pin::new(task).poll(&mut Context::from_waker(Waker::noop())).map(Some)
            }
            Stage::Running(task) => {
                let waker = self.guard.guard(cx.waker());
                Pin::new(task).poll(&mut Context::from_waker(&waker)).map(Some)
            }
            Stage::Cancelling(cancelling) => cancelling.poll(cx),
            Stage::Gone => Poll::Ready(None),
        }
    }

    fn abort(&self) {
        let mut stage = self.stage.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *stage, Stage::Gone) {
            // It schedules the task, and drops nothing here.
            Stage::Running(task) => *stage = Stage::Cancelling(Box::new(Cancelling::begin(task.cancel()))),
            other => *stage = other,
        }
    }

    fn is_finished(&self) -> bool {
        match &*self.stage.lock().unwrap_or_else(PoisonError::into_inner) {
            Stage::Running(task) => task.is_finished(),
            Stage::Cancelling(cancelling) => cancelling.is_finished(),
            Stage::Gone => true,
        }
    }

    fn detach(&mut self) {
        let stage = self.stage.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Stage::Running(task) = std::mem::replace(stage, Stage::Gone) {
            task.detach();
        }
    }
}
