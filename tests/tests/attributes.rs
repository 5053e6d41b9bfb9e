//! The attributes where their user has this edition. `anyloop-macros` itself, with its tests, has an older one; here the
//! same tests are of functions of the newer.

use std::cell::RefCell;

use anyloop::async_wrap;

#[path = "../../macros/tests/actors.rs"]
mod actors;
#[path = "../../macros/tests/arguments.rs"]
mod arguments;
#[path = "../../macros/tests/beside.rs"]
mod beside;
#[path = "../../macros/tests/blocks.rs"]
mod blocks;
#[path = "../../macros/tests/methods.rs"]
mod methods;
#[path = "../../macros/tests/recursion.rs"]
mod recursion;

#[async_wrap]
fn count(items: Vec<u8>) -> usize {
    let items = RefCell::new(items);
    // An older edition would keep what `borrow` gives for longer than `items` is there.
    items.borrow().len()
}

#[test]
fn a_body_has_the_rules_of_its_users_edition() {
    assert_eq!(count(vec![1, 2]).run(), 2);
}
