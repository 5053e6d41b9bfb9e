//! What the model and the trial speak of.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Returns,
    Panics,
    /// When it is released.
    HoldsAndReturns,
    HoldsAndPanics,
}

/// Where there is no room, one who awaits a call waits for it; the other two are refused (C14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Submit,
    Try,
    Await,
}

/// What the calls tell of themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Started(usize),
    /// Whether it saw that it was cancelled.
    Ended(usize, bool),
    /// Its closure; whether on the thread of the test.
    Dropped(usize, bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Value,
    Panicked,
    Cancelled,
    /// Cancelled by dropping its task: nobody sees it, but it is counted apart.
    Abandoned,
    Shutdown,
    Full,
}

impl Kind {
    pub(crate) fn holds(self) -> bool {
        matches!(self, Self::HoldsAndReturns | Self::HoldsAndPanics)
    }

    /// Of a call that runs.
    pub(crate) fn end(self) -> End {
        match self {
            Self::Returns | Self::HoldsAndReturns => End::Value,
            Self::Panics | Self::HoldsAndPanics => End::Panicked,
        }
    }
}

/// As `Metrics` has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Books {
    pub(crate) completed: u64,
    pub(crate) panicked: u64,
    pub(crate) cancelled: u64,
    pub(crate) cancelled_by_drop: u64,
    pub(crate) refused: u64,
}
