//! Whom a listener wants to hear of.

use impresario_api::OperationId;

use crate::store::StoredOperation;

/// Whom a listener wants to hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interest {
    /// One operation.
    Operation(OperationId),
    /// All operations of these kinds (all kinds, when empty) that have the label (if one is given).
    Matching {
        /// The kinds that are meant; all kinds when the list is empty.
        kinds: Vec<String>,
        /// Key and value of the label that they must have, if one is given.
        label: Option<(String, String)>,
    },
}

impl Interest {
    /// Whether whatever is read for it is meant: nothing has to be asked.
    pub(crate) fn is_of_all(&self) -> bool {
        match self {
            Self::Operation(_) => true,
            Self::Matching { kinds, label } => kinds.is_empty() && label.is_none(),
        }
    }

    /// Whether `operation` is meant. Kinds and labels never change, so it is for life.
    pub(crate) fn includes(&self, operation: &StoredOperation) -> bool {
        match self {
            Self::Operation(id) => *id == operation.id,
            Self::Matching { kinds, label } => {
                (kinds.is_empty() || kinds.contains(&operation.kind))
                    && label
                        .as_ref()
                        .is_none_or(|(key, value)| operation.labels.get(key) == Some(value))
            }
        }
    }
}
