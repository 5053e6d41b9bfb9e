//! The state of the machine, and what this process takes of it.

use std::{
    fs,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    stats::{figure, median},
    workload::RoundTrip,
};

/// Ping-pong that differs by more than this between the ends of a run voids its round trips.
const STEADY: f64 = 2.0;

/// Ping-pong that takes this many times as long as on one CPU goes to one that has to be roused.
const SPREAD: f64 = 3.0;

/// What a process, or all the children that it has waited for, have used.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    pub(crate) cpu: Duration,
    pub(crate) switches: u64,
}

impl Usage {
    pub(crate) fn of_this_process() -> Option<Self> {
        #[cfg(unix)]
        return Self::read(nix::sys::resource::UsageWho::RUSAGE_SELF);
        #[cfg(not(unix))]
        None
    }

    /// Of the calling thread alone.
    pub(crate) fn of_this_thread() -> Option<Self> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return Self::read(nix::sys::resource::UsageWho::RUSAGE_THREAD);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        None
    }

    pub(crate) fn of_children() -> Option<Self> {
        #[cfg(unix)]
        return Self::read(nix::sys::resource::UsageWho::RUSAGE_CHILDREN);
        #[cfg(not(unix))]
        None
    }

    #[cfg(unix)]
    fn read(who: nix::sys::resource::UsageWho) -> Option<Self> {
        use nix::sys::time::TimeValLike;

        let usage = nix::sys::resource::getrusage(who).ok()?;
        let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
        let switches = usage.voluntary_context_switches() + usage.involuntary_context_switches();
        Some(Self {
            cpu: Duration::from_micros(micros.try_into().ok()?),
            switches: switches.try_into().ok()?,
        })
    }

    /// What was used from here to `later`.
    pub(crate) fn until(self, later: Self) -> Self {
        Self {
            cpu: later.cpu.saturating_sub(self.cpu),
            switches: later.switches.saturating_sub(self.switches),
        }
    }
}

/// How busy the whole machine has been, and this process with its children: what is left is others'.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activity {
    at: Instant,
    machine: Duration,
    own: Duration,
}

impl Activity {
    pub(crate) fn now() -> Option<Self> {
        /// The kernel tells busy time in ticks of 10 ms, whatever its own clock is.
        const TICK_MS: u64 = 10;

        let stat = fs::read_to_string("/proc/stat").ok()?;
        let mut fields = stat.lines().next()?.split_whitespace().skip(1);
        let mut field = || fields.next()?.parse::<u64>().ok();
        let [user, nice, system, _idle, _io_wait] = [field()?, field()?, field()?, field()?, field()?];
        // What a hypervisor gave to other machines is lost to this run just the same.
        let [irq, soft_irq, stolen] = [field()?, field()?, field()?];
        let ticks = user + nice + system + irq + soft_irq + stolen;
        Some(Self {
            at: Instant::now(),
            machine: Duration::from_millis(ticks * TICK_MS),
            own: Usage::of_this_process()?.cpu + Usage::of_children()?.cpu,
        })
    }

    /// The share of all CPUs that others used from here to `later`.
    pub(crate) fn others_until(self, later: Self) -> Option<f64> {
        let busy = (later.machine - self.machine).as_secs_f64();
        let own = (later.own - self.own).as_secs_f64();
        let cpus = thread::available_parallelism().ok()?.get() as f64;
        let capacity = (later.at - self.at).as_secs_f64() * cpus;
        Some(((busy - own) / capacity).max(0.0))
    }
}

/// Threads of this process.
pub(crate) fn threads_alive() -> Option<u32> {
    status("Threads:")?.trim().parse().ok()
}

/// Memory of this process that is in RAM, in KiB.
pub(crate) fn resident_kib() -> Option<f64> {
    status("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok()
}

fn status(field: &str) -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix(field)).map(str::to_owned)
}

/// Keeps this thread, and those that it starts from now on, on the first CPU that it may use.
/// Call it first in a case, before its runtime starts any thread.
pub(crate) fn pin_to_one_cpu() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use nix::{
            sched::{CpuSet, sched_getaffinity, sched_setaffinity},
            unistd::Pid,
        };

        let this_thread = Pid::from_raw(0);
        let allowed = sched_getaffinity(this_thread).expect("a thread may read its own affinity");
        let first = (0..CpuSet::count())
            .find(|&cpu| allowed.is_set(cpu).unwrap_or(false))
            .expect("a thread may run somewhere");
        let mut one = CpuSet::new();
        one.set(first).expect("the CPU comes from a set of the same size");
        sched_setaffinity(this_thread, &one).expect("a thread may narrow its own affinity");
    }
}

/// How the machine behaves at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct State {
    /// One round trip between two threads by park and unpark.
    ping_pong: Duration,
    /// The same with both threads on one CPU.
    ping_pong_pinned: Duration,
    /// From `thread::spawn` to the first line of the thread.
    thread_start: Duration,
    load: Option<f64>,
}

impl State {
    pub(crate) fn now() -> Self {
        let load = fs::read_to_string("/proc/loadavg").ok();
        let load = load.and_then(|text| text.split(' ').next()?.parse().ok());
        Self {
            ping_pong: ping_pong(),
            // A thread of its own, because pinning cannot be handed down to a parent.
            ping_pong_pinned: thread::spawn(|| {
                pin_to_one_cpu();
                ping_pong()
            })
            .join()
            .expect("ping-pong does not panic"),
            thread_start: thread_start(),
            load,
        }
    }

    /// Whether waking took about as long at `end` as it did here.
    pub(crate) fn is_steady(&self, end: &Self, placement: RoundTrip) -> bool {
        let (a, b) = match placement {
            RoundTrip::Unpinned => (self.ping_pong, end.ping_pong),
            RoundTrip::Pinned => (self.ping_pong_pinned, end.ping_pong_pinned),
        };
        a.max(b) <= a.min(b).mul_f64(STEADY)
    }

    /// Whether the other side of a wake-up sits on a CPU that must be roused: it takes much longer then than
    /// where both share one.
    pub(crate) fn is_spread(&self) -> bool {
        self.ping_pong >= self.ping_pong_pinned.mul_f64(SPREAD)
    }

    pub(crate) fn text(&self) -> String {
        let us = |time: Duration| figure(time.as_secs_f64() * 1e6);
        let load = self.load.map_or("unknown".into(), figure);
        format!(
            "park/unpark ping-pong {} µs (pinned {} µs), thread start {} µs, load {load}",
            us(self.ping_pong),
            us(self.ping_pong_pinned),
            us(self.thread_start),
        )
    }
}

/// Median over a few runs, after a while: in the first moments of a process the system still moves its
/// threads about, which says little about the machine.
fn ping_pong() -> Duration {
    const TRIPS: usize = 500;
    const RUNS: usize = 9;
    const SETTLING: Duration = Duration::from_millis(200);
    let start = Instant::now();
    while start.elapsed() < SETTLING {
        ping_pong_run(TRIPS);
    }
    median((0..RUNS).map(|_| ping_pong_run(TRIPS).as_secs_f64() / TRIPS as f64))
        .map(Duration::from_secs_f64)
        .expect("there are runs")
}

fn ping_pong_run(trips: usize) -> Duration {
    // Even: the ball is here. Odd: it is with the other thread.
    let ball = Arc::new(AtomicUsize::new(0));
    let here = thread::current();
    let there = thread::spawn({
        let ball = ball.clone();
        move || {
            for trip in 0..trips {
                // ORDERING: SeqCst, for this is a yardstick; it pairs with the store of the other side.
                while ball.load(Ordering::SeqCst) != 2 * trip + 1 {
                    thread::park();
                }
                ball.store(2 * trip + 2, Ordering::SeqCst);
                here.unpark();
            }
        }
    });
    let start = Instant::now();
    for trip in 0..trips {
        ball.store(2 * trip + 1, Ordering::SeqCst);
        there.thread().unpark();
        while ball.load(Ordering::SeqCst) != 2 * trip + 2 {
            thread::park();
        }
    }
    let elapsed = start.elapsed();
    there.join().expect("ping-pong does not panic");
    elapsed
}

fn thread_start() -> Duration {
    const THREADS: usize = 200;
    let starts = (0..THREADS).map(|_| {
        let asked = Instant::now();
        let began = thread::spawn(|| black_box(Instant::now())).join();
        let began = began.expect("reading the clock does not panic");
        began.duration_since(asked).as_secs_f64()
    });
    median(starts).map(Duration::from_secs_f64).expect("there are threads")
}
