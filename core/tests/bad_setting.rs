//! `ANYLOOP_MAX_THREADS` with a value that is no number of threads: each way to the pool of the process ends in the same error,
//! and who looks at none of them is warned.

mod support;

use std::env;
use std::sync::{Arc, Mutex};

use anyloop_core::{
    BuildError, Call, PoolExt, Refused, TaskError, ThreadPool, Warning, cpu, on_warning, set_default_pool,
};
use pollster::block_on;

const VARIABLE: &str = "ANYLOOP_MAX_THREADS";

/// The environment of a process is best left alone by its tests: the second time, this is the child.
#[test]
fn every_way_to_the_pool_ends_in_the_error() {
    for value in ["many", "0"] {
        support::run_in_child("in_a_process_with_a_bad_setting", VARIABLE, value);
    }
}

#[test]
#[ignore = "for the child of the other test"]
fn in_a_process_with_a_bad_setting() {
    let Ok(value) = env::var(VARIABLE) else { return };
    let says_so = |text: &str| text.contains(&format!("{VARIABLE}={value}")) && text.contains("at least 1");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    on_warning(move |warning| {
        // A handler may use what it is told of.
        let refused = [cpu().submit(|| ()).wait(), ThreadPool::global().submit(|| ()).wait()];
        assert!(refused.iter().all(Result::is_err));
        if let Warning::BadSetting { variable: VARIABLE, value, .. } = warning {
            hearing.lock().unwrap().push((value.to_string(), warning.to_string()));
        }
    })
    .unwrap();

    let is_refused = |ended: Result<i32, TaskError>| {
        matches!(&ended, Err(TaskError::NoPool(why)) if says_so(why)) || panic!("{ended:?}")
    };
    assert!(is_refused(cpu().submit(|| 1).wait()));
    assert!(is_refused(block_on(Call::new(|| 1).settle())));
    assert!(is_refused(block_on(Call::new(|| 1).on_cpu().settle())));
    assert!(is_refused(ThreadPool::global().submit(|| 1).wait()));
    assert!(is_refused(ThreadPool::global().limit(2).submit(|| 1).wait()));
    assert!(matches!(ThreadPool::global().try_submit(|| 1), Err((_, Refused::NoPool(why))) if says_so(&why)));
    let map = block_on(ThreadPool::global().map([1], |item| item).settle());
    assert!(map.as_ref().is_err_and(|error| says_so(&error.to_string())), "{map:?}");
    assert!(matches!(ThreadPool::builder().build(), Err(BuildError::Environment { .. })));

    let metrics = ThreadPool::global().metrics();
    assert_eq!((metrics.threads_started, metrics.completed, metrics.queued), (0, 0, 0));
    let heard = heard.lock().unwrap();
    let [(told, text)] = heard.as_slice() else { panic!("once: {heard:?}") };
    assert!(*told == value && says_so(text), "{text}");

    // Pools of the program's own are not concerned.
    let own = ThreadPool::new(1).unwrap();
    set_default_pool(own).unwrap();
    assert_eq!(block_on(Call::new(|| 1)), 1);
}
