//! Nobody but the kernel makes a `Stopped`.

use impresario::operation::Stopped;

fn main() {
    let _ = Stopped { run: 1 };
}
