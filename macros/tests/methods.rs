//! Each receiver, in inherent, generic and trait impls.

use std::fmt::{Debug, Display};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use anyloop::{Call, Work, async_wrap};
use pollster::block_on;

#[derive(Clone, Debug, PartialEq)]
struct Git {
    dir: String,
    depth: usize,
}

impl Git {
    const SUFFIX: &'static str = "/.git";

    #[async_wrap]
    fn open(dir: &str) -> Self {
        Self { dir: dir.to_owned() + Self::SUFFIX, depth: 0 }
    }

    #[async_wrap]
    fn from_path(dir: &Path) -> Result<Git, std::io::Error> {
        let _ = std::fs::metadata(dir)?;
        Ok(Git { dir: dir.display().to_string(), depth: 1 })
    }

    #[async_wrap]
    fn by_reference(&self, text: &str) -> String {
        let Self { dir, .. } = self;
        let again: &Self = self;
        self.plain(dir) + text + &again.dir
    }

    #[async_wrap]
    fn by_value(self) -> String {
        self.dir
    }

    #[async_wrap]
    fn by_mutable_value(mut self, (n, _): (usize, String)) -> Self {
        self.depth += n;
        self
    }

    #[async_wrap]
    fn shared(self: Arc<Self>) -> usize {
        Arc::strong_count(&self) + self.depth
    }

    #[async_wrap]
    fn shared_reference(self: &Arc<Self>, other: &Self) -> usize {
        let same: &Arc<Self> = self;
        Arc::strong_count(same) + other.depth
    }

    #[async_wrap]
    fn boxed(self: Box<Self>) -> Git {
        *self
    }

    #[async_wrap]
    #[allow(clippy::needless_arbitrary_self_type, reason = "it is one of the forms")]
    fn typed(self: &Self) -> usize {
        self.depth
    }

    #[async_wrap]
    fn pinned(self: Pin<Arc<Self>>) -> usize {
        self.depth
    }

    #[async_wrap]
    fn forever(&'static self) -> &'static str {
        &self.dir
    }

    #[async_wrap]
    fn named<'a, 'b: 'a>(&'a self, other: &'b str) -> usize {
        let both: [&'a str; 2] = [&self.dir, other];
        both.concat().len()
    }

    #[async_wrap]
    fn opaque(&self) -> impl Iterator<Item = usize> + use<> {
        0..self.depth
    }

    /// `self` in macros, format strings, closures and nested items.
    #[async_wrap]
    fn mentions(&self) -> String {
        macro_rules! dir {
            () => {
                self.dir
            };
        }
        struct Inner(u8);
        impl Inner {
            fn get(&self) -> u8 {
                self.0
            }
        }
        use self::helper as again;
        let through_closure = || self.depth;
        let not_formatted = String::from("{self:?}");
        assert_eq!(not_formatted, "{self:?}", "{self:?}");
        assert_eq!(format!("{{self}} {}", self.depth).len(), "{self} 2".len());
        format!(
            r#"{self:?} "{}" {} {} {} {} {:?} {}"#,
            dir!(),
            Inner(7).get(),
            again(),
            self::helper(),
            through_closure(),
            vec![self.depth],
            format_args!("{self:?}").to_string().len(),
        )
    }

    fn plain(&self, text: &str) -> String {
        format!("{}:{text}:", self.depth)
    }
}

fn helper() -> &'static str {
    "helper"
}

fn git(depth: usize) -> Git {
    Git { dir: "dir".into(), depth }
}

#[test]
fn receivers() {
    assert_eq!(block_on(Git::open("x")).dir, "x/.git");
    assert!(block_on(Git::from_path(Path::new("/no/such/dir"))).is_err());
    assert_eq!(block_on(git(1).by_reference("-")), "1:dir:-dir");
    assert_eq!(block_on(git(1).by_value()), "dir");
    let call = git(1).by_mutable_value((2, String::new()));
    assert_eq!(block_on(call).depth, 3);
    assert_eq!(block_on(Arc::new(git(1)).shared()), 2);
    let shared = Arc::new(git(1));
    assert_eq!(block_on(shared.shared_reference(&git(2))), 4);
    assert_eq!(Arc::strong_count(&shared), 1);
    assert_eq!(block_on(Box::new(git(1)).boxed()), git(1));
    assert_eq!(block_on(git(4).typed()), 4);
    assert_eq!(block_on(Arc::pin(git(5)).pinned()), 5);
    assert_eq!(block_on(Box::leak(Box::new(git(1))).forever()), "dir");
    assert_eq!(block_on(git(1).named("abc")), 6);
    assert_eq!(block_on(git(3).opaque()).count(), 3);
}

#[test]
fn self_is_the_method_s_wherever_it_stands() {
    let given = block_on(git(2).mentions());
    let debug = r#"Git { dir: "dir", depth: 2 }"#;
    assert_eq!(given, format!(r#"{debug} "dir" 7 helper helper 2 [2] {}"#, debug.len()));
}

#[test]
fn a_method_s_call_outlives_its_object() {
    let call = git(1).by_reference("-");
    assert_eq!(block_on(call), "1:dir:-dir");
}

#[derive(Clone)]
struct Cache<T, const N: usize>(T);

impl<T, const N: usize> Cache<T, N>
where
    T: Clone + Display + Send + 'static,
{
    #[async_wrap]
    fn show(&self, extra: &[T]) -> String {
        extra.iter().fold(self.0.to_string(), |all, next| format!("{all}{next}"))
    }

    #[async_wrap]
    fn pair<U: Clone + Send + 'static>(one: T, two: &U) -> (T, U, usize) {
        let two: &U = two;
        (one, two.clone(), N)
    }

    #[async_wrap]
    fn into_inner(self) -> T {
        self.0
    }
}

#[test]
fn generic_impls() {
    assert_eq!(block_on(Cache::<_, 0>(1).show(&[2, 3])), "123");
    assert_eq!(block_on(Cache::<_, 4>::pair('a', &2)), ('a', 2, 4));
    assert_eq!(block_on(Cache::<_, 4>('z').into_inner()), 'z');
}

trait Store: Send {
    type Row: Send + 'static;

    fn load(&self, key: &str) -> Call<impl Work<Output = Self::Row>>;
    fn open(path: &str) -> Call<impl Work<Output = Self>>
    where
        Self: Sized + 'static;
    fn close(self) -> Call<impl Work<Output = ()>>;
}

impl<T: Clone + Debug + Default + Send + 'static> Store for Cache<T, 1> {
    type Row = String;

    #[async_wrap]
    fn load(&self, key: &str) -> Self::Row {
        format!("{key}{:?}", self.0)
    }

    #[async_wrap]
    fn open(_path: &str) -> Self {
        Self(T::default())
    }

    #[async_wrap]
    fn close(self) {}
}

trait Describe: Clone + Debug + Send + 'static {
    /// A method with a body can be wrapped in the trait itself.
    #[async_wrap]
    fn describe(&self, n: usize) -> String {
        format!("{self:?}").repeat(n)
    }
}

impl Describe for u8 {}

async fn through<S: Store>(store: S) -> S::Row {
    let row = store.load("k").await;
    store.close().await;
    row
}

#[test]
fn traits() {
    let store = block_on(Cache::<u8, 1>::open("p"));
    assert_eq!(block_on(through(store)), "k0");
    assert_eq!(block_on(3_u8.describe(2)), "33");
}

#[test]
fn calls_are_send() {
    fn send<F: Future + Send + 'static>(future: F) -> F::Output {
        block_on(future)
    }
    assert_eq!(send(git(2).typed()), 2);
    let shared = Arc::new(git(1));
    assert_eq!(send(async move { shared.shared_reference(&git(1)).await }), 3);
}
