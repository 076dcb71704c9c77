//! Runs on the caller's own thread: stopped from another, told of progress, refused, panicking.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, never};
use impresario::operation::{
    Admit, Context, Failure, Operation, Policy, Received, Refusal, StopHandle, SyncError,
    SyncOptions, run_sync_operation,
};
use impresario_api::{Progress, StopVerb};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::common::{Big, Does, Nothing, Shape, does, reference};

const HOUR: Duration = Duration::from_secs(3_600);

fn with(stop: StopHandle) -> SyncOptions<'static> {
    SyncOptions::default().stop(Some(stop))
}

fn is_stopped<T>(end: &Result<T, SyncError>, by: StopVerb) -> bool {
    matches!(end, Err(SyncError::Stopped(verb)) if *verb == by)
}

/// Runs `kind` and asks it to stop when it says that it is about to wait.
fn stopped_in<F>(kind: &Does<F>, gate: &Receiver<()>, verb: StopVerb) -> Result<Value, SyncError>
where
    F: Fn(&Context) -> Result<Value, Failure> + Send + Sync + 'static,
{
    let stop = StopHandle::new();
    thread::scope(|scope| {
        let asks = stop.clone();
        scope.spawn(move || {
            gate.recv().expect("the function comes to its wait");
            asks.stop(verb);
        });
        run_sync_operation(kind, Nothing {}, with(stop))
    })
}

fn gate() -> (Sender<()>, Receiver<()>) {
    bounded(1)
}

#[test]
fn a_stop_wakes_a_sleep() {
    for verb in [StopVerb::Cancel, StopVerb::Deadline, StopVerb::Pause] {
        for long in [HOUR, Duration::MAX] {
            let (asleep, gate) = gate();
            let kind = does(move |ctx| {
                asleep.send(()).expect("the test listens");
                ctx.sleep(long)?;
                Ok(json!("slept"))
            });
            let end = stopped_in(&kind, &gate, verb);
            assert!(is_stopped(&end, verb), "{verb:?}: {end:?}");
        }
    }
}

#[test]
fn a_stop_wakes_a_wait_for_a_channel() {
    for verb in [StopVerb::Cancel, StopVerb::Deadline, StopVerb::Pause] {
        let (waits, gate) = gate();
        let kind = does(move |ctx| {
            waits.send(()).expect("the test listens");
            ctx.recv(&never::<u32>())?;
            Ok(json!("received"))
        });
        let end = stopped_in(&kind, &gate, verb);
        assert!(is_stopped(&end, verb), "{verb:?}: {end:?}");
    }
}

#[test]
fn a_finish_ends_a_wait_for_a_channel_without_an_item() {
    let (waits, gate) = gate();
    let kind = does(move |ctx| {
        waits.send(()).expect("the test listens");
        Ok(json!(ctx.recv(&never::<u32>())? == Received::Finish))
    });
    let end = stopped_in(&kind, &gate, StopVerb::Finish);
    assert_eq!(end.expect("it completes"), json!(true));
}

#[test]
fn a_finish_cuts_one_sleep_and_no_other() {
    let (asleep, gate) = gate();
    let (again, second) = bounded(1);
    let stop = StopHandle::new();
    let kind = does(move |ctx| {
        asleep.send(()).expect("the test listens");
        ctx.sleep(HOUR)?;
        again.send(()).expect("the test listens");
        ctx.sleep(HOUR)?;
        Ok(json!("the second sleep was cut, too"))
    });
    let end = thread::scope(|scope| {
        let asks = stop.clone();
        scope.spawn(move || {
            gate.recv().expect("the first sleep");
            asks.stop(StopVerb::Finish);
            second.recv().expect("the second sleep");
            asks.stop(StopVerb::Cancel);
        });
        run_sync_operation(&kind, Nothing {}, with(stop))
    });
    assert!(is_stopped(&end, StopVerb::Cancel), "{end:?}");
}

#[test]
fn a_stop_before_the_run_reaches_its_first_call() {
    for verb in [StopVerb::Cancel, StopVerb::Deadline, StopVerb::Pause] {
        let kind = does(|ctx| {
            ctx.check()?;
            Ok(json!("went on"))
        });
        let stop = StopHandle::new();
        stop.stop(verb);
        stop.stop(StopVerb::Finish);
        let end = run_sync_operation(&kind, Nothing {}, with(stop));
        assert!(is_stopped(&end, verb), "{verb:?}: {end:?}");
    }
    let kind = does(|ctx| {
        ctx.check()?;
        Ok(json!(ctx.steps("step", 0..3).count()))
    });
    let stop = StopHandle::new();
    stop.stop(StopVerb::Finish);
    let end = run_sync_operation(&kind, Nothing {}, with(stop));
    assert_eq!(end.expect("it completes"), json!(0));
}

#[test]
fn progress_is_told_at_the_end_with_the_last_numbers() {
    let told = Mutex::new(None);
    let kind = does(|ctx| {
        let items = ctx.items(9);
        for step in ctx.steps("step", 0..3) {
            step?;
            items.add(3);
        }
        ctx.context("symbol", "GOOG");
        Ok(json!(null))
    });
    let options = SyncOptions::default().on_progress(|progress: &Progress| {
        *told.lock().expect("no panic") = Some(progress.clone());
    });
    run_sync_operation(&kind, Nothing {}, options).expect("it completes");
    let last = told
        .into_inner()
        .expect("no panic")
        .expect("told at least once");
    assert_eq!((last.items_processed, last.items_total), (9, Some(9)));
    assert_eq!((last.steps[0].current, last.percentage), (3, 100.0));
    assert_eq!(last.context["symbol"], "GOOG");
}

#[test]
fn a_listener_that_panics_loses_no_output_and_is_told_nothing_more() {
    let told = Mutex::new(0);
    let (heard, gate) = gate();
    let kind = does(move |ctx| {
        gate.recv().expect("the listener was called");
        ctx.check()?;
        Ok(json!("done"))
    });
    let options = SyncOptions::default().on_progress(|_| {
        *told.lock().expect("it is released before the panic") += 1;
        heard.send(()).expect("the function waits");
        panic!("a pipe is closed");
    });
    let end = run_sync_operation(&kind, Nothing {}, options);
    assert_eq!(end.expect("it completes"), json!("done"));
    assert_eq!(told.into_inner().expect("no panic with it"), 1);
}

#[test]
fn a_panic_is_told_with_the_step_it_was_in() {
    let kind = does(|ctx| {
        for step in ctx.steps("step", 0..3) {
            assert!(step? < 1, "no further");
        }
        Ok(json!(null))
    });
    let told = Mutex::new(0);
    let options = SyncOptions::default().on_progress(|_| *told.lock().expect("no panic") += 1);
    let end = run_sync_operation(&kind, Nothing {}, options);
    let Err(SyncError::Panicked(failure)) = end else {
        panic!("{end:?}")
    };
    assert_eq!(failure.code, "PANICKED");
    assert_eq!(failure.message, "no further");
    assert_eq!(failure.step.as_deref(), Some("step 2/3"));
    assert!(told.into_inner().expect("no panic") > 0);
}

#[test]
fn a_failure_keeps_its_code() {
    let kind =
        does(|_| Err(Failure::new("NO_DATA", "there is no row").details(json!({"rows": 0}))));
    let end = run_sync_operation(&kind, Nothing {}, SyncOptions::default());
    let Err(SyncError::Failed(failure)) = &end else {
        panic!("{end:?}")
    };
    assert_eq!(failure.details, Some(json!({"rows": 0})));
    let text = end.expect_err("it failed").to_string();
    assert_eq!(text, "NO_DATA: there is no row");
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Layer {
    #[schemars(range(min = 1, max = 8))]
    units: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Net {
    #[schemars(length(min = 1))]
    name: String,
    layers: Vec<Layer>,
}

/// Takes a net; no net may be called "taken".
struct Picky;

impl Picky {
    fn admit(&self, net: &Net) -> Result<(), Refusal> {
        match net.name.as_str() {
            "taken" => Err(Refusal::new("TAKEN", "the name \"taken\" is taken")),
            _ => Ok(()),
        }
    }
}

impl Operation for Picky {
    const KIND: &'static str = "picky";
    type Params = Net;
    type Output = usize;
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, net: Net, _: &Context) -> Result<usize, Failure> {
        Ok(net.layers.len())
    }
}

fn net(name: &str, units: u32) -> Net {
    Net {
        name: name.to_owned(),
        layers: vec![Layer { units: 1 }, Layer { units }],
    }
}

#[test]
fn params_out_of_range_are_all_named_with_what_they_were() {
    let end = run_sync_operation(&Picky, net("", 9), SyncOptions::default());
    let Err(SyncError::Invalid(faults)) = end else {
        panic!("{end:?}")
    };
    assert_eq!(
        faults.sentence("the params"),
        "layers.1.units: expected an integer from 1 to 8, got 9; \
         name: expected a text of at least 1 character, got \"\"",
    );
}

#[test]
fn a_refused_start_does_not_run() {
    let end = run_sync_operation(&Picky, net("taken", 1), SyncOptions::default());
    let Err(SyncError::Refused(refusal)) = end else {
        panic!("{end:?}")
    };
    assert_eq!(refusal.code, "TAKEN");
    let end = run_sync_operation(&Picky, net("free", 1), SyncOptions::default());
    assert_eq!(end.expect("it completes"), 2);
}

#[test]
fn a_kind_that_keeps_folders_runs_where_nothing_is_kept_and_stops_at_once() {
    let shape = Shape {
        epochs: 3,
        batches: 0,
    };
    let end = run_sync_operation(&Big, shape, SyncOptions::default());
    assert_eq!(end.expect("it completes"), reference(3, 0));
    for verb in [StopVerb::Cancel, StopVerb::Pause] {
        let stop = StopHandle::new();
        stop.stop(verb);
        let kind = does(|ctx| {
            ctx.restored_dir::<u32>()?;
            ctx.checkpoint_dir(&1, |_| -> Result<(), Failure> { panic!("nothing is kept") })?;
            Ok(json!("went on"))
        });
        let end = run_sync_operation(&kind, Nothing {}, with(stop));
        assert!(is_stopped(&end, verb), "{verb:?}: {end:?}");
    }
}

/// Has little time.
struct Timed;

impl Operation for Timed {
    const KIND: &'static str = "timed";
    type Params = Nothing;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default").timeout(Duration::from_millis(1))
    }

    fn run(&self, _: Nothing, ctx: &Context) -> Result<(), Failure> {
        Ok(ctx.sleep(HOUR)?)
    }
}

#[test]
fn the_timeout_of_the_policy_holds() {
    let told = SyncOptions::default().on_progress(|_| {});
    for options in [SyncOptions::default(), told] {
        let end = run_sync_operation(&Timed, Nothing {}, options);
        assert!(is_stopped(&end, StopVerb::Deadline), "{end:?}");
        let text = end.expect_err("it was stopped").to_string();
        assert_eq!(text, "the run took longer than it may");
    }
}

/// Counts to 5, and does at each step what a test says.
fn counts(
    at: impl Fn(&Context, u64) -> Result<(), Failure> + Send + Sync + 'static,
) -> Does<impl Fn(&Context) -> Result<Value, Failure> + Send + Sync + 'static> {
    does(move |ctx| {
        let first = ctx.restored::<u64>()?.unwrap_or(0);
        for step in ctx.steps("step", first..5) {
            let step = step?;
            at(ctx, step)?;
            ctx.checkpoint(&(step + 1))?;
        }
        Ok(json!([ctx.run(), first]))
    })
}

#[test]
fn a_pause_gives_its_checkpoint_back_and_the_next_run_goes_on_from_it() {
    let stop = StopHandle::new();
    let pauses = stop.clone();
    let kind = counts(move |ctx, step| {
        if (ctx.run(), step) == (1, 2) {
            pauses.stop(StopVerb::Pause);
        }
        Ok(())
    });
    let mut checkpoint = None;
    let options = with(stop).checkpoint(Some(&mut checkpoint));
    let end = run_sync_operation(&kind, Nothing {}, options);
    assert!(is_stopped(&end, StopVerb::Pause), "{end:?}");
    let left = checkpoint.as_ref().expect("it gave one");
    assert_eq!((left.saved.run, left.saved.step["step"]), (1, 3));
    // It may be kept in a file meanwhile.
    let file = serde_json::to_string(left).expect("it is JSON");
    checkpoint = serde_json::from_str(&file).expect("it is read again");
    let options = SyncOptions::default().checkpoint(Some(&mut checkpoint));
    let end = run_sync_operation(&kind, Nothing {}, options);
    assert_eq!(end.expect("it completes"), json!([2, 3]));
    assert_eq!(checkpoint, None, "there is nothing to go on from");
}

#[test]
fn a_run_that_fails_leaves_its_checkpoint_and_one_that_gives_none_the_one_before_it() {
    let kind = counts(|ctx, step| match (ctx.run(), step) {
        (1, 2) | (2, 3) => panic!("the strings broke"),
        _ => Ok(()),
    });
    let mut checkpoint = None;
    let mut run = || {
        let options = SyncOptions::default().checkpoint(Some(&mut checkpoint));
        let end = run_sync_operation(&kind, Nothing {}, options);
        (
            end.is_ok(),
            checkpoint
                .clone()
                .map(|left| (left.saved.run, left.saved.step["step"])),
        )
    };
    assert_eq!(run(), (false, Some((1, 2))));
    assert_eq!(run(), (false, Some((2, 3))));
    // It goes on from step 3, and so completes.
    assert_eq!(run(), (true, None));
}

#[test]
fn a_stop_handle_stops_each_run_that_has_it_and_stays_asked() {
    let stop = StopHandle::new();
    let options = || with(stop.clone());
    let completes = does(|ctx| {
        ctx.check()?;
        Ok(json!("went on"))
    });
    for _ in 0..2 {
        let end = run_sync_operation(&completes, Nothing {}, options());
        assert_eq!(end.expect("nobody has asked"), json!("went on"));
    }
    // The third run with this handle, and a fourth at the same time.
    let (waits, gate) = bounded(2);
    let sleeps = does(move |ctx| {
        waits.send(()).expect("the test listens");
        ctx.sleep(HOUR)?;
        Ok(json!("slept"))
    });
    thread::scope(|scope| {
        let runs =
            [0, 1].map(|_| scope.spawn(|| run_sync_operation(&sleeps, Nothing {}, options())));
        gate.iter().take(2).for_each(drop);
        stop.stop(StopVerb::Pause);
        for run in runs {
            let end = run.join().expect("no panic");
            assert!(is_stopped(&end, StopVerb::Pause), "{end:?}");
        }
    });
    let end = run_sync_operation(&completes, Nothing {}, options());
    assert!(is_stopped(&end, StopVerb::Pause), "{end:?}");
}

#[test]
fn a_verb_that_a_kind_does_not_know_cancels_it() {
    for verb in [StopVerb::Pause, StopVerb::Finish] {
        let stop = StopHandle::new();
        stop.stop(verb);
        let end = run_sync_operation(&Timed, Nothing {}, with(stop));
        assert!(is_stopped(&end, StopVerb::Cancel), "{verb:?}: {end:?}");
    }
}
