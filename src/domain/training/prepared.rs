//! The data of a training, from the library to tensors.

use std::ops::Range;

use impresario::operation::{Context, Failure, Stopped};
use impresario_api::{FeatureView, ModelData, Span, TestReport};

use super::device::ComputeDevice;
use super::error::TrainingError;
use super::memory;
use super::network::Network;
use super::params::TrainingParams;
use super::part::Part;
use super::prepare::{self, LOOK_BACK, NAMES, Parts, PrepareError, Scaler, Table, WIDTH};
use super::scores;
use crate::domain::market::{Dataset, Library};

/// A dataset with its features, split and scaled, on the device of a training.
pub(super) struct Prepared {
    pub(super) dataset: Dataset,
    pub(super) training: Part,
    pub(super) validation: Part,
    test: Part,
    table: Table,
    parts: Parts,
    scaler: Scaler,
    device: ComputeDevice,
}

impl Prepared {
    /// Reads the bars and computes their features. Refuses what does not fit into memory.
    pub(super) fn read(
        library: &Library,
        params: &TrainingParams,
        device: ComputeDevice,
        ctx: &Context,
    ) -> Result<Self, Failure> {
        ctx.context("symbol", &params.symbol);
        let timeframe = params.timeframe.to_string();
        ctx.context("timeframe", &timeframe);
        ctx.context("device", device.name());
        ctx.check()?;
        let dataset = library.read(&params.symbol, &timeframe)?;
        let rows = params.rows_at_once(dataset.view.rows);
        memory::check(&params.widths(), rows, memory::free())?;
        let (table, parts) = table_of(&dataset, ctx)?;
        let scaler = Scaler::fit(&table, parts.train.clone());
        let mut features = table.features.clone();
        scaler.scale(&mut features);
        let part = |rows: &Range<usize>| {
            let features = &features[rows.start * WIDTH..rows.end * WIDTH];
            Part::new(device, features, WIDTH, table.labels[rows.clone()].to_vec())
        };
        ctx.check()?;
        Ok(Self {
            training: part(&parts.train),
            validation: part(&parts.validation),
            test: part(&parts.test),
            dataset,
            table,
            parts,
            scaler,
            device,
        })
    }

    /// A network for this data, with these weights or with initial ones.
    pub(super) fn network(
        &self,
        params: &TrainingParams,
        weights: Option<&[f32]>,
        ctx: &Context,
    ) -> Result<Network, Stopped> {
        let widths = params.widths();
        match weights {
            Some(weights) => Ok(Network::with_weights(self.device, &widths, weights)),
            None => Network::new(self.device, &widths, params.seed, || ctx.check()),
        }
    }

    /// The test of a network on the part that it has not seen, beside the two baselines.
    pub(super) fn report(&self, network: &Network, ctx: &Context) -> Result<TestReport, Stopped> {
        let of_test = |all: &[u8]| all[self.parts.test.clone()].to_vec();
        let trained = &self.table.labels[self.parts.train.clone()];
        let ups = trained.iter().filter(|label| **label == 1).count();
        let majority = u8::from(2 * ups > trained.len());
        Ok(scores::report(
            &self.test.up(network, || ctx.check())?,
            &of_test(&self.table.labels),
            &of_test(&self.table.last_direction),
            majority,
        ))
    }

    /// The data as a model's card names it.
    pub(super) fn view(&self) -> ModelData {
        let view = &self.dataset.view;
        let parts = [&self.parts.train, &self.parts.validation, &self.parts.test];
        // The features of a row are those at the last bar of its window.
        let time = |row: usize| self.dataset.bars[row + LOOK_BACK - 1].timestamp;
        ModelData {
            symbol: view.symbol.clone(),
            timeframe: view.timeframe.clone(),
            bars: view.rows,
            start: view.start,
            end: view.end,
            sha256: view.sha256.clone(),
            parts: parts.map(|rows| rows.len() as u64),
            warnings: view.warnings.clone(),
            part_dates: Some(parts.map(|rows| Span {
                start: time(rows.start),
                end: time(rows.end - 1),
            })),
        }
    }

    /// The features with their scaling.
    pub(super) fn features(&self) -> Vec<FeatureView> {
        let scaled = self.scaler.mean.iter().zip(&self.scaler.deviation);
        let feature = |(name, (mean, deviation)): (&&str, (&f64, &f64))| FeatureView {
            name: (*name).to_owned(),
            mean: *mean,
            deviation: *deviation,
        };
        NAMES.iter().zip(scaled).map(feature).collect()
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
fn table_of(data: &Dataset, ctx: &Context) -> Result<(Table, Parts), Failure> {
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
