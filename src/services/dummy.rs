//! The service for the kind `dummy`.

use impresario::operation::Operation;
use impresario::{Error, Options, Orchestrator, Started};
use serde_json::Value;

use crate::domain::dummy::Dummy;

/// Starts dummies.
#[derive(Clone)]
pub struct DummyService {
    orchestrator: Orchestrator,
}

impl DummyService {
    /// A service with this orchestrator.
    pub const fn new(orchestrator: Orchestrator) -> Self {
        Self { orchestrator }
    }

    /// Starts a dummy, and returns when the start is recorded.
    pub async fn start(&self, params: Value, options: Options) -> Result<Started, Error> {
        self.orchestrator
            .start_operation(Dummy::KIND, params, options)
            .await
    }
}
