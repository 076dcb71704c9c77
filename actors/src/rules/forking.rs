//! From which checkpoint a fork goes on, and with which params.

use std::collections::BTreeMap;

use impresario_api::{CheckpointChoice, Faults, StepCounts, text};
use serde_json::{Map, Value};

use crate::run::SavedCheckpoint;

/// The longest value that a fault repeats, in characters.
const SHOWN: usize = 60;

/// The kept checkpoints that a fork may go on from, the one to be tried first at the front. Of those at a
/// step that was named, the newest alone.
pub(crate) fn candidates<'a>(
    kept: &[&'a SavedCheckpoint],
    choice: &CheckpointChoice,
) -> Vec<&'a SavedCheckpoint> {
    let mut newest_first = kept.iter().rev().copied();
    let named = match choice {
        CheckpointChoice::Latest => return newest_first.collect(),
        CheckpointChoice::Step(step) => newest_first.find(|one| is_at(one, step)),
        CheckpointChoice::Outermost(count) => {
            newest_first.find(|one| one.outermost_steps() == Some(*count))
        }
    };
    named.into_iter().collect()
}

/// Why there is nothing to fork.
pub(crate) fn nothing(
    kept: &[&SavedCheckpoint],
    choice: &CheckpointChoice,
    removed: bool,
) -> String {
    if removed {
        return "the operation has completed, and the folders of its checkpoints were removed"
            .to_owned();
    }
    if kept.is_empty() {
        return "the operation keeps no checkpoint".to_owned();
    }
    let places: Vec<_> = kept.iter().rev().map(|one| told(&one.step)).collect();
    let places = places.join(", and one at ");
    let asked = match choice {
        // A kind may give a checkpoint outside of all loops, and then this is its name.
        CheckpointChoice::Step(step) if step.is_empty() => {
            let expected = CheckpointChoice::EXPECTED;
            return format!(
                "the operation keeps no checkpoint outside of all steps, which is what {{}} names; expected {expected}; it keeps one at {places}"
            );
        }
        CheckpointChoice::Step(step) => told(&in_order(step, kept)),
        CheckpointChoice::Latest | CheckpointChoice::Outermost(_) => choice.to_string(),
    };
    format!("the operation keeps no checkpoint at {asked}; it keeps one at {places}")
}

fn is_at(checkpoint: &SavedCheckpoint, step: &BTreeMap<String, u64>) -> bool {
    let known = |(name, count)| checkpoint.step.get(name) == Some(count);
    checkpoint.step.len() == step.len() && step.iter().all(known)
}

/// A step that was asked for, outermost loop first as in what is kept; names that are not there come last.
fn in_order(step: &BTreeMap<String, u64>, kept: &[&SavedCheckpoint]) -> StepCounts {
    let known = kept.iter().rev().flat_map(|one| one.step.keys());
    let names = known.chain(step.keys());
    names
        .filter_map(|name| Some((name.clone(), *step.get(name)?)))
        .collect()
}

/// `epoch 3, batch 12`.
fn told(step: &StepCounts) -> String {
    let steps: Vec<_> = step
        .iter()
        .map(|(name, at)| format!("{name} {at}"))
        .collect();
    match steps.is_empty() {
        true => "no step".to_owned(),
        false => steps.join(", "),
    }
}

/// The recorded params of an operation with some of them changed; or a fault for each that may not change.
pub(crate) fn changed(
    recorded: &Value,
    changes: Map<String, Value>,
    may_change: &[&str],
) -> Result<Value, Faults> {
    let mut faults = Faults::default();
    let expected = match may_change {
        [] => "nothing here, for a fork of this kind may change no param".to_owned(),
        names => format!("a param that a fork may change ({})", names.join(", ")),
    };
    for (name, value) in &changes {
        if !may_change.contains(&name.as_str()) {
            faults.push(name, &expected, &text::json(value, SHOWN));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut params = recorded.clone();
    if let Value::Object(params) = &mut params {
        params.extend(changes);
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use impresario_api::Timestamp;
    use serde_json::json;

    use super::*;

    fn checkpoint(at: i64, outermost: Option<&str>, step: &[(&str, u64)]) -> SavedCheckpoint {
        SavedCheckpoint {
            at: Timestamp::from_millis(at),
            run: 1,
            step: step
                .iter()
                .map(|(name, at)| ((*name).to_owned(), *at))
                .collect(),
            outermost: outermost.map(str::to_owned),
            value: Arc::from([]),
            dir: None,
            bytes: 0,
            metrics: BTreeMap::new(),
        }
    }

    fn chosen(kept: &[SavedCheckpoint], choice: &Value) -> Vec<i64> {
        let kept: Vec<_> = kept.iter().collect();
        let choice = serde_json::from_value(choice.clone()).expect("a choice");
        let chosen = candidates(&kept, &choice);
        chosen.iter().map(|one| one.at.as_millis()).collect()
    }

    #[test]
    fn the_latest_falls_back_on_the_one_before_and_a_named_one_on_none() {
        let kept = [
            checkpoint(1, Some("epoch"), &[("batch", 40), ("epoch", 2)]),
            checkpoint(2, Some("epoch"), &[("batch", 12), ("epoch", 3)]),
        ];
        for (choice, expected) in [
            (json!("latest"), &[2, 1][..]),
            (json!({"epoch": 2, "batch": 40}), &[1]),
            (json!({"epoch": 2}), &[]),
            (json!(3), &[2]),
            (json!(2), &[1]),
            // The count of an inner loop is none of the outermost.
            (json!(12), &[]),
        ] {
            assert_eq!(chosen(&kept, &choice), expected, "{choice}");
        }
        assert!(chosen(&[], &json!("latest")).is_empty());
    }

    #[test]
    fn of_two_at_one_step_the_newest_is_taken_and_old_records_are_found_where_it_is_clear() {
        let one = |at, batch| checkpoint(at, Some("epoch"), &[("epoch", 3), ("batch", batch)]);
        assert_eq!(chosen(&[one(1, 5), one(2, 9)], &json!(3)), [2]);
        let old = [checkpoint(1, None, &[("epoch", 3)])];
        assert_eq!(chosen(&old, &json!(3)), [1]);
        let unclear = [checkpoint(1, None, &[("epoch", 3), ("batch", 4)])];
        assert!(chosen(&unclear, &json!(3)).is_empty());
    }

    #[test]
    fn what_is_kept_is_told_where_the_step_is_not() {
        let kept = [
            checkpoint(1, Some("epoch"), &[("epoch", 2), ("batch", 40)]),
            checkpoint(2, None, &[]),
        ];
        let kept: Vec<_> = kept.iter().collect();
        let seven = CheckpointChoice::Outermost(7);
        assert_eq!(
            nothing(&kept, &seven, false),
            "the operation keeps no checkpoint at step 7; it keeps one at no step, and one at epoch 2, batch 40"
        );
        let choice = |choice: Value| serde_json::from_value(choice).expect("a choice");
        let told = nothing(
            &kept,
            &choice(json!({"batch": 4, "fold": 1, "epoch": 2})),
            false,
        );
        assert!(
            told.contains("no checkpoint at epoch 2, batch 4, fold 1; "),
            "{told}"
        );
        let told = nothing(&kept[..1], &choice(json!({})), false);
        assert!(
            told.contains("expected \"latest\", a step as views show it"),
            "{told}"
        );
        assert!(
            told.ends_with("it keeps one at epoch 2, batch 40"),
            "{told}"
        );
        assert_eq!(
            nothing(&[], &seven, false),
            "the operation keeps no checkpoint"
        );
        assert!(nothing(&[], &seven, true).contains("folders"));
    }

    #[test]
    fn params_change_where_they_may_and_every_other_one_is_named() {
        let recorded = json!({"rate": 0.1, "epochs": 5, "seed": 7});
        let changes = |changes: Value| match changes {
            Value::Object(changes) => changes,
            _ => Map::new(),
        };
        let may = ["rate", "epochs"];
        let merged = changed(&recorded, changes(json!({"rate": 0.01})), &may);
        assert_eq!(merged, Ok(json!({"rate": 0.01, "epochs": 5, "seed": 7})));
        assert_eq!(changed(&recorded, Map::new(), &[]), Ok(recorded.clone()));
        let refused = changed(
            &recorded,
            changes(json!({"rate": 1, "seed": 8, "sede": 8})),
            &may,
        );
        let told = refused
            .expect_err("two of them may not")
            .sentence("the params");
        assert_eq!(
            told,
            "sede: expected a param that a fork may change (rate, epochs), got 8; \
             seed: expected a param that a fork may change (rate, epochs), got 8"
        );
        let none = changed(&recorded, changes(json!({"seed": 8})), &[]);
        assert!(
            none.expect_err("none may")
                .sentence("")
                .contains("no param")
        );
    }
}
