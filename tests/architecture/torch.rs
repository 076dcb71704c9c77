//! The rules about libtorch: who may name it, a device, or what is random.

use crate::rules::{Violation, forbid, is_source, starts_with_any};
use crate::source::Name;

pub(crate) fn torch_at_home(path: &str, text: &str) -> Vec<Violation> {
    if !is_source(path) || path.starts_with("src/domain/training/") {
        return Vec::new();
    }
    forbid(
        text,
        |name| starts_with_any(name, &["tch", "torch_sys"]),
        "torch is named in src/domain/training/ alone",
    )
}

pub(crate) fn devices_at_home(path: &str, text: &str) -> Vec<Violation> {
    if !is_source(path) || !path.starts_with("src/") {
        return Vec::new();
    }
    let home = path == "src/domain/training/device.rs";
    let chooses = |name: &Name| {
        let device = name.path.iter().position(|one| one == "Device");
        !home && device.is_some_and(|at| at + 1 < name.path.len())
    };
    let mut found = forbid(text, chooses, "only device.rs chooses devices");
    found.extend(forbid(
        text,
        draws,
        "libtorch's generator is one for all trainings: rng.rs has the numbers of each",
    ));
    found
}

/// Whether a name draws from libtorch's own generator, or sets it. (Its names for the same with an
/// error, `f_…`, with a result to write to, `…_out`, and in place, `…_`, count as well.)
fn draws(name: &Name) -> bool {
    const RANDOM: &[&str] = &[
        "bernoulli",
        "cauchy",
        "dropout",
        "exponential",
        "geometric",
        "log_normal",
        "multinomial",
        "normal",
        "poisson",
        "rand",
        "randint",
        "randn",
        "random",
        "randperm",
        "rrelu",
        "uniform",
    ];
    const VARIANTS: &[&str] = &[
        "",
        "_",
        "_float_",
        "_from",
        "_from_",
        "_functional",
        "_like",
        "_low",
        "_low_dtype",
        "_p",
        "_tensor",
        "_to",
        "_to_",
        "_like_tensor",
        "_like_low_dtype",
    ];
    let Some(last) = name.path.last() else {
        return false;
    };
    let plain = last.strip_prefix("f_").unwrap_or(last);
    let plain = plain.strip_suffix("_out").unwrap_or(plain);
    let random = RANDOM.iter().any(|stem| {
        let variant = plain.strip_prefix(stem);
        variant.is_some_and(|variant| VARIANTS.contains(&variant))
    }) || plain.ends_with("_dropout")
        || plain.ends_with("_dropout_")
        || plain.starts_with("internal_philox_");
    let of_tensor = name.path.len() > 1 && (name.has(&["Tensor"]) || name.starts(&["tch"]));
    name.has(&["manual_seed"])
        || name.starts(&["tch", "nn"])
        || name.starts(&["tch", "*"])
        || (random && (of_tensor || (name.method && name.called)))
}
