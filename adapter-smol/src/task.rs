//! smol's handle of a spawned future.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
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
    /// Some thread is on its way to cancelling.
    Aborting,
    /// After `detach`.
    Gone,
}

impl<T> Joined<T> {
    pub(crate) fn new(task: Task<T>) -> Self {
        Self { stage: Mutex::new(Stage::Running(task)), guard: WakerGuard::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Stage<T>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
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
            // Aborting: whoever polls has the task to itself.
            Stage::Gone | Stage::Aborting => Poll::Ready(None),
        }
    }

    fn abort(&self) {
        let before = {
            let mut stage = self.lock();
            match &*stage {
                Stage::Running(_) => std::mem::replace(&mut *stage, Stage::Aborting),
                _ => return,
            }
        };
        if let Stage::Running(task) = before {
            // It wakes the awaiter, who may look at the task: no lock is held here.
            let cancelling = Box::new(Cancelling::begin(task.cancel()));
            *self.lock() = Stage::Cancelling(cancelling);
        }
    }

    fn is_finished(&self) -> bool {
        match &*self.lock() {
            Stage::Running(task) => task.is_finished(),
            Stage::Cancelling(cancelling) => cancelling.is_finished(),
            Stage::Aborting => false,
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
