//! What a kept model says of bars that it has not seen.

use std::collections::BTreeMap;

use impresario_api::{Bar, FeatureView, ModelId, Prediction};

use super::device::{Place, use_threads};
use super::error::TrainingError;
use super::models::Models;
use super::prepare::{self, NAMES, Scaler, WIDTH};
use crate::domain::market;

/// The probabilities of the direction of the bar after the last one given: the same features and
/// the same scaler as in training.
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
    let scaler = scaler_of(&card.features).map_err(|why| damaged(&why))?;
    let mut features = prepare::latest(bars)?;
    scaler.scale(&mut features);
    let network = models.network(&card)?;
    // One row is no work for several threads.
    use_threads(1);
    let row = Place::host().tensor(&features, &[1, WIDTH as i64]);
    let probabilities = network.probabilities(&row);
    let [not_up, up] = probabilities[..] else {
        return Err(damaged("it does not tell two classes"));
    };
    let named = [("not_up", not_up), ("up", up)];
    Ok(Prediction {
        probabilities: BTreeMap::from(named.map(|(name, share)| (name.to_owned(), share))),
    })
}

/// The scaler that a card's features tell of. What cannot be divided by would make every answer no
/// number.
fn scaler_of(features: &[FeatureView]) -> Result<Scaler, String> {
    for feature in features {
        let (name, mean, deviation) = (&feature.name, feature.mean, feature.deviation);
        if !(mean.is_finite() && deviation.is_finite() && deviation > 0.0) {
            return Err(format!(
                "its card: {name}: expected a mean and a deviation above 0, got {mean} and {deviation}"
            ));
        }
    }
    let each = features.iter();
    let (mean, deviation) = each
        .map(|feature| (feature.mean, feature.deviation))
        .unzip();
    Ok(Scaler { mean, deviation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_that_cannot_be_divided_by_is_damage() {
        let feature = |mean, deviation| FeatureView {
            name: "return_1".to_owned(),
            mean,
            deviation,
        };
        let scaler = scaler_of(&[feature(0.5, 2.0)]).expect("it is whole");
        assert_eq!((scaler.mean[0], scaler.deviation[0]), (0.5, 2.0));
        for (mean, deviation) in [(0.0, 0.0), (0.0, -1.0), (f64::NAN, 1.0), (0.0, f64::NAN)] {
            let why = scaler_of(&[feature(0.5, 2.0), feature(mean, deviation)]);
            assert!(why.is_err_and(|why| why.contains("return_1")));
        }
    }
}
