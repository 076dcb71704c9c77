//! Compares what the server said about an operation before a kill with the operation after it.

use serde_json::Value;

use super::{checkpoint, completed, failure, is_ended, skips, status_at, step};
use crate::ledger::{Known, Promise};

/// Checks that every answer is still true. `view` was read just before `events`.
pub(crate) fn promises(id: &str, known: &Known, view: &Value, events: &[Value]) -> Vec<String> {
    let status = view["status"].as_str().unwrap_or("");
    let checks = [
        claims(known, view, events),
        promise(known.promise, status, view),
        whole(known, status, view),
        again(&known.events, view, events),
        checkpoints(known, status, view, events),
        skips(&known.damaged, events),
        known.is_training().then(|| failure(view)).flatten(),
        as_started(known, view),
        times(view),
    ];
    let found = checks.into_iter().flatten();
    found.map(|what| format!("{id}: {what}")).collect()
}

/// Each answer agrees with the events up to the same number.
fn claims(known: &Known, view: &Value, events: &[Value]) -> Option<String> {
    let now = (view["seq"].as_u64()?, view["status"].as_str()?.to_owned());
    let mut said = known.claims.iter().chain([&now]);
    let (seq, status) = said.find(|(seq, said)| status_at(events, *seq) != Some(said))?;
    let found = status_at(events, *seq);
    let count = events.len();
    Some(format!(
        "an answer said {status} at event {seq}; {count} events say {found:?}"
    ))
}

fn promise(promise: Option<Promise>, status: &str, view: &Value) -> Option<String> {
    let promise = promise?;
    let kept = is_ended(status)
        || match promise {
            Promise::Cancelled => status == "cancelling",
            Promise::Paused => ["pausing", "paused", "cancelling"].contains(&status),
            Promise::Finished => status == "paused" || !view["stop"].is_null(),
        };
    (!kept).then(|| format!("{promise:?} was acknowledged, and now it is {status}"))
}

/// A completed operation has counted to its end, unless it was asked to finish.
fn whole(known: &Known, status: &str, view: &Value) -> Option<String> {
    if status != "completed" {
        return None;
    }
    let asked = known.iterations()?;
    let done = view["result_summary"]["iterations_completed"].as_u64();
    let early = view["stopped_early"] == true;
    let (kept, _) = known.checkpoint.max(checkpoint(&known.events));
    let right = done.is_some_and(|done| done == asked || (early && (kept..asked).contains(&done)));
    let stop = &view["stop"]["verb"];
    (!right).then(|| format!("completed with {done:?} of {asked} iterations, {kept} were kept; stopped_early {early}, stop {stop}"))
}

/// A completed operation has not changed since.
fn again(before: &[Value], view: &Value, events: &[Value]) -> Option<String> {
    let run = completed(before)?;
    let (seq, now) = (before.len() as u64, view["run"].as_u64());
    let still = now == Some(run) && view["seq"] == seq && events.len() == before.len();
    let count = events.len();
    (!still)
        .then(|| format!("completed in run {run} at event {seq}; now run {now:?}, {count} events"))
}

fn checkpoints(known: &Known, status: &str, view: &Value, events: &[Value]) -> Option<String> {
    let (recorded, kept) = (checkpoint(events), step(&view["checkpoint"]["step"]));
    let told = if known.damaged.is_empty() {
        known.checkpoint.max(checkpoint(&known.events))
    } else {
        // A damaged one may have been skipped since it was told. The view is older than the events.
        let seq = usize::try_from(view["seq"].as_u64()?).unwrap_or(usize::MAX);
        checkpoint(&events[..seq.min(events.len())])
    };
    if kept < told && status != "completed" {
        return Some(format!("checkpoint {told:?} was told, {kept:?} is kept"));
    }
    let lost = recorded < told;
    lost.then(|| format!("checkpoint {told:?} was told, the events say {recorded:?}"))
}

/// The operation has the kind, params and options of its start.
fn as_started(known: &Known, view: &Value) -> Option<String> {
    let options = &known.body["options"];
    let wrong = |name: &str| !options[name].is_null() && view[name] != options[name];
    if wrong("priority") || wrong("labels") {
        return Some(format!("started with {options}, and now it is {view}"));
    }
    let params = known.body.as_object().into_iter().flatten();
    let mut params = params.filter(|(name, _)| *name != "options");
    if let Some((name, asked)) = params.find(|(name, asked)| view["params"][*name] != **asked) {
        let now = &view["params"][name];
        return Some(format!("started with {name} {asked}, and now it is {now}"));
    }
    let retry_of = known.retry_of.as_deref()?;
    (view["retry_of"] != retry_of)
        .then(|| format!("tries {retry_of} again, not {}", view["retry_of"]))
}

/// Whatever the clock does, no operation ends before it began, and no elapsed time is negative.
fn times(view: &Value) -> Option<String> {
    // These texts have the order of the times.
    let [created, started, completed] =
        ["created_at", "started_at", "completed_at"].map(|name| view[name].as_str());
    let began = created.max(started);
    if completed.is_some() && completed < began {
        return Some(format!("completed at {completed:?}, begun at {began:?}"));
    }
    let elapsed = view["elapsed_seconds"].as_f64()?;
    (elapsed < 0.0).then(|| format!("has lasted {elapsed} s"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(seq: u64, run: u64, status: &str) -> Value {
        json!({"seq": seq, "type": "status", "data": {"status": status, "run": run}})
    }

    fn events(end: &str) -> Vec<Value> {
        vec![
            status(1, 0, "pending"),
            status(2, 1, "running"),
            status(3, 1, end),
        ]
    }

    fn view(end: &str) -> Value {
        let output = json!({"iterations_completed": 8});
        json!({"seq": 3, "run": 1, "status": end, "stop": null, "result_summary": output,
            "priority": 4, "labels": {}, "params": {"iterations": 8}, "retry_of": null,
            "stopped_early": false, "checkpoint": {"step": {"iteration": 5}}})
    }

    fn known() -> Known {
        Known {
            acknowledged: true,
            body: json!({"iterations": 8, "options": {"priority": 4}}),
            ..Known::default()
        }
    }

    fn only(known: &Known, view: &Value, events: &[Value], expected: &str) {
        let found = promises("a", known, view, events);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn what_was_kept_is_no_violation() {
        let mut known = known();
        known.heard(&json!({"seq": 2, "status": "running"}));
        known.promised("cancel");
        known.events = events("completed");
        let found = promises("a", &known, &view("completed"), &events("completed"));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn an_answer_that_was_taken_back_is_found() {
        let mut known = known();
        known.heard(&json!({"seq": 4, "status": "cancelled"}));
        only(
            &known,
            &view("completed"),
            &events("completed"),
            "said cancelled at event 4",
        );
        known.claims = vec![(2, "pending".to_owned())];
        only(
            &known,
            &view("completed"),
            &events("completed"),
            "said pending at event 2",
        );
    }

    #[test]
    fn a_verb_that_was_forgotten_is_found() {
        for verb in ["cancel", "pause", "finish"] {
            let mut known = known();
            known.promised(verb);
            only(
                &known,
                &view("running"),
                &events("running"),
                "was acknowledged",
            );
        }
        let mut known = known();
        known.promised("cancel");
        only(
            &known,
            &view("paused"),
            &events("paused"),
            "Cancelled was acknowledged",
        );
        known.promised("pause");
        assert_eq!(
            known.promise,
            Some(Promise::Cancelled),
            "the strongest stands"
        );
    }

    #[test]
    fn one_that_ran_again_or_not_whole_is_found() {
        let mut known = known();
        known.events = events("completed");
        let mut longer = view("completed");
        longer["run"] = json!(2);
        only(
            &known,
            &longer,
            &events("completed"),
            "completed in run 1 at event 3; now run Some(2)",
        );
        let mut short = view("completed");
        short["result_summary"] = json!({"iterations_completed": 7});
        only(
            &known,
            &short,
            &events("completed"),
            "Some(7) of 8 iterations",
        );
        short["stopped_early"] = json!(true);
        assert!(promises("a", &known, &short, &events("completed")).is_empty());
        known.checkpoint = (8, 0);
        assert!(!promises("a", &known, &short, &events("completed")).is_empty());
    }

    #[test]
    fn a_checkpoint_that_is_gone_is_found() {
        let mut known = known();
        known.checkpoint = (6, 0);
        only(
            &known,
            &view("paused"),
            &events("paused"),
            "checkpoint (6, 0) was told, (5, 0) is kept",
        );
        known.damaged = vec![1];
        let found = promises("a", &known, &view("paused"), &events("paused"));
        assert_eq!(found, Vec::<String>::new(), "it was damaged");
    }

    #[test]
    fn options_that_changed_are_found() {
        let mut other = view("paused");
        other["priority"] = json!(0);
        only(&known(), &other, &events("paused"), "started with");
        let mut known = known();
        let mut shorter = view("paused");
        shorter["params"]["iterations"] = json!(7);
        only(
            &known,
            &shorter,
            &events("paused"),
            "started with iterations 8, and now it is 7",
        );
        known.retry_of = Some("b".to_owned());
        only(&known, &view("paused"), &events("paused"), "tries b again");
    }

    #[test]
    fn an_end_before_the_beginning_and_a_negative_time_are_found() {
        let mut early = view("completed");
        early["created_at"] = json!("2026-01-01T00:00:00.002Z");
        early["completed_at"] = json!("2026-01-01T00:00:00.001Z");
        only(&known(), &early, &events("completed"), "completed at");
        let mut negative = view("running");
        negative["elapsed_seconds"] = json!(-0.001);
        only(
            &known(),
            &negative,
            &events("running"),
            "has lasted -0.001 s",
        );
    }
}
