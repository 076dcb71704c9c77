//! Crates that are there in more than one version: exactly those that deny.toml's `skip` names, each
//! with a reason. It needs no cargo-deny, and so holds on every machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

fn read(file: &str) -> Table {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let text = std::fs::read_to_string(path).expect("it is readable");
    text.parse().expect("it is TOML")
}

/// The part of a version that stands for those that are compatible with it: `1`, `0.2`.
fn line(version: &str) -> String {
    let parts = if version.starts_with("0.") { 2 } else { 1 };
    version.split('.').take(parts).collect::<Vec<_>>().join(".")
}

/// The versions of each crate of a lock file.
fn versions(lock: &Table) -> BTreeMap<&str, BTreeSet<String>> {
    let mut versions = BTreeMap::<_, BTreeSet<_>>::new();
    for package in lock["package"].as_array().expect("packages") {
        let text = |key: &str| package[key].as_str().expect("text");
        versions
            .entry(text("name"))
            .or_default()
            .insert(line(text("version")));
    }
    versions
}

/// A name and a version that may be there beside another one.
fn named(entry: &Value) -> (&str, &str) {
    let reason = entry["reason"].as_str().unwrap_or_default();
    assert!(!reason.is_empty(), "{entry} has no reason");
    let name = entry["crate"]
        .as_str()
        .and_then(|name| name.split_once('@'));
    name.expect("a crate as name@version")
}

#[test]
fn crates_in_several_versions_are_those_that_deny_toml_names() {
    let (lock, deny) = (read("Cargo.lock"), read("deny.toml"));
    assert_eq!(deny["bans"]["multiple-versions"].as_str(), Some("deny"));
    let skip = deny["bans"]["skip"].as_array().expect("a list");
    let mut skipped: BTreeSet<_> = skip.iter().map(named).collect();
    let versions = versions(&lock);
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        let left: Vec<_> = versions
            .iter()
            .filter(|version| !skipped.remove(&(*name, version.as_str())))
            .collect();
        assert_eq!(
            left.len(),
            1,
            "{name} is there as {versions:?}; one alone, or deny.toml says why"
        );
    }
    assert!(
        skipped.is_empty(),
        "no longer there, or there alone: {skipped:?}"
    );
}
