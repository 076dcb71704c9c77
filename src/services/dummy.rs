//! The kind `dummy`.

use impresario::{Error, Options, Orchestrator, Started};

use crate::domain::dummy::{Dummy, DummyParams};

/// Starts dummies.
#[derive(Clone)]
pub struct DummyService {
    orchestrator: Orchestrator,
}

impl DummyService {
    /// Over the one orchestrator.
    pub const fn new(orchestrator: Orchestrator) -> Self {
        Self { orchestrator }
    }

    /// Starts one; answers when the start is recorded.
    pub async fn start(&self, params: DummyParams, options: Options) -> Result<Started, Error> {
        self.orchestrator
            .start_managed_operation::<Dummy>(params, options)
            .await
    }
}
