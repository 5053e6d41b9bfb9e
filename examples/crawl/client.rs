//! Asks for a page: ordinary code that blocks.

use std::fmt;
use std::io::{self, Read};
use std::time::Instant;

use anyloop::{async_wrap, from_thread};
use ureq::Agent;

/// Larger than any page here.
const LARGEST: u64 = 1 << 20;

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The host cannot answer now, and may later.
    Busy,
    Other(Box<ureq::Error>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("the host is busy (503)"),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl From<ureq::Error> for Failure {
    fn from(error: ureq::Error) -> Self {
        match error {
            ureq::Error::StatusCode(503) => Self::Busy,
            error => Self::Other(Box::new(error)),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Other(Box::new(error.into()))
    }
}

/// The addresses that a page links to.
///
/// The call's deadline is the client's time limit, so that nobody's thread waits for a page that nobody waits for;
/// and a page that comes slowly is not read on when the call was cancelled.
#[async_wrap]
pub(crate) fn fetch(agent: Agent, url: &str) -> Result<Vec<String>, Failure> {
    let left = from_thread::deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let mut response = agent.get(url).config().timeout_global(left).build().call()?;
    let mut text = String::new();
    from_thread::checked(response.body_mut().as_reader()).take(LARGEST).read_to_string(&mut text)?;
    Ok(links(&text))
}

/// What stands in the `href="..."`s.
fn links(text: &str) -> Vec<String> {
    text.split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(url, _)| url.to_owned())
        .collect()
}
