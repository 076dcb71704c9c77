//! The server `impresariod`.

fn main() {
    impresario_server::process::serve(impresario_server::app::kinds);
}
