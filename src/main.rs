//! The server `impresariod`.

/// What one thread allocates another one frees: see `docs/adr/0012-shared-commits.md`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    impresario_server::process::serve(impresario_server::app::kinds);
}
