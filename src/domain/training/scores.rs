//! The scores of a model, and its baselines. `docs/FEATURES.md` says what each score means.

use impresario_api::{Baselines, Scores, TestReport};

/// The classes in the order of their labels.
pub const CLASSES: [&str; 2] = ["not_up", "up"];

/// Probabilities are clamped this far from 0 and 1, so that one wrong certainty does not make the loss
/// infinite.
const CLIP: f64 = 1e-15;

/// The scores of the model on the test part, beside those of the baselines on the same rows.
///
/// `test_up_probabilities` has the model's probabilities of class up; above one half it answers up.
/// `labels` and `last_direction` are of the same rows, with 1 for up. `majority` is the more frequent class
/// of the training part. Panics if the slices have different lengths.
pub fn report(
    test_up_probabilities: &[f64],
    labels: &[u8],
    last_direction: &[u8],
    majority: u8,
) -> TestReport {
    assert_eq!(
        test_up_probabilities.len(),
        labels.len(),
        "a probability a row"
    );
    assert_eq!(last_direction.len(), labels.len(), "a direction a row");
    let answers = test_up_probabilities.iter().map(|p| u8::from(*p > 0.5));
    let own = confusion(labels, answers);
    let model = Scores {
        log_loss: Some(log_loss(test_up_probabilities, labels)),
        ..rule(own)
    };
    let baselines = Baselines {
        majority_class: rule(confusion(labels, labels.iter().map(|_| majority))),
        last_direction: rule(confusion(labels, last_direction.iter().copied())),
    };
    let best = f64::max(
        baselines.majority_class.accuracy,
        baselines.last_direction.accuracy,
    );
    TestReport {
        rows: labels.len() as u64,
        model,
        baselines,
        beats_baselines: model.accuracy > best,
        confusion: own,
        classes: CLASSES.map(str::to_owned),
    }
}

/// Rows by label, columns by answer.
fn confusion(labels: &[u8], answers: impl Iterator<Item = u8>) -> [[u64; 2]; 2] {
    let mut counts = [[0; 2]; 2];
    for (label, answer) in labels.iter().zip(answers) {
        counts[usize::from(*label == 1)][usize::from(answer == 1)] += 1;
    }
    counts
}

/// The scores of answers without probabilities: accuracy, and the mean recall of the classes that occur
/// (Brodersen, Ong, Stephan and Buhmann, The Balanced Accuracy and Its Posterior Distribution,
/// ICPR 2010).
fn rule(confusion: [[u64; 2]; 2]) -> Scores {
    let recalls = [0, 1].map(|class| {
        let rows = confusion[class][0] + confusion[class][1];
        (rows > 0).then(|| share(confusion[class][class], rows))
    });
    let occur = recalls.iter().flatten().count().max(1) as f64;
    let right = confusion[0][0] + confusion[1][1];
    Scores {
        accuracy: share(right, confusion.iter().flatten().sum()),
        balanced_accuracy: recalls.iter().flatten().sum::<f64>() / occur,
        log_loss: None,
    }
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// The mean negative logarithm of the probability that was given to the true class, in nats (Good,
/// Rational Decisions, Journal of the Royal Statistical Society B 14, 1952).
fn log_loss(up_probabilities: &[f64], labels: &[u8]) -> f64 {
    let losses = up_probabilities.iter().zip(labels).map(|(up, label)| {
        let given = if *label == 1 { *up } else { 1.0 - *up };
        -given.clamp(CLIP, 1.0 - CLIP).ln()
    });
    losses.sum::<f64>() / labels.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn scores_are_those_of_a_hand_made_example() {
        // The answers are up, up, not, not, up, not; the second and the fourth are wrong.
        let report = report(
            &[0.9, 0.6, 0.2, 0.4, 0.7, 0.1],
            &[1, 0, 0, 1, 1, 0],
            &[1, 1, 0, 0, 0, 1],
            1,
        );
        assert_eq!(report.rows, 6);
        assert_eq!(report.classes, ["not_up", "up"]);
        // In each class, two of three rows were answered rightly.
        assert_eq!(report.confusion, [[2, 1], [1, 2]]);
        near(report.model.accuracy, 4.0 / 6.0);
        near(report.model.balanced_accuracy, 4.0 / 6.0);
        let product: f64 = 0.9 * 0.4 * 0.8 * 0.4 * 0.7 * 0.9;
        near(
            report.model.log_loss.expect("a log-loss"),
            -product.ln() / 6.0,
        );
        let Baselines {
            majority_class,
            last_direction,
        } = report.baselines;
        near(majority_class.accuracy, 0.5);
        near(majority_class.balanced_accuracy, 0.5);
        near(last_direction.accuracy, 2.0 / 6.0);
        near(last_direction.balanced_accuracy, 2.0 / 6.0);
        assert_eq!(
            (majority_class.log_loss, last_direction.log_loss),
            (None, None)
        );
        assert!(report.beats_baselines);
    }

    #[test]
    fn classes_of_different_size_weigh_the_same_in_balanced_accuracy() {
        let report = report(&[0.9, 0.9, 0.9, 0.2], &[1, 1, 0, 0], &[1; 4], 1);
        near(report.model.accuracy, 0.75);
        near(report.model.balanced_accuracy, 0.75);
        let report = super::report(&[0.9, 0.9, 0.9, 0.9], &[1, 1, 1, 0], &[0; 4], 0);
        near(report.model.accuracy, 0.75);
        near(report.model.balanced_accuracy, 0.5);
        near(report.baselines.majority_class.accuracy, 0.25);
    }

    #[test]
    fn a_model_that_is_only_as_good_as_a_baseline_does_not_beat_it() {
        let labels = [1, 1, 1, 0];
        let as_good = report(&[0.9; 4], &labels, &[0; 4], 1);
        assert!(!as_good.beats_baselines);
        let better = report(&[0.9, 0.9, 0.9, 0.1], &labels, &[0; 4], 1);
        assert!(better.beats_baselines);
        let behind_the_last_direction = report(&[0.9; 4], &labels, &labels, 0);
        assert!(!behind_the_last_direction.beats_baselines);
    }

    #[test]
    fn a_wrong_certainty_costs_a_finite_loss() {
        let report = report(&[0.0, 1.0], &[1, 1], &[1, 1], 1);
        near(
            report.model.log_loss.expect("a log-loss"),
            -(1e-15_f64.ln()) / 2.0,
        );
    }

    #[test]
    fn one_half_is_not_up_and_a_class_without_rows_has_no_recall() {
        let report = report(&[0.5, 0.5], &[0, 0], &[1, 0], 0);
        assert_eq!(report.confusion, [[2, 0], [0, 0]]);
        near(report.model.balanced_accuracy, 1.0);
        near(report.model.log_loss.expect("a log-loss"), 2_f64.ln());
        near(report.baselines.last_direction.balanced_accuracy, 0.5);
    }
}
