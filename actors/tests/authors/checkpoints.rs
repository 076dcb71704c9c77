//! States that are encoded only when it is worth it, and folders without a place for them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use impresario::operation::{Context, Failure, Operation, Policy};
use impresario::testing;
use impresario_api::{Status, Verb};
use serde_json::{Value, json};

use crate::common::{Big, Does, Nothing, Shape, does, managed, never_fails, reference};

/// Gives a state at each of ten steps, and counts how often it is asked what the state is.
fn counts_states(
    asked: &Arc<AtomicU32>,
) -> Does<impl Fn(&Context) -> Result<Value, Failure> + Send + Sync + 'static> {
    let asked = Arc::clone(asked);
    does(move |ctx| {
        let first = ctx.restored::<u64>()?.unwrap_or(0);
        for step in ctx.steps("step", first..10) {
            let done = step? + 1;
            ctx.checkpoint_with(|| {
                asked.fetch_add(1, Ordering::Relaxed);
                done
            })?;
        }
        Ok(json!(first))
    })
}

#[test]
fn a_state_is_asked_for_only_when_it_is_due_or_wanted_or_the_last() {
    let asked = Arc::default();
    let kind = counts_states(&asked);
    let asked = || asked.swap(0, Ordering::Relaxed);
    testing::run(&kind, Nothing {}).end();
    assert_eq!(asked(), 1, "the last step");
    testing::run(&kind, Nothing {})
        .checkpoint_every_call()
        .end();
    assert_eq!(asked(), 10, "each was due");
    let paused = testing::run(&kind, Nothing {}).stop_at("step", 3, Verb::Pause);
    let paused = paused.end();
    assert_eq!((paused.status(), asked()), (Status::Paused, 1), "wanted");
    // The pause waited for the step that it came in.
    assert_eq!(paused.progress().steps[0].current, 4);
    assert_eq!(paused.resume(&kind).end().output(), Some(&json!(4)));
}

#[test]
fn a_state_that_is_not_due_and_one_that_is_can_be_given_in_turn() {
    let kind = does(|ctx| {
        let first = ctx.restored::<String>()?;
        if let Some(first) = first {
            return Ok(json!(first));
        }
        ctx.checkpoint_with(|| "early")?;
        ctx.checkpoint(&"late")?;
        ctx.checkpoint_with(|| -> u32 { panic!("nothing is due") })?;
        Err(Failure::new("AGAIN", "try it again").retryable())
    });
    let failed = testing::run(&kind, Nothing {}).end();
    assert_eq!(failed.resume(&kind).end().output(), Some(&json!("late")));
}

#[test]
fn a_state_that_cannot_be_encoded_is_a_failure_where_it_is_encoded() {
    let kind = does(|ctx| {
        let state: Result<u8, std::fmt::Error> = Err(std::fmt::Error);
        ctx.checkpoint_with(|| Unencodable(state.is_err()))?;
        Ok(json!("it was never encoded"))
    });
    let never = testing::run(&kind, Nothing {}).end();
    assert_eq!(never.output(), Some(&json!("it was never encoded")));
    let due = testing::run(&kind, Nothing {})
        .checkpoint_every_call()
        .end();
    let code = due.error().map(|error| error.code.as_str());
    assert_eq!(code, Some("CHECKPOINT_NOT_ENCODED"));
}

/// Says that it cannot be written.
struct Unencodable(bool);

impl serde::Serialize for Unencodable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(self.0))
    }
}

#[test]
fn a_run_that_keeps_folders_takes_no_state_without_one() {
    let kind = does(|ctx| {
        ctx.checkpoint_dir(&1, never_fails)?;
        ctx.checkpoint_with(|| 2)?;
        Ok(json!(null))
    });
    let ended = testing::run(&kind, Nothing {}).end();
    let code = ended.error().map(|error| error.code.as_str());
    assert_eq!(code, Some("CHECKPOINT_MIXED"));
}

/// Asks for its folder, or gives one; nothing is due.
struct Folders {
    asks_first: bool,
}

impl Operation for Folders {
    const KIND: &'static str = "folders";
    type Params = Nothing;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default").checkpoint_every(Duration::from_secs(3_600))
    }

    fn run(&self, _: Nothing, ctx: &Context) -> Result<(), Failure> {
        if self.asks_first {
            ctx.restored_dir::<u32>()?;
        } else {
            ctx.checkpoint_dir(&1, |_| -> Result<(), Failure> { panic!("nothing is due") })?;
        }
        Ok(())
    }
}

#[test]
fn without_a_configured_folder_the_first_call_fails_though_nothing_is_due() {
    for asks_first in [true, false] {
        let view = managed(Folders { asks_first }, Nothing {});
        let error = view.row.error.expect("it failed");
        assert_eq!(error.code, "CHECKPOINT_NO_FOLDER", "{asks_first}");
        assert!(
            error.message.contains("`Config::checkpoint_dir`"),
            "{}",
            error.message
        );
    }
}

/// A run that is paused after its first epoch, and its folder.
fn paused(shape: Shape) -> (testing::Ended<Big>, PathBuf) {
    let paused = testing::run(&Big, shape).stop_at("epoch", 1, Verb::Pause);
    let paused = paused.end();
    let checkpoint = paused.checkpoint().expect("an epoch is complete");
    let folder = checkpoint.dir.clone().expect("it has a folder");
    (paused, folder)
}

const SHAPE: Shape = Shape {
    epochs: 3,
    batches: 2,
};

#[test]
fn a_folder_of_other_params_in_its_place_fails_the_run_by_name_before_it_begins() {
    let (own, folder) = paused(SHAPE);
    let (_other, others) = paused(Shape { epochs: 4, ..SHAPE });
    fs::remove_dir_all(&folder).expect("removable");
    fs::rename(others, &folder).expect("on the same disk");
    let failed = own.resume(&Big).end();
    let error = failed.error().expect("it failed");
    assert_eq!(error.code, "CHECKPOINT_FOREIGN");
    assert!(!error.retryable);
    let place = folder.display().to_string();
    assert!(error.message.contains(&place), "{}", error.message);
    assert_eq!((failed.calls(), failed.warnings()), (0, vec![]));
}

#[test]
fn a_manifest_that_the_disk_has_changed_is_damaged_and_not_anothers() {
    let (own, folder) = paused(SHAPE);
    let manifest = folder.join("manifest.json");
    let text = fs::read_to_string(&manifest).expect("it is there");
    fs::write(&manifest, text.replace("\"big\"", "\"bag\"")).expect("writable");
    let ended = own.resume(&Big).end();
    assert_eq!(ended.output(), Some(&reference(3, 2)), "it began anew");
    assert_eq!(ended.warnings()[0].0, "CHECKPOINT_DAMAGED");
}
