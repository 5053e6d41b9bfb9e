//! What does not say that it can move to another thread, and what comes near to it.

use std::error::Error;
use std::rc::Rc;
use std::sync::Arc;

use anyloop::async_wrap;

#[async_wrap]
fn result() -> Result<u8, Box<dyn Error>> {
    Ok(1)
}

#[async_wrap]
fn boxed(callback: Box<dyn Fn() -> u8>, error: Option<Box<dyn std::error::Error>>) {}

#[async_wrap]
fn shared(callback: &Arc<dyn Fn() -> u8 + Send>) {}

#[async_wrap]
fn parameter<F, T: Clone>(callback: F, value: T, good: Vec<T>)
where
    F: Fn() -> u8,
{
}

/// It vouches for what is in it.
struct Vouched<T: ?Sized>(Box<T>);
unsafe impl<T: ?Sized> Send for Vouched<T> {}

trait Job: Send {}

#[async_wrap]
fn good(_vouched: Vouched<dyn Fn()>, _job: Box<dyn Job>, _shared: Arc<dyn Fn() + Send + Sync>) {}

#[async_wrap]
fn can_move() -> Box<dyn Error + Send> {
    Box::new(std::fmt::Error)
}

#[async_wrap]
fn lent_for_ever(callback: &'static dyn Fn(u8)) {}

#[async_wrap]
fn may_be_shared(_one: &'static (dyn Fn(u8) + Sync), _other: Option<&'static (dyn Fn(u8) + Sync)>) {}

struct File;

#[async_wrap]
fn total(files: &[File]) -> usize {
    files.len()
}

fn work_of_ones_own(counted: Rc<u8>) {
    drop(anyloop::Call::new(move || *counted));
}

async fn callers_see_calls() {
    let _: u8 = result().await.unwrap();
}

fn main() {}
