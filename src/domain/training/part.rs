//! One part of the data, as the network takes it: in batches, shuffled for each epoch, or piece by piece.

use tch::Tensor;

use super::device::ComputeDevice;
use super::network::{Batch, Network};
use super::rng::{Purpose, Stream};

/// How many rows are evaluated between two checks for a stop.
pub(super) const JUDGED_AT_ONCE: u32 = 1_024;

/// One part of the data, on the network's device.
pub struct Part {
    /// (rows, features), scaled.
    features: Tensor,
    classes: Vec<u8>,
    device: ComputeDevice,
}

impl Part {
    /// Rows of `width` features each, row-major, and their classes.
    pub fn new(device: ComputeDevice, features: &[f32], width: usize, classes: Vec<u8>) -> Self {
        let shape = [classes.len() as i64, width as i64];
        Self {
            features: device.tensor(features, &shape),
            classes,
            device,
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> u32 {
        self.classes.len() as u32
    }

    /// Some of the rows, without a copy.
    pub fn batch(&self, from: u32, length: u32) -> Batch<'_> {
        let (start, end) = (from as usize, (from + length) as usize);
        Batch {
            rows: self.features.narrow(0, i64::from(from), i64::from(length)),
            classes: &self.classes[start..end],
        }
    }

    /// The device of each tensor.
    #[cfg(test)]
    pub(super) fn devices(&self) -> Vec<ComputeDevice> {
        vec![ComputeDevice::of(&self.features)]
    }

    /// The same rows in the order of an epoch (from 0).
    pub fn shuffled(&self, seed: u64, epoch: u32) -> Self {
        let order = Stream::new(seed, Purpose::Order { epoch }).order(self.rows());
        let order = order.as_slice();
        let classes = order.iter().map(|row| self.classes[*row as usize]);
        Self {
            features: self.features.index_select(0, &self.device.rows(order)),
            classes: classes.collect(),
            device: self.device,
        }
    }

    /// Some of the rows after the first `from`, at most as many as are evaluated at once.
    pub(super) fn piece(&self, from: u32) -> Batch<'_> {
        self.batch(from, JUDGED_AT_ONCE.min(self.rows() - from))
    }

    /// The probability of the second class of each row. `go_on` is called between pieces of the rows.
    pub fn up<E>(
        &self,
        network: &Network,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<Vec<f64>, E> {
        let mut up = Vec::with_capacity(self.classes.len());
        while up.len() < self.classes.len() {
            go_on()?;
            let both = network.probabilities(&self.piece(up.len() as u32).rows);
            up.extend(both.chunks_exact(2).map(|classes| classes[1]));
        }
        Ok(up)
    }
}
