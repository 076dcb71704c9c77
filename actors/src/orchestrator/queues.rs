//! Who waits before whom.

use std::collections::HashMap;

use impresario_api::{OperationId, Timestamp};

use crate::store::{Reader, StoreError, StoredOperation};

/// The queues that one answer has to do with, each read once: a page of pending operations would
/// count the same ones fifty times.
#[derive(Default)]
pub(super) struct Queues(HashMap<String, HashMap<OperationId, u64>>);

impl Queues {
    /// The place of a pending operation in its lane, 1 is next; `None` past the last place that is
    /// counted, and while it waits for its time.
    pub(super) async fn position(
        &mut self,
        reader: &dyn Reader,
        operation: &StoredOperation,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        if let Some(queue) = self.0.get(&operation.lane) {
            return Ok(queue.get(&operation.id).copied());
        }
        let queue = reader.queue(&operation.lane, now).await?;
        let queue: HashMap<_, _> = queue.into_iter().zip(1..).collect();
        let place = queue.get(&operation.id).copied();
        self.0.insert(operation.lane.clone(), queue);
        Ok(place)
    }
}
