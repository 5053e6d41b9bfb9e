//! C34: a value of the program's own is there in calls, on every runtime, its default pool and its own.

use std::cell::Cell;

use anyloop::{BlockOn, Carry, PoolExt, gather, register_carry, to_thread};
use anyloop_conformance::watched;

thread_local! {
    static LOCALE: Cell<Option<&'static str>> = const { Cell::new(None) };
}

struct Locale;

impl Carry for Locale {
    type Value = &'static str;

    fn capture(&self) -> Option<&'static str> {
        LOCALE.get()
    }

    fn scope(&self, value: &'static str, body: &mut dyn FnMut()) {
        let before = LOCALE.replace(Some(value));
        body();
        LOCALE.set(before);
    }
}

#[test]
fn a_value_travels_into_calls_on_every_runtime_and_pool() {
    watched("a_value_travels_into_calls_on_every_runtime_and_pool", || {
        register_carry(Locale);
        for adapter in anyloop::adapters() {
            let runtime = (adapter.start)().unwrap();
            let native = runtime.native().unwrap();
            let seen = runtime.block_on(async {
                LOCALE.set(Some("eo"));
                let default = to_thread(|| LOCALE.get());
                let own = to_thread(|| LOCALE.get()).on_native();
                let nested = native.submit(|| to_thread(|| LOCALE.get()).start().wait().unwrap());
                let (default, own, nested) = gather((default, own, nested)).await;
                LOCALE.set(None);
                let without =
                    gather((to_thread(|| LOCALE.get()), to_thread(|| LOCALE.get()).on_native())).await;
                (default, own, nested.unwrap(), without)
            });
            let eo = Some("eo");
            assert_eq!(seen, (eo, eo, eo, (None, None)), "{}", adapter.name);
        }
    });
}
