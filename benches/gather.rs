//! What it costs to wait for many: `gather` beside what joins futures elsewhere.
//!
//! Children yield once and return their number, unless a workload says otherwise. All cases run inside
//! the `block_on` of one tokio runtime.

mod support;

use std::{
    future::Future,
    pin::Pin,
    process::ExitCode,
    sync::{Arc, Barrier, Mutex},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use anyloop::{Runtime as _, gather};
use futures::{StreamExt as _, future::join_all, stream::FuturesUnordered};
use futures_concurrency::future::Join as _;
use tokio::{runtime, task::JoinSet};

use crate::support::{Meter, Metric, Sample, Suite, Unit, Workload};

/// Children in one measured run, of as many gathers as that takes.
const AT_LEAST: usize = 100_000;
const CHILD: Unit = Unit::NsPer("child");

fn main() -> ExitCode {
    Suite::new("gather")
        .with_all([2, 10, 30].map(few))
        .with(two())
        .with(six())
        .with(twelve())
        .with_all([100, 1_000, 10_000, 100_000].map(many))
        .with(million())
        .with(ready())
        .with(burst())
        .with(apart())
        .with(limited())
        .with(tasks())
        .run()
}

/// Up to 30: `join_all` is at its best.
fn few(children: usize) -> Workload {
    Workload::new(format!("{children} children"), CHILD, AT_LEAST)
        .case("anyloop", repeated(children, |n| gather((0..n).map(child)).into_future()))
        .case("join_all", repeated(children, |n| join_all((0..n).map(child))))
        .case("futures-buffered", repeated(children, |n| futures_buffered::join_all((0..n).map(child))))
        .case("futures-concurrency", repeated(children, |n| (0..n).map(child).collect::<Vec<_>>().join()))
        .at_most(1.0, "join_all")
}

fn many(children: usize) -> Workload {
    let workload = Workload::new(format!("{children} children"), CHILD, AT_LEAST.max(children))
        .case("anyloop", repeated(children, |n| gather((0..n).map(child)).into_future()))
        .case("join_all", repeated(children, |n| join_all((0..n).map(child))))
        .case("futures-buffered", repeated(children, |n| futures_buffered::join_all((0..n).map(child))))
        .case("futures-concurrency", repeated(children, |n| (0..n).map(child).collect::<Vec<_>>().join()))
        .case("FuturesUnordered", repeated(children, unordered));
    let workload = if children == 1_000 {
        workload
            .case("JoinSet", repeated(children, join_set))
            .case("tokio spawn, await", repeated(children, spawn_and_await))
    } else {
        workload
    };
    workload.at_most(0.09, "join_all").at_most(0.20, "futures-buffered")
}

/// Does the cost of a child stay flat?
fn million() -> Workload {
    Workload::new("flat from 100 to 1,000,000", CHILD, 1_000_000)
        .case("anyloop, 1,000,000", repeated(1_000_000, |n| gather((0..n).map(child)).into_future()))
        .case("anyloop, 100", repeated(100, |n| gather((0..n).map(child)).into_future()))
        .at_most(1.5, "anyloop, 100")
}

fn ready() -> Workload {
    Workload::new("10,000 children that are ready at once", CHILD, AT_LEAST)
        .case("anyloop", repeated(10_000, |n| gather((0..n).map(ready_child)).into_future()))
        .case("join_all", repeated(10_000, |n| join_all((0..n).map(ready_child))))
        .case("futures-buffered", repeated(10_000, |n| futures_buffered::join_all((0..n).map(ready_child))))
        .below(Metric::Wall, 5.0)
}

/// A gather each, of a child that returns its number and one that returns the next.
macro_rules! tuples {
    ($name:literal, $n:literal: $($child:ident)+) => {{
        async fn ours(_: usize) -> Vec<usize> {
            let mut number = 0..;
            $(let $child = child(number.next().unwrap_or(0));)+
            let ($($child,)+) = gather(($($child,)+)).await;
            vec![$($child),+]
        }
        async fn of_tokio(_: usize) -> Vec<usize> {
            let mut number = 0..;
            $(let $child = child(number.next().unwrap_or(0));)+
            let ($($child,)+) = tokio::join!($($child),+);
            vec![$($child),+]
        }
        async fn of_futures(_: usize) -> Vec<usize> {
            let mut number = 0..;
            $(let $child = child(number.next().unwrap_or(0));)+
            let ($($child,)+) = futures::join!($($child),+);
            vec![$($child),+]
        }
        Workload::new($name, CHILD, AT_LEAST)
            .case("anyloop", repeated($n, ours))
            .case("tokio::join!", repeated($n, of_tokio))
            .case("futures::join!", repeated($n, of_futures))
            .at_most(1.0, "tokio::join!")
            .at_most(1.0, "futures::join!")
    }};
}

fn two() -> Workload {
    tuples!("a tuple of 2", 2: a b)
}

fn six() -> Workload {
    tuples!("a tuple of 6", 6: a b c d e f)
}

fn twelve() -> Workload {
    tuples!("a tuple of 12", 12: a b c d e f g h i j k l)
}

/// Another thread wakes them all, in random order.
fn burst() -> Workload {
    woken("10,000 woken by another thread in a burst", None)
        .at_most(0.45, "join_all")
        .at_most(1.1, "futures-buffered")
}

/// Another thread wakes one of them now and then.
fn apart() -> Workload {
    woken("10,000 woken by another thread, 0.5 µs apart", Some(Duration::from_nanos(500)))
        .at_most(0.9, "futures-buffered")
}

fn woken(name: &str, apart: Option<Duration>) -> Workload {
    Workload::new(name, CHILD, 10_000)
        .case("anyloop", from_outside(apart, |children| gather(children).into_future()))
        .case("join_all", from_outside(apart, join_all))
        .case("futures-buffered", from_outside(apart, futures_buffered::join_all))
}

/// No more than 256 of them at once.
fn limited() -> Workload {
    Workload::new("100,000 children, 256 at once", CHILD, 100_000)
        .case("anyloop", repeated(100_000, |n| gather((0..n).map(child)).limit(256).into_future()))
        .case(
            "buffer_unordered(256)",
            repeated(100_000, |n| futures::stream::iter((0..n).map(child)).buffer_unordered(256).collect()),
        )
        .case(
            "buffered(256)",
            repeated(100_000, |n| futures::stream::iter((0..n).map(child)).buffered(256).collect()),
        )
        .at_most(0.5, "buffer_unordered(256)")
}

/// The runtime's own gather, whose children are tasks, beside a loop that spawns and awaits.
fn tasks() -> Workload {
    Workload::new("10,000 children as tasks", CHILD, AT_LEAST)
        .case("anyloop", |meter| {
            let tokio = anyloop::Tokio::new().expect("tokio starts");
            meter.measure(|| {
                anyloop::BlockOn::block_on(&tokio, async {
                    for _ in 0..meter.size / 10_000 {
                        assert_sum(&tokio.gather((0..10_000).map(child)).await, 10_000);
                    }
                });
            })
        })
        .case("tokio spawn, await", repeated(10_000, spawn_and_await))
        .case("JoinSet", repeated(10_000, join_set))
        .at_most(1.0, "tokio spawn, await")
}

fn child(number: usize) -> Child {
    Child { number, yielded: false }
}

/// A child that yields once, then returns its number.
struct Child {
    number: usize,
    yielded: bool,
}

impl Future for Child {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        if self.yielded {
            return Poll::Ready(self.number);
        }
        self.yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn ready_child(number: usize) -> std::future::Ready<usize> {
    std::future::ready(number)
}

/// As many gathers of `children` children, one after the other, as the workload has operations for.
fn repeated<F: Future<Output = Vec<usize>>>(
    children: usize,
    join: impl Fn(usize) -> F,
) -> impl Fn(&Meter) -> Sample {
    move |meter| {
        let tokio = tokio();
        meter.measure(|| {
            tokio.block_on(async {
                for _ in 0..meter.size / children {
                    assert_sum(&join(children).await, children);
                }
            });
        })
    }
}

fn assert_sum(values: &[usize], children: usize) {
    // In order or, from those that do not keep it, in any.
    assert_eq!(values.len(), children, "a value was lost");
    debug_assert_eq!(values.iter().sum::<usize>(), children * (children - 1) / 2);
}

fn tokio() -> runtime::Runtime {
    runtime::Builder::new_multi_thread().build().expect("tokio starts")
}

async fn unordered(children: usize) -> Vec<usize> {
    (0..children).map(child).collect::<FuturesUnordered<_>>().collect().await
}

async fn join_set(children: usize) -> Vec<usize> {
    let set: JoinSet<usize> = (0..children).map(child).collect();
    set.join_all().await
}

async fn spawn_and_await(children: usize) -> Vec<usize> {
    let tasks: Vec<_> = (0..children).map(|number| tokio::spawn(child(number))).collect();
    let mut values = Vec::with_capacity(children);
    for task in tasks {
        values.push(task.await.expect("nothing here panics"));
    }
    values
}

/// What a child that is woken from outside has left where the other thread finds it.
#[derive(Default)]
struct Bell(Mutex<(bool, Option<Waker>)>);

/// A child that ends when its bell was rung.
struct Rung<'a>(&'a Bell);

impl Future for Rung<'_> {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let mut bell = self.0.0.lock().expect("nothing here panics");
        if bell.0 {
            return Poll::Ready(1);
        }
        bell.1 = Some(cx.waker().clone());
        Poll::Pending
    }
}

fn ring(bell: &Bell) {
    let waker = {
        let mut bell = bell.0.lock().expect("nothing here panics");
        bell.0 = true;
        bell.1.take()
    };
    waker.into_iter().for_each(Waker::wake);
}

/// The children are woken by another thread, which begins when all of them have been polled, in an order that looks
/// random and is the same for every case. Timed from its first ring until the gather has ended.
fn from_outside<F: Future<Output = Vec<usize>>>(
    apart: Option<Duration>,
    join: impl Fn(Vec<Rung<'static>>) -> F,
) -> impl Fn(&Meter) -> Sample {
    move |meter| {
        let tokio = tokio();
        let runs: Vec<f64> = (0..6)
            .map(|_| {
                let bells: &'static [Bell] =
                    (0..meter.size).map(|_| Bell::default()).collect::<Vec<_>>().leak();
                let begin = Arc::new(Barrier::new(2));
                let ringing = thread::spawn({
                    let begin = begin.clone();
                    move || {
                        begin.wait();
                        let start = Instant::now();
                        let mut next = start;
                        for number in 0..bells.len() {
                            // 7,919 is prime to the number of bells.
                            ring(&bells[number * 7_919 % bells.len()]);
                            if let Some(apart) = apart {
                                next += apart;
                                while Instant::now() < next {
                                    std::hint::spin_loop();
                                }
                            }
                        }
                        start
                    }
                });
                let mut all = Box::pin(join(bells.iter().map(Rung).collect()));
                let end = tokio.block_on(async {
                    // Until all of them have left their wakers, however many polls that takes.
                    while bells.iter().any(|bell| bell.0.lock().expect("nothing here panics").1.is_none()) {
                        assert!(futures::poll!(all.as_mut()).is_pending());
                    }
                    begin.wait();
                    assert_eq!(all.as_mut().await.len(), bells.len(), "a value was lost");
                    Instant::now()
                });
                let start = ringing.join().expect("it only rings");
                end.duration_since(start).as_nanos() as f64 / meter.size as f64
            })
            .collect();
        let mut runs = runs[1..].to_vec();
        runs.sort_by(f64::total_cmp);
        Sample::of(runs[runs.len() / 2])
    }
}
