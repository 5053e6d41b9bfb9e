//! The pool's side of a closure.

use std::panic::Location;
use std::sync::Arc;

use super::{Closure, Queued};
use crate::catch::{catch, drop_quietly};
use crate::error::TaskError;
use crate::limiter::{InLine, Permit};
use crate::task::carried::Carried;
use crate::task::cell::Claim;
use crate::task::{Ran, Runnable, Urgency};

const NOT_RUN: &str = "the runtime's `Driver::scope` did not run its body";

impl<F, T> Runnable for Closure<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn run(self: Arc<Self>, more: &mut dyn FnMut()) -> Ran {
        let Queued { closure, carried } = match self.cell.claim() {
            Claim::Won(queued) if queued.carried.context.is_overdue() => {
                self.end(Claim::Won(queued), TaskError::TimedOut);
                return Ran::Cancelled;
            }
            Claim::Won(queued) => queued,
            Claim::Lost => return self.unrun(),
        };
        let (context, surroundings, rest) = carried.into_parts();
        let place = if rest.is_errand() { None } else { Some(self.place) };
        let closure = move || surroundings.run(place, closure);
        let runtime = context.runtime().filter(|runtime| !runtime.is_entered()).cloned();
        let Some(runtime) = runtime else {
            let ran = self.call(closure, context, rest);
            // A result that nobody takes goes now, and not after what comes next.
            drop(self);
            more();
            return ran;
        };
        let mut work = Some((self, closure, context, rest));
        let mut ran = Ran::Panicked;
        // An adapter's code: after a panic of it the task must end all the same.
        let scoped = catch(|| {
            runtime.scope(&mut || {
                let Some((this, closure, context, rest)) = work.take() else { return };
                ran = this.call(closure, context, rest);
                drop(this);
                more();
            });
        });
        let failed = match scoped {
            Err(panic) => Some(panic),
            Ok(()) if work.is_some() => catch(|| panic!("{NOT_RUN}")).err(),
            Ok(()) => None,
        };
        match (work, failed) {
            (Some((this, closure, context, rest)), Some(panic)) => {
                drop_quietly(closure);
                this.finish(Err(TaskError::Panicked(panic)), context, rest);
            }
            // The call itself has ended: the adapter's panic concerns nobody any more.
            (_, failed) => drop_quietly(failed),
        }
        drop_quietly(runtime);
        ran
    }

    fn refuse(&self, reason: TaskError) {
        let mut reason = Some(reason);
        let claim = self.cell.give_up(|queued| {
            if let Some(reason) = reason.take() {
                queued.carried.note_given_up(reason);
            }
        });
        match claim {
            Claim::Won(mut queued) => {
                let reason = reason.or_else(|| queued.carried.take_given_up());
                self.end(Claim::Won(queued), reason.unwrap_or(TaskError::Shutdown));
            }
            Claim::Lost => drop_quietly(reason),
        }
    }

    fn spent(&self) -> Option<Ran> {
        self.cell.is_claimed().then(|| self.unrun())
    }

    fn stand_in_line(&self, place: InLine) {
        self.take_along(place, Carried::add_place);
    }

    fn carry(&self, permit: Permit) {
        self.cell.mark(Urgency::Holds);
        // If it was cancelled before, giving the place back calls the next one in line.
        self.take_along(permit, Carried::add_permit);
    }

    fn expect_soon(&self) {
        self.cell.expect_soon();
    }

    fn begin_submission(&self) {
        self.cell.begin_submission();
    }

    fn end_submission(&self, refused: Option<TaskError>) {
        match self.cell.end_submission() {
            Claim::Won(mut queued) => {
                let given_up = queued.carried.take_given_up();
                let reason = refused.or(given_up).unwrap_or(TaskError::Shutdown);
                self.end(Claim::Won(queued), reason);
            }
            Claim::Lost => {
                if let Some(reason) = refused {
                    self.end(self.cell.claim(), reason);
                }
            }
        }
    }

    fn urgency(&self) -> Urgency {
        self.cell.urgency()
    }

    fn driver(&self) -> usize {
        self.driver
    }

    fn place(&self) -> &'static Location<'static> {
        self.place
    }
}
