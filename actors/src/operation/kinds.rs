//! The kinds that there are.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_api::KindView;

use super::Operation;
use super::erased::{ErasedOperation, erase};

/// The kinds that an orchestrator knows.
#[derive(Clone, Default)]
pub struct Kinds(BTreeMap<&'static str, Arc<dyn ErasedOperation>>);

impl Kinds {
    /// A list without kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// One more: the only line that a new kind needs.
    #[must_use]
    pub fn register<K: Operation>(mut self, kind: K) -> Self {
        self.0.insert(K::KIND, erase(kind));
        self
    }

    pub(crate) fn get(&self, kind: &str) -> Option<&Arc<dyn ErasedOperation>> {
        self.0.get(kind)
    }

    pub(crate) fn views(&self) -> Vec<KindView> {
        self.0.values().map(|kind| kind.view().clone()).collect()
    }
}
