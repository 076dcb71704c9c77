//! Records of everything that the server answered.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::check::{self, Cursors, Reference, Step};
use crate::client::{self, Reply};

/// What must follow from an acknowledged verb, until somebody asks for a resume.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    /// The operation completes with what is done, or a stronger stop comes.
    Finished,
    /// The operation is paused or ends.
    Paused,
    /// The operation ends.
    Cancelled,
}

impl Promise {
    pub(crate) fn of(verb: &str) -> Option<Self> {
        match verb {
            "finish" => Some(Self::Finished),
            "pause" => Some(Self::Paused),
            "cancel" => Some(Self::Cancelled),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub(crate) acknowledged: bool,
    /// The body of its start; null if that is not known.
    pub(crate) body: Value,
    pub(crate) key: Option<String>,
    pub(crate) retry_of: Option<String>,
    /// The highest cursor that had been read before it was started.
    pub(crate) floor: u64,
    /// Each answer about it: the number of the last event, and the status.
    pub(crate) claims: Vec<(u64, String)>,
    /// The furthest checkpoint in an answer.
    pub(crate) checkpoint: Step,
    /// Its events, as they were last read.
    pub(crate) events: Vec<Value>,
    /// The strongest promise that is valid.
    pub(crate) promise: Option<Promise>,
    /// Whether somebody asked for a resume in this round. It may have been carried out, even after other verbs.
    pub(crate) resumed: bool,
    /// Whether nobody may send it a verb, so that only its own end or a kill ends it.
    pub(crate) left_alone: bool,
    /// Whether nobody has set the server's clock since it was started.
    pub(crate) steady: bool,
    /// For each time that its newest checkpoint was damaged, the number of its last run by then.
    pub(crate) damaged: Vec<u64>,
    /// Whether it has completed, or has ended and cannot be resumed.
    pub(crate) settled: bool,
}

impl Known {
    pub(crate) fn iterations(&self) -> Option<u64> {
        self.body["iterations"].as_u64()
    }

    pub(crate) fn is_training(&self) -> bool {
        client::is_training(&self.body)
    }

    /// Adds what an answer says about it.
    pub(crate) fn heard(&mut self, view: &Value) {
        let step = check::step(&view["checkpoint"]["step"]);
        self.checkpoint = self.checkpoint.max(step);
        if let (Some(seq), Some(status)) = (view["seq"].as_u64(), view["status"].as_str()) {
            self.claims.push((seq, status.to_owned()));
        }
    }

    /// Adds a verb that was acknowledged and recorded.
    pub(crate) fn promised(&mut self, verb: &str) {
        if !self.resumed {
            self.promise = self.promise.max(Promise::of(verb));
        }
    }
}

/// All operations, ordered by id, which is by age.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) operations: BTreeMap<String, Known>,
    /// Starts with a key that were never answered and may have been recorded.
    pub(crate) unanswered: Vec<(String, Value)>,
    /// The ids of operations that this round has touched.
    pub(crate) touched: Vec<String>,
    pub(crate) cursors: Cursors,
    /// The trainings that are started, each with its result when nobody disturbed it.
    pub(crate) trainings: Vec<(Value, Reference)>,
    /// The folders of checkpoints that were damaged.
    pub(crate) damaged: BTreeSet<PathBuf>,
    pub(crate) surprises: Vec<String>,
    pub(crate) counts: Counts,
    /// Whether somebody sets the clock in this round.
    clock_is_set: bool,
}

/// What was done, for the report.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) starts: u64,
    pub(crate) verbs: u64,
    pub(crate) refused: u64,
    pub(crate) resent: u64,
    pub(crate) replayed: u64,
    pub(crate) claims: u64,
    pub(crate) promises: u64,
    pub(crate) in_recovery: u64,
    pub(crate) looked_into: u64,
    /// The number of nearly valid requests that were refused.
    pub(crate) odd: u64,
    /// How often the clock was set.
    pub(crate) clocks: u64,
    /// How often each attack was carried out.
    pub(crate) attacks: BTreeMap<&'static str, u64>,
    /// The most memory that a server used, in KiB.
    pub(crate) peak: u64,
}

impl Ledger {
    pub(crate) fn touch(&mut self, id: &str) -> &mut Known {
        if !self.touched.iter().any(|one| one == id) {
            self.touched.push(id.to_owned());
        }
        self.operations.entry(id.to_owned()).or_default()
    }

    /// Adds a start that was acknowledged.
    pub(crate) fn started(&mut self, id: &str, body: &Value, floor: u64) -> &mut Known {
        self.counts.starts += 1;
        let steady = !self.clock_is_set;
        let known = self.touch(id);
        known.acknowledged = true;
        known.body.clone_from(body);
        known.floor = floor;
        known.steady = steady;
        known
    }

    pub(crate) fn round(&mut self, clock_is_set: bool) {
        self.clock_is_set = clock_is_set;
        if clock_is_set {
            let all = self.operations.values_mut();
            all.for_each(|known| known.steady = false);
        }
    }

    /// Adds a refusal. An unexpected one is a violation.
    pub(crate) fn refused(&mut self, what: &str, reply: &Reply) {
        self.counts.refused += 1;
        let start = what == "a start";
        let expected = match reply.status {
            409 => !start,
            429 => start || what == "retry",
            503 => reply.code() == "SHUTTING_DOWN",
            _ => false,
        };
        if !expected {
            self.surprises.push(format!("{what} is refused: {reply:?}"));
        }
    }

    /// The result of the same training when nobody disturbed it. Each has a seed of its own.
    pub(crate) fn reference(&self, body: &Value) -> Option<&Reference> {
        let mut all = self.trainings.iter();
        let (_, reference) = all.find(|(params, _)| params["seed"] == body["seed"])?;
        Some(reference)
    }

    /// The trainings that have not completed and can go on.
    pub(crate) fn unsettled(&self) -> Vec<String> {
        let open = |known: &Known| known.is_training() && !known.settled;
        let all = self.operations.iter().filter(|(_, known)| open(known));
        all.map(|(id, _)| id.clone()).collect()
    }

    /// A random id.
    pub(crate) fn any(&self, random: &mut fastrand::Rng) -> Option<String> {
        // Mostly young operations are chosen, because the others have long ended.
        let count = self.operations.len();
        let among = if random.u8(..8) == 0 {
            count
        } else {
            count.min(70)
        };
        if among == 0 {
            return None;
        }
        let place = random.usize(..among);
        let (id, known) = self.operations.iter().nth_back(place)?;
        (!known.left_alone).then(|| id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusals(what: &str, status: u16, code: &str) -> usize {
        let body = json!({"success": false, "error": {"code": code}});
        let mut ledger = Ledger::default();
        ledger.refused(what, &Reply { status, body });
        ledger.surprises.len()
    }

    #[test]
    fn only_refusals_that_are_called_for_pass() {
        assert_eq!(refusals("a start", 429, "QUEUE_FULL"), 0);
        assert_eq!(refusals("retry", 429, "QUEUE_FULL"), 0);
        assert_eq!(refusals("pause", 409, "STOPPING"), 0);
        assert_eq!(refusals("cancel", 503, "SHUTTING_DOWN"), 0);
        assert_eq!(refusals("a start", 400, "BAD_REQUEST"), 1);
        assert_eq!(refusals("a start", 409, "DUPLICATE"), 1);
        assert_eq!(
            refusals("cancel", 429, "QUEUE_FULL"),
            1,
            "stops are always admitted"
        );
        assert_eq!(refusals("cancel", 500, "INTERNAL"), 1);
        assert_eq!(refusals("cancel", 503, "STORE_UNAVAILABLE"), 1);
    }
}
