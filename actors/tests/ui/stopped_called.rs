//! Nobody but the supervisor makes a `Stopped`.

use impresario::operation::Stopped;

fn main() {
    let _ = Stopped::of(1);
    let _ = Stopped::default();
}
