//! What a batch touches, so that a store can load all of it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use impresario_api::{OperationId, Timestamp};

use crate::store::{Command, LostOwner};

/// What has to be loaded before a part of a batch is decided: see [`super::decide`].
#[derive(Debug, Default)]
pub struct Needs<'a> {
    /// The ids of new operations: whether one of them is kept already.
    pub new: BTreeSet<OperationId>,
    /// Operations that commands name. Of each that has ended with a unique text, the live holder of that
    /// text is needed as well.
    pub operations: BTreeSet<OperationId>,
    /// Idempotency keys, with the operations that they stand for.
    pub keys: BTreeSet<&'a str>,
    /// Unique texts of new starts, with their live holders.
    pub unique: BTreeSet<&'a str>,
    /// Lanes in which somebody starts or is claimed.
    pub lanes: BTreeMap<&'a str, LaneNeeds<'a>>,
    /// The runs of a lost node that go on, the oldest operation first, and how many wait in each lane.
    pub recover: Option<LostOwner>,
    /// Operations that ended long ago.
    pub prune: Option<PruneNeeds>,
    /// Cancelled operations that have checkpoints.
    pub cancelled: Option<CancelledNeeds>,
}

/// What is needed of one lane besides how many wait in it.
#[derive(Debug)]
pub struct LaneNeeds<'a> {
    /// Scheduled operations that are due then may go: the first [`PROMOTED_AT_ONCE`] of them, by their
    /// times.
    ///
    /// [`PROMOTED_AT_ONCE`]: crate::rules::dispatch::PROMOTED_AT_ONCE
    pub now: Timestamp,
    /// So many that may go, by rank, and those that are due among them; of these kinds, when it is not of
    /// every kind. There are none when nothing is claimed.
    pub candidates: Vec<(Option<&'a Arc<[String]>>, usize)>,
    /// The times and ranks of so many scheduled ones, the next first, that are not due.
    pub scheduled: usize,
}

/// Which of those that have ended are needed.
#[derive(Clone, Copy, Debug)]
pub struct PruneNeeds {
    /// They ended before.
    pub before: Timestamp,
    /// The oldest ones, at most so many.
    pub limit: usize,
    /// Only their number is needed.
    pub dry_run: bool,
}

/// Which of those that were cancelled and have checkpoints are needed:
/// [`StoredOperation::cancelled_with_checkpoints`] says when one was.
///
/// [`StoredOperation::cancelled_with_checkpoints`]: crate::store::StoredOperation::cancelled_with_checkpoints
#[derive(Clone, Copy, Debug)]
pub struct CancelledNeeds {
    /// They ended before.
    pub before: Timestamp,
    /// The oldest ones, at most so many.
    pub limit: usize,
}

impl<'a> Needs<'a> {
    /// What a part of a batch touches.
    pub fn of(part: &'a [Command]) -> Self {
        let mut needs = Self::default();
        for command in part {
            needs.add(command);
        }
        // Those that an input may take from the queue before a claim looks at it.
        let named = |command: &&Command| matches!(command, Command::Apply { .. });
        let named = part.iter().filter(named).count();
        for lane in needs.lanes.values_mut() {
            let claimed: usize = lane.candidates.iter().map(|(_, limit)| *limit).sum();
            for (_, most) in &mut lane.candidates {
                *most = claimed.saturating_add(named);
            }
            lane.scheduled = 1 + named;
        }
        needs
    }

    fn add(&mut self, command: &'a Command) {
        match command {
            Command::Submit(submission) => {
                self.new.insert(submission.id);
                self.unique.extend(submission.unique.as_deref());
                let key = submission.idempotency.as_ref();
                self.keys.extend(key.map(|given| given.key.as_str()));
                self.lane(&submission.lane, submission.now);
            }
            Command::Claim(claim) => {
                let kinds = claim.kinds.as_ref();
                let lane = self.lane(&claim.lane, claim.now);
                let mut known = lane.candidates.iter_mut();
                match known.find(|(of, _)| *of == kinds) {
                    Some((_, most)) => *most = most.saturating_add(claim.limit),
                    None => lane.candidates.push((kinds, claim.limit)),
                }
            }
            Command::Apply { id, .. } | Command::Append { id, .. } => {
                self.operations.insert(*id);
            }
            Command::End(end) => {
                self.operations.insert(end.id);
            }
            Command::Recover { lost, .. } => self.recover = Some(*lost),
            Command::Prune {
                before,
                limit,
                dry_run,
            } => {
                self.prune = Some(PruneNeeds {
                    before: *before,
                    limit: *limit,
                    dry_run: *dry_run,
                });
            }
            Command::RemoveCheckpoints { before, limit } => {
                self.cancelled = Some(CancelledNeeds {
                    before: *before,
                    limit: *limit,
                });
            }
        }
    }

    /// A lane, as of the earliest time that a command carries: nothing may go before its time.
    fn lane(&mut self, lane: &'a str, now: Timestamp) -> &mut LaneNeeds<'a> {
        let needs = self.lanes.entry(lane).or_insert_with(|| LaneNeeds {
            now,
            candidates: Vec::new(),
            scheduled: 0,
        });
        needs.now = needs.now.min(now);
        needs
    }
}
