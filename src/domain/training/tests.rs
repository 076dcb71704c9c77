//! Trainings on real bars, with the testing kit.

use std::path::PathBuf;

use impresario::operation::{SyncError, SyncOptions, run_sync_operation};
use impresario::testing::{self, Ask, Ended as Trial};
use impresario_api::{Bar, ModelId, Status, Timestamp, Verb, text};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::*;
use crate::domain::market::Library;

mod cancelling;
mod resume;

/// The sample of the repository: 2,148 daily bars.
fn sample() -> Vec<Bar> {
    let text = include_str!("../../../samples/GOOG_1d.csv");
    let rows = text.lines().skip(1);
    rows.map(|row| {
        let fields: Vec<&str> = row.split(',').collect();
        let number = |at: usize| fields[at].parse().expect("a number");
        Bar {
            timestamp: format!("{}T00:00:00Z", fields[0]).parse().expect("a day"),
            open: number(1),
            high: number(2),
            low: number(3),
            close: number(4),
            volume: number(5),
        }
    })
    .collect()
}

/// A library with these bars as GOOG 1d, and an empty folder for models.
struct Stage {
    folder: TempDir,
    library: Library,
    kind: Training,
    models: Models,
}

impl Stage {
    fn new(bars: &[Bar]) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let library = Library::new(folder.path().join("bars"))
            .open()
            .expect("a library");
        let models = Models::open(folder.path().join("models")).expect("a folder");
        let stage = Self {
            kind: Training::new(library.clone(), models.clone()),
            library,
            models,
            folder,
        };
        stage.load(bars);
        stage
    }

    /// Puts these bars in the place of GOOG 1d.
    fn load(&self, bars: &[Bar]) {
        let replaced = self.library.replace("GOOG", "1d", bars, "GOOG_1d.csv");
        replaced.expect("it is written");
    }

    fn run(&self, params: TrainingParams) -> Trial<Training> {
        testing::run(&self.kind, params).end()
    }

    /// How many files and folders are in the folder of models.
    fn left(&self) -> usize {
        let models = std::fs::read_dir(self.folder.path().join("models"));
        models.expect("the folder is there").count()
    }
}

fn params(epochs: u32) -> TrainingParams {
    let params = serde_json::json!({
        "symbol": "GOOG", "timeframe": "1d", "epochs": epochs, "hidden_layers": [16, 8], "device": "cpu",
    });
    serde_json::from_value(params).expect("they are params")
}

fn code(ended: &Trial<Training>) -> &str {
    ended.error().map_or("none", |error| error.code.as_str())
}

#[test]
fn learns_from_real_bars_and_keeps_what_did_best() {
    let stage = Stage::new(&sample());
    let ended = stage.run(params(4));
    let output = ended.output().expect("it completes");
    assert_eq!((output.epochs_run, output.ended_by), (4, Ended::Epochs));
    let card = stage.models.card(output.model_id).expect("it is kept");
    assert_eq!(card.history.len(), 4);
    let lowest = card
        .history
        .iter()
        .min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss));
    assert_eq!(lowest.map(|epoch| epoch.epoch), Some(card.best_epoch));
    let losses: Vec<f64> = card.history.iter().map(|epoch| epoch.train_loss).collect();
    assert!(losses[3] < losses[0], "it learns nothing: {losses:?}");
    let metrics = ended.metrics();
    for name in [
        "train_loss",
        "validation_loss",
        "train_accuracy",
        "validation_accuracy",
    ] {
        let steps: Vec<u64> = metrics[name].iter().map(|(step, _)| *step).collect();
        assert_eq!(steps, [1, 2, 3, 4], "{name}");
    }
    assert_eq!(
        metrics["validation_loss"][1].1,
        Some(card.history[1].validation_loss)
    );
    let test = &output.test;
    assert_eq!(test.rows, card.data.parts[2]);
    assert_eq!(test.confusion.iter().flatten().sum::<u64>(), test.rows);
    assert_eq!(card.weights, (13 + 1) * 16 + (16 + 1) * 8 + (8 + 1) * 2);
    let progress = ended.progress();
    assert_eq!(progress.items_processed, 4 * card.data.parts[0]);
    assert_eq!(progress.context["device"], "cpu");
}

#[test]
fn the_same_seed_gives_the_same_model_alone_or_beside_another() {
    let stage = Stage::new(&sample());
    let digest = |seed: u64| {
        let ended = stage.run(TrainingParams { seed, ..params(3) });
        let id = ended.output().expect("it completes").model_id;
        let card = stage.models.card(id).expect("it is kept");
        (card.weights_sha256, card.history)
    };
    let alone = digest(7);
    let others = std::thread::scope(|scope| {
        let one = scope.spawn(|| digest(7));
        let other = scope.spawn(|| digest(8));
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| thread.join().expect("no panic");
        [join(one), join(other)]
    });
    assert_eq!(others[0], alone);
    assert_ne!(others[1].0, alone.0);
}

#[test]
fn ends_when_the_validation_loss_improves_no_more() {
    let stage = Stage::new(&sample());
    let quick = TrainingParams {
        learning_rate: 0.05,
        patience: 2,
        ..params(200)
    };
    let ended = stage.run(quick);
    let output = ended.output().expect("it completes");
    assert_eq!(output.ended_by, Ended::Patience);
    assert_eq!(output.epochs_run, output.best_epoch + 2);
    let shown = &ended.progress().steps[0];
    assert_eq!(shown.current, u64::from(output.epochs_run));
}

#[test]
fn a_finish_keeps_the_best_so_far_within_one_batch() {
    let stage = Stage::new(&sample());
    let whole = testing::run(&stage.kind, params(4)).end().calls();
    for call in [whole / 8, whole / 3, whole / 2] {
        let ended = testing::run(&stage.kind, params(4))
            .stop_at_call(call, Verb::Finish)
            .end();
        let output = ended.output().expect("it completes");
        assert!(ended.stopped_early());
        assert_eq!(output.ended_by, Ended::Finish, "at call {call}");
        assert!(stage.models.card(output.model_id).is_ok());
        let after = ended.calls() - call;
        assert!(after <= 6, "at call {call}: {after} calls more");
    }
}

#[test]
fn a_finish_in_the_only_epoch_tells_of_it_and_of_no_loss_that_was_not_measured() {
    let stage = Stage::new(&sample());
    let calls = testing::run(&stage.kind, params(1)).end().calls();
    for call in (1..calls / 2).step_by(3) {
        let ended = testing::run(&stage.kind, params(1))
            .stop_at_call(call, Verb::Finish)
            .end();
        let Some(output) = ended.output() else {
            assert_eq!(code(&ended), "NOTHING_LEARNED", "at call {call}");
            continue;
        };
        assert_eq!(output.ended_by, Ended::Finish, "at call {call}");
        assert_eq!((output.best_epoch, output.epochs_run), (1, 1));
        let card = stage.models.card(output.model_id).expect("it is kept");
        assert!(card.history[0].train_loss > 0.0);
    }
}

#[test]
fn a_stop_is_heard_while_the_initial_weights_are_made() {
    let asked = std::cell::Cell::new(0);
    let stopped = Network::new(ComputeDevice::host(), &[1_000, 1_000, 2], 1, || {
        asked.set(asked.get() + 1);
        if asked.get() == 3 {
            Err("stopped")
        } else {
            Ok(())
        }
    });
    assert_eq!((stopped.err(), asked.get()), (Some("stopped"), 3));
}

#[test]
fn a_finish_before_anything_was_learned_leaves_no_model_and_says_so() {
    let stage = Stage::new(&sample());
    let asked = testing::run(&stage.kind, params(4)).stop_at_call(1, Verb::Finish);
    let ended = asked.end();
    assert_eq!(
        (ended.status(), code(&ended)),
        (Status::Failed, "NOTHING_LEARNED")
    );
    assert_eq!(stage.left(), 0);
}

#[test]
fn a_finish_in_the_first_epoch_keeps_what_it_learned_and_warns_of_it() {
    let stage = Stage::new(&sample());
    let asked = testing::run(&stage.kind, params(4)).stop_at("batch", 3, Verb::Finish);
    let ended = asked.end();
    let output = ended.output().expect("it completes");
    assert_eq!((output.best_epoch, output.ended_by), (1, Ended::Finish));
    assert_eq!(ended.warnings()[0].0, "EPOCH_CUT_SHORT");
    let message = &ended.progress().message;
    assert_eq!(message, "Training MLP on GOOG 1d: epoch 1/4");
}

#[test]
fn a_cancel_ends_within_one_batch_and_leaves_nothing() {
    let stage = Stage::new(&sample());
    let calls = testing::run(&stage.kind, params(1)).end().calls();
    let left = stage.left();
    for call in (1..=calls).step_by(7) {
        for ask in [Ask::Verb(Verb::Cancel), Ask::Shutdown] {
            let ended = testing::run(&stage.kind, params(1))
                .stop_at_call(call, ask)
                .end();
            assert!(
                ended.output().is_none(),
                "{ask:?} at call {call} of {calls}"
            );
            // A shutdown waits for the checkpoint of the batch in hand.
            let most = call + if ask == Ask::Shutdown { 3 } else { 0 };
            assert!(ended.calls() <= most, "{ask:?} at call {call}: it went on");
        }
    }
    assert_eq!(stage.left(), left);
}

#[test]
fn bars_that_nothing_can_be_learned_from_fail_by_name() {
    let bars = sample();
    let few = stage_of(&bars[..90]);
    assert_eq!(code(&few), "NOT_ENOUGH_BARS");
    let message = &few.error().expect("it failed").message;
    assert!(
        message.contains("GOOG 1d") && message.contains("90"),
        "{message}"
    );
    let flat: Vec<Bar> = bars.iter().map(|bar| with_close(bar, 10.0)).collect();
    assert_eq!(code(&stage_of(&flat)), "CONSTANT_PRICES");
    let up = bars.iter().enumerate();
    let rising: Vec<Bar> = up
        .map(|(day, bar)| with_close(bar, 10.0 + day as f64))
        .collect();
    assert_eq!(code(&stage_of(&rising)), "ONE_CLASS");
}

fn stage_of(bars: &[Bar]) -> Trial<Training> {
    let stage = Stage::new(bars);
    let ended = stage.run(params(2));
    assert_eq!(stage.left(), 0, "a failure leaves nothing");
    ended
}

fn with_close(bar: &Bar, close: f64) -> Bar {
    Bar {
        open: close,
        high: close,
        low: close,
        close,
        ..*bar
    }
}

#[test]
fn a_learning_rate_that_is_too_high_fails_as_diverged_and_leaves_nothing() {
    let stage = Stage::new(&sample());
    for (learning_rate, became) in [(1e3, "mean loss became"), (1e30, "NaN")] {
        let ended = stage.run(TrainingParams {
            learning_rate,
            ..params(50)
        });
        assert_eq!(code(&ended), "TRAINING_DIVERGED");
        let error = ended.error().expect("it failed");
        assert!(!error.retryable);
        let details = error.details.as_ref().expect("it has details");
        assert_eq!(details["epoch"], 1);
        for part in [became, "epoch 1, batch", "learning rate"] {
            assert!(error.message.contains(part), "{}", error.message);
        }
        assert_eq!(stage.left(), 0);
    }
    // With one batch per epoch, the validation is what finds the divergence.
    let ended = stage.run(TrainingParams {
        learning_rate: 1e30,
        batch_size: 65_536,
        ..params(50)
    });
    let message = &ended.error().expect("it failed").message;
    assert!(message.contains("epoch 1, batch 2:"), "{message}");
}

#[test]
fn typed_params_out_of_their_ranges_are_refused_by_their_names() {
    type Change = fn(&mut TrainingParams);
    let stage = Stage::new(&sample());
    let cases: [(&str, Change); 9] = [
        ("symbol", |p| p.symbol = "A".repeat(65)),
        ("symbol", |p| p.symbol.push('\n')),
        ("symbol", |p| p.symbol.push('\u{202e}')),
        ("symbol", |p| p.symbol = "imports".to_owned()),
        ("learning_rate", |p| p.learning_rate = f64::NAN),
        ("learning_rate", |p| p.learning_rate = f64::INFINITY),
        ("dropout", |p| p.dropout = 0.951),
        ("dropout", |p| p.dropout = f64::NAN),
        ("patience", |p| p.patience = 1_000_001),
    ];
    for (path, change) in cases {
        let mut params = params(1);
        change(&mut params);
        let told = format!("{params:?}");
        let end = run_sync_operation(&stage.kind, params, SyncOptions::default());
        let Err(SyncError::Invalid(faults)) = end else {
            panic!("{told}: {end:?}")
        };
        let paths: Vec<_> = faults.first().iter().map(|fault| &fault.path).collect();
        assert_eq!(paths, [path], "{told}");
    }
}

#[test]
fn a_prediction_is_what_the_training_itself_computed() {
    let bars = sample();
    let stage = Stage::new(&bars);
    let ended = stage.run(params(2));
    let id = ended.output().expect("it completes").model_id;
    let card = stage.models.card(id).expect("it is kept");
    // Every row of the test part, scaled with the training part, as in the training.
    let table = prepare::table(&bars).expect("features");
    let parts = prepare::split(&table).expect("parts");
    let mut features = table.features.clone();
    prepare::Scaler::fit(&table, parts.train.clone()).scale(&mut features);
    let network = stage.models.network(&card).expect("it is kept");
    let width = prepare::WIDTH;
    for row in [parts.test.start, parts.test.start + 17, parts.test.end - 1] {
        let features = &features[row * width..(row + 1) * width];
        let part = Part::new(ComputeDevice::host(), features, width, vec![0]);
        let trained = part
            .up(&network, || Ok::<_, TrainingError>(()))
            .expect("it goes on")[0];
        let last = row + prepare::LOOK_BACK;
        for from in [0, last - prepare::LOOK_BACK] {
            let predicted = predict(&stage.models, id, &bars[from..last]).expect("enough bars");
            assert_eq!(predicted.probabilities["up"], trained, "row {row}");
            let sum: f64 = predicted.probabilities.values().sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn a_prediction_of_bars_that_cannot_be_says_which() {
    let mut bars = sample();
    let stage = Stage::new(&bars);
    let id = stage
        .run(params(1))
        .output()
        .expect("it completes")
        .model_id;
    let fails = |bars: &[Bar]| {
        predict(&stage.models, id, bars)
            .expect_err("it cannot be")
            .to_string()
    };
    assert!(fails(&bars[..5]).contains("100"), "{}", fails(&bars[..5]));
    bars[3].timestamp = Timestamp::from_millis(0);
    assert!(fails(&bars).starts_with("bars[3].timestamp: expected later than 2004-08-23"));
    bars[2].high = f64::NAN;
    assert!(fails(&bars).starts_with("bars[2].high: expected a finite number, got NaN"));
}

#[test]
fn a_damaged_model_is_found_out_and_hides_no_other() {
    let stage = Stage::new(&sample());
    let id = || {
        stage
            .run(params(1))
            .output()
            .expect("it completes")
            .model_id
    };
    let (whole, broken) = (id(), id());
    let weights = stage.models.path(broken).join("model.safetensors");
    let mut bytes = std::fs::read(&weights).expect("weights");
    *bytes.last_mut().expect("not empty") ^= 1;
    std::fs::write(&weights, bytes).expect("the test may");
    let card = stage.models.card(broken).expect("its card is whole");
    let error = stage.models.network(&card).err().expect("it is damaged");
    assert!(error.to_string().contains("checksum"), "{error}");
    std::fs::write(stage.models.path(broken).join("card.json"), "{}").expect("the test may");
    let listed: Vec<_> = stage
        .models
        .list()
        .expect("a list")
        .into_iter()
        .map(|row| row.model_id)
        .collect();
    assert_eq!(listed, [whole]);
}

/// A model whose files somebody changed.
struct Tampered<'a> {
    stage: &'a Stage,
    id: ModelId,
    card: Value,
}

impl Tampered<'_> {
    fn file(&self, name: &str) -> PathBuf {
        self.stage.models.path(self.id).join(name)
    }

    /// The card with another value in one place.
    fn with(&self, place: &str, value: Value) -> Value {
        let mut card = self.card.clone();
        *card.pointer_mut(place).expect("the card has it") = value;
        card
    }

    /// Why a model with this card is damaged. Anything else fails the test.
    fn damage(&self, card: &Value) -> String {
        let text = serde_json::to_vec(card).expect("JSON");
        std::fs::write(self.file("card.json"), text).expect("the test may");
        match predict(&self.stage.models, self.id, &sample()) {
            Err(error @ TrainingError::Damaged { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

fn tampered(stage: &Stage) -> Tampered<'_> {
    let id = stage.run(params(1)).output().expect("a model").model_id;
    let card = std::fs::read(stage.models.path(id).join("card.json")).expect("a card");
    let card = serde_json::from_slice(&card).expect("JSON");
    Tampered { stage, id, card }
}

#[test]
fn a_card_that_does_not_fit_is_damage() {
    let stage = Stage::new(&sample());
    let model = tampered(&stage);
    for (place, value, wanted) in [
        ("/layers", json!([]), "its card: layers"),
        ("/layers", json!([13]), "its card: layers"),
        ("/layers", json!([13, 0, 2]), "its card: layers"),
        ("/layers", json!([16, 8, 2]), "its card: layers"),
        ("/layers", json!([13, 16, 8, 3]), "its card: layers"),
        (
            "/layers",
            json!([13, 4_294_967_295_u32, 4_294_967_295_u32, 2]),
            "its card: weights",
        ),
        ("/layers", json!([13, 16, 2]), "its card: weights"),
        ("/weights", json!(0), "its card: weights"),
        ("/features", json!([]), "its card: layers"),
        (
            "/features/0/deviation",
            json!(0.0),
            "its card: log_return_1",
        ),
        (
            "/features/0/deviation",
            json!(-1.0),
            "its card: log_return_1",
        ),
        ("/features/0/mean", Value::Null, "its card: "),
        ("/features/0/name", json!("other"), "other features"),
        // One can divide by this number, but the result is infinite.
        ("/features/0/deviation", json!(1e-300), "no number"),
        ("/features/0/mean", json!(1e300), "no number"),
    ] {
        let why = model.damage(&model.with(place, value.clone()));
        assert!(why.contains(wanted), "{place} {value}: {why}");
    }
    // The same number of weights in another shape.
    let mut card = model.with("/layers", json!([13, 8, 16, 2]));
    card["weights"] = json!(14 * 8 + 9 * 16 + 17 * 2);
    let why = model.damage(&card);
    assert!(
        why.contains("layers.0.weight: expected the shape [8, 13]"),
        "{why}"
    );
    std::fs::remove_file(model.file("model.safetensors")).expect("it is there");
    assert!(model.damage(&model.card).contains("its weights are gone"));
}

#[test]
fn weights_that_are_no_numbers_are_damage_also_under_their_own_checksum() {
    let stage = Stage::new(&sample());
    let model = tampered(&stage);
    let card = stage.models.card(model.id).expect("it is whole");
    let network = stage.models.network(&card).expect("it is whole");
    for (value, wanted) in [
        (
            f64::NAN,
            "layers.0.weight: expected finite numbers, got NaN",
        ),
        (
            f64::INFINITY,
            "layers.0.weight: expected finite numbers, got inf",
        ),
        (1e38, "no number"),
    ] {
        let mut named = network.named();
        let _ = named[0].1.fill_(value);
        let file = model.file("model.safetensors");
        tch::Tensor::write_safetensors(&named, &file).expect("the test may");
        let sum = text::hex(&Sha256::digest(std::fs::read(file).expect("weights")));
        let why = model.damage(&model.with("/weights_sha256", json!(sum)));
        assert!(why.contains(wanted), "{why}");
    }
}

#[test]
fn what_a_crash_left_unfinished_is_removed() {
    let stage = Stage::new(&sample());
    let folder = stage.folder.path().join("models");
    std::fs::create_dir(folder.join(".partial-mdl_0000000000000")).expect("the test may");
    let models = Models::open(&folder).expect("a folder");
    assert_eq!(stage.left(), 0);
    assert!(models.list().expect("a list").is_empty());
    let status = stage.run(params(1)).status();
    assert_eq!((status, stage.left()), (Status::Completed, 1));
}

/// Compares the gradient that was written by hand with autograd's for the same forward pass.
#[test]
fn the_gradient_is_that_of_autograd() {
    use tch::{Kind, Tensor};
    let widths = [5_u32, 7, 6, 3];
    let mut network = Network::new(ComputeDevice::host(), &widths, 3, || {
        Ok::<_, TrainingError>(())
    })
    .expect("it goes on");
    let rows: Vec<f32> = (0..8 * 5)
        .map(|at| ((at * 37 % 101) as f32 - 50.0) / 25.0)
        .collect();
    let rows = ComputeDevice::host().tensor(&rows, &[8, 5]);
    let classes = [0_u8, 1, 2, 2, 1, 0, 0, 2];
    let mut taped = Vec::new();
    let mut activation = rows.shallow_clone();
    let named = network.named();
    for (layer, pair) in named.chunks(2).enumerate() {
        let weight = pair[0].1.copy().set_requires_grad(true);
        let bias = pair[1].1.copy().set_requires_grad(true);
        activation = activation.matmul(&weight.tr()) + &bias;
        if layer + 1 < widths.len() - 1 {
            activation = activation.relu();
        }
        taped.extend([weight, bias]);
    }
    let right = Tensor::from_slice(&classes.map(i64::from));
    let loss = activation.cross_entropy_for_logits(&right);
    loss.backward();
    let batch = Batch {
        rows,
        classes: &classes,
    };
    let (sum, ours) = network.gradient_of(&batch);
    assert!((sum.mean_loss() - loss.double_value(&[])).abs() < 1e-6);
    let theirs: Vec<f32> = taped
        .iter()
        .flat_map(|tensor| {
            Vec::<f32>::try_from(tensor.grad().flatten(0, -1).to_kind(Kind::Float)).expect("floats")
        })
        .collect();
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!((ours - theirs).abs() < 1e-6, "{ours} and {theirs}");
    }
}

#[test]
fn files_that_were_not_written_here_are_damage_and_neither_wait_nor_fill_the_memory() {
    let stage = Stage::new(&sample());
    let model = tampered(&stage);
    let card = model.card.clone();
    let pipe = |name: &str| {
        std::fs::remove_file(model.file(name)).expect("it is there");
        let made = rustix::fs::mkfifoat(rustix::fs::CWD, model.file(name), rustix::fs::Mode::RUSR);
        made.expect("a pipe");
    };
    let of_card = || stage.models.card(model.id).expect_err("it is no card");
    pipe("card.json");
    assert!(of_card().to_string().contains("no regular file"));
    std::fs::remove_file(model.file("card.json")).expect("it is there");
    let huge = std::fs::File::create(model.file("card.json")).expect("the test may");
    huge.set_len(30 << 30).expect("a file with a hole");
    assert!(of_card().to_string().contains("more than"));
    pipe("model.safetensors");
    let why = model.damage(&card);
    assert!(why.contains("no regular file"), "{why}");
    std::fs::remove_file(model.file("model.safetensors")).expect("it is there");
    let huge = std::fs::File::create(model.file("model.safetensors")).expect("the test may");
    huge.set_len(30 << 30).expect("a file with a hole");
    let why = model.damage(&card);
    assert!(why.contains("more than"), "{why}");
}
