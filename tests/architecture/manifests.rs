//! The rules about what a crate may depend on.

use toml::Table;

use crate::rules::{Violation, violation};

pub(crate) fn small_contract(path: &str, text: &str) -> Vec<Violation> {
    if path != "api/Cargo.toml" {
        return Vec::new();
    }
    manifest(text, |name| {
        !["serde", "serde_json", "schemars", "chrono", "indexmap"].contains(&name)
    })
}

/// Dependencies that a manifest must not have.
pub(crate) fn manifest(text: &str, broken: impl Fn(&str) -> bool) -> Vec<Violation> {
    let table: Table = toml::from_str(text).expect("a manifest is TOML");
    let mut found = Vec::new();
    for section in ["dependencies", "build-dependencies"] {
        let Some(dependencies) = table.get(section).and_then(toml::Value::as_table) else {
            continue;
        };
        for (name, how) in dependencies {
            let real = how
                .get("package")
                .and_then(toml::Value::as_str)
                .unwrap_or(name);
            if broken(real) {
                found.push(violation(1, format!("{section} must not have {real}")));
            }
        }
    }
    found
}
