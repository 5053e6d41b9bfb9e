//! What is to become of a child's output: a value, or an error that ends the gather.

use std::convert::Infallible;

/// How [`gather`](crate::gather()) sees its children's outputs: all are values.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

/// How [`try_gather`](crate::try_gather) sees them: an `Err` ends the gather.
#[derive(Clone, Copy, Debug)]
pub struct Fallible;

/// Says what an output is.
pub trait Judge<O> {
    /// What a child gives to the gather's result.
    type Value;
    /// What ends the gather.
    type Error;
    /// The result of a gather over an iterator.
    type All;
    /// The result of a walk through the values.
    type Walked;

    #[doc(hidden)]
    fn is_error(output: &O) -> bool;
    #[doc(hidden)]
    fn judge(output: O) -> Result<Self::Value, Self::Error>;
    #[doc(hidden)]
    fn all(all: Result<Vec<Self::Value>, Self::Error>) -> Self::All;
    #[doc(hidden)]
    fn walked(walked: Result<(), Self::Error>) -> Self::Walked;
}

impl<O> Judge<O> for Plain {
    type Value = O;
    type Error = Infallible;
    type All = Vec<O>;
    type Walked = ();

    #[inline]
    fn is_error(_: &O) -> bool {
        false
    }

    #[inline]
    fn judge(output: O) -> Result<O, Infallible> {
        Ok(output)
    }

    #[inline]
    fn all(all: Result<Vec<O>, Infallible>) -> Vec<O> {
        let Ok(all) = all;
        all
    }

    fn walked(walked: Result<(), Infallible>) {
        let Ok(()) = walked;
    }
}

impl<T, E> Judge<Result<T, E>> for Fallible {
    type Value = T;
    type Error = E;
    type All = Result<Vec<T>, E>;
    type Walked = Result<(), E>;

    #[inline]
    fn is_error(output: &Result<T, E>) -> bool {
        output.is_err()
    }

    #[inline]
    fn judge(output: Result<T, E>) -> Result<T, E> {
        output
    }

    #[inline]
    fn all(all: Result<Vec<T>, E>) -> Result<Vec<T>, E> {
        all
    }

    fn walked(walked: Result<(), E>) -> Result<(), E> {
        walked
    }
}
