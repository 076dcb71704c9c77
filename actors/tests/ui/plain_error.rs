//! A plain error must be given a code; the message says how.

use impresario::operation::{Context, Failure};

fn work(_: &Context) -> Result<String, Failure> {
    let text = std::fs::read_to_string("rows.csv")?;
    Ok(text)
}

fn main() {
    let _ = work;
}
