//! Borrows that a call cannot take over.

use std::borrow::Cow;
use std::fmt::Display;
use std::path::Path;

use anyloop::async_wrap;

pub struct View<'a>(&'a str);

#[async_wrap]
fn mutable(count: &mut Vec<u8>) {}

#[async_wrap]
fn mutable_slice(buffer: &mut [u8]) {}

#[async_wrap]
fn mutable_text(text: &mut str) {}

#[async_wrap]
fn mutable_object(output: &mut (dyn std::io::Write + '_)) {}

#[async_wrap]
fn trait_object(item: &dyn Display) {}

#[async_wrap]
fn trait_object_with_more(item: &(dyn Display + Sync)) {}

#[async_wrap]
fn option(text: Option<&str>) {}

#[async_wrap]
fn slice_of_borrows(items: &[&str]) {}

#[async_wrap]
fn vec_of_borrows(items: Vec<(&Path, &[u8])>, n: u8) {}

#[async_wrap]
fn cow(text: Cow<'_, str>) {}

#[async_wrap]
fn named<'a>(text: Cow<'a, [u8]>, view: View<'a>) {}

#[async_wrap]
fn opaque(path: &impl AsRef<Path>) {}

#[async_wrap]
fn object(callback: Box<dyn Fn(&str) + Send + '_>) {}

#[async_wrap]
fn guard(guard: std::sync::MutexGuard<'_, u8>, shared: std::sync::RwLockReadGuard<'_, String>) {}

#[async_wrap]
fn iterator(items: std::slice::Iter<'_, &str>, text: std::str::Chars<'_>) {}

#[async_wrap]
fn mutable_slice_of_borrows(items: &mut [&str]) {}

#[async_wrap]
fn hidden(text: std::str::Chars) {}

#[async_wrap]
fn opaque_borrow<'a>(items: impl Iterator<Item = &'a str>) {}

async fn callers_see_a_call() {
    mutable(&mut Vec::new()).await;
    mutable_slice(&mut []).await;
    option(None).await;
    cow("x".into()).limit(&LIMITER).await;
    opaque(&"x").await;
}

static LIMITER: anyloop::Limiter = anyloop::Limiter::new(1);

fn main() {}
