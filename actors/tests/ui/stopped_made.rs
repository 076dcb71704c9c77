//! Nobody but the supervisor makes a `Stopped`.

use impresario::operation::Stopped;

fn main() {
    let _ = Stopped { run: 1 };
}
