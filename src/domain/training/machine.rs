//! The machine of a training. The order in which a processor and libtorch add numbers up decides about the
//! last bits of the weights, so bits are promised only where these are the same.

use std::fs;
use std::sync::LazyLock;

use impresario::operation::{Context, Failure};
use impresario_api::Machine;

use super::device::{self, ComputeDevice};

/// The version of libtorch.
pub(super) const LIBTORCH: &str = env!("IMPRESARIO_LIBTORCH_VERSION");

/// The device and the threads of a run.
pub(super) struct Chosen {
    pub(super) device: ComputeDevice,
    threads: usize,
}

/// Takes the device of this name, and the threads of the lane.
pub(super) fn choose(device: &str, ctx: &Context) -> Result<Chosen, Failure> {
    device::use_threads(ctx.threads());
    let device = ComputeDevice::find(device)
        .map_err(|refusal| Failure::new(refusal.code, refusal.message))?;
    Ok(Chosen {
        device,
        threads: ctx.threads(),
    })
}

impl Chosen {
    /// As a card and a checkpoint name it.
    pub(super) fn view(&self) -> Machine {
        Machine {
            processor: PROCESSOR.clone(),
            threads: u32::try_from(self.threads).unwrap_or(u32::MAX),
            device: self.device.name().to_owned(),
            libtorch: LIBTORCH.to_owned(),
        }
    }
}

/// What differs between two machines, in words: "4 threads, not 2"; empty if nothing does.
pub(super) fn differences(one: &Machine, other: &Machine) -> String {
    let threads = |machine: &Machine| machine.threads.to_string();
    let parts = [
        ("processor", one.processor.clone(), other.processor.clone()),
        ("threads", threads(one), threads(other)),
        ("device", one.device.clone(), other.device.clone()),
        ("libtorch", one.libtorch.clone(), other.libtorch.clone()),
    ];
    let differ = parts.iter().filter(|(_, one, other)| one != other);
    let told = differ.map(|(name, one, other)| format!("{name} {one} there, {other} here"));
    told.collect::<Vec<_>>().join("; ")
}

/// The processor's name, as Linux tells it, or its architecture.
static PROCESSOR: LazyLock<String> = LazyLock::new(|| {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    named(&text).unwrap_or(std::env::consts::ARCH).to_owned()
});

fn named(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))?;
    let name = line.trim_start().strip_prefix(':')?.trim();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_processor_is_read() {
        let text = "processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nprocessor\t: 1\n";
        assert_eq!(named(text), Some("Some CPU @ 2.00GHz"));
        for text in ["", "model name\t:\n", "Hardware : board\n"] {
            assert_eq!(named(text), None);
        }
        assert!(!PROCESSOR.is_empty());
    }

    #[test]
    fn what_differs_is_named_alone() {
        let one = Machine {
            processor: "a".to_owned(),
            threads: 2,
            device: "cpu".to_owned(),
            libtorch: "2.9".to_owned(),
        };
        let other = Machine {
            threads: 4,
            ..one.clone()
        };
        assert_eq!(differences(&one, &one), "");
        assert_eq!(differences(&one, &other), "threads 2 there, 4 here");
    }
}
