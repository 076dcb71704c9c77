//! How a start is to be recorded.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use impresario_api::{Fault, KindView, OperationId, StartOptions, Timestamp};
use serde_json::Value;

use crate::Error;
use crate::operation::ErasedOperation;
use crate::rules::lifecycle::Terms;
use crate::store::{Idempotency, Operation, Submission};

/// The most bytes that labels may take together.
const LABEL_BYTES: usize = 4_096;
/// The longest timeout: a hundred years, far from any overflow.
const LONGEST_TIMEOUT: f64 = 100.0 * 366.0 * 86_400.0;

/// How a start is to be recorded, and who asks.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Priority, labels, timeout, attempts, time; what is left out is the kind's default.
    pub start: StartOptions,
    /// Who asks; empty is the program itself.
    pub requested_by: String,
    /// The same key, caller and request give the same operation.
    pub idempotency_key: Option<String>,
    /// How long the answer may wait for what was asked to come about: the end of a start, of a
    /// cancel or a finish, the rest of a pause. It says what was recorded in any case. Zero: as soon
    /// as it is recorded.
    pub wait: Duration,
}

impl Options {
    /// Every option that is out of its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut faults = Vec::new();
        let mut fault = |path: &str, expected: &str, got: String| {
            faults.push(Fault {
                path: format!("options.{path}"),
                expected: expected.to_owned(),
                got,
            });
        };
        let start = &self.start;
        if let Some(priority) = start
            .priority
            .filter(|priority| !(-100..=100).contains(priority))
        {
            fault(
                "priority",
                "an integer from -100 to 100",
                priority.to_string(),
            );
        }
        let lasts = |seconds: &f64| *seconds > 0.0 && *seconds <= LONGEST_TIMEOUT;
        if let Some(seconds) = start.timeout_seconds.filter(|seconds| !lasts(seconds)) {
            fault(
                "timeout_seconds",
                "more than 0 and at most a hundred years",
                seconds.to_string(),
            );
        }
        if start.max_attempts == Some(0) {
            fault("max_attempts", "an integer of at least 1", "0".to_owned());
        }
        let bytes: usize = start
            .labels
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if bytes > LABEL_BYTES {
            fault(
                "labels",
                "at most 4096 bytes together",
                format!("{bytes} bytes"),
            );
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Error::InvalidOptions(faults))
        }
    }

    /// Who asks.
    pub(super) fn caller(&self) -> String {
        if self.requested_by.is_empty() {
            "impresario".to_owned()
        } else {
            self.requested_by.clone()
        }
    }

    /// The key, joined with who asks, and the fingerprint of the request. The hasher's keys are
    /// fixed, so a later process of the same build makes the same fingerprint.
    pub(super) fn idempotency(
        &self,
        kind: &KindView,
        params: &Value,
        retry_of: Option<OperationId>,
        kept: Duration,
    ) -> Option<Idempotency> {
        let key = self.idempotency_key.as_ref()?;
        let mut hasher = DefaultHasher::new();
        (&kind.kind, params.to_string(), retry_of).hash(&mut hasher);
        serde_json::to_string(&self.start)
            .unwrap_or_default()
            .hash(&mut hasher);
        let kept = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
        Some(Idempotency {
            key: format!("{}\n{key}", self.caller()),
            fingerprint: hasher.finish(),
            since: Timestamp::now().plus_millis(-kept),
        })
    }

    /// A retry's: the first one's own, where it is asked for nothing else.
    pub(super) fn like(self, first: &Operation) -> Self {
        let asked = self.start;
        let start = StartOptions {
            priority: asked.priority.or(Some(first.priority)),
            labels: if asked.labels.is_empty() {
                first.labels.clone()
            } else {
                asked.labels
            },
            timeout_seconds: asked
                .timeout_seconds
                .or(first.timeout_ms.map(|ms| ms as f64 / 1000.0)),
            max_attempts: asked.max_attempts.or(Some(first.state.terms.max_attempts)),
            not_before: asked.not_before,
        };
        Self { start, ..self }
    }

    pub(super) fn submission(
        self,
        id: OperationId,
        kind: &dyn ErasedOperation,
        params: Arc<Value>,
        retry_of: Option<OperationId>,
        idempotency: Option<Idempotency>,
    ) -> Submission {
        let policy = kind.policy();
        let requested_by = self.caller();
        let timeout = self
            .start
            .timeout_seconds
            .map(|seconds| (seconds * 1000.0).ceil() as u64);
        Submission {
            id,
            kind: kind.view().kind.clone(),
            lane: policy.lane.to_string(),
            priority: self.start.priority.unwrap_or(0),
            labels: self.start.labels,
            requested_by,
            retry_of,
            unique: unique(&policy.unique_by, &kind.view().kind, &params),
            params,
            timeout_ms: timeout.or(policy.timeout.map(millis)),
            not_before: self.start.not_before,
            terms: Terms {
                pausable: policy.pausable,
                finishable: policy.finishable,
                max_attempts: self.start.max_attempts.unwrap_or(policy.max_attempts),
                backoff: policy.backoff,
                retry_panics: policy.retry_panics,
                fail_when_lost: policy.fail_when_lost,
                tiny: policy.tiny,
            },
            idempotency,
            most_waiting: 0,
            now: Timestamp::now(),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The text that two operations of a kind share when they would do the same.
fn unique(by: &[&str], kind: &str, params: &Value) -> Option<String> {
    let values: BTreeMap<&str, Option<&Value>> =
        by.iter().map(|name| (*name, params.get(name))).collect();
    let text = || {
        serde_json::to_string(&values)
            .ok()
            .map(|values| format!("{kind} {values}"))
    };
    if by.is_empty() { None } else { text() }
}
