//! Checkpoints of runs in place: heard of while the run goes on, and only its own.

use std::sync::Mutex;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use impresario::operation::{
    Admit, Context, Failure, Operation, Policy, Refusal, SyncCheckpoint, SyncError, SyncOptions,
    run_sync_operation,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Span {
    from: u64,
    #[serde(default)]
    to: Option<u64>,
    #[serde(default)]
    share: f64,
}

const fn span(from: u64, to: Option<u64>) -> Span {
    Span {
        from,
        to,
        share: 0.1 + 0.2,
    }
}

/// Counts, and waits at the gate when half is done; fails there in its first run.
struct Half {
    gate: Receiver<()>,
    asked: Mutex<Vec<Span>>,
}

impl Half {
    fn new() -> (Self, Sender<()>) {
        let (opens, gate) = bounded(9);
        let asked = Mutex::default();
        (Self { gate, asked }, opens)
    }

    fn admit(&self, span: &Span) -> Result<(), Refusal> {
        self.asked.lock().expect("no panic").push(*span);
        Ok(())
    }
}

impl Operation for Half {
    const KIND: &'static str = "half";
    type Params = Span;
    type Output = u64;
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn policy(&self) -> Policy {
        Policy::lane("default").checkpoint_every(Duration::ZERO)
    }

    fn complete(&self, params: Span) -> Span {
        Span {
            to: params.to.or(Some(params.from + 10)),
            ..params
        }
    }

    fn run(&self, span: Span, ctx: &Context) -> Result<u64, Failure> {
        let to = span.to.expect("it is completed");
        let done = ctx.restored()?.unwrap_or(span.from);
        for number in ctx.steps("number", done..to) {
            let number = number?;
            ctx.checkpoint_with(|| number + 1)?;
            if ctx.run() == 1 && number + 1 == (span.from + to) / 2 {
                self.gate.recv().expect("the test listens");
                return Err(Failure::new("BROKE", "the strings broke"));
            }
        }
        Ok(done)
    }
}

/// Another kind with the same params.
struct Other;

impl Operation for Other {
    const KIND: &'static str = "other";
    type Params = Span;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, _: Span, _: &Context) -> Result<(), Failure> {
        panic!("it must not run");
    }
}

/// What half a run from 0 to 10 has left, as it is read from a file.
fn left() -> SyncCheckpoint {
    let (half, opens) = Half::new();
    opens.send(()).expect("there is room");
    let mut checkpoint = None;
    let options = SyncOptions::default().checkpoint(Some(&mut checkpoint));
    let end = run_sync_operation(&half, span(0, None), options);
    assert!(matches!(end, Err(SyncError::Failed(_))), "{end:?}");
    let file = serde_json::to_string(&checkpoint.expect("it gave some")).expect("it is JSON");
    serde_json::from_str(&file).expect("it is read again")
}

#[test]
fn a_checkpoint_says_whose_it_is_and_its_own_run_goes_on_from_it() {
    let left = left();
    assert_eq!(left.kind, "half");
    let params = serde_json::json!({"from": 0, "to": 10, "share": 0.1 + 0.2});
    assert_eq!(*left.params, params);
    for to in [None, Some(10)] {
        let mut checkpoint = Some(left.clone());
        let options = SyncOptions::default().checkpoint(Some(&mut checkpoint));
        let (half, _opens) = Half::new();
        let end = run_sync_operation(&half, span(0, to), options);
        assert_eq!(end.expect("it goes on"), 5);
        assert_eq!(checkpoint, None);
        let asked = half.asked.into_inner().expect("no panic");
        assert_eq!(asked, [span(0, Some(10))], "as at a managed start");
    }
}

#[test]
fn a_checkpoint_of_another_kind_or_of_other_params_is_refused_by_name_and_stays() {
    let left = left();
    let mut checkpoint = Some(left.clone());
    let options = SyncOptions::default().checkpoint(Some(&mut checkpoint));
    let other = run_sync_operation(&Other, span(0, Some(10)), options);
    let Err(SyncError::CheckpointForeign(why)) = other else {
        panic!("{other:?}")
    };
    let expected = "the checkpoint is one of the kind \"half\", not of \"other\"";
    assert_eq!(why, expected);
    assert_eq!(checkpoint.as_ref(), Some(&left));
    let (half, _opens) = Half::new();
    let options = SyncOptions::default().checkpoint(Some(&mut checkpoint));
    let end = run_sync_operation(&half, span(1, None), options);
    assert_eq!(
        end.expect_err("it is of other params").to_string(),
        "the checkpoint is one of \"half\" with other params: from, to had another value",
    );
    assert_eq!(checkpoint, Some(left));
}

#[test]
fn a_checkpoint_is_heard_of_while_the_run_goes_on() {
    let (half, opens) = Half::new();
    let heard = Mutex::new(Vec::new());
    let options = SyncOptions::default().on_checkpoint(|checkpoint| {
        heard.lock().expect("no panic").push(checkpoint.clone());
        if checkpoint.saved.step["number"] == 5 {
            // The function waits for this: it has not ended.
            opens.try_send(()).expect("there is room");
        }
    });
    let end = run_sync_operation(&half, span(0, None), options);
    assert!(matches!(end, Err(SyncError::Failed(_))), "{end:?}");
    let heard = heard.into_inner().expect("no panic");
    let last = heard.last().expect("it heard some");
    assert_eq!((last.kind.as_str(), last.saved.step["number"]), ("half", 5));
}

#[test]
fn a_listener_of_checkpoints_that_panics_loses_neither_the_run_nor_its_checkpoint() {
    let (half, opens) = Half::new();
    let mut checkpoint = None;
    let options = SyncOptions::default()
        .checkpoint(Some(&mut checkpoint))
        .on_checkpoint(|_| {
            opens.try_send(()).expect("it is called once");
            panic!("a disk is full");
        });
    let end = run_sync_operation(&half, span(0, None), options);
    assert!(matches!(end, Err(SyncError::Failed(_))), "{end:?}");
    let left = checkpoint.expect("it gave some");
    assert_eq!(left.saved.step["number"], 5);
}
