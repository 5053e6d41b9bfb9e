//! The pool's own figures, and its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyloop_core::Metrics;

use super::closures::{Checked, Naps, wait_for};
use super::scenario::Last;
use super::trial::{Trial, nth};
use super::words::{Books, Kind, Manner};

impl Trial {
    /// Whether the pool's books say something else than the model's.
    pub(crate) fn look_at_figures(&self) -> Option<String> {
        let pool = self.pool.as_ref()?;
        let views = self.views.iter().map(|view| view.metrics());
        let all = std::iter::once(Some(pool.metrics())).chain(views);
        for (queue, metrics) in all.enumerate() {
            let Some(metrics) = metrics else { return Some(format!("queue {queue} has no figures")) };
            // The first one's are those of the whole pool.
            let (running, books) = match queue {
                0 => (self.model.running(), self.model.books(None)),
                _ => (self.model.running_of(queue), self.model.books(Some(queue))),
            };
            let fits = metrics.running == running
                && (metrics.completed, metrics.panicked) == (books.completed, books.panicked)
                && metrics.refused == books.refused
                // Cancelled calls are counted when somebody comes across them.
                && metrics.cancelled <= books.cancelled
                && metrics.cancelled_by_drop <= books.cancelled_by_drop
                && (queue > 0 || self.fits_pool(&metrics, books));
            if !fits {
                return Some(format!("queue {queue}: {running} running, {books:?}, but {metrics:?}"));
            }
        }
        None
    }

    fn fits_pool(&self, metrics: &Metrics, books: Books) -> bool {
        let uncounted =
            books.cancelled + books.cancelled_by_drop - metrics.cancelled - metrics.cancelled_by_drop;
        let queued = self.model.queued() as u64;
        let waits = (metrics.queued + metrics.waiting) as u64;
        metrics.abandoned == self.model.told()
            && waits == queued + uncounted
            && metrics.threads <= self.model.max_threads()
    }

    pub(crate) fn end(&mut self, last: Last) -> Checked {
        let pool = self.pool()?.clone();
        match last {
            Last::Shutdown => {
                let shutdown = pool.shutdown();
                self.run_out()?;
                wait_for(shutdown, &self.log)?.map_err(|error| error.to_string())?;
            }
            Last::ShutdownTimeout => {
                let before = self.model.books(None);
                let shutdown = pool.shutdown_timeout(Duration::ZERO);
                let report = wait_for(shutdown, &self.log)?.map_err(|error| error.to_string())?;
                let (cancelled, still_running) = self.model.give_up();
                self.hear()?;
                let expected = (0, cancelled, still_running);
                let reported = (report.finished, report.cancelled, report.still_running);
                if reported != expected {
                    return Err(format!("the report is {report:?}, not {expected:?}; before: {before:?}"));
                }
                self.run_out()?;
                wait_for(pool.shutdown(), &self.log)?.map_err(|error| error.to_string())?;
            }
            Last::DropHandles => {
                self.pool = None;
                drop(pool);
                // Each view keeps the pool open.
                for queue in (1..=self.views.len()).rev() {
                    self.submit(queue, Kind::HoldsAndReturns, Manner::Submit)?;
                    self.settle()?;
                    self.views.pop();
                }
                self.run_out()?;
                return self.all_gone();
            }
        }
        let metrics = pool.metrics();
        let books = self.model.books(None);
        let counted = Books {
            completed: metrics.completed,
            panicked: metrics.panicked,
            cancelled: metrics.cancelled,
            cancelled_by_drop: metrics.cancelled_by_drop,
            refused: metrics.refused,
        };
        let left = (metrics.threads, metrics.running, metrics.queued, metrics.waiting, metrics.abandoned);
        if counted != books || left != (0, 0, 0, 0, 0) || metrics.threads_started != metrics.threads_ended {
            return Err(format!("in the end {books:?}, but {metrics:?}"));
        }
        self.all_gone()
    }

    /// The pool is closed: nothing comes in any more, and what is held runs to its end, one after the other.
    fn run_out(&mut self) -> Checked {
        self.model.close();
        for queue in (0..=self.views.len()).skip(usize::from(self.pool.is_none())) {
            for manner in [Manner::Submit, Manner::Try, Manner::Await] {
                self.submit(queue, Kind::Returns, manner)?;
            }
        }
        self.hear()?;
        self.settle()?;
        while let Some(call) = nth(&self.model.held(), 0) {
            self.release(call);
            self.settle()?;
        }
        self.handles
            .keys()
            .next()
            .map_or(Ok(()), |call| Err(format!("the task of call {call} has not ended")))
    }

    /// Every value was dropped, and no thread is left.
    fn all_gone(&mut self) -> Checked {
        let mut naps = Naps::default();
        loop {
            let values = Arc::strong_count(&self.probe) - 1;
            let [started, ended] = [0, 1].map(|which: usize| self.log.threads[which].load(Ordering::SeqCst));
            if values == 0 && started == ended {
                return self.hear();
            }
            naps.next(
                &self.log,
                &format!("{values} values left, {started} threads, of which {ended} ended"),
            )?;
        }
    }
}
