//! smol's handle of a spawned future.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use anyloop_core::{Cancelling, NativeTask, WakerGuard};
use smol::Task;

/// Dropping a `smol::Task` cancels it.
///
/// Three words, which anyloop's `Task` keeps without a box.
pub(crate) struct Joined<T> {
    /// Locked by `abort` and `is_finished` alone; a poll goes round it.
    stage: Mutex<Stage<T>>,
}

enum Stage<T> {
    Running(Task<T>),
    /// Somebody has awaited it before its end.
    Awaited(Box<Awaited<T>>),
    /// Cancelling takes the task away.
    Cancelling(Box<Cancelling<T>>),
    /// Some thread is on its way to cancelling, or this one to another stage.
    Changing,
    /// After `detach`.
    Gone,
}

struct Awaited<T> {
    task: Task<T>,
    /// async-task, on which smol is built, aborts the process when an awaiter's waker panics.
    guard: WakerGuard,
}

impl<T> Awaited<T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let waker = self.guard.guard(cx.waker());
        Pin::new(&mut self.task).poll(&mut Context::from_waker(&waker))
    }
}

impl<T> Joined<T> {
    pub(crate) fn new(task: Task<T>) -> Self {
        Self { stage: Mutex::new(Stage::Running(task)) }
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
            Stage::Running(_) => {
                let Stage::Running(task) = std::mem::replace(stage, Stage::Changing) else {
                    unreachable!("matched just above");
                };
                // In its place before anything foreign is called, which the cloning of a waker is.
                *stage = Stage::Awaited(Box::new(Awaited { task, guard: WakerGuard::default() }));
                let Stage::Awaited(awaited) = stage else { unreachable!("put there just above") };
                awaited.poll(cx).map(Some)
            }
            Stage::Awaited(awaited) => awaited.poll(cx).map(Some),
            Stage::Cancelling(cancelling) => cancelling.poll(cx),
            // Changing: whoever polls has the task to itself.
            Stage::Gone | Stage::Changing => Poll::Ready(None),
        }
    }

    fn abort(&self) {
        let before = {
            let mut stage = self.lock();
            match &*stage {
                Stage::Running(_) | Stage::Awaited(_) => std::mem::replace(&mut *stage, Stage::Changing),
                _ => return,
            }
        };
        // The guard, if there is one, outlives the cancelling.
        let (task, _guard) = match before {
            Stage::Running(task) => (task, None),
            Stage::Awaited(awaited) => (awaited.task, Some(awaited.guard)),
            _ => return,
        };
        // It wakes the awaiter, who may look at the task: no lock is held here.
        let cancelling = Box::new(Cancelling::begin(task.cancel()));
        *self.lock() = Stage::Cancelling(cancelling);
    }

    fn is_finished(&self) -> bool {
        match &*self.lock() {
            Stage::Running(task) => task.is_finished(),
            Stage::Awaited(awaited) => awaited.task.is_finished(),
            Stage::Cancelling(cancelling) => cancelling.is_finished(),
            Stage::Changing => false,
            Stage::Gone => true,
        }
    }

    fn detach(&mut self) {
        let stage = self.stage.get_mut().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(stage, Stage::Gone) {
            Stage::Running(task) => task.detach(),
            Stage::Awaited(awaited) => awaited.task.detach(),
            _ => {}
        }
    }
}
