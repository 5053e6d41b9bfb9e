//! C30: which runtime is current where none is ambient, and what the errors say. Each test has a process
//! of its own, for there is one choice per process.

mod facade_support;

use std::thread;

use anyloop::{NoRuntime, Runtime, Smol, Task, TaskError, Tokio, to_thread};
use facade_support::{isolated, isolated_each, isolated_end, isolated_on_each_runtime, panic_text};

fn current_name() -> &'static str {
    anyloop::current().unwrap().name()
}

#[test]
fn among_several_adapters_none_is_guessed() {
    isolated(&[], || {
        let error = anyloop::current().unwrap_err();
        assert!(matches!(error, NoRuntime::Several { .. }), "{error:?}");
        let text = error.to_string();
        for remedy in ["ANYLOOP_RUNTIME", "#[anyloop::main(runtime = ", "anyloop::set_default("] {
            assert!(text.contains(remedy), "{text}");
        }
        assert!(text.contains("tokio, smol, async-std, futures"), "{text}");

        // The functions that need a runtime say the same.
        let second = std::time::Duration::from_secs(1);
        assert_eq!(panic_text(|| anyloop::spawn(async {}).detach()), text);
        assert_eq!(panic_text(|| anyloop::block_on(async {})), text);
        assert_eq!(panic_text(|| anyloop::run(async {})), text);
        assert_eq!(panic_text(|| drop(anyloop::sleep(second))), text);
        assert_eq!(panic_text(|| drop(anyloop::timeout(second, async {}))), text);
        assert_eq!(panic_text(|| drop(anyloop::interval(second))), text);

        // Those that need none do not care.
        assert_eq!(anyloop::spawn_blocking(|| 1).wait().unwrap(), 1);
        assert_eq!(pollster::block_on(to_thread(|| 2)), 2);
        pollster::block_on(anyloop::yield_now());
        assert_eq!(to_thread(|| anyloop::current().is_err()).start().wait().ok(), Some(true));
    });
}

#[test]
fn a_native_pool_without_a_runtime_is_an_error_with_advice() {
    isolated(&[], || {
        let ended = pollster::block_on(to_thread(|| ()).on_native().settle());
        let Err(TaskError::NoPool(text)) = ended else { panic!("{ended:?}") };
        assert!(text.contains("native pool") && text.contains("ANYLOOP_RUNTIME"), "{text}");
        let plainly = panic_text(|| pollster::block_on(to_thread(|| ()).on_native()));
        assert!(plainly.contains(&*text), "{plainly}");
        // Where a runtime is current, the same call is fine.
        let fine = Smol::new().to_any();
        let _entered = fine.enter();
        assert_eq!(pollster::block_on(to_thread(|| 7).on_native()), 7);
    });
}

#[test]
fn anyloop_runtime_names_one_of_several() {
    isolated_on_each_runtime(|| {
        let name = std::env::var("ANYLOOP_RUNTIME").unwrap();
        assert_eq!(current_name(), name);
        assert_eq!(anyloop::spawn(async { current_name() }).wait().unwrap(), name);
        assert_eq!(anyloop::block_on(async { current_name() }), name);
        assert_eq!(anyloop::run(async { anyloop::spawn(async { current_name() }).await.unwrap() }), name);
        // On threads that anyloop knows nothing of, too.
        assert_eq!(thread::spawn(current_name).join().unwrap(), name);
    });
}

#[test]
fn a_name_that_is_not_compiled_in_is_an_error_that_says_so() {
    isolated(&[("ANYLOOP_RUNTIME", "tokyo")], || {
        let error = anyloop::current().unwrap_err();
        assert!(matches!(&error, NoRuntime::Unknown { name, .. } if name == "tokyo"), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("ANYLOOP_RUNTIME=tokyo"), "{text}");
        assert!(text.contains("one of tokio, smol, async-std, futures"), "{text}");
        // The explicit and the ambient one do not need it.
        let tokio = Tokio::new().unwrap();
        assert_eq!(tokio.spawn(async { current_name() }).wait().unwrap(), "tokio");
        // Corrected by the program.
        anyloop::set_default(Smol::new()).unwrap();
        assert_eq!(current_name(), "smol");
    });
}

#[test]
fn an_empty_name_is_as_good_as_none() {
    isolated(&[("ANYLOOP_RUNTIME", "")], || {
        assert!(matches!(anyloop::current(), Err(NoRuntime::Several { .. })));
    });
}

#[test]
fn a_name_is_spelled_exactly() {
    let sets = ["Tokio", "tokio ", "async_std", "tokio,smol"].map(|name| [("ANYLOOP_RUNTIME", name)]);
    isolated_each(&sets.each_ref().map(|set| &set[..]), || {
        let wanted = std::env::var("ANYLOOP_RUNTIME").unwrap();
        let error = anyloop::current().unwrap_err();
        assert!(matches!(&error, NoRuntime::Unknown { name, .. } if *name == wanted), "{error:?}");
    });
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_an_error_too() {
    use std::os::unix::ffi::OsStrExt;
    let junk = std::ffi::OsStr::from_bytes(b"smol\xff");
    let (_, ended) = isolated_end(
        |child| child.env("ANYLOOP_RUNTIME", junk),
        || {
            let error = anyloop::current().unwrap_err();
            assert!(matches!(&error, NoRuntime::Unknown { name, .. } if name.starts_with("smol")), "{error}");
        },
    );
    assert!(ended.is_none_or(|ended| ended.status.success()));
}

#[test]
fn the_runtime_that_is_started_by_name_is_one_for_all_threads() {
    isolated(&[("ANYLOOP_RUNTIME", "tokio")], || {
        let start = std::sync::Barrier::new(8);
        let runtime = || {
            start.wait();
            let task: Task<_> = anyloop::spawn(async { tokio::runtime::Handle::current().id() });
            task.wait().unwrap()
        };
        let ids = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(runtime)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    });
}

#[test]
fn set_default_counts_once_and_beats_the_variable() {
    isolated(&[("ANYLOOP_RUNTIME", "tokio")], || {
        assert_eq!(current_name(), "tokio");
        anyloop::set_default(Smol::new()).unwrap();
        assert_eq!(current_name(), "smol");
        assert_eq!(anyloop::spawn(async { current_name() }).wait().unwrap(), "smol");
        let error = anyloop::set_default(Tokio::new().unwrap()).unwrap_err();
        assert!(error.to_string().contains("only once"), "{error}");
        assert_eq!(current_name(), "smol");
        // What is ambient comes first all the same.
        assert_eq!(Tokio::new().unwrap().spawn(async { current_name() }).wait().unwrap(), "tokio");
    });
}

#[test]
fn a_default_keeps_its_pool() {
    isolated(&[], || {
        let pool = anyloop::ThreadPool::builder().name("of-default").build().unwrap();
        anyloop::set_default(Smol::new().with_pool(&pool)).unwrap();
        let name = || thread::current().name().unwrap_or_default().to_owned();
        assert_eq!(anyloop::current().unwrap().spawn_blocking(name).wait().unwrap(), "of-default");
        // A call that is made where no runtime is ambient belongs to the current one too.
        assert_eq!(to_thread(name).start().wait().unwrap(), "of-default");
        assert_eq!(anyloop::spawn_blocking(name).wait().unwrap(), "of-default");
        // One that belongs to a plain tokio task does not.
        let plain = tokio::runtime::Runtime::new().unwrap();
        assert_eq!(plain.block_on(async { to_thread(name).await }), "anyloop");
    });
}
