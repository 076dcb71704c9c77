//! The object-safe form of a kind, over JSON: what the registry holds.

use std::sync::Arc;

use impresario_api::{Faults, KindView, MAX_DEPTH, Verb, whole_numbers};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Context, Failure, Operation, OrFail, Policy, Refusal};
use crate::params::depth::{bounded, is_too_deep};
use crate::params::not_finite;
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
        fork_params: policy
            .fork_may_change
            .iter()
            .map(|one| (*one).to_owned())
            .collect(),
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

/// Params as JSON, with what a client by name would have sent, and so with the faults that they would
/// have.
pub(crate) fn encoded<P: Serialize>(params: &P) -> Result<Value, Faults> {
    let json = serde_json::to_value(params).or_else(|_| {
        // An integer of over 64 bits. In a text it is one that is too large, which the schema names.
        serde_json::from_slice(&serde_json::to_vec(params)?)
    });
    let json = json.map_err(|error| unreadable(&error))?;
    let mut faults = Faults::default();
    for (path, number) in not_finite::find(params, &json) {
        faults.push(&path, "a finite number", &number.to_string());
    }
    if faults.is_empty() {
        Ok(json)
    } else {
        Err(faults)
    }
}

/// Params as they are recorded, defaults filled in; or why a start with them is refused.
pub(super) fn recorded<K: Operation>(
    kind: &K,
    schema: &ParamsSchema,
    params: Value,
) -> Result<Value, Refusal> {
    let params = fits(schema, params)?;
    let typed = K::Params::deserialize(params).map_err(|error| unreadable(&error))?;
    kind.check(&typed).map_err(Refusal::bounded)?;
    let params = encoded(&kind.complete(typed))?;
    bounded(&params)?;
    Ok(params)
}

/// Whether the kind admits a start with these params, as they are recorded.
pub(super) fn admitted<K: Operation>(kind: &K, params: &Value) -> Result<(), Refusal> {
    let Some(admit) = K::ADMIT else {
        return Ok(());
    };
    let typed = K::Params::deserialize(params)
        .map_err(|error| Refusal::new("PARAMS_INCOMPATIBLE", error.to_string()))?;
    admit(kind, &typed).map_err(Refusal::bounded)
}

/// An output as JSON. What JSON has no number for becomes null, and a warning says so.
pub(super) fn encoded_output<O: Serialize>(output: &O, ctx: &Context) -> Result<Value, Failure> {
    let json = serde_json::to_value(output).or_fail("OUTPUT_NOT_ENCODED")?;
    if is_too_deep(&json) {
        let message = format!("the output is nested more than {MAX_DEPTH} levels deep");
        return Err(Failure::new("OUTPUT_NOT_ENCODED", message));
    }
    let found = not_finite::find(output, &json);
    if !found.is_empty() {
        ctx.warn("OUTPUT_NOT_FINITE", not_finite_sentence(&found));
    }
    Ok(json)
}

/// Names the first of these.
fn not_finite_sentence(found: &[(String, f64)]) -> String {
    const TOLD: usize = 5;
    let one = |(path, number): &(String, f64)| match path.as_str() {
        "" => format!("it is {number}"),
        path => format!("{path} is {number}"),
    };
    let mut told: Vec<_> = found.iter().take(TOLD).map(one).collect();
    if found.len() > TOLD {
        told.push(format!("and {} more", found.len() - TOLD));
    }
    format!(
        "the output has numbers that JSON does not have, which are kept as null: {}",
        told.join(", ")
    )
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
        recorded(&self.kind, &self.schema, params)
    }

    fn asks_admission(&self) -> bool {
        K::ADMIT.is_some()
    }

    fn admit(&self, params: &Value) -> Result<(), Refusal> {
        admitted(&self.kind, params)
    }

    fn run(&self, params: &Value, ctx: &Context) -> Result<Value, Failure> {
        // Recorded params may be older than this build of the kind.
        let params = K::Params::deserialize(params).or_fail("PARAMS_INCOMPATIBLE")?;
        encoded_output(&self.kind.run(params, ctx)?, ctx)
    }
}
