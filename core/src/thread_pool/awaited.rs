//! Jobs that calls wait for, and that are taken out of turn for it (C17).
//!
//! Plain data, used under the pool's lock, as all of `Queues`.

use super::queue::{Queues, Taken};
use super::samples::Entry;
use super::tenant::{Found, Tenant, urgency};
use crate::task::Urgency;

/// So many jobs are looked at for one that a call waits for, and so many queues, where others wait for a turn.
const MOST_LOOKED_AT: usize = 32;

impl Queues {
    /// Whether anything that may be started is what a call waits for.
    pub(super) fn has_awaited(&self) -> bool {
        let mut urgent = self.rotation.iter().flat_map(|key| &self.tenants[*key].urgent);
        urgent.any(|entry| urgency(entry) >= Urgency::Holds) || self.find(Urgency::Awaited, false).is_some()
    }

    /// Whether something that goes first may be started.
    pub(super) fn has_urgent(&self) -> bool {
        self.sizes.urgent > 0 && self.rotation.iter().any(|key| !self.tenants[*key].urgent.is_empty())
    }

    /// Has the most urgent job go first, if there is one that is so urgent at `least`: the first of those, or the `last`. Whether there was
    /// one.
    pub(super) fn promote_urgent(&mut self, least: Urgency, last: bool) -> bool {
        let Some((key, found)) = self.find(least, last) else { return false };
        self.promote(key, |tenant| tenant.promote(found));
        true
    }

    /// That of the first in turn: or else one who has always another would go before all others.
    fn find(&self, least: Urgency, last: bool) -> Option<(usize, Found)> {
        let found = self.rotation.iter().filter_map(|&key| Some((key, self.tenants[key].find(least, last)?)));
        found.reduce(|first, next| if next.1.urgency > first.1.urgency { next } else { first })
    }

    /// The same with the next job, whatever it is. The next time it is another tenant's turn.
    pub(super) fn promote_next(&mut self) {
        for _ in 0..self.rotation.len() {
            let Some(key) = self.rotation.pop_front() else { return };
            self.rotation.push_back(key);
            if self.promote(key, Tenant::promote_next) {
                return;
            }
        }
    }

    fn promote<R>(&mut self, key: usize, promote: impl FnOnce(&mut Tenant) -> R) -> R {
        let tenant = &mut self.tenants[key];
        let before = tenant.sizes();
        let promoted = promote(tenant);
        self.sizes.change(before, tenant.sizes());
        promoted
    }

    /// The next job that goes first, if there is one.
    pub(super) fn pop_urgent(&mut self) -> Option<Taken> {
        if !self.has_urgent() {
            return None;
        }
        let turn = self.rotation.iter().position(|key| !self.tenants[*key].urgent.is_empty())?;
        self.take_out_of_turn(turn, |tenant, _| tenant.take_urgent())
    }

    /// The next job that goes first, or else that a call has submitted and waits for, as far as that can be seen at a glance.
    pub(super) fn pop_awaited(&mut self) -> Option<Taken> {
        if let Some(urgent) = self.pop_urgent() {
            return Some(urgent);
        }
        if self.sizes.nested == 0 {
            return None;
        }
        let mut left = MOST_LOOKED_AT;
        for turn in 0..self.rotation.len().min(MOST_LOOKED_AT) {
            let taken = self.take_out_of_turn(turn, |tenant, _| tenant.take_awaited(&mut left));
            if taken.is_some() || left == 0 {
                return taken;
            }
        }
        None
    }

    /// For one who needs a place that a call has lent. Others are next then.
    fn take_out_of_turn(
        &mut self,
        turn: usize,
        take: impl FnOnce(&mut Tenant, &mut Vec<Entry>) -> Option<Entry>,
    ) -> Option<Taken> {
        let key = self.rotation[turn];
        let taken = self.take(key, true, take)?;
        self.rotation.remove(turn);
        self.tenants[key].listed = false;
        self.list(key);
        Some(taken)
    }
}
