//! How a start is to be recorded.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use impresario_api::{CheckpointChoice, Faults, OperationId, StartOptions, Timestamp, text};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::operation::{ErasedOperation, Policy};
use crate::rules::admission::Limits;
use crate::rules::lifecycle::Terms;
use crate::setters::setters;
use crate::store::{Idempotency, StoredOperation, Submission};

/// The most bytes that labels may take together.
const LABEL_BYTES: usize = 4_096;
/// The most labels, and the longest key in characters.
const LABELS: usize = 64;
const LABEL_KEY: usize = 100;
/// Who asks where the program itself does.
pub(crate) const THIS_PROGRAM: &str = "impresario";
/// The longest name of who asks, in characters.
const CALLER: usize = 100;
/// The longest reason, in characters.
const REASON: usize = 1_000;
/// The longest timeout: a hundred years, far from any overflow.
const LONGEST_TIMEOUT: f64 = 100.0 * 366.0 * 86_400.0;

/// How a start is to be recorded, and who asks.
///
/// ```
/// use impresario::Options;
/// use impresario::api::StartOptions;
/// use impresario::tokio_util::sync::CancellationToken;
/// use std::time::Duration;
///
/// let labels = [("symbol".to_owned(), "GOOG".to_owned())].into();
/// let start = StartOptions { labels, priority: Some(5), ..StartOptions::default() };
/// let options = Options::default().start(start).requested_by("alice").idempotency_key("monday");
///
/// // The answer waits for the end, at most ten seconds, and only as long as the client is there:
/// let gone = CancellationToken::new();
/// let options = options.wait(Duration::from_secs(10)).gone(gone.clone());
/// gone.cancel(); // when its connection has closed
/// # let _ = options;
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Priority, labels, timeout, attempts, time; what is left out is the kind's default.
    pub start: StartOptions,
    /// Who asks; empty is the program itself. It is shown with its first 100 characters, and idempotency
    /// keys are those of all of it.
    pub requested_by: String,
    /// The same key, caller and request give the same operation.
    pub idempotency_key: Option<String>,
    /// How long the answer may wait for what was asked to come about: the end of a start, of a
    /// cancel or a finish, the rest of a pause. It says what was recorded in any case. Zero: as soon
    /// as it is recorded.
    pub wait: Duration,
    /// Once it is cancelled, nobody waits for that any more.
    pub gone: CancellationToken,
}

/// The operation from which a start comes.
pub(super) enum Predecessor {
    /// It is tried again.
    Retried {
        /// Which.
        of: OperationId,
        /// Why, if they said.
        reason: Option<String>,
    },
    /// It is forked.
    Forked {
        /// Which.
        of: OperationId,
        /// From which of its checkpoints.
        checkpoint: CheckpointChoice,
    },
}

impl Options {
    setters! {
        start: StartOptions,
        wait: Duration,
        gone: CancellationToken,
    }

    /// The same options of this caller.
    #[must_use]
    pub fn requested_by(mut self, caller: impl Into<String>) -> Self {
        self.requested_by = caller.into();
        self
    }

    /// The same options with this idempotency key.
    #[must_use]
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Every option that is out of its range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let mut faults = Faults::default();
        let start = &self.start;
        if let Some(priority) = start.priority
            && !(-100..=100).contains(&priority)
        {
            let expected = "an integer from -100 to 100";
            faults.push("options.priority", expected, &priority.to_string());
        }
        if let Some(seconds) = start.timeout_seconds
            && !(seconds > 0.0 && seconds <= LONGEST_TIMEOUT)
        {
            let expected = "more than 0 and at most a hundred years";
            faults.push("options.timeout_seconds", expected, &seconds.to_string());
        }
        if start.max_attempts == Some(0) {
            faults.push("options.max_attempts", "an integer of at least 1", "0");
        }
        self.check_labels(&mut faults);
        if faults.is_empty() {
            Ok(())
        } else {
            Err(Error::InvalidOptions(faults))
        }
    }

    /// Labels are for finding: none that `label=key:value` cannot name, or that nobody can read.
    fn check_labels(&self, faults: &mut Faults) {
        let labels = &self.start.labels;
        let mut fault = |expected: &str, got: &str| faults.push("options.labels", expected, got);
        if labels.len() > LABELS {
            let got = format!("{} labels", labels.len());
            return fault(&format!("at most {LABELS} labels"), &got);
        }
        let bytes: usize = labels
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if bytes > LABEL_BYTES {
            fault("at most 4096 bytes together", &format!("{bytes} bytes"));
        }
        for (key, value) in labels {
            if key.is_empty() || key.contains(':') || key.chars().count() > LABEL_KEY {
                let expected = "keys of 1 to 100 characters, without \":\"";
                fault(expected, &format!("{key:?}"));
            } else if key.chars().chain(value.chars()).any(text::is_unclear) {
                let expected =
                    "no invisible characters and no spaces but U+0020 in keys and values";
                fault(expected, &format!("{key:?}: {value:?}"));
            }
        }
    }

    /// Who asks.
    pub(super) fn caller(&self) -> String {
        match &*text::one_line(&self.requested_by, CALLER) {
            "" => THIS_PROGRAM.to_owned(),
            name => name.to_owned(),
        }
    }

    /// The key, joined with who asks, and the fingerprint of the request: what is left out is the
    /// same as its default. The hasher's keys are fixed, so a later process of the same build makes
    /// the same fingerprint.
    pub(super) fn idempotency(
        &self,
        kind: &dyn ErasedOperation,
        params: &Value,
        predecessor: Option<&Predecessor>,
        kept: Duration,
        now: Timestamp,
    ) -> Option<Idempotency> {
        let key = self.idempotency_key.as_ref()?;
        let policy = kind.policy();
        let retry_of = match predecessor {
            Some(Predecessor::Retried { of, .. }) => Some(of),
            _ => None,
        };
        let mut hasher = DefaultHasher::new();
        (&kind.view().kind, params.to_string(), retry_of).hash(&mut hasher);
        (self.priority(), &self.start.labels).hash(&mut hasher);
        (self.timeout_ms(policy), self.max_attempts(policy)).hash(&mut hasher);
        let not_before = self.start.not_before.map(Timestamp::as_millis);
        not_before.hash(&mut hasher);
        if let Some(Predecessor::Forked { of, checkpoint }) = predecessor {
            (of, checkpoint).hash(&mut hasher);
        }
        let kept = i64::try_from(kept.as_millis()).unwrap_or(i64::MAX);
        Some(Idempotency {
            key: self.key_of_caller(key),
            fingerprint: hasher.finish(),
            since: now.plus_millis(-kept),
        })
    }

    /// The key, joined with who asks; where that is not shown as it was given, with a digest of all of it
    /// too: callers that are shown alike are not the same.
    fn key_of_caller(&self, key: &str) -> String {
        let (shown, given) = (self.caller(), self.requested_by.as_bytes());
        if given.is_empty() || given == shown.as_bytes() {
            return format!("{shown}\n{key}");
        }
        let digest = text::hex(&Sha256::digest(given));
        format!("{shown}\n{key}\n{digest}")
    }

    fn priority(&self) -> i32 {
        self.start.priority.unwrap_or(0)
    }

    fn timeout_ms(&self, policy: &Policy) -> Option<u64> {
        let asked = self.start.timeout_seconds;
        let asked = asked.map(|seconds| (seconds * 1000.0).ceil() as u64);
        asked.or(policy.timeout.map(millis))
    }

    fn max_attempts(&self, policy: &Policy) -> u32 {
        self.start.max_attempts.unwrap_or(policy.max_attempts)
    }

    /// Those of a retry or a fork: the first one's own, where it is asked for nothing else.
    pub(super) fn like(self, first: &StoredOperation) -> Self {
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
        predecessor: Option<Predecessor>,
        idempotency: Option<Idempotency>,
        now: Timestamp,
    ) -> Submission {
        let policy = kind.policy();
        let (retry_of, reason) = match predecessor {
            Some(Predecessor::Retried { of, reason }) => (Some(of), reason),
            _ => (None, None),
        };
        Submission {
            id,
            kind: kind.view().kind.clone(),
            lane: policy.lane.to_string(),
            priority: self.priority(),
            requested_by: self.caller(),
            retry_of,
            reason,
            fork: None,
            unique: unique(&policy.unique_by, &kind.view().kind, &params),
            params,
            timeout_ms: self.timeout_ms(policy),
            not_before: self.start.not_before,
            terms: Terms {
                pausable: policy.pausable,
                finishable: policy.finishable,
                max_attempts: self.max_attempts(policy),
                backoff: policy.backoff,
                retry_panics: policy.retry_panics,
                fail_when_lost: policy.fail_when_lost,
            },
            labels: self.start.labels,
            idempotency,
            limits: Limits::NONE,
            now,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Why a verb is asked, as it is kept.
pub(super) fn kept_reason(given: Option<String>) -> Result<Option<String>, Error> {
    let Some(given) = given else {
        return Ok(None);
    };
    let length = given.chars().count();
    if length > REASON {
        let got = format!("{length} characters");
        let faults = Faults::one("reason", "at most 1000 characters", &got);
        return Err(Error::InvalidOptions(faults));
    }
    Ok(Some(text::one_line(&given, REASON).into_owned()))
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

#[cfg(test)]
mod tests;
