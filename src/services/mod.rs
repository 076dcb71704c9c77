//! What a named endpoint calls. Each public function is one call to the orchestrator.

mod data;
mod dummy;

pub use data::{DataService, Range};
pub use dummy::DummyService;
