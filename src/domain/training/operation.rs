//! The kind `training`.

use std::collections::BTreeMap;

use impresario::operation::{Admit, Context, Failure, Operation, Policy, Refusal, Stopped};
use impresario_api::{FeatureView, ModelCard, ModelData, ModelId, TestReport, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::device::{self, ComputeDevice};
use super::error::TrainingError;
use super::fit::{Ended, Fitted, Part, fit};
use super::memory;
use super::models::Models;
use super::network::{Network, weights_of};
use super::params::TrainingParams;
use super::prepare::{self, NAMES, Parts, PrepareError, Scaler, Table, WIDTH};
use super::scores;
use crate::domain::market::{Dataset, Library};

/// Trains networks on bars of the library, and stores them.
#[derive(Clone, Debug)]
pub struct Training {
    library: Library,
    models: Models,
}

/// The output of a training.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TrainingOutput {
    /// The model's id.
    pub model_id: ModelId,
    /// The epoch whose weights the model has, from 1.
    pub best_epoch: u32,
    /// The number of epochs that were run.
    pub epochs_run: u32,
    /// Why the training ended: "epochs", "patience" or "finish".
    pub ended_by: Ended,
    /// The test of the model on the part that it has not seen, beside two simple rules.
    pub test: TestReport,
    /// Whether the model is better than these rules, in words.
    pub verdict: String,
    /// The folder of the model on the server.
    pub path: String,
}

impl Training {
    /// The kind that trains on bars of `library` and stores into `models`.
    pub const fn new(library: Library, models: Models) -> Self {
        Self { library, models }
    }
}

impl Operation for Training {
    const KIND: &'static str = "training";
    type Params = TrainingParams;
    type Output = TrainingOutput;
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn description(&self) -> &'static str {
        "trains a multi-layer perceptron to tell the next bar's direction"
    }

    fn policy(&self) -> Policy {
        Policy::lane("training").finishable()
    }

    fn run(&self, params: TrainingParams, ctx: &Context) -> Result<TrainingOutput, Failure> {
        device::use_threads(ctx.threads());
        let device = ComputeDevice::find(&params.device)
            .map_err(|refusal| Failure::new(refusal.code, refusal.message))?;
        let (symbol, timeframe) = (&params.symbol, &params.timeframe);
        ctx.title(format!("Training MLP on {symbol} {timeframe}"));
        ctx.context("symbol", symbol.as_str());
        ctx.context("timeframe", timeframe.as_str());
        ctx.context("device", device.name());
        ctx.check()?;
        let data = self.library.read(symbol, timeframe)?;
        let widths = params.widths();
        let rows = params.rows_at_once(data.view.rows);
        memory::check(&widths, rows, memory::free())?;
        let (table, parts) = prepared(&data, ctx)?;
        let scaler = Scaler::fit(&table, parts.train.clone());
        let mut features = table.features.clone();
        scaler.scale(&mut features);
        let part = |rows: &std::ops::Range<usize>| {
            let features = &features[rows.start * WIDTH..rows.end * WIDTH];
            Part::new(device, features, WIDTH, table.labels[rows.clone()].to_vec())
        };
        let (training, validation) = (part(&parts.train), part(&parts.validation));
        let mut network = Network::new(device, &widths, params.seed, || ctx.check())?;
        let fitted = fit(ctx, &mut network, &training, &validation, &params.hyper())?;
        let best = Network::with_weights(device, &widths, &fitted.weights);
        let report = report(&best, &part(&parts.test), &table, &parts);
        let card = card(&params, device, &data, &parts, &scaler, &fitted, &report)?;
        let card = self.models.save(&best, card)?;
        Ok(self.output(&card, fitted.ended, report))
    }
}

impl Training {
    pub(super) fn admit(&self, params: &TrainingParams) -> Result<(), Refusal> {
        ComputeDevice::find(&params.device)?;
        let data = self.library.find(&params.symbol, &params.timeframe)?;
        // Compared with all memory, because what is used now may be free when the run begins.
        let rows = params.rows_at_once(data.rows);
        memory::check(&params.widths(), rows, memory::in_all())?;
        Ok(())
    }

    fn output(&self, card: &ModelCard, ended: Ended, test: TestReport) -> TrainingOutput {
        TrainingOutput {
            model_id: card.model_id,
            best_epoch: card.best_epoch,
            epochs_run: card.history.len() as u32,
            ended_by: ended,
            verdict: verdict(&test),
            test,
            path: self.models.path(card.model_id).display().to_string(),
        }
    }
}

/// Why there is no table.
enum NoTable {
    Unfit(PrepareError),
    Stopped(Stopped),
}

impl From<PrepareError> for NoTable {
    fn from(error: PrepareError) -> Self {
        Self::Unfit(error)
    }
}

/// The features of a dataset, and its parts. Checks for a stop while they are computed.
fn prepared(data: &Dataset, ctx: &Context) -> Result<(Table, Parts), Failure> {
    let made = prepare::table_watched(&data.bars, |_| ctx.check().map_err(NoTable::Stopped));
    let parted = made.and_then(|table| {
        let parts = prepare::split(&table)?;
        Ok((table, parts))
    });
    parted.map_err(|why| match why {
        NoTable::Stopped(stopped) => stopped.into(),
        NoTable::Unfit(source) => TrainingError::Unfit {
            symbol: data.view.symbol.clone(),
            timeframe: data.view.timeframe.clone(),
            source,
        }
        .into(),
    })
}

/// The test of the model on the part that it has not seen, beside the two baselines.
fn report(network: &Network, test: &Part, table: &Table, parts: &Parts) -> TestReport {
    let of_test = |all: &[u8]| all[parts.test.clone()].to_vec();
    let trained = &table.labels[parts.train.clone()];
    let ups = trained.iter().filter(|label| **label == 1).count();
    let majority = u8::from(2 * ups > trained.len());
    scores::report(
        &test.up(network),
        &of_test(&table.labels),
        &of_test(&table.last_direction),
        majority,
    )
}

fn verdict(test: &TestReport) -> String {
    let baselines = &test.baselines;
    let better = baselines
        .majority_class
        .accuracy
        .max(baselines.last_direction.accuracy);
    let points = (test.model.accuracy - better) * 100.0;
    if test.beats_baselines {
        format!("{points:.1} points of accuracy above the better baseline")
    } else if points < 0.0 {
        format!(
            "does not beat the baselines: {:.1} points of accuracy below the better one",
            -points
        )
    } else {
        "does not beat the baselines: no more accurate than the better one".to_owned()
    }
}

fn card(
    params: &TrainingParams,
    device: ComputeDevice,
    data: &Dataset,
    parts: &Parts,
    scaler: &Scaler,
    fitted: &Fitted,
    test: &TestReport,
) -> Result<ModelCard, Failure> {
    let scaled = scaler.mean.iter().zip(&scaler.deviation);
    let feature = |(name, (mean, deviation)): (&&str, (&f64, &f64))| FeatureView {
        name: (*name).to_owned(),
        mean: *mean,
        deviation: *deviation,
    };
    let rows = [&parts.train, &parts.validation, &parts.test];
    let layers = params.widths();
    let params = serde_json::to_value(params);
    Ok(ModelCard {
        // The id and the checksum are filled in when the model is stored.
        model_id: ModelId::from_u64(0),
        weights_sha256: String::new(),
        created_at: Timestamp::now(),
        params: impresario::operation::OrFail::or_fail(params, "CARD_NOT_WRITTEN")?,
        data: ModelData {
            symbol: data.view.symbol.clone(),
            timeframe: data.view.timeframe.clone(),
            bars: data.view.rows,
            start: data.view.start,
            end: data.view.end,
            sha256: data.view.sha256.clone(),
            parts: rows.map(|rows| rows.len() as u64),
        },
        features: NAMES.iter().zip(scaled).map(feature).collect(),
        weights: weights_of(&layers) as u64,
        layers,
        history: fitted.history.clone(),
        best_epoch: fitted.best_epoch,
        ended_by: fitted.ended.as_str().to_owned(),
        test: test.clone(),
        device: device.name().to_owned(),
        versions: versions(),
    })
}

fn versions() -> BTreeMap<String, String> {
    let torch = env!("IMPRESARIO_LIBTORCH_VERSION");
    [
        ("impresario", env!("CARGO_PKG_VERSION")),
        ("libtorch", torch),
    ]
    .map(|(name, version)| (name.to_owned(), version.to_owned()))
    .into()
}
