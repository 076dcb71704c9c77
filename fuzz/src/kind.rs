//! A kind whose params have every shape that a schema can have, and which keeps folders.

use std::collections::BTreeMap;
use std::fs;

use impresario::operation::{Context, Failure, Operation, OrFail, Policy};
use impresario_api::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) struct Rich;

/// The params, all of which may be left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RichParams {
    #[schemars(length(max = 8), inner(range(min = 1, max = 4_096)))]
    pub(crate) layers: Vec<u32>,
    /// One of two objects, distinguished by a tag.
    pub(crate) shape: Option<Shape>,
    /// Free names.
    #[schemars(extend("maxProperties" = 16))]
    pub(crate) weights: BTreeMap<String, f64>,
    /// Text by a pattern.
    #[schemars(regex(pattern = r"^[A-Z]{1,8}$"))]
    pub(crate) symbol: Option<String>,
    #[schemars(range(min = -5, max = 5))]
    pub(crate) lean: i64,
    pub(crate) from: Option<Timestamp>,
}

/// One of two objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Shape {
    Circle {
        #[schemars(range(min = 0.0, max = 1e6))]
        radius: f64,
    },
    Points {
        /// Each with two numbers.
        #[schemars(length(max = 4))]
        at: Vec<(f64, f64)>,
    },
}

impl Operation for Rich {
    const KIND: &'static str = "rich";
    type Params = RichParams;
    type Output = RichParams;

    fn policy(&self) -> Policy {
        Policy::lane("default").pausable()
    }

    /// Makes a checkpoint with a folder. A run that goes on from it returns what it read.
    fn run(&self, params: RichParams, ctx: &Context) -> Result<RichParams, Failure> {
        let restored = ctx.restored_dir::<u32>()?;
        if let Some((_, folder)) = restored {
            let text = fs::read_to_string(folder.join("weights")).or_fail("NO_WEIGHTS")?;
            ctx.message(format_args!("{text}"));
            return Ok(params);
        }
        ctx.metric("loss", 1, 0.5);
        ctx.warn("RICH", "a warning");
        for step in ctx.steps("step", 0..2_u32) {
            let state = step?;
            ctx.checkpoint_dir(&state, |folder| {
                fs::create_dir_all(folder.join("deep")).or_fail("NOT_WRITTEN")?;
                fs::write(folder.join("deep").join("note"), "twelve bytes")
                    .or_fail("NOT_WRITTEN")?;
                fs::write(folder.join("weights"), "weights").or_fail("NOT_WRITTEN")
            })?;
        }
        Ok(params)
    }
}
