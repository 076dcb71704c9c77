//! The optimizer, over plain slices.
//!
//! Adam (Kingma and Ba: "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1), with
//! the bias corrections included in the step size and in the root of the second moment, as in PyTorch's
//! `torch.optim.Adam`. Its state is two slices and a count, so that it can be stored with the weights.

/// The decay rate of the first moment.
const BETA_1: f32 = 0.9;
/// The decay rate of the second moment.
const BETA_2: f32 = 0.999;
/// Keeps the quotient finite where the gradient is 0.
const EPSILON: f32 = 1e-8;

/// The optimizer's state for weights in one slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    rate: f64,
    steps: i32,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Adam {
    /// An optimizer for `weights` weights, with a learning rate.
    pub fn new(weights: usize, rate: f64) -> Self {
        Self {
            rate,
            steps: 0,
            first: vec![0.0; weights],
            second: vec![0.0; weights],
        }
    }

    /// An optimizer that goes on after so many steps, with its two moments. The rate is set apart.
    pub(super) const fn restored(steps: i32, first: Vec<f32>, second: Vec<f32>) -> Self {
        Self {
            rate: 0.0,
            steps,
            first,
            second,
        }
    }

    /// The same with another learning rate.
    pub(super) fn with_rate(mut self, rate: f64) -> Self {
        self.set_rate(rate);
        self
    }

    pub(super) const fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// How many steps it has made.
    pub(super) const fn steps(&self) -> i32 {
        self.steps
    }

    /// The first and the second moment of each weight's gradient.
    pub(super) fn moments(&self) -> [&[f32]; 2] {
        [&self.first, &self.second]
    }

    /// Moves the weights against their gradient. Both slices have the length that was given to `new`.
    pub fn step(&mut self, weights: &mut [f32], gradient: &[f32]) {
        debug_assert_eq!(
            (weights.len(), gradient.len()),
            (self.first.len(), self.first.len())
        );
        self.steps = self.steps.saturating_add(1);
        let unbiased = |beta: f32| 1.0 - f64::from(beta).powi(self.steps);
        let size = (self.rate / unbiased(BETA_1)) as f32;
        let root = unbiased(BETA_2).sqrt() as f32;
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((weight, gradient), (first, second)) in weights.iter_mut().zip(gradient).zip(moments) {
            *first = normal(*first + (1.0 - BETA_1) * (gradient - *first));
            *second = normal(BETA_2 * *second + (1.0 - BETA_2) * gradient * gradient);
            *weight -= size * *first / (second.sqrt() / root + EPSILON);
        }
    }
}

/// A moment, or 0 in place of one that is too small for all its digits. The moments of a unit that has died
/// would decay to such numbers and stay there, and a processor takes sixty times as long for each of them.
/// No weight notices: next to `EPSILON` they are nothing.
fn normal(moment: f32) -> f32 {
    if moment.abs() < f32::MIN_POSITIVE {
        0.0
    } else {
        moment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_moments_of_what_does_not_move_any_more_come_to_nothing_and_its_weight_stays() {
        let (mut weights, mut adam) = ([0.1], Adam::new(1, 1e-3));
        adam.step(&mut weights, &[1e-3]);
        let mut settled = weights;
        for step in 0..100_000 {
            adam.step(&mut weights, &[0.0]);
            let [first, second] = adam.moments().map(|moments| moments[0]);
            assert!(
                !first.is_subnormal() && !second.is_subnormal(),
                "step {step}"
            );
            if step == 500 {
                settled = weights;
            }
        }
        assert_eq!(adam.moments(), [&[0.0], &[0.0]]);
        assert_eq!(weights, settled, "it stopped long before");
    }

    #[test]
    fn the_first_step_is_as_long_as_the_rate_whatever_the_gradient() {
        // After one step the moments' corrections cancel: m/(1-b1) = g, v/(1-b2) = g^2.
        for gradient in [1e-3_f32, -5.0, 700.0] {
            let mut weights = [1.0];
            Adam::new(1, 0.01).step(&mut weights, &[gradient]);
            let moved = weights[0] - 1.0;
            assert!((moved + 0.01 * gradient.signum()).abs() < 1e-6, "{moved}");
        }
    }

    #[test]
    fn goes_where_pytorch_goes() {
        #[derive(serde::Deserialize)]
        struct Fixture {
            rate: f64,
            start: Vec<f32>,
            gradients: Vec<Vec<f32>>,
            weights: Vec<Vec<f32>>,
        }
        let text = include_str!("fixtures/adam.json");
        let Fixture {
            rate,
            start,
            gradients,
            weights,
        } = serde_json::from_str(text).expect("the fixture is JSON");
        assert!(gradients.len() >= 100);
        let mut ours = start;
        let mut adam = Adam::new(ours.len(), rate);
        for (step, (gradient, theirs)) in gradients.iter().zip(&weights).enumerate() {
            adam.step(&mut ours, gradient);
            for (ours, theirs) in ours.iter().zip(theirs) {
                let apart = (ours - theirs).abs();
                assert!(
                    apart <= 2e-6 * theirs.abs().max(1.0),
                    "step {step}: {ours} and {theirs}"
                );
            }
        }
    }

    #[test]
    fn where_nothing_moves_nothing_breaks() {
        let mut weights = [1.0, 2.0];
        Adam::new(2, 0.1).step(&mut weights, &[0.0, 0.0]);
        assert_eq!(weights, [1.0, 2.0]);
    }
}
