//! The tuple of no children.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;

use super::counted::Pending;
use super::settle::Settleable;
use super::until::Stop;
use super::{Gatherable, Together, TryGatherable};

impl Gatherable<Together> for () {
    type Output = ();
    type Running = Ready<()>;

    fn start(self) -> Self::Running {
        ready(())
    }
}

impl TryGatherable<Together> for () {
    type Output = ();
    type Error = Infallible;
    type Running = Ready<Result<(), Self::Error>>;

    fn start(self) -> Self::Running {
        ready(Ok(()))
    }
}

impl<How> Settleable<Together, How> for () {
    type Settling = ();

    fn settling(self) {}
}

impl Stop for Ready<()> {
    type Done = ();

    fn stop(self: Pin<&mut Self>) {}
}

impl Stop for Ready<Result<(), Infallible>> {
    type Done = ();

    fn stop(self: Pin<&mut Self>) {}
}

impl Pending for Ready<()> {
    const TOTAL: usize = 0;

    fn pending(&self) -> usize {
        0
    }

    fn has_failed((): &()) -> bool {
        false
    }
}

impl Pending for Ready<Result<(), Infallible>> {
    const TOTAL: usize = 0;

    fn pending(&self) -> usize {
        0
    }

    fn has_failed(_: &Self::Output) -> bool {
        false
    }
}
