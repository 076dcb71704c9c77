//! A training that was stopped and goes on ends with the bits of one that was never stopped.

use std::collections::BTreeMap;

use impresario::operation::{Context, Failure, Kinds, Operation, Policy};
use impresario::store::sqlite::{self, SqliteStore};
use impresario::{Config, LaneConfig, Options, Orchestrator, Until};

use super::*;

/// The end of a training, as far as it must not depend on stops.
#[derive(Debug, PartialEq)]
struct Outcome {
    weights_sha256: String,
    history: Vec<impresario_api::EpochView>,
    /// The points of each metric over all runs, the latest of each step.
    metrics: BTreeMap<String, BTreeMap<u64, u64>>,
    best_epoch: u32,
    ended: Ended,
    items: u64,
}

/// Runs a training with these stops, each at so many calls after the one before, until it completes.
/// Returns how it ended, and how often it went on from a checkpoint.
fn run_with_stops(
    stage: &Stage,
    params: &TrainingParams,
    stops: &[(u64, Ask)],
) -> (Outcome, usize) {
    let mut metrics = BTreeMap::<String, BTreeMap<u64, u64>>::new();
    let (mut stops, mut restored) = (stops.iter(), 0);
    let mut trial = testing::run(&stage.kind, params.clone());
    loop {
        let stop = stops.next();
        if let Some((call, ask)) = stop {
            trial = trial.stop_at_call(*call, *ask);
        }
        let ended = trial.end();
        for (name, points) in ended.metrics() {
            let points = points.iter();
            let points = points.map(|(step, value)| (*step, value.expect("finite").to_bits()));
            metrics.entry(name.to_owned()).or_default().extend(points);
        }
        if let Some(output) = ended.output() {
            let card = stage.models.card(output.model_id).expect("it is kept");
            let outcome = Outcome {
                weights_sha256: card.weights_sha256,
                history: card.history,
                metrics,
                best_epoch: output.best_epoch,
                ended: output.ended_by,
                items: ended.progress().items_processed,
            };
            // A run that is stopped before it has learned anything leaves no trace.
            let places = 1 + usize::from(restored > 0)..=1 + restored;
            assert!(places.contains(&card.ancestry.len()), "{places:?}");
            return (outcome, restored);
        }
        assert!(stop.is_some(), "{:?}", ended.error());
        restored += usize::from(ended.checkpoint().is_some());
        trial = ended.resume(&stage.kind);
    }
}

/// Numbers that look random, the same in each run of the test.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A training of which a hundred are run in seconds: 420 bars, 5 epochs of 4 or 5 batches.
fn quick() -> (Stage, TrainingParams) {
    let stage = Stage::new(&sample()[..420]);
    let params = TrainingParams {
        batch_size: 50,
        learning_rate: 0.01,
        ..params(5)
    };
    (stage, params)
}

#[test]
fn a_hundred_random_stops_change_no_bit_and_leave_one_continuous_history() {
    let (stage, params) = quick();
    let (undisturbed, _) = run_with_stops(&stage, &params, &[]);
    let calls = testing::run(&stage.kind, params.clone()).end().calls();
    assert_eq!(undisturbed.history.len(), 5);
    let asks = [Ask::Verb(Verb::Pause), Ask::Shutdown];
    let mut numbers = Numbers(20_261_130);
    let (mut stopped, mut trainings, mut went_on) = (0, 0, 0);
    while stopped < 100 {
        let count = 1 + numbers.below(4);
        let mut stop = |_| {
            let call = 6 + numbers.below(calls / count - 10);
            (call, asks[numbers.below(2) as usize])
        };
        let stops: Vec<_> = (0..count).map(&mut stop).collect();
        let (outcome, restored) = run_with_stops(&stage, &params, &stops);
        assert_eq!(outcome, undisturbed, "{stops:?}");
        stopped += stops.len();
        trainings += 1;
        went_on += restored;
    }
    assert!(trainings < 80, "several stops in one training: {trainings}");
    assert!(
        went_on > 80,
        "they went on, and did not begin anew: {went_on}"
    );
}

#[test]
fn every_call_is_a_place_to_stop_and_go_on_from() {
    let (stage, params) = quick();
    let params = TrainingParams {
        epochs: 2,
        ..params
    };
    let (undisturbed, _) = run_with_stops(&stage, &params, &[]);
    let calls = testing::run(&stage.kind, params.clone()).end().calls();
    for call in 1..=calls {
        let (outcome, _) = run_with_stops(&stage, &params, &[(call, Ask::Shutdown)]);
        assert_eq!(outcome, undisturbed, "at call {call} of {calls}");
    }
}

#[test]
fn a_cancel_a_deadline_and_a_pause_in_an_epoch_keep_its_last_batch() {
    let (stage, params) = quick();
    for ask in [
        Ask::Verb(Verb::Cancel),
        Ask::Deadline,
        Ask::Verb(Verb::Pause),
        Ask::Shutdown,
    ] {
        // In the epoch after the second, with three batches learned.
        let trial = testing::run(&stage.kind, params.clone());
        let calls = trial.end().calls();
        let mut seen = 0;
        for call in calls / 3..calls / 2 {
            let trial = testing::run(&stage.kind, params.clone()).stop_at_call(call, ask);
            let ended = trial.end();
            let kept = ended.checkpoint().map(|checkpoint| checkpoint.step.clone());
            let shown = &ended.progress().steps;
            let Some(kept) = kept else { continue };
            assert_eq!(kept["epoch"], shown[0].current, "{ask:?} at call {call}");
            assert_eq!(kept["batch"], shown[1].current, "{ask:?} at call {call}");
            seen += 1;
        }
        assert!(seen > 0, "{ask:?}");
    }
}

#[test]
fn patience_counts_on_over_a_stop() {
    let (stage, params) = quick();
    let params = TrainingParams {
        epochs: 200,
        patience: 3,
        learning_rate: 0.05,
        ..params
    };
    let (undisturbed, _) = run_with_stops(&stage, &params, &[]);
    assert_eq!(undisturbed.ended, Ended::Patience);
    let calls = testing::run(&stage.kind, params.clone()).end().calls();
    let stops: Vec<_> = (0..4)
        .map(|_| (calls / 5, Ask::Verb(Verb::Pause)))
        .collect();
    let (outcome, restored) = run_with_stops(&stage, &params, &stops);
    assert_eq!((outcome, restored), (undisturbed, 4));
}

#[test]
fn other_bars_than_those_of_the_checkpoint_are_refused_by_name() {
    let (stage, params) = quick();
    let paused = testing::run(&stage.kind, params)
        .stop_at("epoch", 2, Verb::Pause)
        .end();
    stage.load(&sample()[..500]);
    let ended = paused.resume(&stage.kind).end();
    assert_eq!(code(&ended), "OTHER_DATA");
    let error = ended.error().expect("it failed");
    assert!(
        error.message.starts_with("GOOG 1d: ") && !error.retryable,
        "{}",
        error.message
    );
}

/// A training of another version, which leaves a checkpoint that only that version reads.
struct OtherVersion;

impl Operation for OtherVersion {
    const KIND: &'static str = "training";
    type Params = TrainingParams;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("training").pausable()
    }

    fn run(&self, _: TrainingParams, ctx: &Context) -> Result<(), Failure> {
        let state = BTreeMap::from([("format", 1_000_u32)]);
        // From here on a pause waits for a checkpoint.
        let _ = ctx.restored_dir::<BTreeMap<String, u32>>()?;
        for step in ctx.steps("epoch", 0..) {
            step?;
            ctx.checkpoint_dir(&state, |_| Ok::<_, Failure>(()))?;
        }
        Ok(())
    }
}

#[test]
fn a_checkpoint_of_another_version_is_refused_by_name() {
    let (stage, params) = quick();
    let folder = stage.folder.path().join("store");
    let start = |kinds: Kinds| {
        let lane = LaneConfig::default().concurrency(1);
        let config = Config::default().lane("training", lane);
        let config = config.checkpoint_dir(Some(stage.folder.path().join("checkpoints")));
        let store = SqliteStore::open(&folder, sqlite::Options::default()).expect("a store");
        Orchestrator::start(config, kinds, store).expect("it starts")
    };
    let minute = std::time::Duration::from_secs(60);
    let view = actix_web::rt::System::new().block_on(async {
        let other = start(Kinds::new().register(OtherVersion));
        let started = other.start_managed_operation::<OtherVersion>(params, Options::default());
        let id = started.await.expect("a start").id;
        while other.view(id).await.expect("a view").row.status != Status::Running {
            tokio::task::yield_now().await;
        }
        let patient = Options::default().wait(minute);
        other
            .ask(id, Verb::Pause, None, patient)
            .await
            .expect("it pauses");
        other.shutdown().await;
        drop(other);
        let this = start(Kinds::new().register(stage.kind.clone()));
        this.ask(id, Verb::Resume, None, Options::default())
            .await
            .expect("it resumes");
        let view = this
            .wait_until(id, Until::Ended, minute)
            .await
            .expect("it ends");
        this.shutdown().await;
        view
    });
    let error = view.row.error.expect("it failed");
    assert_eq!(error.code, "CHECKPOINT_OTHER_VERSION");
    assert!(
        error.message.contains("the format 1000"),
        "{}",
        error.message
    );
}

#[test]
fn a_training_that_went_on_verifies_and_one_whose_weights_were_changed_does_not() {
    let (stage, params) = quick();
    let paused = testing::run(&stage.kind, params.clone())
        .stop_at("batch", 3, Verb::Pause)
        .end();
    let ended = paused.resume(&stage.kind).end();
    let model_id = ended.output().expect("it completes").model_id;
    let verify = ModelVerify::new(stage.library.clone(), stage.models.clone());
    let verified = || {
        let ended = testing::run(&verify, ModelVerifyParams { model_id }).end();
        let output = ended.output().expect("it completes").clone();
        (
            output,
            ended
                .warnings()
                .iter()
                .map(|(code, _)| (*code).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let (whole, warnings) = verified();
    assert!(whole.identical && whole.bits_promised, "{}", whole.verdict);
    assert_eq!(
        (whole.weights_that_differ, whole.largest_difference),
        (0, 0.0)
    );
    assert!(warnings.is_empty());
    // A weight is another one, under a checksum of its own.
    let card = stage.models.card(model_id).expect("it is kept");
    let network = stage.models.network(&card).expect("it is whole");
    let named = network.named();
    let changed = named[0].1.get(0).get(0).double_value(&[]) + 0.25;
    let _ = named[0].1.get(0).get(0).fill_(changed);
    let file = stage.models.path(model_id).join("model.safetensors");
    tch::Tensor::write_safetensors(&named, &file).expect("the test may");
    let sum = text::hex(&Sha256::digest(std::fs::read(file).expect("weights")));
    let card = impresario_api::ModelCard {
        weights_sha256: sum,
        ..card
    };
    let place = stage.models.path(model_id).join("card.json");
    std::fs::write(&place, serde_json::to_vec(&card).expect("JSON")).expect("the test may");
    let (other, warnings) = verified();
    assert!(!other.identical && other.bits_promised);
    assert_eq!(other.weights_that_differ, 1);
    assert!((other.largest_difference - 0.25).abs() < 1e-6, "{other:?}");
    assert_eq!(warnings, ["MODEL_NOT_REPRODUCED"]);
    // On another processor the difference is told, and nothing is promised.
    let mut elsewhere = card;
    elsewhere.machine.as_mut().expect("it is there").processor = "another".to_owned();
    std::fs::write(place, serde_json::to_vec(&elsewhere).expect("JSON")).expect("the test may");
    let (other, warnings) = verified();
    assert!(!other.identical && !other.bits_promised && warnings.is_empty());
    assert!(
        other.verdict.contains("processor another there"),
        "{}",
        other.verdict
    );
}

#[test]
fn a_finish_in_the_first_epoch_verifies_too() {
    let (stage, params) = quick();
    let cut = testing::run(&stage.kind, params)
        .stop_at("batch", 3, Verb::Finish)
        .end();
    let output = cut.output().expect("it completes");
    let card = stage.models.card(output.model_id).expect("it is kept");
    assert_eq!(card.cut_after_batches, Some(3));
    let verify = ModelVerify::new(stage.library.clone(), stage.models.clone());
    let params = ModelVerifyParams {
        model_id: output.model_id,
    };
    let ended = testing::run(&verify, params).end();
    assert!(ended.output().expect("it completes").identical);
}

#[test]
fn the_card_names_who_trained_it_on_which_days_and_where() {
    let (stage, params) = quick();
    let ended = stage.run(params);
    let card = stage
        .models
        .card(ended.output().expect("it completes").model_id)
        .expect("a card");
    assert!(card.operation_id.is_some());
    assert_eq!(card.requested_by.as_deref(), Some("a test"));
    let dates = card.data.part_dates.expect("they are there");
    let bars = sample();
    assert_eq!(dates[0].start, bars[prepare::LOOK_BACK - 1].timestamp);
    // The last bar has no next one, so no row.
    assert_eq!(dates[2].end, bars[418].timestamp);
    for pair in dates.windows(2) {
        assert!(pair[0].end < pair[1].start);
    }
    let machine = card.machine.expect("it is there");
    assert_eq!((machine.device.as_str(), machine.threads), ("cpu", 1));
    assert!(!machine.processor.is_empty() && !machine.libtorch.is_empty());
    assert!(card.versions.contains_key("revision"));
}

#[test]
fn a_card_whose_numbers_cannot_be_is_damage_and_verified_by_nobody() {
    let (stage, params) = quick();
    let paused = testing::run(&stage.kind, params)
        .stop_at("epoch", 2, Verb::Pause)
        .end();
    let ended = paused.resume(&stage.kind).end();
    let model_id = ended.output().expect("it completes").model_id;
    let place = stage.models.path(model_id).join("card.json");
    let whole: Value =
        serde_json::from_slice(&std::fs::read(&place).expect("a card")).expect("JSON");
    let verify = ModelVerify::new(stage.library.clone(), stage.models.clone());
    let refused = |card: &Value| {
        std::fs::write(&place, serde_json::to_vec(card).expect("JSON")).expect("the test may");
        let tried = testing::try_run(&verify, ModelVerifyParams { model_id });
        tried
            .err()
            .map(|refusal| (refusal.code.to_string(), refusal.message))
    };
    assert_eq!(refused(&whole), None);
    for (at, value) in [
        ("/params/batch_size", json!(0)),
        ("/params/batch_size", json!(4_000_000_000_u32)),
        ("/params/hidden_layers", json!([3])),
        ("/params/dropout", json!(2)),
        ("/params/learning_rate", json!(0)),
        ("/params/seed", json!("none")),
        ("/params/symbol", json!("MSFT")),
        ("/ancestry/0/params/batch_size", json!(0)),
        ("/ancestry/1/params/hidden_layers", json!([4_096, 4_096])),
        ("/ancestry/1/params/seed", json!(9)),
        ("/ancestry/0/batches", json!(4_000_000_000_u32)),
        ("/ancestry/1/epochs", json!(4_000_000_000_u32)),
        ("/best_epoch", json!(0)),
        ("/best_epoch", json!(4_000_000_000_u32)),
        ("/history", json!([])),
        ("/history/0/epoch", json!(7)),
        ("/cut_after_batches", json!(0)),
        ("/cut_after_batches", json!(4_000_000_000_u32)),
    ] {
        let mut card = whole.clone();
        *card.pointer_mut(at).unwrap_or_else(|| panic!("no {at}")) = value.clone();
        let (code, message) = refused(&card).unwrap_or_else(|| panic!("{at} {value} is taken"));
        assert_eq!(code, "MODEL_DAMAGED", "{at} {value}: {message}");
    }
}
