//! Where a call of a wrapped method was made, as reports tell it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyloop::{Warning, async_wrap, on_warning, slow_calls};
use pollster::block_on;

#[derive(Clone)]
struct Db;

const BLOCK: u32 = line!() + 1;
#[async_wrap]
impl Db {
    fn told_by_its_block() {}

    #[track_caller]
    fn of_a_type() {}

    #[track_caller]
    fn of_a_value(&self) {}
}

struct Owned;

const ACTOR: u32 = line!() + 1;
#[async_wrap(actor = AsyncOwned)]
impl Owned {
    pub(crate) fn new() -> Self {
        Self
    }

    pub(crate) fn told_by_its_block(&mut self) {}

    #[track_caller]
    pub(crate) fn of_a_value(&mut self) {}

    #[track_caller]
    pub(crate) fn of_a_type() {}
}

/// Whose code it is: the block, or with `#[track_caller]` who calls.
#[test]
fn a_call_of_a_method_is_told_by_a_place_of_the_users() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let hearing = heard.clone();
    on_warning(move |warning| {
        if let Warning::SlowCall { place, .. } = warning {
            hearing.lock().unwrap().push((place.file(), place.line()));
        }
    })
    .unwrap();
    let owned = block_on(AsyncOwned::new());
    // Every call is one.
    slow_calls(Duration::ZERO);
    let told = || std::mem::take(&mut *heard.lock().unwrap());

    block_on(Db::told_by_its_block());
    assert_eq!(told(), [(file!(), BLOCK)]);
    block_on(Db::of_a_type());
    assert_eq!(told(), [(file!(), line!() - 1)]);
    block_on(Db.of_a_value());
    assert_eq!(told(), [(file!(), line!() - 1)]);

    block_on(owned.told_by_its_block());
    assert_eq!(told(), [(file!(), ACTOR)]);
    block_on(owned.of_a_value());
    assert_eq!(told(), [(file!(), line!() - 1)]);
    block_on(AsyncOwned::of_a_type());
    assert_eq!(told(), [(file!(), line!() - 1)]);
}
