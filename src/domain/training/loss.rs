//! Probabilities and losses from logits, in plain Rust over a few numbers per row.

use serde::{Deserialize, Serialize};

/// The sums of a pass over rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sum {
    /// The sum of the rows' cross-entropies, in nats.
    pub loss: f64,
    /// The number of rows whose most probable class was right.
    pub right: u64,
    /// The number of rows.
    pub rows: u64,
}

impl Sum {
    /// The mean cross-entropy.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.rows.max(1) as f64
    }

    /// The share of right answers.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.rows.max(1) as f64
    }

    /// The sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            loss: self.loss + other.loss,
            right: self.right + other.right,
            rows: self.rows + other.rows,
        }
    }
}

/// The rows' cross-entropies. The logits are replaced by the gradient of the mean:
/// (softmax - one at the right class) / rows.
pub(super) fn cross_entropy(logits: &mut [f32], right: &[u8], classes: usize) -> Sum {
    let rows = right.len() as f32;
    let mut sum = Sum {
        rows: right.len() as u64,
        ..Sum::default()
    };
    for (logits, right) in logits.chunks_exact_mut(classes).zip(right) {
        let right = usize::from(*right);
        let (mut best, mut highest) = (0, f32::NEG_INFINITY);
        for (class, logit) in logits.iter().enumerate() {
            if *logit > highest {
                (best, highest) = (class, *logit);
            }
        }
        let own = logits[right];
        let mut powers = 0.0;
        for logit in logits.iter_mut() {
            *logit = (*logit - highest).exp();
            powers += *logit;
        }
        sum.loss += f64::from(powers.ln() - (own - highest));
        sum.right += u64::from(best == right);
        for power in logits.iter_mut() {
            *power /= powers * rows;
        }
        logits[right] -= 1.0 / rows;
    }
    sum
}

/// The probability of each class in each row, row-major as the logits.
pub(super) fn softmax(logits: &[f32], classes: usize) -> Vec<f64> {
    let of_row = |logits: &[f32]| {
        let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers = logits.iter().map(|logit| f64::from(logit - highest).exp());
        let powers: Vec<f64> = powers.collect();
        let sum: f64 = powers.iter().sum();
        powers.into_iter().map(move |power| power / sum)
    };
    logits.chunks_exact(classes).flat_map(of_row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_know_nothing_of_two_classes_costs_ln_2_and_pulls_both_logits_alike() {
        let mut logits = [3.0, 3.0, -1.0, -1.0];
        let sum = cross_entropy(&mut logits, &[0, 1], 2);
        assert!((sum.mean_loss() - std::f64::consts::LN_2).abs() < 1e-6);
        assert_eq!(logits, [-0.25, 0.25, 0.25, -0.25]);
        assert_eq!((sum.rows, sum.right), (2, 1), "a tie is the first class");
    }

    #[test]
    fn probabilities_add_up_however_large_the_logits() {
        let shares = softmax(&[1e30, 0.0, -1e30, 0.0, 0.0, 0.0], 3);
        assert_eq!(shares[..3], [1.0, 0.0, 0.0]);
        assert!(
            shares[3..]
                .iter()
                .all(|share| (share - 1.0 / 3.0).abs() < 1e-12)
        );
    }
}
