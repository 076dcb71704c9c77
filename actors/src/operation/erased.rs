//! The object-safe form of a kind, over JSON: what the registry holds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use garde::Validate;
use impresario_api::{Fault, KindView, Verb};
use serde_json::Value;

use super::schema::ParamsSchema;
use super::{Context, Failure, Operation, OrFail, Policy, Refusal};

pub(crate) trait ErasedOperation: Send + Sync {
    fn view(&self) -> &KindView;
    fn policy(&self) -> &Policy;
    /// The params as the kind takes them, defaults filled in; or every fault.
    fn check(&self, params: Value) -> Result<Value, Vec<Fault>>;
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

impl<K: Operation> ErasedOperation for Erased<K> {
    fn view(&self) -> &KindView {
        &self.view
    }

    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn check(&self, params: Value) -> Result<Value, Vec<Fault>> {
        let params = match super::schema::whole_numbers(params) {
            Value::Null => Value::Object(serde_json::Map::new()),
            params => params,
        };
        self.schema.check(&params)?;
        let unreadable = |error: serde_json::Error| {
            vec![Fault {
                path: String::new(),
                expected: "params of this kind".to_owned(),
                got: error.to_string(),
            }]
        };
        let typed: K::Params = serde_json::from_value(params).map_err(unreadable)?;
        typed
            .validate()
            .map_err(|report| super::schema::faults(&report, &typed))?;
        serde_json::to_value(typed).map_err(unreadable)
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
            verdict => verdict,
        }
    }

    fn run(&self, params: &Value, ctx: &Context) -> Result<Value, Failure> {
        // Recorded params may be older than this build of the kind.
        let params = serde_json::from_value(params.clone()).or_fail("PARAMS_INCOMPATIBLE")?;
        let output = self.kind.run(params, ctx)?;
        serde_json::to_value(output).or_fail("OUTPUT_NOT_ENCODED")
    }
}
