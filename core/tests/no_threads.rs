//! A pool to which the system gives no thread, or few: every task ends, every closure is dropped exactly once, and the
//! books add up.

mod support;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use anyloop_core::{PoolExt, TaskError, ThreadPool};
use support::{Counted, Counts, Ends, assert_books, submit_as};

fn no_thread() -> io::Error {
    io::Error::new(io::ErrorKind::WouldBlock, "no more threads in this test")
}

/// The system refuses a thread now and then, while threads come and go and each task may be the last one's.
#[test]
fn refused_threads_leave_the_books_in_order() {
    const EACH: usize = 500;
    // Of so many requests for a thread, the last is granted: none ever, one in three, one in two.
    for period in [usize::MAX, 3, 2] {
        let asked = AtomicUsize::new(0);
        let pool = ThreadPool::builder().max_threads(4).keep_alive(Duration::ZERO).spawn_handler(
            move |builder, body| match (asked.fetch_add(1, Ordering::SeqCst) + 1) % period {
                0 => builder.spawn(body),
                _ => Err(no_thread()),
            },
        );
        let (pool, counts) = (pool.build().unwrap(), Counts::new());
        let view = pool.limit(2);
        let ends = thread::scope(|scope| {
            let users: Vec<_> = (0..4)
                .map(|user| {
                    let (pool, view, counts) = (&pool, &view, &counts);
                    scope.spawn(move || submit_as(user, pool, view, counts, EACH))
                })
                .collect();
            users.into_iter().map(|user| user.join().unwrap()).collect::<Ends>()
        });
        assert_eq!(
            ends.returned + ends.no_thread,
            4 * EACH,
            "each ends in its value or in `NoThread`: {ends:?}"
        );
        if period == usize::MAX {
            assert_eq!(ends.returned, 0);
        }
        drop(view);
        pollster::block_on(pool.shutdown()).unwrap();
        assert_books(&pool, &counts, ends);
    }
}

/// A thread is lost after its handler has said that it comes, and no other is there: what is queued ends with it, on that very
/// thread. A shutdown is not over before that.
#[test]
fn a_shutdown_waits_for_what_a_lost_thread_left_behind() {
    struct SlowToGo(mpsc::Sender<()>, mpsc::Receiver<()>);

    impl Drop for SlowToGo {
        fn drop(&mut self) {
            let _ = self.0.send(());
            let _ = self.1.recv();
        }
    }

    let (go, gone) = mpsc::channel::<()>();
    let gone = Arc::new(Mutex::new(gone));
    let pool = ThreadPool::builder()
        .max_threads(1)
        .spawn_handler(move |builder, body| {
            let gone = gone.clone();
            builder.spawn(move || {
                let _ = gone.lock().unwrap().recv();
                drop(body);
            })
        })
        .build()
        .unwrap();
    let ((dropping, is_dropping), (release, released)) = (mpsc::channel(), mpsc::channel());
    let slow = SlowToGo(dropping, released);
    let task = pool.submit(move || drop(slow));
    drop(go);
    is_dropping.recv().unwrap();
    assert_eq!(pool.metrics().threads, 0);
    let mut shutdown = pin!(pool.shutdown());
    let mut context = Context::from_waker(Waker::noop());
    assert!(shutdown.as_mut().poll(&mut context).is_pending(), "its closure is still being dropped");
    drop(release);
    assert!(matches!(task.wait(), Err(TaskError::NoThread(_))));
    pollster::block_on(shutdown).unwrap();
}

#[cfg(target_os = "linux")]
mod limited {
    use super::*;
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    const CHILD: &str = "ANYLOOP_TEST_LIMITED_CHILD";
    const MIB: u64 = 1 << 20;
    /// So large a stack that the address space is used up long before anything else needs it.
    const STACK: u64 = 1024 * MIB;

    /// Leaves the process room for so many threads of that stack, and for allocations beside.
    fn leave_room_for(threads: u64) {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
        let kib: u64 = size.trim().trim_end_matches("kB").trim().parse().unwrap();
        let limit = kib * 1024 + threads * STACK + STACK / 2;
        let maximum = getrlimit(Resource::As).maximum;
        setrlimit(Resource::As, Rlimit { current: Some(limit), maximum }).unwrap();
    }

    fn lift() {
        let maximum = getrlimit(Resource::As).maximum;
        setrlimit(Resource::As, Rlimit { current: maximum, maximum }).unwrap();
    }

    /// A limit on processes would not hold for root, and counts those of others; one on the address space does
    /// neither. It holds for the whole process, hence a process of its own.
    #[test]
    fn threads_that_the_system_refuses_are_no_hang() {
        if std::env::var_os(CHILD).is_some() {
            return in_the_child();
        }
        let name = "limited::threads_that_the_system_refuses_are_no_hang";
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, "1")
            // What std starts by default has that stack, too: the pool's own helpers are refused as well.
            .env("RUST_MIN_STACK", STACK.to_string())
            .output()
            .unwrap();
        let (said, cried) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
        assert!(child.status.success(), "{}\n{said}\n{cried}", child.status);
        assert!(said.contains("1 passed"), "the child ran something else: {said}");
    }

    fn in_the_child() {
        // Nobody at all.
        let (pool, counts) = (ThreadPool::new(8).unwrap(), Counts::new());
        leave_room_for(0);
        let mut ends: Ends = (0..100)
            .map(|number| {
                let counted = Counted::new(&counts);
                Ends::of(pool.submit(move || counted.run(number)))
            })
            .collect();
        assert_eq!((ends.no_thread, counts.ran()), (100, 0), "{ends:?}");
        // As soon as there are threads again, the pool has them.
        lift();
        let counted = Counted::new(&counts);
        ends += Ends::of(pool.submit(move || counted.run(1)));
        assert_eq!(ends.returned, 1);
        pollster::block_on(pool.shutdown()).unwrap();
        assert_books(&pool, &counts, ends);

        // Two of eight; the monitor and the alarm of a shutdown get none either.
        let (pool, counts) = (ThreadPool::new(8).unwrap(), Counts::new());
        leave_room_for(2);
        let submit = |number: usize| {
            let counted = Counted::new(&counts);
            pool.submit(move || {
                thread::sleep(Duration::from_millis(1));
                counted.run(number)
            })
        };
        let tasks: Vec<_> = (0..200).map(submit).collect();
        let ends: Ends = tasks.into_iter().map(Ends::of).collect();
        assert_eq!(ends.returned, 200, "what lives does the work: {ends:?}");
        let threads = pool.metrics().threads;
        assert!((1..=2).contains(&threads), "{threads} threads where there is room for two");
        pollster::block_on(pool.shutdown_timeout(Duration::from_secs(60))).unwrap();
        lift();
        assert_books(&pool, &counts, ends);

        // Room for the pool's own threads, which need less; none for the monitor that the full pool asks for.
        let pool = ThreadPool::builder().max_threads(1).stack_size(1 << 20).build().unwrap();
        leave_room_for(0);
        assert!(thread::Builder::new().spawn(|| ()).is_err(), "there is room for a thread");
        let (release, released) = std::sync::mpsc::channel::<()>();
        let blocking = pool.submit(move || released.recv().is_err());
        let behind: Vec<_> = (0..10).map(|i| pool.submit(move || i)).collect();
        drop(release);
        assert!(blocking.wait().unwrap());
        assert!(behind.into_iter().map(|task| task.wait().unwrap()).eq(0..10));
        lift();
    }
}

#[test]
fn a_task_polled_after_a_refusal_says_why() {
    let pool = ThreadPool::builder().spawn_handler(|_, _| Err(no_thread())).build().unwrap();
    let mut task = pin!(pool.submit(|| ()));
    match task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(TaskError::NoThread(error))) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        other => panic!("{other:?}"),
    }
    assert_eq!(pool.metrics().refused, 1);
}

/// A pool's thread may be lent to another pool, for as long as that needs it: then it is its own pool's again.
#[test]
fn a_thread_that_another_pool_has_lent_goes_back() {
    let lender = ThreadPool::new(1).unwrap();
    let (answer, answered) = mpsc::channel();
    let threads = lender.clone();
    let handler = move |builder: thread::Builder, body: Box<dyn FnOnce() + Send>| {
        let (lender, answer) = (threads.clone(), answer.clone());
        let call = threads.submit(move || {
            body();
            // Refused on a thread of that pool, and on no other.
            answer.send(pollster::block_on(lender.shutdown())).unwrap();
        });
        builder.spawn(move || call.wait().unwrap())
    };
    let borrower = ThreadPool::builder().max_threads(1).spawn_handler(handler).build().unwrap();
    assert_eq!(borrower.submit(|| 1).wait().unwrap(), 1);
    pollster::block_on(borrower.shutdown()).unwrap();
    assert!(answered.recv().unwrap().is_err());
    assert_eq!(lender.submit(|| 2).wait().unwrap(), 2);
}
