//! Where all calls wait, those in lent places, too, more workers serve them (C17): they run what the calls may wait for, wherever
//! that stands in the queue. `README.md` beside this file says why, under "Lent places".

use std::time::Duration;

use super::growth::Role;
use super::progress::Recruit;
use super::shared::State;
use super::sync::Instant;
use crate::origin::this_thread;
use crate::park::LOOK;
use crate::pool::Job;
use crate::task::Urgency;

/// So many workers, at most, serve calls that all wait, and have come to wait themselves.
pub(super) const SERVING: usize = 64;
/// So many of them serve what calls may wait for, without its being known, before anything has stood still.
const SERVING_OTHERS: usize = 2;
/// Where more of them wait, it is the last job in line that is run, always: calls that are nested come to their end so with the fewest.
const SHALLOW: usize = 8;
/// How long a pool may look stuck before something is done about it.
pub(super) const STUCK: Duration = Duration::from_secs(3);
/// There should be no more between two looks at a pool that stands still: twice as much as between those of one call.
const LONGEST_LOOK: Duration = LOOK.saturating_mul(2);
/// A search for what those wait for may be made again at once when it took no longer; otherwise after ten times as long, up to
/// [`LONGEST_PAUSE`].
const SHORT_SEARCH: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// A time in which no job was taken, as those see it who look at it.
pub(super) struct Standstill {
    /// How long all calls have waited in it.
    pub(super) all_wait: Duration,
    /// How long that was, since something was done about it.
    pub(super) lasts: Duration,
    looked: Instant,
    /// How many jobs had been taken.
    taken: u64,
}

impl Standstill {
    pub(super) fn new(taken: u64) -> Self {
        Self { all_wait: Duration::ZERO, lasts: Duration::ZERO, looked: Instant::now(), taken }
    }

    /// Another look. No more counts than should lie between two of them, for the process itself may have stood still. A call that was woken
    /// in vain may run at that moment: then the time before it is none in which all have waited, and the rest stays.
    pub(super) fn look(&mut self, nobody_runs: bool, taken: u64) {
        let now = Instant::now();
        let passed = now.duration_since(self.looked).min(LONGEST_LOOK);
        self.looked = now;
        if taken != self.taken {
            *self = Self::new(taken);
            return;
        }
        self.lasts += passed;
        self.all_wait += if nobody_runs { passed } else { Duration::ZERO };
    }
}

impl State {
    /// Calls one who runs what goes first since calls wait for it, while none has a place for it: nobody else might ever have one. Should
    /// that come to wait itself, as a call does that has the permit which others wait for, there is one more.
    pub(super) fn recruit_for_calls(&mut self) -> Option<Recruit> {
        if self.lacks_places(0) && self.is_anybody_left() && self.queues.has_urgent() {
            let most = self.most_waits().saturating_add(SERVING);
            self.call(most.min(self.running() + 1), Role::Searcher)
        } else {
            None
        }
    }

    /// Whether so few wait that one more worker may serve them.
    fn is_anybody_left(&self) -> bool {
        self.serving() < SERVING
    }

    /// Whether something may be made to go first: there is one for it, and nothing does yet.
    fn may_promote(&self) -> bool {
        self.is_anybody_left() && !self.queues.has_urgent()
    }

    /// So many serve calls that wait, and have come to wait as well.
    fn serving(&self) -> usize {
        self.waits.saturating_sub(self.most_waits())
    }

    /// How urgent a job must be to be run now, while all calls wait.
    fn least_urgency(&self) -> Urgency {
        if self.serving() < SERVING_OTHERS { Urgency::Holds } else { Urgency::Awaited }
    }

    /// When all calls wait, or all others: looks through what may be started for what they may wait for, and lets it go first, unless
    /// something does. Others are there with that, perhaps very many: where a search is long, it is rare.
    pub(super) fn search_for_calls(&mut self) {
        if !(self.all_wait() || self.all_others_wait()) || !self.may_promote() {
            return;
        }
        // The last one in line lets calls that are nested end one after the other; the first in line is not to wait for ever.
        let takes_last = self.serving() >= SHALLOW || !self.first_is_next;
        if self.search(self.least_urgency(), takes_last) {
            self.first_is_next = takes_last;
        }
    }

    /// Lets the first of the most urgent jobs go first, or the `last`. Others are there with that, perhaps very many: where a search is
    /// long, it is rare. Whether there was one.
    fn search(&mut self, least: Urgency, last: bool) -> bool {
        let start = Instant::now();
        if self.search_again.is_some_and(|again| again.checked_duration_since(start).is_some()) {
            return false;
        }
        let found = self.queues.promote_urgent(least, last);
        let took = start.elapsed();
        let pause = if took < SHORT_SEARCH { Duration::ZERO } else { (took * 10).min(LONGEST_PAUSE) };
        self.search_again = Instant::now().checked_add(pause);
        found
    }

    /// Calls wait, and others have worked on for a while without coming back for a job: what is waited for goes first.
    pub(super) fn serve_beside_others(&mut self) {
        if self.may_promote() {
            self.search(Urgency::Awaited, true);
        }
    }

    /// Whether a job that comes is what would be looked for.
    pub(super) fn looks_for(&self, job: &Job, nested: bool) -> bool {
        self.all_wait()
            && self.may_promote()
            && (job.urgency() >= self.least_urgency() || (nested && self.least_urgency() <= Urgency::Holds))
    }

    /// Nothing has moved for a while. What all calls wait for cannot be seen then, and something goes first that might be it; or there is nobody
    /// left for it, and the pool is stuck. Whether that is so, and it is for the call that asks to say so: one does, for all of them.
    pub(super) fn end_standstill(&mut self, all_wait: Duration, awaits_job: bool) -> bool {
        if self.all_wait() && self.may_promote() {
            if !self.queues.promote_urgent(Urgency::Holds, false) {
                self.queues.promote_next();
            }
            self.standstill = None;
            return false;
        }
        if self.waits_for_others > 0 {
            // That will end.
            self.standstill = None;
            return false;
        }
        // The others wait for the one that was the last to begin, most likely, so that they end with it. But it may begin to wait again and
        // again, and have no time to look.
        let is_last = [this_thread(), 0].contains(&self.last_to_wait);
        if !awaits_job || !(is_last || all_wait >= STUCK * 2) {
            return false;
        }
        self.standstill = None;
        self.queues.has_awaited()
    }

    /// Whether calls that wait keep others from being started, so that fewer are at work than may be; without so many `others`, who look for a
    /// job.
    pub(super) fn lacks_places(&self, others: usize) -> bool {
        let at_work = (self.running() - others).saturating_sub(self.waits);
        self.busy() - others >= self.lendable && at_work < self.lendable
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
