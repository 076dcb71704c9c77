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

const fn with(stop: StopHandle) -> SyncOptions<'static> {
    SyncOptions {
        on_progress: None,
        stop: Some(stop),
    }
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
            assert!(matches!(end, Err(SyncError::Stopped)), "{verb:?}: {end:?}");
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
        assert!(matches!(end, Err(SyncError::Stopped)), "{verb:?}: {end:?}");
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
    assert!(matches!(end, Err(SyncError::Stopped)), "{end:?}");
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
        assert!(matches!(end, Err(SyncError::Stopped)), "{verb:?}: {end:?}");
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
    let options = SyncOptions {
        on_progress: Some(Box::new(|progress: &Progress| {
            *told.lock().expect("no panic") = Some(progress.clone());
        })),
        stop: None,
    };
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
fn a_panic_is_told_with_the_step_it_was_in() {
    let kind = does(|ctx| {
        for step in ctx.steps("step", 0..3) {
            assert!(step? < 1, "no further");
        }
        Ok(json!(null))
    });
    let told = Mutex::new(0);
    let options = SyncOptions {
        on_progress: Some(Box::new(|_| *told.lock().expect("no panic") += 1)),
        stop: None,
    };
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
        assert!(matches!(end, Err(SyncError::Stopped)), "{verb:?}: {end:?}");
    }
}
