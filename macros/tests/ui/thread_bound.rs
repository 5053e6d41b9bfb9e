//! What cannot change threads: an `Rc` and a raw pointer are seen at once, in other types the compiler finds them.

use std::rc::Rc;

use anyloop::async_wrap;

struct Session(Rc<u8>);

#[async_wrap]
fn argument(counted: Rc<u8>) -> u8 {
    *counted
}

#[async_wrap]
fn reference(counted: &Option<Rc<str>>) {}

#[async_wrap]
fn result() -> Vec<std::rc::Rc<std::rc::Weak<u8>>> {
    Vec::new()
}

#[async_wrap]
fn pointer(buffer: *mut u8) -> Option<*const u8> {
    None
}

#[async_wrap]
fn lent_only(_callback: fn(&Rc<u8>), _boxed: Box<dyn Fn(*const u8) -> Rc<u8> + Send>) {}

#[async_wrap]
fn session(session: Session) {}

#[async_wrap]
fn opaque(value: impl Fn() -> u8 + 'static) -> u8 {
    value()
}

pub struct Db;

#[async_wrap]
impl Db {
    pub fn close(self, session: Session) {}
}

#[async_wrap(actor = AsyncDb)]
impl Db {
    pub fn new(_session: Session) -> Self {
        Self
    }

    pub fn session(&self) -> Session {
        Session(Rc::new(1))
    }

    pub fn counted(&self) -> Rc<u8> {
        Rc::new(1)
    }
}

async fn callers_see_calls() {
    let _: u8 = argument(Rc::new(1)).await;
    let _: usize = result().await.len();
    let _ = pointer(std::ptr::null_mut()).await.is_some();
}

fn main() {}
