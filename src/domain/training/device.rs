//! The device of tensors, chosen once, here, for every tensor of a training.

use impresario::operation::Refusal;
use serde_json::json;
use tch::{Cuda, Device, Tensor};

/// The names of devices in params.
pub(super) const NAMES: [&str; 4] = ["auto", "cpu", "cuda", "mps"];

/// An available device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComputeDevice(Device);

impl ComputeDevice {
    /// The device of a name; `auto` is the fastest that is there.
    pub fn find(name: &str) -> Result<Self, Refusal> {
        let cuda = || Cuda::is_available().then_some(Device::Cuda(0));
        let mps = || tch::utils::has_mps().then_some(Device::Mps);
        let found = match name {
            "cpu" => Some(Device::Cpu),
            "cuda" => cuda(),
            "mps" => mps(),
            "auto" => cuda().or_else(mps).or(Some(Device::Cpu)),
            _ => None,
        };
        found.map(Self).ok_or_else(|| {
            let message = format!(
                "device: expected one that is there (auto, cpu{}{}), got \"{name}\"",
                if cuda().is_some() { ", cuda" } else { "" },
                if mps().is_some() { ", mps" } else { "" },
            );
            Refusal::new("DEVICE_NOT_AVAILABLE", message)
                .details(json!({"field": "device", "device": name}))
        })
    }

    /// The processor, which is always available: for what is too small to be copied elsewhere.
    pub const fn host() -> Self {
        Self(Device::Cpu)
    }

    /// The device of a tensor.
    #[cfg(test)]
    pub(super) fn of(tensor: &Tensor) -> Self {
        Self(tensor.device())
    }

    /// Whether tensors are in the process's own memory.
    pub fn is_host(self) -> bool {
        self.0 == Device::Cpu
    }

    /// "cpu", "cuda" or "mps".
    pub const fn name(self) -> &'static str {
        match self.0 {
            Device::Cuda(_) => "cuda",
            Device::Mps => "mps",
            _ => "cpu",
        }
    }

    /// A tensor of zeros.
    pub fn zeros(self, shape: &[i64]) -> Tensor {
        Tensor::zeros(shape, (tch::Kind::Float, self.0))
    }

    /// A tensor of these values, row-major.
    pub fn tensor(self, values: &[f32], shape: &[i64]) -> Tensor {
        Tensor::from_slice(values).view(shape).to_device(self.0)
    }

    /// A tensor of these row numbers.
    pub fn rows(self, rows: &[i64]) -> Tensor {
        Tensor::from_slice(rows).to_device(self.0)
    }

    /// The tensor, moved to this device.
    pub fn bring(self, tensor: &Tensor) -> Tensor {
        tensor.to_device(self.0)
    }
}

/// Sets how many threads one tensor operation may use on the calling thread. libtorch keeps the number for
/// each thread, so another training has its own.
pub fn use_threads(threads: usize) {
    tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX).max(1));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_always_there_and_auto_is_something() {
        assert_eq!(
            ComputeDevice::find("cpu").map(ComputeDevice::name),
            Ok("cpu")
        );
        assert!(ComputeDevice::find("auto").is_ok());
    }

    #[test]
    fn what_is_not_there_is_refused_by_name() {
        for name in NAMES {
            if let Err(refusal) = ComputeDevice::find(name) {
                assert_eq!(refusal.code, "DEVICE_NOT_AVAILABLE");
                assert!(refusal.message.contains(name), "{}", refusal.message);
                let details = json!({"field": "device", "device": name});
                assert_eq!(refusal.details, Some(details));
            }
        }
        let refusal = ComputeDevice::find("abacus").expect_err("no such device");
        assert!(
            refusal.message.contains("got \"abacus\""),
            "{}",
            refusal.message
        );
    }
}
