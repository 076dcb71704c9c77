//! A context stays on its function's thread.

use impresario::operation::Context;

fn is_send<T: Send>() {}

fn main() {
    is_send::<Context>();
}
