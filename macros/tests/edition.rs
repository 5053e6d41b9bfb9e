//! What is written in the edition before is told of nothing that the expansion has, as it moves to the next one.

#![deny(rust_2024_compatibility)]
#![allow(missing_docs, reason = "they are there for the compiler only")]

use std::path::Path;
use std::sync::Arc;

use anyloop::async_wrap;
use pollster::block_on;

#[async_wrap(limit = 2)]
fn len(text: &str, path: &Path) -> usize {
    text.len() + path.as_os_str().len()
}

#[async_wrap]
fn depth<T: Clone + Send + 'static>(items: &[T]) -> usize {
    if items.is_empty() { 0 } else { 1 + depth(&items[1..]) }
}

#[async_wrap(name = beside_async)]
fn beside(text: &str) -> usize {
    text.len()
}

#[derive(Clone)]
struct Db(u8);

#[async_wrap]
impl Db {
    fn get(&self, key: &str) -> usize {
        key.len() + usize::from(self.0)
    }

    fn shared<'a>(self: &Arc<Self>, key: &'a str) -> u8 {
        let key: &'a str = key;
        self.0 + key.len() as u8
    }
}

struct Table(u8);

#[async_wrap(actor = AsyncTable)]
impl Table {
    pub(crate) fn open(text: &str) -> Result<Self, std::num::ParseIntError> {
        text.parse().map(Self)
    }

    pub(crate) fn add(&mut self, text: &str) -> usize {
        self.0 += 1;
        text.len() + usize::from(self.0)
    }

    pub(crate) fn version(text: &str) -> usize {
        text.len()
    }
}

#[anyloop::test]
async fn nothing_is_told_of() {
    assert_eq!(len("a", Path::new("b")).await + depth(&[1, 2]).await + beside_async("").await, 4);
    assert_eq!(Db(1).get("a").await, 2);
    assert_eq!(Arc::new(Db(1)).shared("a").await, 2);
    let table = AsyncTable::open("1").await.unwrap();
    assert_eq!(table.add("a").await + AsyncTable::version("a").await, 4);
}

#[test]
fn a_call_is_made_of_what_is_gone() {
    let call = len(&String::from("ab"), Path::new(""));
    assert_eq!(block_on(call), 2);
}
