//! A failure is made by `Failure::new` or `?`, never by hand.

use impresario::operation::Failure;

fn main() {
    let failure = Failure::new("CODE", "message");
    let _ = Failure(failure.0);
}
