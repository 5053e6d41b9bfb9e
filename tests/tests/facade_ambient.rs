//! C30: the ambient runtime, and that an explicit one beats it. Nothing here depends on the choice that a
//! process makes once.

mod facade_support;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyloop::{BlockOn, Runtime, Smol, Tokio, from_thread, gather, to_thread};
use facade_support::{bounded, isolated, panic_text, runtimes};

/// The current runtime's name, or "none".
fn current_name() -> String {
    anyloop::current().map_or("none".to_owned(), |runtime| runtime.name().to_owned())
}

/// All that a driven future can start, and what it saw.
async fn look_around() -> Vec<String> {
    let mut seen = vec![current_name()];
    seen.push(anyloop::spawn(async { current_name() }).await.unwrap());
    seen.push(to_thread(current_name).await);
    seen.push(to_thread(current_name).on_native().await);
    seen.push(anyloop::spawn_blocking(current_name).await.unwrap());
    // From a call back into async, and into a call again.
    let back =
        || from_thread::block_on(async { gather((async { current_name() }, to_thread(current_name))).await });
    let (in_async, in_call) = to_thread(back).await;
    seen.extend([in_async, in_call]);
    // After a wait, perhaps on another thread.
    let later = anyloop::spawn(async {
        anyloop::sleep(Duration::from_millis(1)).await;
        anyloop::yield_now().await;
        current_name()
    });
    seen.push(later.await.unwrap());
    seen
}

#[test]
fn the_driven_future_and_all_that_it_starts_see_their_runtime() {
    isolated(&[], || {
        for runtime in runtimes() {
            let name = runtime.name();
            let seen = runtime.block_on(look_around());
            assert!(seen.iter().all(|seen| seen == name), "{name}: {seen:?}");
            assert_eq!(current_name(), "none", "after the block_on of {name}");
            let seen = runtime.run(look_around());
            assert!(seen.iter().all(|seen| seen == name), "{name}: {seen:?}");
            assert_eq!(current_name(), "none", "after the run of {name}");
        }
    });
}

#[test]
fn an_explicit_runtime_beats_the_ambient_one() {
    for outer in runtimes() {
        for inner in runtimes() {
            // A runtime that is not driven runs no tasks.
            if format!("{inner:?}").contains("CurrentThread") {
                continue;
            }
            let expected = inner.name();
            let outer = outer.clone();
            let seen = bounded(move || {
                outer.block_on(async {
                    let task = inner.spawn(async { (current_name(), to_thread(current_name).await) });
                    let (future, call) = task.await.unwrap();
                    let closure = inner.spawn_blocking(current_name).await.unwrap();
                    [future, call, closure]
                })
            });
            assert!(seen.iter().all(|seen| seen == expected), "{expected}: {seen:?}");
        }
    }
}

#[test]
fn enter_lasts_as_long_as_its_guard_and_nests() {
    isolated(&[], || {
        let smol = Smol::new();
        let tokio = Tokio::new().unwrap();
        assert_eq!(current_name(), "none");
        let outer = smol.enter();
        assert_eq!(current_name(), "smol");
        {
            let _inner = tokio.enter();
            assert_eq!(current_name(), "tokio");
            assert_eq!(anyloop::spawn(async { current_name() }).wait().unwrap(), "tokio");
            assert_eq!(to_thread(current_name).start().wait().unwrap(), "tokio");
            // It is this thread's alone.
            assert_eq!(thread::spawn(current_name).join().unwrap(), "none");
        }
        assert_eq!(current_name(), "smol");
        drop(outer);
        assert_eq!(current_name(), "none");
    });
}

#[test]
#[expect(clippy::async_yields_async, reason = "a call that leaves its `block_on` is what is tested")]
fn a_call_takes_the_runtime_of_where_it_starts() {
    isolated(&[], || {
        let smol = Smol::new();
        // Made outside, started inside.
        let call = to_thread(current_name);
        assert_eq!(smol.block_on(call), "smol");
        // Made inside, started outside.
        let call = smol.block_on(async { to_thread(current_name) });
        assert_eq!(pollster::block_on(call), "none");
    });
}

#[test]
fn a_future_that_is_dropped_unfinished_sees_its_runtime_to_the_end() {
    struct Tell(mpsc::Sender<String>);
    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send(current_name());
        }
    }
    for runtime in runtimes() {
        let expected = runtime.name();
        let told = bounded(move || {
            let (tell, told) = mpsc::channel();
            let in_task = Tell(tell.clone());
            runtime.block_on(async {
                let task = anyloop::spawn(async move {
                    let _in_task = in_task;
                    std::future::pending::<()>().await;
                });
                anyloop::yield_now().await;
                let _ = task.cancel().await;
                let in_call = Tell(tell);
                to_thread(move || drop(in_call)).await;
            });
            [told.recv().unwrap(), told.recv().unwrap()]
        });
        assert_eq!(told, [expected, expected]);
    }
}

#[test]
fn a_plain_tokio_program_is_recognized() {
    async fn seen() -> Vec<String> {
        let handle = tokio::runtime::Handle::current().id();
        let mut seen = vec![current_name()];
        seen.push(tokio::spawn(async { current_name() }).await.unwrap());
        seen.push(tokio::task::spawn_blocking(current_name).await.unwrap());
        // It is that very runtime, not another of its kind.
        let id = anyloop::spawn(async { tokio::runtime::Handle::current().id() });
        assert_eq!(id.await.unwrap(), handle);
        let id = to_thread(|| tokio::runtime::Handle::try_current().map(|handle| handle.id()));
        assert_eq!(id.await.unwrap(), handle);
        seen.push(to_thread(current_name).await);
        seen.push(to_thread(current_name).on_native().await);
        seen.push(anyloop::spawn(async { current_name() }).await.unwrap());
        anyloop::sleep(Duration::from_millis(1)).await;
        anyloop::timeout(Duration::MAX, async {}).await.unwrap();
        anyloop::interval(Duration::from_millis(1)).tick().await;
        // Through a call and back.
        let back =
            || from_thread::block_on(async { anyloop::spawn(async { current_name() }).await.unwrap() });
        seen.push(to_thread(back).await);
        seen
    }
    #[tokio::main]
    async fn multi_thread() -> Vec<String> {
        seen().await
    }
    #[tokio::main(flavor = "current_thread")]
    async fn current_thread() -> Vec<String> {
        seen().await
    }
    for seen in [bounded(multi_thread), bounded(current_thread)] {
        assert_eq!(seen.len(), 7);
        assert!(seen.iter().all(|seen| seen == "tokio"), "{seen:?}");
    }
}

#[test]
fn a_plain_tokio_handle_that_was_entered_is_recognized() {
    isolated(&[], || {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        {
            let _entered = runtime.enter();
            assert_eq!(current_name(), "tokio");
            assert_eq!(anyloop::spawn(async { current_name() }).wait().unwrap(), "tokio");
            // anyloop's own mark comes first.
            assert_eq!(Smol::new().block_on(async { current_name() }), "smol");
            let _smol = Smol::new().enter();
            assert_eq!(current_name(), "smol");
        }
        assert_eq!(current_name(), "none");
    });
}

#[test]
fn a_plain_async_std_program_is_recognized() {
    let seen = bounded(|| {
        async_std::task::block_on(async {
            let mut seen = vec![current_name()];
            seen.push(async_std::task::spawn(async { current_name() }).await);
            seen.push(anyloop::spawn(async { current_name() }).await.unwrap());
            seen.push(to_thread(current_name).await);
            anyloop::sleep(Duration::from_millis(1)).await;
            seen
        })
    });
    assert!(seen.iter().all(|seen| seen == "async-std"), "{seen:?}");
}

#[test]
fn what_leaves_no_mark_is_not_guessed() {
    isolated(&[], || {
        assert_eq!(smol::block_on(async { current_name() }), "none");
        assert_eq!(smol::block_on(smol::spawn(async { current_name() })), "none");
        assert_eq!(futures::executor::block_on(async { current_name() }), "none");
        assert_eq!(thread::spawn(current_name).join().unwrap(), "none");
    });
}

#[test]
fn a_panic_leaves_nothing_behind_on_the_thread() {
    isolated(&[], || {
        for runtime in runtimes() {
            assert_eq!(panic_text(|| runtime.block_on(async { panic!("first") })), "first");
            assert_eq!(current_name(), "none");
            // Neither the runtime nor the ban on blocking.
            assert_eq!(anyloop::spawn_blocking(|| 1).wait().unwrap(), 1);
            assert_eq!(panic_text(|| runtime.run(async { panic!("second") })), "second");
            assert_eq!(current_name(), "none");
            assert_eq!(runtime.block_on(async { 2 }), 2);
        }
    });
}
