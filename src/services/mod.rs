//! The services that named endpoints call. Each public function is one call to the orchestrator.

mod data;
mod dummy;
#[cfg(feature = "training")]
mod training;

pub use data::{DataService, Range};
pub use dummy::DummyService;
#[cfg(feature = "training")]
pub use training::TrainingService;
