//! An error enum of a kind's own needs its codes; the message says how.

use std::fmt;

use impresario::operation::{Context, Failure};

#[derive(Debug)]
enum LoadError {
    Empty,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no row")
    }
}

impl std::error::Error for LoadError {}

fn load() -> Result<(), LoadError> {
    Err(LoadError::Empty)
}

fn work(_: &Context) -> Result<(), Failure> {
    load()?;
    Ok(())
}

fn main() {
    let _ = work;
}
