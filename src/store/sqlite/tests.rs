use super::*;

#[test]
fn it_does_what_every_store_must() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let number = std::sync::atomic::AtomicU32::new(0);
    impresario::store::conformance::run(|| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let own = folder.path().join(number.to_string());
        std::fs::create_dir(&own).expect("a folder of its own");
        Box::new(SqliteStore::open(&own, Options::default()).expect("a new store opens"))
    });
}
