//! Stands in until the real kind is merged over this file.

use impresario::operation::Operation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counts to `iterations`, resting between steps.
pub struct Dummy;

/// What it takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, garde::Validate)]
pub struct DummyParams {
    /// How many.
    #[garde(skip)]
    pub iterations: u32,
    /// The rest after each.
    #[garde(skip)]
    pub step_ms: u64,
}

impl Operation for Dummy {
    const KIND: &'static str = "dummy";
    type Params = DummyParams;
}
