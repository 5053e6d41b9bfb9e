//! With the feature `tracing`: what is told of a call is an event inside its caller's span, whatever thread runs it.
#![cfg(feature = "tracing")]

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::thread;
use std::time::Duration;

use anyloop_core::{
    Actor, AnyPool, InlinePool, PanicPolicy, Pool, PoolExt, Task, TaskError, ThreadPool, slow_calls,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Span, Subscriber, info_span};
use tracing_core::span::Current;

#[derive(Clone, Debug)]
struct Told {
    span: &'static str,
    level: Level,
    message: String,
}

static SPANS: Mutex<Vec<&'static Metadata<'static>>> = Mutex::new(Vec::new());
static TOLD: Mutex<Vec<Told>> = Mutex::new(Vec::new());

thread_local! {
    static ENTERED: RefCell<Vec<Id>> = const { RefCell::new(Vec::new()) };
}

/// Writes down what anyloop tells. A span's name may say that its subscriber panics.
struct Recorder;

fn metadata(id: &Id) -> &'static Metadata<'static> {
    SPANS.lock().unwrap()[id.into_u64() as usize - 1]
}

fn here() -> Option<Id> {
    ENTERED.with_borrow(|entered| entered.last().cloned())
}

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut spans = SPANS.lock().unwrap();
        spans.push(span.metadata());
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        if event.metadata().target() != "anyloop" {
            return;
        }
        let span = here().map_or("", |id| metadata(&id).name());
        let mut message = Message(String::new());
        event.record(&mut message);
        let told = Told { span, level: *event.metadata().level(), message: message.0 };
        TOLD.lock().unwrap().push(told);
        assert_ne!(span, "panics in an event");
    }

    fn enter(&self, span: &Id) {
        assert_ne!(metadata(span).name(), "panics as it is entered");
        ENTERED.with_borrow_mut(|entered| entered.push(span.clone()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with_borrow_mut(Vec::pop);
        assert_ne!(metadata(span).name(), "panics as it is left");
    }

    fn current_span(&self) -> Current {
        here().map_or_else(Current::none, |id| Current::new(id.clone(), metadata(&id)))
    }
}

fn record() {
    static SET: Once = Once::new();
    SET.call_once(|| tracing::subscriber::set_global_default(Recorder).unwrap());
}

/// What was told in the spans of this name that contains `part`.
fn told(span: &str, part: &str) -> Vec<Told> {
    let told = TOLD.lock().unwrap().clone();
    told.into_iter().filter(|told| told.span == span && told.message.contains(part)).collect()
}

fn pools() -> Vec<AnyPool> {
    let pool = ThreadPool::new(2).unwrap();
    // As the runtimes' native pools are made.
    let native = AnyPool::from_threads(|turn| {
        thread::spawn(|| turn.run());
        Ok(())
    });
    vec![pool.limit(1).to_any(), pool.to_any(), InlinePool.to_any(), native]
}

/// Submits in a span that the subscriber does not let this thread enter or leave: it is made the current one by hand.
fn submit_under<T: Send + 'static>(
    span: &Span,
    pool: &AnyPool,
    call: impl FnOnce() -> T + Send + 'static,
) -> Task<T> {
    ENTERED.with_borrow_mut(|entered| entered.extend(span.id()));
    let task = pool.submit(call);
    ENTERED.with_borrow_mut(Vec::pop);
    task
}

struct Payload(usize);

#[test]
fn a_panic_is_told_of_in_the_callers_span() {
    record();
    for (number, pool) in pools().into_iter().enumerate() {
        let (text, object) = info_span!("caller of a call that panics").in_scope(|| {
            let text = pool.submit(move || panic!("expected of pool {number}"));
            (text, pool.submit(move || std::panic::panic_any(Payload(number))))
        });
        let line = line!() - 3;
        let Err(TaskError::Panicked(panic)) = text.wait() else { panic!("it panicked") };
        let expected = format!("expected of pool {number}");
        assert_eq!(panic.message(), expected);
        let Err(TaskError::Panicked(panic)) = object.wait() else { panic!("it panicked") };
        assert_eq!(panic.into_payload().downcast_ref::<Payload>().unwrap().0, number);

        let told = told("caller of a call that panics", &expected);
        let [told] = told.as_slice() else { panic!("once: {told:?}") };
        assert_eq!(told.level, Level::ERROR);
        assert!(told.message.contains(&format!("spans.rs:{line}")), "{}", told.message);
    }
    let objects = told("caller of a call that panics", "whose payload is not a string");
    assert_eq!(objects.len(), pools().len());
}

#[test]
fn so_is_that_of_an_item_and_of_an_actors_call() {
    record();
    for (number, pool) in pools().into_iter().enumerate() {
        let map = info_span!("caller of a map").in_scope(|| {
            let map = pool.map(0..100, move |item| assert!(item != 50, "item of pool {number}"));
            map.start()
        });
        assert!(pollster::block_on(map.settle()).is_err());
        assert_eq!(told("caller of a map", &format!("item of pool {number}")).len(), 1);

        let actor = Actor::on(&pool, ());
        let call = info_span!("caller of an actor")
            .in_scope(|| actor.with(move |()| panic!("call of an actor on pool {number}")));
        assert!(matches!(call.wait(), Err(TaskError::Panicked(_))));
        let told = told("caller of an actor", &format!("on pool {number}"));
        let [told] = told.as_slice() else { panic!("once: {told:?}") };
        assert!(told.message.contains("spans.rs"), "{}", told.message);
    }
}

/// Of the span in which the actor was made; of an actor that makes its value anew, of who needs it.
#[test]
fn so_is_that_of_an_actors_factory() {
    record();
    for (number, pool) in pools().into_iter().enumerate() {
        let line = line!() + 2;
        let actor = info_span!("maker of an actor").in_scope(|| {
            Actor::<()>::builder().on(&pool).start(move || panic!("factory on pool {number}")).unwrap()
        });
        assert!(matches!(actor.with(|()| ()).wait(), Err(TaskError::Poisoned(_))));
        let told = told("maker of an actor", &format!("on pool {number}"));
        let [told] = told.as_slice() else { panic!("once: {told:?}") };
        assert_eq!(told.level, Level::ERROR);
        assert!(told.message.contains(&format!("spans.rs:{line}")), "{}", told.message);
    }

    let made = AtomicU64::new(0);
    let factory = move || assert_eq!(made.fetch_add(1, Ordering::SeqCst), 0, "the second time");
    let builder = Actor::builder().on_panic(PanicPolicy::Rebuild);
    let actor = info_span!("maker of a value").in_scope(|| builder.start_with(factory).unwrap());
    assert!(actor.with(|()| panic!("it takes the value with it")).wait().is_err());
    let call = info_span!("caller who needs a value").in_scope(|| actor.with(|()| ()));
    assert!(matches!(call.wait(), Err(TaskError::Poisoned(_))));
    assert!(told("maker of a value", "").is_empty());
    assert_eq!(told("caller who needs a value", "the second time").len(), 1);
}

/// A subscriber is foreign code. What a call came to before it panics is what its awaiter gets.
#[test]
fn a_subscriber_that_panics_changes_no_result() {
    record();
    for pool in pools() {
        let task = info_span!("panics in an event").in_scope(|| pool.submit(|| panic!("the call's own")));
        let Err(TaskError::Panicked(panic)) = task.wait() else { panic!("it panicked") };
        assert_eq!(panic.message(), "the call's own");

        let task = submit_under(&info_span!("panics as it is left"), &pool, || 7);
        assert_eq!(task.wait().unwrap(), 7);
    }
    assert_eq!(told("panics in an event", "the call's own").len(), pools().len());
}

/// One that panics before the call has begun is what the call ends in, and the closure goes with care (C07).
#[test]
fn a_subscriber_that_panics_first_ends_the_call() {
    struct Unwelcome(Arc<AtomicU64>);

    impl Drop for Unwelcome {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic!("a captured value that panics as it is dropped");
        }
    }

    record();
    let drops = Arc::new(AtomicU64::new(0));
    let all = pools();
    for pool in &all {
        let captured = Unwelcome(drops.clone());
        let task = submit_under(&info_span!("panics as it is entered"), pool, move || drop(captured));
        assert!(matches!(task.wait(), Err(TaskError::Panicked(_))));
    }
    assert_eq!(drops.load(Ordering::SeqCst), all.len() as u64);
    assert_eq!(all[0].submit(|| 7).wait().unwrap(), 7, "the thread lives on");
}

#[test]
fn a_slow_call_is_told_of_in_the_callers_span() {
    const SLOW: Duration = Duration::from_millis(20);

    record();
    slow_calls(SLOW);
    for pool in pools() {
        let task = info_span!("caller of a slow call").in_scope(|| pool.submit(|| thread::sleep(SLOW)));
        task.wait().unwrap();
        let map = info_span!("caller of a slow item").in_scope(|| {
            let map = pool.map(0..10, |item| thread::sleep(if item == 7 { SLOW } else { Duration::ZERO }));
            map.start()
        });
        pollster::block_on(map);
    }
    slow_calls(Duration::MAX);
    for span in ["caller of a slow call", "caller of a slow item"] {
        let told = told(span, "ran for");
        assert!(told.len() >= pools().len(), "{told:?}");
        assert!(told.iter().all(|told| told.level == Level::WARN && told.message.contains("spans.rs")));
    }
}
