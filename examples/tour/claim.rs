//! What is claimed of an experiment, and whether what was seen bears it out.

use std::collections::HashSet;
use std::hash::Hash;
use std::process;
use std::thread::{self, ThreadId};
use std::time::Duration;

/// How long every function of the experiments sleeps.
pub(crate) const NAP: Duration = Duration::from_millis(100);

/// "About 100 ms" means: not less, and less than this much more, or than half as much again if that is more. A
/// busy machine needs some room; and 5 naps or more, all at once or on two threads, still have to take less time
/// than one after another would.
const SLACK: Duration = Duration::from_millis(200);

/// Where a function ran.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) process: u32,
    pub(crate) thread: ThreadId,
    /// Pools name their threads.
    pub(crate) pool: String,
}

impl Place {
    pub(crate) fn here() -> Self {
        let thread = thread::current();
        let pool = thread.name().unwrap_or("no name").to_owned();
        Self { process: process::id(), thread: thread.id(), pool }
    }
}

/// The functions of one experiment, gathered.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) places: Vec<Place>,
    pub(crate) elapsed: Duration,
}

impl Seen {
    fn processes(&self) -> usize {
        distinct(self.places.iter().map(|place| place.process))
    }

    pub(crate) fn threads(&self) -> usize {
        distinct(self.places.iter().map(|place| place.thread))
    }

    /// The pool of each function, in the order in which they were gathered.
    pub(crate) fn pools(&self) -> Vec<&str> {
        self.places.iter().map(|place| place.pool.as_str()).collect()
    }
}

fn distinct<T: Eq + Hash>(items: impl Iterator<Item = T>) -> usize {
    items.collect::<HashSet<_>>().len()
}

/// One process always; and:
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) threads: usize,
    /// How many naps the busiest thread takes, one after another.
    pub(crate) naps: usize,
    /// The pools of the functions, where that is claimed.
    pub(crate) pools: Option<&'static [&'static str]>,
}

/// What was seen bears a claim out, or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    /// Fewer threads or more time than claimed. That can be the machine's doing, if it was busy.
    Delayed,
    /// No delay explains it.
    Broken,
}

impl Claim {
    pub(crate) fn new(threads: usize, naps: usize) -> Self {
        Self { threads, naps, pools: None }
    }

    fn least(&self) -> Duration {
        NAP * u32::try_from(self.naps).unwrap_or(u32::MAX)
    }

    fn too_much(&self) -> Duration {
        self.least() + SLACK.max(self.least() / 2)
    }

    pub(crate) fn in_short(&self) -> String {
        format!("{}, {} ms", threads(self.threads), self.least().as_millis())
    }

    pub(crate) fn judge(&self, seen: &Seen) -> Verdict {
        let elsewhere = seen.processes() != 1 || self.pools.is_some_and(|pools| pools != seen.pools());
        if elsewhere || seen.threads() > self.threads || seen.elapsed < self.least() {
            Verdict::Broken
        } else if seen.threads() < self.threads || seen.elapsed >= self.too_much() {
            Verdict::Delayed
        } else {
            Verdict::Holds
        }
    }

    /// What a reader is told when it does not hold.
    pub(crate) fn against(&self, seen: &Seen) -> String {
        let least = self.least().as_millis();
        let below = self.too_much().as_millis();
        let mut expected = format!("{}, {least} ms or more but less than {below}", threads(self.threads));
        let mut found = format!("{}, {} ms", threads(seen.threads()), seen.elapsed.as_millis());
        if let Some(pools) = self.pools {
            expected = format!("{expected}, on {}", pools.join(", "));
            found = format!("{found}, on {}", seen.pools().join(", "));
        }
        format!(
            "  expected: 1 process, {expected}\n  seen:     {}, {found}",
            counted(seen.processes(), "process", "processes")
        )
    }
}

fn threads(n: usize) -> String {
    counted(n, "thread", "threads")
}

fn counted(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many functions as there are pools named, on `threads` threads.
    fn seen(threads: usize, millis: u64, pools: &[&str]) -> Seen {
        let id = |_| thread::spawn(|| thread::current().id()).join().unwrap();
        let ids: Vec<_> = (0..threads).map(id).collect();
        let place = |(i, pool): (usize, &&str)| Place {
            process: 1,
            thread: ids[i % threads],
            pool: (*pool).to_owned(),
        };
        let places = pools.iter().enumerate().map(place).collect();
        Seen { places, elapsed: Duration::from_millis(millis) }
    }

    #[test]
    fn a_claim_holds_within_its_bounds_only() {
        let claim = Claim::new(2, 3);
        let judged = |threads, millis| claim.judge(&seen(threads, millis, &["pool"; 5]));
        assert_eq!(judged(2, 300), Verdict::Holds);
        assert_eq!(judged(2, 499), Verdict::Holds);
        assert_eq!(judged(2, 299), Verdict::Broken, "faster than the naps take");
        assert_eq!(judged(3, 300), Verdict::Broken, "more threads than the pool may have");
        assert_eq!(judged(2, 500), Verdict::Delayed, "no faster than one after another");
        assert_eq!(judged(1, 300), Verdict::Delayed, "fewer threads than there is work for");
    }

    #[test]
    fn one_after_another_never_passes_for_all_at_once_or_for_two_at_once() {
        for n in [5, 9, 13, 17] {
            let one_after_another = 100 * u64::try_from(n).unwrap();
            for claim in [Claim::new(n, 1), Claim::new(2, n.div_ceil(2))] {
                let judged = claim.judge(&seen(claim.threads, one_after_another, &vec!["pool"; n]));
                assert_eq!(judged, Verdict::Delayed, "{n}: {claim:?}");
            }
        }
    }

    #[test]
    fn another_process_or_pool_is_no_delay() {
        let mut seen = seen(3, 100, &["two", "other", "two"]);
        let mut claim = Claim { pools: Some(&["two", "other", "two"]), ..Claim::new(3, 1) };
        assert_eq!(claim.judge(&seen), Verdict::Holds);
        claim.pools = Some(&["two", "two", "two"]);
        assert_eq!(claim.judge(&seen), Verdict::Broken);
        claim.pools = None;
        assert_eq!(claim.judge(&seen), Verdict::Holds);
        seen.places[0].process += 1;
        assert_eq!(claim.judge(&seen), Verdict::Broken);
    }

    #[test]
    fn both_sides_can_be_read() {
        assert_eq!(
            Claim::new(2, 1).against(&seen(1, 301, &["wide"; 2])),
            "  expected: 1 process, 2 threads, 100 ms or more but less than 300\n  seen:     1 process, 1 thread, 301 ms"
        );
        let claim = Claim { pools: Some(&["two"]), ..Claim::new(1, 1) };
        let text = claim.against(&seen(1, 100, &["other"]));
        let pools: Vec<_> = text.lines().filter_map(|line| line.split(" on ").nth(1)).collect();
        assert_eq!(pools, ["two", "other"]);
    }
}
