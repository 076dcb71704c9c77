//! Pages of operations: what is asked, and what is answered.

use std::sync::Arc;

use impresario_api::{OperationId, Status, StatusFilter};

use super::StoredOperation;
use crate::setters::setters;

/// Which operations, newest first. Every condition must hold.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/doc_example.rs"));
/// # fn main() { run(async |orchestrator| {
/// use impresario::api::Status;
/// use impresario::store::Query;
///
/// for n in 1..=3 {
///     orchestrator.start_managed_operation::<Count>(Upto { n }, Options::default()).await?;
/// }
/// let counts = Query::default().kinds(vec!["count".to_owned()]).limit(2);
/// assert!(counts.passes("count", Status::Running) && !counts.passes("sum", Status::Running));
/// let first = orchestrator.list(counts.clone()).await?;
/// let last = first.operations.last().map(|row| row.operation_id);
/// let second = orchestrator.list(counts.before(last)).await?;
/// assert_eq!((first.operations.len(), second.operations.len()), (2, 1));
///
/// let none = Query::default()
///     .statuses(vec![Status::Failed.into()])
///     .active_only(false)
///     .label(Some(("symbol".to_owned(), "GOOG".to_owned())))
///     .text(Some("count".to_owned()));
/// assert!(!none.passes_scheduled("count"));
/// assert_eq!(orchestrator.list(none).await?.total_count, 0);
/// # Ok(())
/// # }) }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Query {
    /// One of these, when not empty.
    pub statuses: Vec<StatusFilter>,
    /// One of these kinds, when not empty.
    pub kinds: Vec<String>,
    /// Only those that have not ended.
    pub active_only: bool,
    /// Has this label.
    pub label: Option<(String, String)>,
    /// The id's end (4 or more characters), a kind, or the start of a label's value.
    pub text: Option<String>,
    /// At most so many rows; 100 by default.
    pub limit: usize,
    /// Older than this id: the last row of the page before.
    pub before: Option<OperationId>,
}

/// As many rows as a page has where nobody asks for another number.
const USUAL_LIMIT: usize = 100;

/// The newest 100 of all operations.
impl Default for Query {
    fn default() -> Self {
        Self {
            statuses: Vec::new(),
            kinds: Vec::new(),
            active_only: false,
            label: None,
            text: None,
            limit: USUAL_LIMIT,
            before: None,
        }
    }
}

impl Query {
    setters! {
        statuses: Vec<StatusFilter>,
        kinds: Vec<String>,
        active_only: bool,
        label: Option<(String, String)>,
        text: Option<String>,
        limit: usize,
        before: Option<OperationId>,
    }

    /// Whether those of a kind with a shown status pass the filters by kind and by status.
    pub fn passes(&self, kind: &str, status: Status) -> bool {
        (self.statuses.is_empty() || self.statuses.contains(&StatusFilter::Shown(status)))
            && self.passes_kind(kind)
            && (!self.active_only || !status.is_ended())
    }

    /// Whether the scheduled ones of a kind are asked for beside all that [`Self::passes`]: pending
    /// ones hold them already.
    pub fn passes_scheduled(&self, kind: &str) -> bool {
        let pending = StatusFilter::Shown(Status::Pending);
        self.statuses.contains(&StatusFilter::Scheduled)
            && !self.statuses.contains(&pending)
            && self.passes_kind(kind)
    }

    fn passes_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|one| one == kind)
    }
}

/// A page of operations.
#[derive(Clone, Debug)]
pub struct Page {
    /// Newest first.
    pub operations: Vec<Arc<StoredOperation>>,
    /// Whether there are older ones that match.
    pub more: bool,
    /// How many match, all pages together.
    pub total: u64,
    /// False when counting stopped, at 1,000 at the latest; there are more then. Filters by kind and
    /// status alone are counted exactly.
    pub total_is_exact: bool,
    /// How many operations have not ended, whatever the filter.
    pub active: u64,
}
