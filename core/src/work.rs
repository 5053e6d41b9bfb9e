//! What a pool can be given.

/// Blocking work that has not run yet.
///
/// Every closure `FnOnce() -> T` that is `Send + 'static` is one. It is a trait of its own, so that the
/// work of a wrapped call may become a value with named arguments without a change of anybody's
/// signatures.
///
/// ```
/// use anyloop_core::Work;
///
/// struct Square(u64);
///
/// impl Work for Square {
///     type Output = u64;
///     fn run(self) -> u64 {
///         self.0 * self.0
///     }
/// }
///
/// assert_eq!(Square(4).run(), 16);
/// assert_eq!((|| 5).run(), 5);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be run on another thread",
    label = "this is not blocking work that can be sent to a pool",
    note = "a pool runs closures `FnOnce() -> T` that own all they use (`'static`) and may change threads (`Send`), as \
            their results may",
    note = "clone what you would borrow, and use `Arc` in place of `Rc`, `Box<dyn Trait + Send>` in place of `Box<dyn Trait>`"
)]
pub trait Work: Send + 'static {
    /// What the work ends in.
    type Output: Send + 'static;

    /// Does the work, here and now.
    fn run(self) -> Self::Output;
}

// Else the compiler would tell of a bound of this, and not what is said above.
#[diagnostic::do_not_recommend]
impl<F, T> Work for F
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    type Output = T;

    fn run(self) -> T {
        self()
    }
}
