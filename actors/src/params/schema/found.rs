//! The faults of one check, gathered as they are found.

use std::collections::BTreeMap;

use impresario_api::Faults;

/// Faults as they are found, in no order.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// One a path and expectation: that a word is no integer says all, its range would only repeat it.
    by_place: BTreeMap<(String, String), String>,
    /// Those that are only counted.
    more: u64,
    /// Paths below and at which nothing more is told.
    skipped: Vec<String>,
}

impl Found {
    pub(super) fn push(&mut self, path: &str, expected: &str, got: &str) {
        let is_at_or_below = |skipped: &String| {
            let rest = path.strip_prefix(skipped.as_str());
            rest.is_some_and(|rest| skipped.is_empty() || rest.is_empty() || rest.starts_with('.'))
        };
        if !self.skipped.iter().any(is_at_or_below) {
            let place = (path.to_owned(), expected.to_owned());
            self.by_place.entry(place).or_insert_with(|| got.to_owned());
        }
    }

    pub(super) const fn count(&mut self, more: u64) {
        self.more += more;
    }

    pub(super) fn skip(&mut self, path: &str) {
        self.skipped.push(path.to_owned());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_place.is_empty()
    }

    pub(super) fn faults(self) -> Faults {
        let mut faults = Faults::default();
        for ((path, expected), got) in &self.by_place {
            faults.push(path, expected, got);
        }
        faults.count(self.more);
        faults
    }
}
