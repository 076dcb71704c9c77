//! The embedded store: what every store must do, what a restart must keep, what it refuses.

mod bad;
mod damaged;
mod keys;
mod locked;
mod many;
mod older;
mod orphans;
mod restart;
mod round_trip;
mod wal;

use std::path::Path;

use impresario::store::conformance;
use impresario::store::sqlite::{Options, SqliteStore};
use proptest::prelude::*;

use crate::model;

pub(crate) fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, Options::default()).expect("the store opens")
}

#[test]
fn conforms() {
    let (folder, mut number) = (tempfile::tempdir().expect("a temporary folder"), 0);
    let next = std::cell::RefCell::new(&mut number);
    conformance::run(|| {
        let mut number = next.borrow_mut();
        **number += 1;
        let own = folder.path().join(number.to_string());
        std::fs::create_dir(&own).expect("a folder of its own");
        Box::new(open(&own))
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn answers_as_a_list_would(acts in model::acts()) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        model::play(Box::new(open(folder.path())), acts);
    }
}
