//! What a named endpoint calls. Each public function is one call to the orchestrator.

mod dummy;

pub use dummy::DummyService;
