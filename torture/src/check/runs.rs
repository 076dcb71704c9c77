//! Checks the runs of one operation.

use serde_json::Value;

use super::{Step, is_skip, status, step};

/// Runs are numbered without gaps, none begins while the operation is paused, and each goes on from the last
/// recorded checkpoint.
pub(crate) fn runs(id: &str, events: &[Value]) -> Vec<String> {
    let mut so_far = SoFar::default();
    let told = events.iter().filter_map(|event| so_far.next(event));
    told.map(|what| format!("{id}: {what}")).collect()
}

/// A run that begins before its time. This can only be checked if nobody set the clock.
pub(crate) fn early(id: &str, events: &[Value]) -> Option<String> {
    let (mut due, mut run) = (None, 0);
    for event in events {
        let Some(now) = status(event) else { continue };
        let (data, at) = (&event["data"], event["at"].as_str());
        let began = data["run"].as_u64() > Some(run) && now == "running";
        // These texts have the order of the times.
        if began && due > at {
            return Some(format!(
                "{id}: a run begins at {at:?} but not before {due:?}"
            ));
        }
        run = data["run"].as_u64().unwrap_or(run);
        due = data["not_before"].as_str();
    }
    None
}

#[derive(Default)]
struct SoFar {
    run: u64,
    paused: bool,
    /// The step and the run of the newest checkpoint.
    kept: (Step, u64),
    /// The run that last went on from a checkpoint.
    restored: u64,
}

impl SoFar {
    fn next(&mut self, event: &Value) -> Option<String> {
        let data = &event["data"];
        let found = match event["type"].as_str()? {
            "status" => self.status(event),
            "restored" => self.restored(data),
            "checkpoint" => self.checkpoint(data),
            // The run goes on from an earlier one, or begins anew.
            "warning" if is_skip(event) => {
                self.kept = Default::default();
                None
            }
            _ => None,
        };
        if let Some(status) = status(event) {
            self.paused = status == "paused";
        }
        found
    }

    fn status(&mut self, event: &Value) -> Option<String> {
        let data = &event["data"];
        let (run, status) = (data["run"].as_u64()?, data["status"].as_str()?);
        let was = std::mem::replace(&mut self.run, run);
        let begins = run == was + 1;
        let (kept, kept_in) = self.kept;
        if run != was && !(begins && status == "running") {
            Some(format!("after run {was}: {status} in run {run}"))
        } else if begins && self.paused {
            Some(format!("run {run} begins out of a pause that nobody ended"))
        } else if !begins && status == "running" && self.paused {
            Some(format!("run {run} goes on out of a pause"))
        } else if status == "completed"
            && kept > Step::default()
            && kept_in < run
            && self.restored < run
        {
            Some(format!(
                "run {run} completed without going on from {kept:?}"
            ))
        } else {
            None
        }
    }

    fn restored(&mut self, data: &Value) -> Option<String> {
        let from = step(&data["from_step"]);
        self.restored = data["run"].as_u64()?;
        let (run, kept) = (self.restored, self.kept.0);
        (from < kept).then(|| format!("run {run} goes on from {from:?}, {kept:?} was told"))
    }

    fn checkpoint(&mut self, data: &Value) -> Option<String> {
        let step = step(&data["step"]);
        let (before, _) = std::mem::replace(&mut self.kept, (step, self.run));
        (step < before).then(|| format!("checkpoint {step:?} after {before:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(run: u64, status: &str) -> Value {
        let data = json!({"status": status, "run": run, "not_before": null});
        json!({"type": "status", "at": "2026-01-01T00:00:05.000Z", "data": data})
    }

    fn kept(step: u64) -> Value {
        json!({"type": "checkpoint", "data": {"step": {"iteration": step}}})
    }

    fn restored(run: u64, from: u64) -> Value {
        json!({"type": "restored", "data": {"run": run, "from_step": {"iteration": from}}})
    }

    fn resumed() -> Value {
        json!({"type": "resumed", "data": {"status": "pending"}})
    }

    #[test]
    fn a_pause_and_a_loss_are_sound() {
        let events = [
            status(0, "pending"),
            status(1, "running"),
            status(1, "pausing"),
            kept(4),
            status(1, "paused"),
            resumed(),
            status(2, "running"),
            restored(2, 4),
            status(2, "pending"),
            status(3, "running"),
            restored(3, 4),
            kept(9),
            status(3, "completed"),
        ];
        assert_eq!(runs("a", &events), Vec::<String>::new());
    }

    fn only(events: &[Value], expected: &str) {
        let found = runs("a", events);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn run_numbers_that_jump_or_go_back_are_found() {
        only(&[status(2, "running")], "after run 0: running in run 2");
        only(
            &[status(1, "running"), status(0, "pending")],
            "pending in run 0",
        );
        only(&[status(1, "paused")], "paused in run 1");
    }

    #[test]
    fn a_run_before_its_time_is_found() {
        let due = json!({"status": "pending", "not_before": "2026-01-01T00:00:06.000Z"});
        let submitted = json!({"type": "submitted", "data": due});
        let found = early("a", &[submitted.clone(), status(1, "running")]);
        assert!(found.is_some_and(|what| what.contains("but not before")));
        assert_eq!(
            early("a", &[submitted, resumed(), status(1, "running")]),
            None
        );
    }

    #[test]
    fn a_run_out_of_a_pause_is_found() {
        only(
            &[status(0, "paused"), status(1, "running")],
            "out of a pause",
        );
    }

    #[test]
    fn a_checkpoint_that_is_not_used_is_found() {
        let begun = [
            status(1, "running"),
            kept(7),
            status(1, "pending"),
            status(2, "running"),
        ];
        let with = |more: Value| [&begun[..], &[more]].concat();
        only(
            &with(restored(2, 3)),
            "goes on from (3, 0), (7, 0) was told",
        );
        only(
            &with(status(2, "completed")),
            "without going on from (7, 0)",
        );
        only(&with(kept(5)), "checkpoint (5, 0) after (7, 0)");
        let skip = json!({"type": "warning", "data": {"code": "CHECKPOINT_DAMAGED"}});
        let earlier = [&with(skip)[..], &[restored(2, 3), kept(4)]].concat();
        assert_eq!(runs("a", &earlier), Vec::<String>::new());
    }
}
