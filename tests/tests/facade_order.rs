//! C30, where two runtimes have left their mark on one thread, or one of them does while a call is outstanding that was
//! begun under the other: which of them is current, and that each call keeps the one that it was begun under.

mod facade_support;

use std::sync::mpsc;

use anyloop::{AsyncStd, BlockOn, Runtime, Smol, Task, from_thread, to_thread};
use facade_support::isolated;
use tokio::runtime::{Handle, Id, Runtime as TokioRuntime};

/// The current runtime's name, and the tokio runtime that this thread is in.
type Seen = (&'static str, Option<Id>);

fn seen() -> Seen {
    let name = anyloop::current().map_or("none", |runtime| runtime.name());
    (name, Handle::try_current().ok().map(|handle| handle.id()))
}

/// A call that has begun, and looks around when it is released, and once more in async.
struct Outstanding {
    task: Task<[Seen; 2]>,
    release: mpsc::Sender<()>,
}

impl Outstanding {
    fn begun() -> Self {
        let (release, released) = mpsc::channel();
        let (begin, begun) = mpsc::channel();
        let call = to_thread(move || {
            begin.send(()).unwrap();
            released.recv().unwrap();
            [seen(), from_thread::block_on(async { seen() })]
        });
        let task = call.start();
        begun.recv().unwrap();
        Self { task, release }
    }

    /// Lets it go on, and awaits it.
    async fn ends_with(self, expected: Seen) {
        self.release.send(()).unwrap();
        assert_eq!(self.task.await.unwrap(), [expected; 2]);
    }
}

/// What is begun now has this runtime, wherever it looks.
async fn all_see(expected: Seen) {
    assert_eq!(seen(), expected);
    assert_eq!(to_thread(seen).await, expected);
    assert_eq!(to_thread(seen).on_native().await, expected);
}

fn tokio() -> (TokioRuntime, Seen) {
    let tokio = TokioRuntime::new().unwrap();
    let inside = ("tokio", Some(tokio.handle().id()));
    (tokio, inside)
}

const ASYNC_STD: Seen = ("async-std", None);

/// Whatever the adapters look for first: a mark that comes counts at once, and no longer than it is there.
#[test]
fn tokio_is_entered_and_left_in_async_std_with_calls_outstanding() {
    isolated(&[], || {
        let (tokio, in_tokio) = tokio();
        async_std::task::block_on(async {
            all_see(ASYNC_STD).await;
            let outside = Outstanding::begun();
            let entered = tokio.enter();
            all_see(in_tokio).await;
            let inside = Outstanding::begun();
            outside.ends_with(ASYNC_STD).await;
            all_see(in_tokio).await;
            drop(entered);
            all_see(ASYNC_STD).await;
            inside.ends_with(in_tokio).await;
            all_see(ASYNC_STD).await;
        });
        assert_eq!(seen(), ("none", None));
    });
}

/// Both have left a mark, and nothing tells which is the inner one: the first that was registered counts, and the
/// facade begins with tokio.
#[test]
fn async_std_begins_and_ends_in_tokio_with_calls_outstanding() {
    isolated(&[], || {
        let (tokio, in_tokio) = tokio();
        let entered = tokio.enter();
        assert_eq!(seen(), in_tokio);
        let outside = Outstanding::begun();
        let left_by_tokio = async_std::task::block_on(async {
            all_see(in_tokio).await;
            let both = Outstanding::begun();
            outside.ends_with(in_tokio).await;
            drop(entered);
            all_see(ASYNC_STD).await;
            both.ends_with(in_tokio).await;
            Outstanding::begun()
        });
        assert_eq!(seen(), ("none", None));
        pollster::block_on(left_by_tokio.ends_with(ASYNC_STD));
    });
}

/// The same, where the program has made its own value of the other runtime before anything else.
#[test]
fn of_two_marks_that_of_the_first_adapter_that_was_registered_counts() {
    isolated(&[], || {
        drop(AsyncStd::new());
        let (tokio, in_tokio) = tokio();
        let _entered = tokio.enter();
        let outside = Outstanding::begun();
        async_std::task::block_on(async {
            // The thread stays inside tokio; a call has its own runtime alone.
            assert_eq!(seen(), ("async-std", in_tokio.1));
            assert_eq!(to_thread(seen).await, ASYNC_STD);
            let both = Outstanding::begun();
            outside.ends_with(in_tokio).await;
            both.ends_with(ASYNC_STD).await;
        });
        assert_eq!(seen(), in_tokio);
    });
}

/// smol's own `block_on` leaves no mark, so it changes nothing; that of the adapter goes before all others.
#[test]
fn smol_in_tokio_with_calls_outstanding() {
    isolated(&[], || {
        let (tokio, in_tokio) = tokio();
        let entered = tokio.enter();
        let outside = Outstanding::begun();
        let unmarked = smol::block_on(async {
            all_see(in_tokio).await;
            Outstanding::begun()
        });
        Smol::new().block_on(async {
            assert_eq!(seen(), ("smol", in_tokio.1));
            assert_eq!(to_thread(seen).await, ("smol", None));
            let marked = Outstanding::begun();
            outside.ends_with(in_tokio).await;
            unmarked.ends_with(in_tokio).await;
            drop(entered);
            all_see(("smol", None)).await;
            marked.ends_with(("smol", None)).await;
        });
        assert_eq!(seen(), ("none", None));
    });
}

#[test]
fn tokio_is_entered_and_left_in_smol_with_calls_outstanding() {
    isolated(&[], || {
        let (tokio, in_tokio) = tokio();
        // Nothing says that this is smol.
        smol::block_on(async {
            assert_eq!(seen(), ("none", None));
            let outside = Outstanding::begun();
            let entered = tokio.enter();
            all_see(in_tokio).await;
            let inside = Outstanding::begun();
            outside.ends_with(("none", None)).await;
            drop(entered);
            assert_eq!(seen(), ("none", None));
            inside.ends_with(in_tokio).await;
        });
        // And here anyloop does, to the end.
        Smol::new().block_on(async {
            let outside = Outstanding::begun();
            let entered = tokio.enter();
            assert_eq!(seen(), ("smol", in_tokio.1));
            let inside = Outstanding::begun();
            outside.ends_with(("smol", None)).await;
            drop(entered);
            inside.ends_with(("smol", None)).await;
        });
    });
}

/// Of one runtime's adapter, but not that runtime: the inner one counts.
#[test]
fn one_tokio_in_another_with_calls_outstanding() {
    isolated(&[], || {
        let ((outer, in_outer), (inner, in_inner)) = (tokio(), tokio());
        assert_ne!(in_outer, in_inner);
        outer.block_on(async {
            let outside = Outstanding::begun();
            {
                let _entered = inner.enter();
                assert_eq!(seen(), in_inner);
                let inside = Outstanding::begun();
                inside.release.send(()).unwrap();
                assert_eq!(inside.task.wait().unwrap(), [in_inner; 2]);
            }
            all_see(in_outer).await;
            outside.ends_with(in_outer).await;
        });
    });
}
