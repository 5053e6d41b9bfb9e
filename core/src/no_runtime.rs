//! Why no runtime is current.

use std::fmt;
use std::io;

/// No runtime is current here; the text says what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum NoRuntime {
    /// No adapter was registered.
    #[non_exhaustive]
    NoAdapter,
    /// Several adapters are compiled in, and nothing chooses among them.
    #[non_exhaustive]
    Several {
        /// Their names.
        compiled_in: Vec<&'static str>,
    },
    /// `ANYLOOP_RUNTIME` names a runtime that is not compiled in.
    #[non_exhaustive]
    Unknown {
        /// What it says.
        name: String,
        /// What there is.
        compiled_in: Vec<&'static str>,
    },
    /// The runtime could not be started.
    #[non_exhaustive]
    Failed {
        /// Which.
        name: &'static str,
        /// Why.
        error: io::Error,
    },
}

impl fmt::Display for NoRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAdapter => f.write_str(
                "no async runtime is current here and no adapter is compiled in: \
                 enable one of anyloop's features `tokio`, `smol`, `async-std` or `futures`, \
                 or call `anyloop::set_default(runtime)`",
            ),
            Self::Several { compiled_in } => write!(
                f,
                "no async runtime is current here, and several are compiled in ({}): \
                 set ANYLOOP_RUNTIME to one of them, write `#[anyloop::main(runtime = ..)]`, \
                 or call `anyloop::set_default(runtime)`",
                compiled_in.join(", ")
            ),
            Self::Unknown { name, compiled_in } if compiled_in.is_empty() => write!(
                f,
                "ANYLOOP_RUNTIME={name} names a runtime that is not compiled in: \
                 enable anyloop's feature `{name}` if there is one"
            ),
            Self::Unknown { name, compiled_in } => write!(
                f,
                "ANYLOOP_RUNTIME={name} names a runtime that is not compiled in: \
                 set it to one of {}, or enable anyloop's feature of that name",
                compiled_in.join(", ")
            ),
            Self::Failed { name, error } => {
                write!(f, "the runtime {name} could not be started: {error}")
            }
        }
    }
}

impl std::error::Error for NoRuntime {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Failed { error, .. } => Some(error),
            _ => None,
        }
    }
}
