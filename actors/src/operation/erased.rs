//! The object-safe form of a kind, over JSON: what the registry holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use garde::Validate;
use impresario_api::{Faults, KindView, MAX_DEPTH, Verb, whole_numbers};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::depth::{bounded, is_too_deep};
use super::schema::ParamsSchema;
use super::{Context, Failure, Operation, OrFail, Policy, Refusal};

pub(crate) trait ErasedOperation: Send + Sync {
    fn view(&self) -> &KindView;
    fn policy(&self) -> &Policy;
    /// Params that the kind's schema allows, or every fault.
    fn fit(&self, params: Value) -> Result<Value, Faults>;
    /// The params as the kind takes them, defaults filled in; or every fault.
    fn check(&self, params: Value) -> Result<Value, Faults>;
    /// Whether there is an `admit` to ask, as far as is known.
    fn asks_admission(&self) -> bool;
    fn admit(&self, params: &Value) -> Result<(), Refusal>;
    fn run(&self, params: &Value, ctx: &Context) -> Result<Value, Failure>;
}

struct Erased<K> {
    kind: K,
    view: KindView,
    policy: Policy,
    schema: ParamsSchema,
    asks_admission: AtomicBool,
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
        params_schema: schema.json().clone(),
        output_schema: schemars::schema_for!(K::Output).to_value(),
        lane: policy.lane.to_owned(),
        verbs,
    };
    Arc::new(Erased {
        kind,
        view,
        policy,
        schema,
        asks_admission: AtomicBool::new(true),
    })
}

/// Params of a kind from what its schema allows, checked for what a schema cannot say.
pub(crate) fn typed<P: DeserializeOwned + Serialize + Validate<Context = ()>>(
    params: Value,
) -> Result<P, Faults> {
    let typed: P = serde_json::from_value(params).map_err(|error| unreadable(&error))?;
    valid(&typed)?;
    Ok(typed)
}

/// Checks params for what a schema cannot say.
pub(crate) fn valid<P: Serialize + Validate<Context = ()>>(params: &P) -> Result<(), Faults> {
    let faults = |report| super::schema::faults(&report, params);
    params.validate().map_err(faults)
}

/// Checked params as they are recorded.
pub(crate) fn recorded<P: Serialize>(params: &P) -> Result<Value, Faults> {
    let params = serde_json::to_value(params).map_err(|error| unreadable(&error))?;
    bounded(&params)?;
    Ok(params)
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

    fn fit(&self, mut params: Value) -> Result<Value, Faults> {
        bounded(&params)?;
        if params.is_null() {
            params = Value::Object(serde_json::Map::new());
        }
        whole_numbers(&mut params);
        self.schema.check(params)
    }

    fn check(&self, params: Value) -> Result<Value, Faults> {
        recorded(&typed::<K::Params>(self.fit(params)?)?)
    }

    fn asks_admission(&self) -> bool {
        self.asks_admission.load(Ordering::Relaxed)
    }

    fn admit(&self, params: &Value) -> Result<(), Refusal> {
        let typed = serde_json::from_value(params.clone())
            .map_err(|error| Refusal::new("PARAMS_INCOMPATIBLE", error.to_string()))?;
        match self.kind.admit(&typed) {
            Err(refusal) if refusal.is_none_needed() => {
                self.asks_admission.store(false, Ordering::Relaxed);
                Ok(())
            }
            verdict => verdict.map_err(Refusal::bounded),
        }
    }

    fn run(&self, params: &Value, ctx: &Context) -> Result<Value, Failure> {
        // Recorded params may be older than this build of the kind.
        let params = serde_json::from_value(params.clone()).or_fail("PARAMS_INCOMPATIBLE")?;
        let output = self.kind.run(params, ctx)?;
        let output = serde_json::to_value(output).or_fail("OUTPUT_NOT_ENCODED")?;
        if is_too_deep(&output) {
            let message = format!("the output is nested more than {MAX_DEPTH} levels deep");
            return Err(Failure::new("OUTPUT_NOT_ENCODED", message));
        }
        Ok(output)
    }
}
