//! The store in memory does what every store must.

use impresario::store::{MemoryStore, Store, conformance};
use proptest::prelude::*;

use crate::model;

#[test]
fn conforms() {
    conformance::run(|| Box::new(MemoryStore::new()));
}

#[test]
fn a_clone_is_another_handle_on_the_same_memory() {
    conformance::run(|| {
        let store = MemoryStore::new();
        let clone = store.clone();
        drop(store);
        Box::new(clone)
    });
    assert_eq!(MemoryStore::new().engine(), "memory");
}

proptest! {
    #[test]
    fn answers_as_a_list_would(acts in model::acts()) {
        model::play(Box::new(MemoryStore::new()), acts);
    }
}
