//! A cancel in each phase of a training: heard at once, with nothing left but the checkpoint.

use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::MemoryStore;
use impresario::{Config, LaneConfig, Options, Orchestrator, Until};

use super::*;

/// A training of a few batches, and what its calls are.
struct Cancelled {
    stage: Stage,
    params: TrainingParams,
}

impl Cancelled {
    fn new() -> Self {
        let stage = Stage::new(&sample()[..420]);
        let params = TrainingParams {
            batch_size: 50,
            ..params(3)
        };
        Self { stage, params }
    }

    fn trial(&self) -> testing::Trial<'_, Training> {
        testing::run(&self.stage.kind, self.params.clone())
    }

    /// The number of calls before this many steps are complete.
    fn calls_until(&self, name: &'static str, complete: u64) -> u64 {
        self.trial()
            .stop_at(name, complete, Verb::Cancel)
            .end()
            .calls()
    }

    /// It was cancelled in the call in which it was asked, and left no model, finished or not.
    fn holds(&self, ended: &Trial<Training>, calls: u64) {
        assert_eq!(ended.status(), Status::Cancelled);
        assert_eq!(ended.calls(), calls, "it went on");
        assert_eq!(self.stage.left(), 0);
    }

    fn at_call(&self, call: u64) -> Trial<Training> {
        let ended = self.trial().stop_at_call(call, Verb::Cancel).end();
        self.holds(&ended, call);
        ended
    }
}

/// The first call comes before the bars are read.
const LOADING: u64 = 1;
/// The second comes with the first row of the features, the third after the last.
const COMPUTING_FEATURES: u64 = 2;
/// The fourth comes before the first of the initial weights.
const INITIAL_WEIGHTS: u64 = 4;

#[test]
fn cancelled_while_the_bars_are_loaded() {
    let ended = Cancelled::new().at_call(LOADING);
    assert!(ended.checkpoint().is_none() && ended.progress().steps.is_empty());
}

#[test]
fn cancelled_while_features_are_computed() {
    let ended = Cancelled::new().at_call(COMPUTING_FEATURES);
    assert!(ended.checkpoint().is_none());
    assert_eq!(ended.progress().context["symbol"], "GOOG");
}

#[test]
fn cancelled_while_the_initial_weights_are_made() {
    let ended = Cancelled::new().at_call(INITIAL_WEIGHTS);
    assert!(ended.checkpoint().is_none() && ended.progress().steps.is_empty());
}

#[test]
fn cancelled_in_the_first_batch() {
    let test = Cancelled::new();
    let ended = test.trial().stop_at("batch", 0, Verb::Cancel).end();
    assert_eq!(ended.status(), Status::Cancelled);
    assert_eq!(ended.progress().steps[0].current, 0);
    assert_eq!(test.stage.left(), 0);
}

#[test]
fn cancelled_in_the_middle_of_an_epoch() {
    let test = Cancelled::new();
    let ended = test.trial().stop_at("batch", 2, Verb::Cancel).end();
    test.holds(&ended, test.calls_until("batch", 2));
    assert!(ended.metrics().is_empty(), "no epoch has ended");
}

#[test]
fn cancelled_at_the_end_of_an_epoch() {
    let test = Cancelled::new();
    let ended = test.trial().stop_at("epoch", 1, Verb::Cancel).end();
    test.holds(&ended, test.calls_until("epoch", 1));
    assert_eq!(ended.metrics()["validation_loss"].len(), 1);
}

#[test]
fn cancelled_during_the_validation_keeps_the_batches_of_its_epoch() {
    let test = Cancelled::new();
    // The call before the epoch is complete asks in the validation, after the last batch.
    let validation = test.calls_until("epoch", 1) - 2;
    let ended = test.at_call(validation);
    assert!(ended.metrics().is_empty());
    let kept = &ended.checkpoint().expect("it is kept").step;
    let batches = ended.progress().steps[1].total.expect("known");
    let kept: Vec<_> = kept.iter().map(|(name, at)| (name.as_str(), *at)).collect();
    assert_eq!(kept, [("epoch", 0), ("batch", batches)], "outermost first");
}

#[test]
fn cancelled_while_it_is_tested() {
    let test = Cancelled::new();
    let calls = test.trial().end().calls();
    let test = Cancelled::new();
    test.at_call(calls - 1);
}

#[test]
fn cancelled_while_the_model_is_saved_leaves_no_file_of_it() {
    let test = Cancelled::new();
    let calls = test.trial().end().calls();
    let test = Cancelled::new();
    // The last call comes when all is written, before it gets its name.
    test.at_call(calls);
}

#[test]
fn cancelled_together_with_early_stopping() {
    let test = Cancelled::new();
    let params = TrainingParams {
        epochs: 200,
        patience: 2,
        learning_rate: 0.05,
        ..test.params.clone()
    };
    let whole = testing::run(&test.stage.kind, params.clone()).end();
    let output = whole.output().expect("it completes");
    assert_eq!(output.ended_by, Ended::Patience);
    let left = test.stage.left();
    let last = u64::from(output.epochs_run);
    let trial = testing::run(&test.stage.kind, params);
    let ended = trial.stop_at("epoch", last, Verb::Cancel).end();
    assert_eq!(ended.status(), Status::Cancelled);
    assert_eq!(test.stage.left(), left, "no second model");
}

#[test]
fn cancelled_and_resumed_ends_with_the_bits_of_an_undisturbed_training() {
    let test = Cancelled::new();
    let weights = |ended: &Trial<Training>| {
        let id = ended.output().expect("it completes").model_id;
        test.stage
            .models
            .card(id)
            .expect("it is kept")
            .weights_sha256
    };
    let undisturbed = weights(&test.trial().end());
    let trial = test.trial().checkpoint_every_call();
    let cancelled = trial.stop_at("batch", 3, Verb::Cancel).end();
    let resumed = cancelled.resume(&test.stage.kind).end();
    assert_eq!(weights(&resumed), undisturbed);
}

/// Panics in the lane of trainings.
struct Breaks;

impl Operation for Breaks {
    const KIND: &'static str = "breaks";
    type Params = ();
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("training")
    }

    fn run(&self, (): (), _: &Context) -> Result<(), Failure> {
        panic!("it broke");
    }
}

#[test]
fn cancelled_after_a_panic_in_the_same_slot() {
    let stage = Stage::new(&sample());
    let lane = LaneConfig::default().concurrency(1);
    let config = Config::default()
        .lane("training", lane)
        .checkpoint_dir(Some(stage.folder.path().join("checkpoints")));
    let kinds = Kinds::new().register(Breaks).register(stage.kind.clone());
    let ended = actix_web::rt::System::new().block_on(async {
        let orchestrator =
            Orchestrator::start(config, kinds, MemoryStore::new()).expect("it starts");
        let minute = std::time::Duration::from_secs(60);
        let ended = async |id| orchestrator.wait_until(id, Until::Ended, minute).await;
        let broken = orchestrator.start_managed_operation::<Breaks>((), Options::default());
        let broken = broken.await.expect("a start").id;
        let view = ended(broken).await.expect("it ends");
        assert_eq!(
            view.row.error.map(|error| error.code).as_deref(),
            Some("PANICKED")
        );
        let endless = TrainingParams {
            patience: 1_000_000,
            ..params(1_000_000)
        };
        let training =
            orchestrator.start_managed_operation::<Training>(endless, Options::default());
        let id = training.await.expect("a start").id;
        let asked = orchestrator.ask(id, Verb::Cancel, None, Options::default());
        asked.await.expect("it is asked");
        let view = ended(id).await.expect("it ends");
        orchestrator.shutdown().await;
        view
    });
    assert_eq!(ended.row.status, Status::Cancelled);
}

#[test]
fn every_tensor_is_on_the_device_that_was_chosen_also_after_a_checkpoint() {
    let device = ComputeDevice::find("auto").expect("there is one");
    let widths = [5, 4, 2];
    let go_on = || Ok::<_, TrainingError>(());
    let mut network = Network::new(device, &widths, 1, go_on).expect("it goes on");
    let restored = Network::with_weights(device, &widths, &network.weights());
    let rows: Vec<f32> = (0..10 * 5).map(|at| at as f32 / 50.0).collect();
    let part = Part::new(device, &rows, 5, vec![0, 1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let shuffled = part.shuffled(1, 0);
    let mut adam = Adam::new(network.size(), 0.01);
    let dropout = Dropout {
        dropped: 0.2,
        seed: 1,
        epoch: 0,
        batch: 0,
    };
    network.learn(&shuffled.batch(0, 10), dropout, &mut adam);
    for found in [
        network.devices(),
        restored.devices(),
        part.devices(),
        shuffled.devices(),
    ]
    .concat()
    {
        assert_eq!(found, device);
    }
}
