//! Checks trainings: each must end with the bits of the same training that nobody disturbed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::completed;

/// What a training reports after each epoch.
const METRICS: [&str; 4] = [
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
];
/// The failures that stops cause: its time was over, or it was asked to finish before its first batch.
const EXPECTED_FAILURES: [&str; 2] = ["DEADLINE_EXCEEDED", "NOTHING_LEARNED"];
/// The warning that a checkpoint was skipped.
pub(crate) const SKIPPED: &str = "CHECKPOINT_DAMAGED";

/// The values of each metric, one an epoch.
type History = BTreeMap<&'static str, Vec<Value>>;

/// The result of a training that nobody disturbed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    weights_sha256: String,
    best_epoch: u64,
    history: History,
}

impl Reference {
    /// The result of a training by its model's card and its series of metrics.
    pub(crate) fn of(card: &Value, series: &Value) -> Result<Self, String> {
        let history = history(series)?;
        as_in_the_card(&history, card)?;
        let (weights, best) = (card["weights_sha256"].as_str(), card["best_epoch"].as_u64());
        Ok(Self {
            weights_sha256: weights.ok_or("its card has no checksum")?.to_owned(),
            best_epoch: best.ok_or("its card has no best epoch")?,
            history,
        })
    }

    pub(crate) fn epochs(&self) -> usize {
        self.history.values().map(Vec::len).max().unwrap_or(0)
    }

    /// Compares a completed training with this. One that was asked to finish has the beginning of its history.
    pub(crate) fn compare(&self, view: &Value, card: &Value, series: &Value) -> Result<(), String> {
        let found = Self::of(card, series)?;
        let (epochs, all) = (found.epochs(), self.epochs());
        let early = view["stopped_early"] == true;
        if epochs > all || (epochs < all && !early) {
            return Err(format!(
                "ran {epochs} epochs of {all}; stopped_early {early}"
            ));
        }
        let lowest = lowest(&found.history);
        if lowest != Some(found.best_epoch) {
            let best = found.best_epoch;
            return Err(format!(
                "has the weights of epoch {best}, not of {lowest:?}"
            ));
        }
        if cut_short(view) {
            // There is no undisturbed training with which a part of the first epoch could be compared.
            return Ok(());
        }
        for (name, values) in &found.history {
            let expected = self.history.get(name).map_or(&[][..], |all| &all[..epochs]);
            let mut pairs = values.iter().zip(expected).zip(1..);
            if let Some(((value, expected), epoch)) = pairs.find(|((one, other), _)| one != other) {
                return Err(format!(
                    "{name} of epoch {epoch}: {value}, undisturbed {expected}"
                ));
            }
        }
        let same = found.weights_sha256 == self.weights_sha256;
        if found.best_epoch == self.best_epoch && !same {
            return Err(format!(
                "weights {}, undisturbed {}",
                found.weights_sha256, self.weights_sha256
            ));
        }
        Ok(())
    }
}

/// Every metric must have one point for each epoch, without a hole.
fn history(series: &Value) -> Result<History, String> {
    let mut history = History::new();
    for name in METRICS {
        let points = series[name].as_array().ok_or(format!("has no {name}"))?;
        let steps: Vec<_> = points.iter().map(|point| point["step"].as_u64()).collect();
        if !steps
            .iter()
            .copied()
            .eq((1..=points.len() as u64).map(Some))
        {
            return Err(format!("{name} has points for the epochs {steps:?}"));
        }
        let values = points.iter().map(|point| point["value"].clone());
        history.insert(name, values.collect());
    }
    Ok(history)
}

/// The model's card must tell the same history.
fn as_in_the_card(history: &History, card: &Value) -> Result<(), String> {
    let epochs = card["history"]
        .as_array()
        .ok_or("its card has no history")?;
    for (name, values) in history {
        let told = epochs.iter().map(|epoch| &epoch[*name]);
        if !told.eq(values) {
            return Err(format!(
                "{name} is {values:?}, and its card says {epochs:?}"
            ));
        }
    }
    Ok(())
}

/// The first epoch with the lowest validation loss, from 1.
fn lowest(history: &History) -> Option<u64> {
    let losses = history.get("validation_loss")?.iter().zip(1..);
    let losses = losses.filter_map(|(loss, epoch)| Some((loss.as_f64()?, epoch)));
    let lowest = losses.min_by(|one, other| one.0.total_cmp(&other.0))?;
    Some(lowest.1)
}

/// Whether a finish came in the first epoch, whose part is then all that was learned.
fn cut_short(view: &Value) -> bool {
    let mut warnings = view["warnings"].as_array().into_iter().flatten();
    warnings.any(|warning| warning["code"] == "EPOCH_CUT_SHORT")
}

/// A training must fail only because of a stop.
pub(crate) fn failure(view: &Value) -> Option<String> {
    let code = view["error"]["code"].as_str().unwrap_or("");
    let expected = view["status"] != "failed" || EXPECTED_FAILURES.contains(&code);
    (!expected).then(|| format!("failed: {}", view["error"]))
}

/// Whether an event is the warning that a checkpoint was skipped.
pub(crate) fn is_skip(event: &Value) -> bool {
    event["type"] == "warning" && event["data"]["code"] == SKIPPED
}

/// A checkpoint must be skipped only if it was damaged, and the warning must be there once a later run has
/// completed. `damaged` are the numbers of the runs before each damage.
pub(crate) fn skips(damaged: &[u64], events: &[Value]) -> Option<String> {
    let skips = events.iter().filter(|event| is_skip(event));
    let skipped = skips
        .filter_map(|event| event["data"]["run"].as_u64())
        .max();
    let Some(last) = damaged.iter().copied().max() else {
        return skipped.map(|run| format!("run {run} skipped a checkpoint that nobody damaged"));
    };
    let completed = completed(events)?;
    let unseen = completed > last && skipped <= Some(last);
    unseen.then(|| {
        format!("completed in run {completed}, a checkpoint was damaged after run {last} and skipped in {skipped:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn series(losses: &[f64]) -> Value {
        let points: Vec<_> = losses
            .iter()
            .zip(1..)
            .map(|(loss, epoch)| json!({"step": epoch, "value": loss, "run": 1}))
            .collect();
        METRICS
            .map(|name| (name.to_owned(), json!(points)))
            .into_iter()
            .collect()
    }

    fn card(losses: &[f64], best: u64, weights: &str) -> Value {
        let epoch = |loss: &f64| {
            METRICS
                .map(|name| (name.to_owned(), json!(loss)))
                .into_iter()
                .collect()
        };
        let history: Vec<Value> = losses.iter().map(epoch).collect();
        json!({"history": history, "best_epoch": best, "weights_sha256": weights})
    }

    const LOSSES: [f64; 4] = [0.7, 0.5, 0.4, 0.6];

    fn reference() -> Reference {
        Reference::of(&card(&LOSSES, 3, "abc"), &series(&LOSSES)).expect("it is sound")
    }

    fn whole() -> Value {
        json!({"stopped_early": false, "warnings": []})
    }

    fn compared(view: &Value, card: &Value, series: &Value) -> String {
        let compared = reference().compare(view, card, series);
        compared.err().unwrap_or_default()
    }

    #[test]
    fn the_same_bits_are_no_violation_and_others_are_found() {
        let (card, series) = (|weights| card(&LOSSES, 3, weights), series(&LOSSES));
        assert_eq!(compared(&whole(), &card("abc"), &series), "");
        let found = compared(&whole(), &card("abd"), &series);
        assert_eq!(found, "weights abd, undisturbed abc");
    }

    #[test]
    fn holes_and_repeats_in_a_history_are_found() {
        let card = card(&LOSSES, 3, "abc");
        for (fault, expected) in [(1, "[Some(1), Some(1)"), (3, "[Some(1), Some(3)")] {
            let mut series = series(&LOSSES);
            series["train_loss"][1]["step"] = json!(fault);
            let found = compared(&whole(), &card, &series);
            assert!(found.contains(expected), "{found}");
        }
        let mut series = series(&LOSSES);
        series["train_accuracy"] = Value::Null;
        assert_eq!(compared(&whole(), &card, &series), "has no train_accuracy");
    }

    #[test]
    fn a_curve_that_is_not_the_undisturbed_one_is_found() {
        let other = [0.7, 0.5, 0.4, 0.61];
        let found = compared(&whole(), &card(&other, 3, "abc"), &series(&other));
        assert!(
            found.contains("of epoch 4: 0.61, undisturbed 0.6"),
            "{found}"
        );
        let found = compared(&whole(), &card(&LOSSES, 3, "abc"), &series(&other));
        assert!(found.contains("its card says"), "{found}");
    }

    #[test]
    fn fewer_epochs_are_only_right_after_a_finish() {
        let (card, series) = (card(&LOSSES[..2], 2, "x"), series(&LOSSES[..2]));
        let found = compared(&whole(), &card, &series);
        assert_eq!(found, "ran 2 epochs of 4; stopped_early false");
        let early = json!({"stopped_early": true, "warnings": []});
        assert_eq!(compared(&early, &card, &series), "");
        let worse = json!({"history": card["history"], "best_epoch": 1, "weights_sha256": "x"});
        let found = compared(&early, &worse, &series);
        assert_eq!(found, "has the weights of epoch 1, not of Some(2)");
    }

    #[test]
    fn a_part_of_the_first_epoch_has_a_history_of_its_own() {
        let (card, series) = (card(&[0.9], 1, "x"), series(&[0.9]));
        let mut early = json!({"stopped_early": true, "warnings": []});
        assert!(compared(&early, &card, &series).contains("of epoch 1: 0.9"));
        early["warnings"] = json!([{"code": "EPOCH_CUT_SHORT"}]);
        assert_eq!(compared(&early, &card, &series), "");
    }

    #[test]
    fn only_stops_may_fail_a_training() {
        let failed = |code: &str| json!({"status": "failed", "error": {"code": code}});
        assert_eq!(failure(&failed("DEADLINE_EXCEEDED")), None);
        assert_eq!(
            failure(&json!({"status": "completed", "error": null})),
            None
        );
        assert!(
            failure(&failed("STORAGE_FAILED"))
                .is_some_and(|found| found.contains("STORAGE_FAILED"))
        );
    }

    #[test]
    fn a_skip_without_damage_and_damage_without_a_skip_are_found() {
        let run = |run: u64, status: &str| json!({"type": "status", "data": {"status": status, "run": run}});
        let skip = json!({"type": "warning", "data": {"code": SKIPPED, "run": 2}});
        let events = [
            run(1, "running"),
            run(2, "running"),
            skip,
            run(2, "completed"),
        ];
        assert_eq!(skips(&[1], &events), None);
        let found = skips(&[], &events).expect("it is found");
        assert!(found.contains("run 2 skipped a checkpoint that nobody damaged"));
        let found = skips(&[1], &[&events[..2], &events[3..]].concat());
        assert!(found.is_some_and(|found| found.contains("skipped in None")));
        assert_eq!(
            skips(&[1], &events[..2]),
            None,
            "the run may not have looked yet"
        );
    }
}
