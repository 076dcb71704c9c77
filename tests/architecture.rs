//! The rules of the design that a machine can check, read from the source itself: how long a
//! handler is, what a service owns, who may name what. If one fails, the code is wrong.

#[path = "architecture/codes.rs"]
mod codes;
#[path = "architecture/duplicates.rs"]
mod duplicates;
#[path = "architecture/manifests.rs"]
mod manifests;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/samples.rs"]
mod samples;
#[path = "architecture/shapes.rs"]
mod shapes;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/torch.rs"]
mod torch;

use std::path::{Path, PathBuf};

use rules::RULES;

const TREES: &[&str] = &["src", "actors", "api", "cli", "xtask"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.expect("a folder's entry").path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "target" && name != "tests" {
            files(&path, found);
        } else if name == "Cargo.toml" || (name.ends_with(".rs") && name != "tests.rs") {
            found.push(path);
        }
    }
}

#[test]
fn the_tree_keeps_every_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for tree in TREES {
        files(&root.join(tree), &mut found);
    }
    assert!(
        found.len() > 20,
        "the tree was not found under {}",
        root.display()
    );
    let mut broken = Vec::new();
    for file in found {
        let text = std::fs::read_to_string(&file).expect("the source is readable");
        let path = file
            .strip_prefix(root)
            .unwrap_or(&file)
            .to_string_lossy()
            .replace('\\', "/");
        for rule in RULES {
            for violation in (rule.check)(&path, &text) {
                broken.push(format!(
                    "{path}:{}: {} ({})",
                    violation.line, violation.what, rule.name
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_rule_rejects_its_bad_samples_and_accepts_its_good_ones() {
    for rule in RULES {
        let samples: Vec<_> = samples::SAMPLES
            .iter()
            .filter(|one| one.rule == rule.name)
            .collect();
        assert!(
            samples.iter().any(|one| one.broken > 0),
            "{} has no bad sample",
            rule.name
        );
        assert!(
            samples.iter().any(|one| one.broken == 0),
            "{} has no good sample",
            rule.name
        );
        for sample in samples {
            let found = (rule.check)(sample.path, sample.text);
            assert_eq!(
                found.len(),
                sample.broken,
                "{}: {}\n{found:#?}",
                rule.name,
                sample.text
            );
        }
    }
}

#[test]
fn every_sample_belongs_to_a_rule() {
    for sample in samples::SAMPLES {
        assert!(
            RULES.iter().any(|rule| rule.name == sample.rule),
            "{}",
            sample.rule
        );
    }
}
