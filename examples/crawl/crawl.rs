//! The async part: which pages are next, who is asked how often, and when it is enough.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};

use anyloop::{CancelToken, Limited, PoolExt, TaskError, gather, sleep};
use indicatif::{ProgressBar, ProgressStyle};
use ureq::Agent;

use crate::client::{Failure, fetch};
use crate::counted::counted;

/// What a host may be asked for.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    /// So many requests at a time.
    pub(crate) per_host: usize,
    /// How long one may take.
    pub(crate) patience: Duration,
    /// How often a busy host is asked again.
    pub(crate) retries: u32,
}

/// What it came to.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// Pages that were asked for: the first one, and those that the ones that were read link to.
    pub(crate) reached: usize,
    /// Pages that there are.
    pub(crate) pages: usize,
    read: usize,
    retried: usize,
    given_up: usize,
    stopped: bool,
    hosts: usize,
    time: Duration,
    /// Address and reason.
    pub(crate) failed: Vec<String>,
    /// The most requests that a host had at a time, by its own count.
    pub(crate) busiest: usize,
}

/// How many pages are under way at a time, on all hosts together.
const UNDER_WAY: usize = 256;

/// Visits all pages that can be reached from `start`, until `stop` is cancelled.
pub(crate) async fn crawl(start: String, manners: Manners, stop: &CancelToken) -> Report {
    let began = Instant::now();
    let crawler = Crawler {
        agent: Agent::new_with_defaults(),
        manners,
        stop,
        hosts: RefCell::default(),
        report: RefCell::default(),
        progress: progress(),
    };
    let mut known = HashSet::from([start.clone()]);
    let mut next = vec![start];
    while !next.is_empty() && !stop.is_cancelled() {
        crawler.progress.set_length(known.len() as u64);
        // Who stops has what is done by then; the others' calls are dropped, and so cancelled.
        let visits = gather(next.iter().map(|url| crawler.visit(url))).limit(UNDER_WAY);
        let links = match visits.until(stop.cancelled()).await {
            Ok(links) => links,
            Err(partial) => partial.done.into_iter().flatten().collect(),
        };
        next = links.into_iter().flatten().filter(|url| known.insert(url.clone())).collect();
    }
    crawler.progress.finish_and_clear();
    let Crawler { hosts, report, .. } = crawler;
    let (hosts, reached) = (hosts.into_inner().len(), known.len());
    Report { reached, hosts, stopped: stop.is_cancelled(), time: began.elapsed(), ..report.into_inner() }
}

struct Crawler<'a> {
    agent: Agent,
    manners: Manners,
    stop: &'a CancelToken,
    /// What is gathered takes turns on one thread, and shares this without locks.
    hosts: RefCell<HashMap<String, Limited>>,
    report: RefCell<Report>,
    progress: ProgressBar,
}

impl Crawler<'_> {
    /// The links of a page; none if it cannot be had.
    async fn visit(&self, url: &str) -> Vec<String> {
        let host = self.host_of(url);
        let mut pause = Duration::from_millis(10);
        let mut retries = self.manners.retries;
        let ended = loop {
            let call = fetch(self.agent.clone(), url).on(&host).with_token(self.stop);
            match call.timeout(self.manners.patience).await {
                Ok(Err(Failure::Busy)) if retries > 0 => {
                    retries -= 1;
                    self.report.borrow_mut().retried += 1;
                    sleep(pause).await;
                    pause *= 2;
                }
                ended => break ended,
            }
        };
        self.progress.inc(1);
        let mut report = self.report.borrow_mut();
        match ended {
            Ok(Ok(links)) => {
                report.read += 1;
                return links;
            }
            Ok(Err(Failure::Other(error))) if matches!(*error, ureq::Error::Timeout(_)) => {
                report.given_up += 1
            }
            Err(TaskError::TimedOut) => report.given_up += 1,
            Err(TaskError::Cancelled) => {}
            Ok(Err(failure)) => report.failed.push(format!("{url}: {failure}")),
            Err(error) => report.failed.push(format!("{url}: {error}")),
        }
        Vec::new()
    }

    /// A view of the pool: its calls wait for each other, and for nobody else.
    fn host_of(&self, url: &str) -> Limited {
        let host = url.split('/').nth(2).unwrap_or(url);
        let mut hosts = self.hosts.borrow_mut();
        hosts.entry(host.to_owned()).or_insert_with(|| anyloop::pool().limit(self.manners.per_host)).clone()
    }
}

fn progress() -> ProgressBar {
    let style =
        ProgressStyle::with_template("{wide_bar} {pos} of {len} pages known").expect("it is well formed");
    ProgressBar::new(1).with_style(style.progress_chars("=> "))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reached, pages, read, retried, given_up, stopped, hosts, time, failed, busiest } = self;
        for failure in failed {
            writeln!(f, "failed: {failure}")?;
        }
        if *stopped {
            writeln!(f, "stopped by Ctrl-C")?;
        }
        write!(
            f,
            "{reached} of {} reached, {read} read from {} in {:.2} s, {}, {given_up} given up; \
             a host had {} at a time at the most",
            counted(*pages, "page", "pages"),
            counted(*hosts, "host", "hosts"),
            time.as_secs_f64(),
            counted(*retried, "retry", "retries"),
            counted(*busiest, "request", "requests"),
        )
    }
}
