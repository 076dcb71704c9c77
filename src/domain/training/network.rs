//! A multi-layer perceptron: forward and backward by hand, over one flat slice of weights.
//!
//! Each hidden layer is linear with ReLU and dropout, and a linear layer to the classes follows. The
//! backward pass is written by hand, because a tape costs more than the arithmetic at these sizes; a test
//! compares its gradient with autograd's. Softmax and cross-entropy over the few logits are plain Rust, in
//! `loss`.

use tch::{Kind, Tensor};

use super::adam::Adam;
use super::device::ComputeDevice;
use super::loss::{Sum, cross_entropy, softmax};
use super::rng::{Purpose, Stream};

/// How many initial weights are made between two checks for a stop: a millisecond of work.
const WEIGHTS_AT_ONCE: usize = 1 << 16;

/// The number of weights of a network with these widths.
pub(super) fn weights_of(widths: &[u32]) -> usize {
    let layer = |pair: &[u32]| (pair[0] as usize + 1) * pair[1] as usize;
    widths.windows(2).map(layer).sum()
}

/// A network, on its device.
pub struct Network {
    device: ComputeDevice,
    widths: Vec<i64>,
    /// All weights and biases; the layers are views into it.
    weights: Tensor,
    gradient: Tensor,
    layers: Vec<Layer>,
}

/// Views of one layer's part of the weights and of the gradient.
struct Layer {
    /// (outputs, inputs).
    weight: Tensor,
    /// (inputs, outputs): the same memory.
    transposed: Tensor,
    bias: Tensor,
    weight_gradient: Tensor,
    bias_gradient: Tensor,
}

/// Rows of a batch with their classes.
pub struct Batch<'a> {
    /// (rows, features), on the network's device.
    pub(super) rows: Tensor,
    /// The class of each row.
    pub(super) classes: &'a [u8],
}

/// The position of a batch in its training, and its dropout.
#[derive(Clone, Copy, Debug)]
pub struct Dropout {
    /// The probability with which a unit is dropped, in [0, 1).
    pub dropped: f32,
    /// The seed of the training.
    pub seed: u64,
    /// The number of the epoch, from 0.
    pub epoch: u32,
    /// The number of the batch, from 0.
    pub batch: u32,
}

impl Network {
    /// A network with these widths, from the features to the classes, and with initial weights from a seed:
    /// weights and biases are uniform in ±1/√inputs, as in PyTorch's `nn.Linear`. `go_on` is called from time
    /// to time, because a large network takes seconds.
    pub fn new<E>(
        device: ComputeDevice,
        widths: &[u32],
        seed: u64,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut start = Vec::with_capacity(weights_of(widths));
        for (layer, pair) in widths.windows(2).enumerate() {
            let layer = layer as u16;
            let mut stream = Stream::new(seed, Purpose::Weights { layer });
            let bound = 1.0 / (pair[0] as f32).sqrt();
            let whole = start.len() + weights_of(pair);
            while start.len() < whole {
                go_on()?;
                let some = WEIGHTS_AT_ONCE.min(whole - start.len());
                start.extend((0..some).map(|_| stream.within(bound)));
            }
        }
        go_on()?;
        Ok(Self::with_weights(device, widths, &start))
    }

    /// A network whose weights are known: as [`Network::weights`] gave them.
    pub fn with_weights(device: ComputeDevice, widths: &[u32], weights: &[f32]) -> Self {
        let widths: Vec<i64> = widths.iter().map(|width| i64::from(*width)).collect();
        let length = weights.len() as i64;
        let weights = device.tensor(weights, &[length]);
        let gradient = device.zeros(&[length]);
        let mut layers = Vec::new();
        let mut at = 0;
        for pair in widths.windows(2) {
            let (inputs, outputs) = (pair[0], pair[1]);
            let matrix = |of: &Tensor| of.narrow(0, at, inputs * outputs).view([outputs, inputs]);
            let vector = |of: &Tensor| of.narrow(0, at + inputs * outputs, outputs);
            let weight = matrix(&weights);
            layers.push(Layer {
                transposed: weight.tr(),
                weight,
                bias: vector(&weights),
                weight_gradient: matrix(&gradient),
                bias_gradient: vector(&gradient),
            });
            at += (inputs + 1) * outputs;
        }
        Self {
            device,
            widths,
            weights,
            gradient,
            layers,
        }
    }

    /// The number of weights.
    pub fn size(&self) -> usize {
        self.weights.numel()
    }

    /// The device of each tensor.
    #[cfg(test)]
    pub(super) fn devices(&self) -> Vec<ComputeDevice> {
        let views = self.layers.iter().flat_map(|layer| {
            [
                &layer.weight,
                &layer.transposed,
                &layer.bias,
                &layer.weight_gradient,
                &layer.bias_gradient,
            ]
        });
        let all = [&self.weights, &self.gradient].into_iter().chain(views);
        all.map(ComputeDevice::of).collect()
    }

    /// A copy of all weights.
    pub fn weights(&self) -> Vec<f32> {
        values(&self.weights)
    }

    /// Each layer's weights (outputs, inputs) and biases by name, for a file.
    pub fn named(&self) -> Vec<(String, Tensor)> {
        let layers = self.layers.iter().enumerate();
        let named = layers.flat_map(|(index, layer)| {
            [
                (format!("layers.{index}.weight"), &layer.weight),
                (format!("layers.{index}.bias"), &layer.bias),
            ]
        });
        named
            .map(|(name, tensor)| (name, ComputeDevice::host().bring(tensor).copy()))
            .collect()
    }

    fn classes(&self) -> usize {
        self.widths.last().map_or(0, |width| *width as usize)
    }

    /// One step of learning from a batch. Returns the sums of the network before the step.
    pub fn learn(&mut self, batch: &Batch<'_>, dropout: Dropout, adam: &mut Adam) -> Sum {
        let sum = self.differentiate(batch, dropout);
        if self.device.is_host() {
            let gradient = slice(&mut self.gradient);
            adam.step(slice(&mut self.weights), gradient);
        } else {
            let mut weights = values(&self.weights);
            adam.step(&mut weights, &values(&self.gradient));
            let length = weights.len() as i64;
            let moved = self.device.tensor(&weights, &[length]);
            self.weights.copy_(&moved);
        }
        sum
    }

    /// The gradient of the batch's mean cross-entropy.
    fn differentiate(&mut self, batch: &Batch<'_>, dropout: Dropout) -> Sum {
        let mut activations = Vec::with_capacity(self.layers.len());
        let last = self.layers.len() - 1;
        let mut logits = Tensor::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let input = activations.last().unwrap_or(&batch.rows);
            let mut output = layer.bias.addmm(input, &layer.transposed);
            if index == last {
                logits = output;
                break;
            }
            let _ = output.relu_();
            if dropout.dropped > 0.0 {
                let _ = output.g_mul_(&self.mask(&output, index as u16, dropout));
            }
            activations.push(output);
        }
        let mut errors = values(&logits);
        let sum = cross_entropy(&mut errors, batch.classes, self.classes());
        let shape = [batch.classes.len() as i64, self.classes() as i64];
        let mut error = self.device.tensor(&errors, &shape);
        let kept = f64::from(1.0 / (1.0 - dropout.dropped));
        for (index, layer) in self.layers.iter().enumerate().rev() {
            let input = index
                .checked_sub(1)
                .map_or(&batch.rows, |below| &activations[below]);
            let _ = error.tr().mm_out(&layer.weight_gradient, input);
            let _ = error.sum_intlist_out(&layer.bias_gradient, &[0_i64][..], false, None::<Kind>);
            if index > 0 {
                // A unit that was dropped or cut off is 0 after the mask, and the others were scaled.
                let mut below = input.threshold_backward(&error.mm(&layer.weight), 0.0);
                if dropout.dropped > 0.0 {
                    let _ = below.g_mul_scalar_(kept);
                }
                error = below;
            }
        }
        sum
    }

    /// The gradient alone, without dropout, for the test.
    #[cfg(test)]
    pub(super) fn gradient_of(&mut self, batch: &Batch<'_>) -> (Sum, Vec<f32>) {
        let dropout = Dropout {
            dropped: 0.0,
            seed: 0,
            epoch: 0,
            batch: 0,
        };
        let sum = self.differentiate(batch, dropout);
        (sum, values(&self.gradient))
    }

    fn mask(&self, like: &Tensor, layer: u16, dropout: Dropout) -> Tensor {
        let purpose = Purpose::Dropout {
            epoch: dropout.epoch,
            batch: dropout.batch,
            layer,
        };
        let mut mask = vec![0.0; like.numel()];
        Stream::new(dropout.seed, purpose).drop_units(&mut mask, dropout.dropped);
        self.device.tensor(&mask, &like.size())
    }

    /// The logits of rows, (rows, classes), row-major, without dropout.
    fn logits(&self, rows: &Tensor) -> Vec<f32> {
        let last = self.layers.len() - 1;
        let mut activation = rows.shallow_clone();
        for (index, layer) in self.layers.iter().enumerate() {
            activation = layer.bias.addmm(&activation, &layer.transposed);
            if index < last {
                let _ = activation.relu_();
            }
        }
        values(&activation)
    }

    /// Evaluates the network on rows.
    pub fn judge(&self, batch: &Batch<'_>) -> Sum {
        cross_entropy(&mut self.logits(&batch.rows), batch.classes, self.classes())
    }

    /// The probability of each class in each row, row-major.
    pub fn probabilities(&self, rows: &Tensor) -> Vec<f64> {
        softmax(&self.logits(rows), self.classes())
    }
}

/// A copy of a tensor's values, row-major.
fn values(tensor: &Tensor) -> Vec<f32> {
    let mut values = vec![0.0; tensor.numel()];
    tensor.copy_data(&mut values, tensor.numel());
    values
}

/// The values of a contiguous tensor of floats in the process's own memory.
#[expect(
    unsafe_code,
    reason = "the optimiser works on the weights where they lie"
)]
fn slice(tensor: &mut Tensor) -> &mut [f32] {
    assert!(tensor.is_contiguous() && tensor.kind() == Kind::Float);
    // SAFETY: a contiguous float tensor on the host is `numel` floats at `data_ptr`, which live as
    // long as the tensor, and the borrow keeps this tensor from being used meanwhile.
    unsafe { std::slice::from_raw_parts_mut(tensor.data_ptr().cast(), tensor.numel()) }
}
