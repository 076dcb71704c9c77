//! What a function may know of its operation.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use impresario_api::{ForkedFrom, OperationId, Timestamp};

use crate::orchestrator::ids::Ids;
use crate::store::StoredOperation;

/// What a function may know of its operation: [`Context::operation`](super::Context::operation).
///
/// It is the same in every run of the operation. A run that nobody supervises (`run_sync_operation`, the
/// testing kit) is an operation of its own, which has an id that no other has in the process, was created
/// when it began, and has no labels; the testing kit keeps the id when it resumes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OperationInfo {
    /// Its id.
    pub id: OperationId,
    /// Who started it: `impresario` where the program itself did, and `a test` in the testing kit.
    pub requested_by: String,
    /// The labels that it was started with.
    pub labels: BTreeMap<String, String>,
    /// When its start was recorded.
    pub created_at: Timestamp,
    /// The checkpoint that it was forked from.
    pub forked_from: Option<ForkedFrom>,
}

impl OperationInfo {
    /// That of an operation which no store has.
    pub(crate) fn unrecorded(requested_by: &str) -> Arc<Self> {
        static IDS: LazyLock<Ids> = LazyLock::new(Ids::default);
        let created_at = Timestamp::now();
        Arc::new(Self {
            id: IDS.next(created_at),
            requested_by: requested_by.to_owned(),
            labels: BTreeMap::new(),
            created_at,
            forked_from: None,
        })
    }
}

impl From<&StoredOperation> for OperationInfo {
    fn from(operation: &StoredOperation) -> Self {
        Self {
            id: operation.id,
            requested_by: operation.requested_by.clone(),
            labels: operation.labels.clone(),
            created_at: operation.created_at,
            forked_from: operation.forked.as_ref().map(|forked| forked.from.clone()),
        }
    }
}
