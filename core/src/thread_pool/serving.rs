//! Where all calls wait, those in lent places, too, up to two more workers serve them (C17): they run what the calls may wait for, wherever
//! that stands in the queue. `README.md` beside this file says why, under "Lent places".

use std::time::Duration;

use super::growth::Role;
use super::progress::Recruit;
use super::shared::State;
use super::sync::Instant;
use crate::pool::Job;
use crate::task::Urgency;

/// So many workers, at most, serve calls that all wait.
const SERVING: usize = 2;
/// A search for what those wait for may be made again at once when it took no longer; otherwise after ten times as long, up to
/// [`LONGEST_PAUSE`].
const SHORT_SEARCH: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

impl State {
    /// Calls one who runs what calls wait for, while all calls do: nobody else might ever have a place again. Should
    /// that come to wait itself, as a call does that has the permit which others wait for, there is one more.
    pub(super) fn recruit_for_calls(&mut self) -> Option<Recruit> {
        if self.is_anybody_left() && self.queues.has_nested() {
            self.call(self.waits + 1, Role::Searcher)
        } else {
            None
        }
    }

    /// Whether so few wait that one more worker may serve them.
    fn may_serve_calls(&self) -> bool {
        self.waits.saturating_sub(self.most_waits()) < SERVING
    }

    /// When all calls wait, or all others: looks through what may be started for what they may wait for, unless they have submitted such
    /// a job themselves. Others are there with that, perhaps very many: where a search is long, it is rare.
    pub(super) fn search_for_calls(&mut self) {
        if !(self.all_wait() || self.all_others_wait()) || !self.may_serve_calls() || self.queues.has_nested()
        {
            return;
        }
        let start = Instant::now();
        if self.search_again.is_some_and(|again| again.checked_duration_since(start).is_some()) {
            return;
        }
        self.queues.promote_urgent();
        let took = start.elapsed();
        let pause = if took < SHORT_SEARCH { Duration::ZERO } else { (took * 10).min(LONGEST_PAUSE) };
        self.search_again = Instant::now().checked_add(pause);
    }

    /// Whether a job that comes is what would be looked for.
    pub(super) fn looks_for(&self, job: &Job) -> bool {
        self.is_anybody_left() && !self.queues.has_nested() && job.urgency() > Urgency::None
    }

    /// Whether one more may be called for calls that all wait.
    pub(super) fn is_anybody_left(&self) -> bool {
        self.all_wait() && self.may_serve_calls()
    }

    /// Whether all calls wait, those in the places that are lent, too.
    pub(super) fn all_wait(&self) -> bool {
        self.waits >= self.most_waits() && self.running() == self.waits
    }

    /// The same for a worker that looks for a job, which counts as one that does not wait.
    pub(super) fn all_others_wait(&self) -> bool {
        self.waits >= self.most_waits() && self.running() == self.waits + 1
    }

    /// So many calls wait when there is no place left to be lent: those of the pool, and those that they have lent.
    fn most_waits(&self) -> usize {
        self.lendable.saturating_mul(2)
    }
}
