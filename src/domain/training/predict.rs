//! Predictions of stored models.

use std::collections::BTreeMap;

use impresario_api::{Bar, FeatureView, ModelId, Prediction};

use super::device::{ComputeDevice, use_threads};
use super::error::TrainingError;
use super::models::Models;
use super::prepare::{self, NAMES, Scaler, WIDTH};
use crate::domain::market;

/// The probabilities of the direction of the bar after the last given one, with the same features and the
/// same scaler as in training.
pub fn predict(models: &Models, id: ModelId, bars: &[Bar]) -> Result<Prediction, TrainingError> {
    let card = models.card(id)?;
    market::check_bars(bars).map_err(|fault| TrainingError::BadBar {
        index: fault.index,
        field: fault.field,
        expected: fault.expected,
        got: fault.got,
    })?;
    let damaged = |why: &str| TrainingError::Damaged {
        id,
        why: why.to_owned(),
    };
    if !card
        .features
        .iter()
        .map(|feature| feature.name.as_str())
        .eq(NAMES)
    {
        return Err(damaged(
            "it was trained on other features than this version makes",
        ));
    }
    let scaler = scaler_of(&card.features);
    let mut features = prepare::latest(bars)?;
    scaler.scale(&mut features);
    let network = models.network(&card)?;
    // One row is too little work for several threads.
    use_threads(1);
    let row = ComputeDevice::host().tensor(&features, &[1, WIDTH as i64]);
    let probabilities = network.probabilities(&row);
    let [not_up, up] = probabilities[..] else {
        return Err(damaged("it does not tell two classes"));
    };
    // Even finite weights and a finite scaler can be far too large.
    if !(not_up.is_finite() && up.is_finite()) {
        return Err(damaged("what it makes of these bars is no number"));
    }
    let named = [("not_up", not_up), ("up", up)];
    Ok(Prediction {
        probabilities: BTreeMap::from(named.map(|(name, share)| (name.to_owned(), share))),
    })
}

/// The scaler of a card's features.
fn scaler_of(features: &[FeatureView]) -> Scaler {
    let each = features.iter();
    let (mean, deviation) = each
        .map(|feature| (feature.mean, feature.deviation))
        .unzip();
    Scaler { mean, deviation }
}
