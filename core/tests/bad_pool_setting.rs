//! `ANYLOOP_POOL` with a value that is no pool: who asks for the default pool is refused, and who looks at no result is
//! warned, once.

mod support;

use std::env;
use std::sync::{Arc, Mutex};

use anyloop_core::{
    Call, PoolExt, TaskError, ThreadPool, Warning, default_pool, on_warning, set_default_pool,
};
use pollster::block_on;

const VARIABLE: &str = "ANYLOOP_POOL";

/// The environment of a process is best left alone by its tests: the second time, this is the child.
#[test]
fn every_call_on_the_default_pool_is_refused() {
    for value in ["nativ", "Native", " "] {
        support::run_in_child("in_a_process_with_a_bad_setting", VARIABLE, value);
    }
}

#[test]
#[ignore = "for the child of the other test"]
fn in_a_process_with_a_bad_setting() {
    let Ok(value) = env::var(VARIABLE) else { return };
    let says_so =
        |text: &str| text.contains(&format!("{VARIABLE}={value} is no pool")) && text.contains("`native`");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    on_warning(move |warning| {
        // A handler may use what it is told of.
        assert!(default_pool().submit(|| ()).wait().is_err());
        if let Warning::BadSetting { variable: VARIABLE, value, .. } = warning {
            hearing.lock().unwrap().push((value.to_string(), warning.to_string()));
        }
    })
    .unwrap();

    let is_refused = |ended: Result<i32, TaskError>| {
        matches!(&ended, Err(TaskError::NoPool(why)) if says_so(why)) || panic!("{ended:?}")
    };
    assert!(is_refused(block_on(Call::new(|| 1).settle())));
    assert!(is_refused(default_pool().submit(|| 1).wait()));
    assert!(is_refused(default_pool().limit(2).submit(|| 1).wait()));

    let heard = heard.lock().unwrap();
    let [(told, text)] = heard.as_slice() else { panic!("once: {heard:?}") };
    assert!(*told == value && says_so(text) && text.contains("the default pool is refused"), "{text}");

    // Neither the pool of the process nor those of the program's own are concerned.
    assert_eq!(ThreadPool::global().submit(|| 1).wait().unwrap(), 1);
    set_default_pool(ThreadPool::new(1).unwrap()).unwrap();
    assert_eq!(block_on(Call::new(|| 1)), 1);
}

#[test]
fn what_is_set_twice_is_told_in_words_that_fit_each() {
    let first = on_warning(|_| ());
    let second = on_warning(|_| ()).unwrap_err().to_string();
    assert!(first.is_ok() && second.starts_with("this was set before, "), "{second}");
}
