//! The object-safe form of a kind, over JSON: what the registry holds.

use std::sync::Arc;

use impresario_api::{Faults, KindView, MAX_DEPTH, Verb, whole_numbers};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Context, Failure, Operation, OrFail, Policy, Refusal};
use crate::params::depth::{bounded, is_too_deep};
use crate::params::schema::ParamsSchema;

pub(crate) trait ErasedOperation: Send + Sync {
    fn view(&self) -> &KindView;
    fn policy(&self) -> &Policy;
    fn schema(&self) -> &ParamsSchema;
    /// The params as the kind takes them, defaults filled in; or why it does not.
    fn check(&self, params: Value) -> Result<Value, Refusal>;
    /// Whether there is an admission to ask.
    fn asks_admission(&self) -> bool;
    fn admit(&self, params: &Value) -> Result<(), Refusal>;
    fn run(&self, params: &Value, ctx: &Context) -> Result<Value, Failure>;
}

struct Erased<K> {
    kind: K,
    view: KindView,
    policy: Policy,
    schema: ParamsSchema,
}

/// The object-safe form of `kind`.
pub(super) fn erase<K: Operation>(kind: K) -> Arc<dyn ErasedOperation> {
    let policy = kind.policy();
    let schema = ParamsSchema::of::<K::Params>();
    let mut verbs = vec![Verb::Cancel];
    verbs.extend(policy.pausable.then_some(Verb::Pause));
    verbs.extend(policy.finishable.then_some(Verb::Finish));
    verbs.extend([Verb::Resume, Verb::Retry]);
    let view = KindView {
        kind: K::KIND.to_owned(),
        description: kind.description().to_owned(),
        params_schema: schema.published(),
        output_schema: schemars::schema_for!(K::Output).to_value(),
        lane: policy.lane.to_owned(),
        verbs,
    };
    Arc::new(Erased {
        kind,
        view,
        policy,
        schema,
    })
}

/// Params that the schema allows, or every fault.
pub(super) fn fits(schema: &ParamsSchema, mut params: Value) -> Result<Value, Faults> {
    bounded(&params)?;
    if params.is_null() || params.as_object().is_some_and(serde_json::Map::is_empty) {
        params = schema.no_params();
    }
    whole_numbers(&mut params);
    schema.check(params)
}

/// Params as JSON.
pub(crate) fn encoded<P: Serialize>(params: &P) -> Result<Value, Faults> {
    serde_json::to_value(params).map_err(|error| unreadable(&error))
}

/// A fault of the whole.
fn unreadable(error: &serde_json::Error) -> Faults {
    Faults::one("", "params of this kind", &error.to_string())
}

impl<K: Operation> ErasedOperation for Erased<K> {
    fn view(&self) -> &KindView {
        &self.view
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn schema(&self) -> &ParamsSchema {
        &self.schema
    }

    fn check(&self, params: Value) -> Result<Value, Refusal> {
        let params = fits(&self.schema, params)?;
        let typed = K::Params::deserialize(params).map_err(|error| unreadable(&error))?;
        self.kind.check(&typed).map_err(Refusal::bounded)?;
        let params = encoded(&self.kind.complete(typed))?;
        bounded(&params)?;
        Ok(params)
    }

    fn asks_admission(&self) -> bool {
        K::ADMIT.is_some()
    }

    fn admit(&self, params: &Value) -> Result<(), Refusal> {
        let Some(admit) = K::ADMIT else {
            return Ok(());
        };
        let typed = K::Params::deserialize(params)
            .map_err(|error| Refusal::new("PARAMS_INCOMPATIBLE", error.to_string()))?;
        admit(&self.kind, &typed).map_err(Refusal::bounded)
    }

    fn run(&self, params: &Value, ctx: &Context) -> Result<Value, Failure> {
        // Recorded params may be older than this build of the kind.
        let params = K::Params::deserialize(params).or_fail("PARAMS_INCOMPATIBLE")?;
        let output = self.kind.run(params, ctx)?;
        let output = serde_json::to_value(output).or_fail("OUTPUT_NOT_ENCODED")?;
        if is_too_deep(&output) {
            let message = format!("the output is nested more than {MAX_DEPTH} levels deep");
            return Err(Failure::new("OUTPUT_NOT_ENCODED", message));
        }
        Ok(output)
    }
}
