//! A free function that calls itself calls the plain function; an associated one has no such name.

use std::fs;
use std::path::{Path, PathBuf};

use anyloop::async_wrap;
use pollster::block_on;

#[async_wrap]
fn factorial(n: u64) -> u64 {
    if n == 0 { 1 } else { n * factorial(n - 1) }
}

#[async_wrap]
fn depth<'a>(path: &'a Path, (_, mut base): (u8, usize)) -> std::io::Result<usize> {
    let path: &'a Path = path;
    if path.is_dir() {
        base += 1;
        let first = fs::read_dir(path)?.next();
        if let Some(entry) = first {
            return depth(&entry?.path(), (0, base));
        }
    }
    Ok(base)
}

#[async_wrap]
fn size(path: PathBuf) -> u64 {
    match fs::read_dir(&path) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).map(size).sum(),
        Err(_) => fs::metadata(&path).map_or(0, |file| file.len()),
    }
}

#[async_wrap]
fn counted<T, const N: usize>(items: &[T], by: impl Fn(&T) -> usize + Clone + Send + 'static) -> usize
where
    T: Clone + Send + Sync + 'static,
{
    match items {
        [] => N,
        [first, rest @ ..] => by(first) + counted::<T, N>(rest, by.clone()),
    }
}

#[async_wrap]
fn shadowed(items: &[usize]) -> usize {
    let shadowed = items.len();
    usize::max(shadowed, 1)
}

#[async_wrap]
fn leaves(tree: Tree) -> usize {
    if tree.0.is_empty() { 1 } else { tree.0.into_iter().map(|branch| leaves(branch).max(1)).sum() }
}

struct Tree(Vec<Tree>);

#[async_wrap]
fn parameter(n: usize) -> usize {
    [n].map(|parameter| parameter + 1).into_iter().sum()
}

#[test]
fn recursion_is_synchronous() {
    let tree = Tree(vec![Tree(vec![]), Tree(vec![Tree(vec![]), Tree(vec![])])]);
    assert_eq!((block_on(leaves(tree)), block_on(parameter(1))), (3, 2));
    assert_eq!(block_on(factorial(5)), 120);
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(block_on(depth(sources, (0, 0))).unwrap() > 0);
    assert!(block_on(size(sources.to_path_buf())) > 1000);
    assert_eq!(block_on(counted::<_, 4>(&["a", "bc"], |text| text.len())), 7);
    assert_eq!(block_on(shadowed(&[])), 1);
}

fn load(n: u32) -> u32 {
    n + 1
}

#[derive(Clone)]
struct Store<T>(T);

impl<T: Clone + Default + Send + 'static> Store<T> {
    #[async_wrap]
    fn load(n: u32) -> (Self, u32) {
        (Self(T::default()), load(n))
    }

    #[async_wrap]
    fn first(items: &[T]) -> Option<T> {
        let first = items.first();
        first.cloned()
    }

    #[async_wrap]
    fn countdown(&self, n: u32) -> u32 {
        if n == 0 { 0 } else { self.countdown(n - 1).run() }
    }
}

#[test]
fn an_associated_function_is_not_its_own_bare_name() {
    assert_eq!(block_on(Store::<u8>::load(1)).1, 2);
    assert_eq!(block_on(Store::first(&[3])), Some(3));
    assert_eq!(block_on(Store(()).countdown(3)), 0);
    let _ = Store(1).0;
}

#[async_wrap]
fn fill(exclusive: &'static mut [u8], (ref mut bytes, n): (Vec<u8>, u8)) -> usize {
    bytes.push(n);
    let length = bytes.len();
    match exclusive {
        [] => length,
        [first, rest @ ..] => {
            *first = n;
            fill(rest, (std::mem::take(bytes), n + 1))
        }
    }
}

#[test]
fn mutable_borrows() {
    assert_eq!(block_on(fill(Box::leak(Box::new([0; 2])), (Vec::new(), 1))), 3);
}
