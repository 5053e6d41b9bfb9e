//! `#[main]` on a function that is not async.

#[anyloop::main]
fn main() -> Result<(), std::io::Error> {
    Ok(())
}
