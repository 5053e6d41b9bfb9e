//! C08: blocking inside a poll is refused, with advice.

use anyloop_core::{BlockOn, Run, from_thread};

use crate::Subject;
use crate::tools::panic_of;

/// What every attempt to block must say.
fn attempts<R: BlockOn>(subject: &Subject<R>) {
    let advised = |what: &str, text: String| {
        assert!(text.contains(what) && text.contains(".await"), "{what}: {text}");
    };
    let task = subject.submit(|| ());
    advised("wait()", panic_of(|| task.wait()));
    let task = subject.runtime().spawn(async {});
    advised("wait()", panic_of(|| task.wait()));
    advised("block_on()", panic_of(|| subject.runtime().block_on(async {})));
    advised("block_on()", panic_of(|| subject.runtime().to_any().block_on(async {})));
    advised("run()", panic_of(|| subject.runtime().run(async {})));
    advised("run()", panic_of(|| Run::new(subject.runtime()).block_on(async {})));
    advised("block_on()", panic_of(|| from_thread::block_on(async {})));
}

/// C08: inside `block_on`, `wait()`, `block_on` and `run` panic with advice.
pub fn c08_blocking_inside_block_on_panics_with_advice<R: BlockOn>(subject: &Subject<R>) {
    subject.block_on(async { attempts(subject) });
    subject.runtime().run(async { attempts(subject) });
}

/// C08: so they do inside a spawned future, and in its destructors.
pub fn c08_blocking_inside_a_spawned_future_panics_with_advice<R: BlockOn>(subject: &Subject<R>) {
    struct Blocks<R: BlockOn>(Subject<R>, crate::tools::Signal);
    impl<R: BlockOn> Drop for Blocks<R> {
        fn drop(&mut self) {
            attempts(&self.0);
            self.1.set();
        }
    }
    subject.block_on(async {
        let inside = subject.clone();
        subject.runtime().spawn(async move { attempts(&inside) }).await.expect("the attempts were refused");
        let dropped = crate::tools::Signal::new();
        let blocks = Blocks(subject.clone(), dropped.clone());
        let task = subject.runtime().spawn(async move {
            let _blocks = blocks;
            std::future::pending::<()>().await;
        });
        crate::tools::yield_now().await;
        drop(task);
        dropped.seen().await;
    });
}

/// C08: and inside `from_thread::block_on`, which polls as well.
pub fn c08_blocking_inside_from_threads_block_on_panics_with_advice<R: BlockOn>(subject: &Subject<R>) {
    let inside = subject.clone();
    subject.block_on(async {
        let call = subject.call(move || from_thread::block_on(async { attempts(&inside) }));
        call.await;
    });
}

/// C08: elsewhere blocking is nobody's business: on a plain thread, and inside a call.
pub fn c08_elsewhere_blocking_is_allowed<R: BlockOn>(subject: &Subject<R>) {
    assert_eq!(subject.submit(|| 1).wait().expect("a value"), 1);
    let inside = subject.clone();
    let sum = subject.call(move || {
        let waited = inside.submit(|| 20).wait().expect("a value");
        waited + inside.fresh().block_on(async { 22 })
    });
    assert_eq!(subject.block_on(sum), 42);
}
