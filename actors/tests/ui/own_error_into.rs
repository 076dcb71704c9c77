//! An error without codes that is turned into a failure by hand: the message names the trait.

use std::fmt;

use impresario::operation::{Context, Failure};

#[derive(Debug)]
struct Empty;

impl fmt::Display for Empty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no row")
    }
}

impl std::error::Error for Empty {}

fn work(_: &Context) -> Result<(), Failure> {
    Err(Empty.into())
}

fn from(_: &Context) -> Result<(), Failure> {
    Err(Failure::from(Empty))
}

fn main() {
    let _ = (work, from);
}
