//! What the cases act on: a store, a clock that they set, and short ways to say things.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario_api::{Event, EventBody, Status, StepCounts, Timestamp, Verb};
use serde_json::json;

use super::helpers::{id, same, terms};
use crate::rules::admission::Limits;
use crate::rules::lifecycle::{Input, Rejection};
use crate::rules::run_end::RunEnd;
use crate::store::{
    Answer, Claim, Command, Done, End, LastNumbers, Outcome, Page, Query, Reader, Refused,
    SavedCheckpoint, Store, StoredOperation, Submission,
};

/// A store under test.
pub struct Stage {
    store: Box<dyn Store>,
    pub(super) reader: Arc<dyn Reader>,
    now: i64,
}

impl Stage {
    /// On an empty store.
    pub fn new(store: Box<dyn Store>) -> Self {
        Self {
            reader: store.reader(),
            store,
            now: 1_000,
        }
    }

    /// What a reader answers.
    #[track_caller]
    pub(super) fn read<T>(&self, answer: Answer<'_, T>) -> T {
        match answer.wait() {
            Ok(answer) => answer,
            Err(error) => panic!("the store must answer: {error}"),
        }
    }

    #[track_caller]
    pub(super) fn commit(&mut self, batch: &[Command]) -> Vec<Outcome> {
        let outcomes = Answer::at_hand(self.store.commit(batch));
        let outcomes = self.read(outcomes);
        same(outcomes.len(), batch.len(), "one outcome a command");
        outcomes
    }

    #[track_caller]
    pub(super) fn one(&mut self, command: Command) -> Outcome {
        let mut outcomes = self.commit(&[command]);
        match outcomes.pop() {
            Some(outcome) => outcome,
            None => panic!("a command has an outcome"),
        }
    }

    #[track_caller]
    pub(super) fn done(&mut self, command: Command) -> Done {
        match self.one(command) {
            Outcome::Done(done) => done,
            other => panic!("expected it done, got {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn refused(&mut self, command: Command) -> Refused {
        match self.one(command) {
            Outcome::Refused(refused) => refused,
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn rejected(&mut self, command: Command) -> Rejection {
        match self.refused(command) {
            Refused::Rejected(rejection, _) => rejection,
            other => panic!("expected a rejection, got {other:?}"),
        }
    }

    pub(super) const fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    /// Time passes; with a negative number somebody sets the clock back.
    pub(super) const fn pass(&mut self, millis: i64) {
        self.now += millis;
    }

    #[track_caller]
    pub(super) fn last_numbers(&self) -> LastNumbers {
        self.read(Answer::at_hand(self.store.last_numbers()))
    }

    /// A start of kind `dummy` in lane `a`.
    pub(super) fn submission(&self, number: u64) -> Submission {
        Submission {
            id: id(number),
            kind: "dummy".to_owned(),
            lane: "a".to_owned(),
            priority: 0,
            labels: BTreeMap::new(),
            requested_by: "me".to_owned(),
            retry_of: None,
            reason: None,
            fork: None,
            params: Arc::new(json!({"iterations": 3})),
            timeout_ms: None,
            not_before: None,
            terms: terms(),
            idempotency: None,
            unique: None,
            limits: Limits::NONE,
            now: self.now(),
        }
    }

    #[track_caller]
    pub(super) fn submit(&mut self, number: u64) -> Done {
        self.submit_as(number, |_| {})
    }

    #[track_caller]
    pub(super) fn submit_as(&mut self, number: u64, set: impl FnOnce(&mut Submission)) -> Done {
        let submission = self.start(number, set);
        self.done(submission)
    }

    pub(super) fn start(&self, number: u64, set: impl FnOnce(&mut Submission)) -> Command {
        let mut submission = self.submission(number);
        set(&mut submission);
        Command::Submit(Box::new(submission))
    }

    /// Submits one in a lane of its own and dispatches it.
    #[track_caller]
    pub(super) fn running(&mut self, number: u64) {
        let lane = format!("lane {number}");
        self.submit_as(number, |submission| submission.lane.clone_from(&lane));
        let claimed = self.claim(&lane, 1).0;
        same(claimed, vec![number], "the only one of its lane is claimed");
    }

    /// Who is dispatched, and when the next one is due.
    #[track_caller]
    pub(super) fn claim(&mut self, lane: &str, limit: usize) -> (Vec<u64>, Option<Timestamp>) {
        let claim = self.claims(lane, limit);
        self.claimed(claim)
    }

    #[track_caller]
    pub(super) fn claim_of(&mut self, claim: Claim) -> (Vec<u64>, Option<Timestamp>) {
        self.claimed(Command::Claim(claim))
    }

    #[track_caller]
    fn claimed(&mut self, claim: Command) -> (Vec<u64>, Option<Timestamp>) {
        match self.one(claim) {
            Outcome::Claimed {
                operations,
                next_due,
                ..
            } => {
                let ids = operations.iter().map(|done| done.operation.id.as_u64());
                (ids.collect(), next_due)
            }
            other => panic!("expected a claim, got {other:?}"),
        }
    }

    pub(super) fn claims(&self, lane: &str, limit: usize) -> Command {
        Command::Claim(Claim {
            lane: lane.to_owned(),
            limit,
            now: self.now(),
            ..Claim::default()
        })
    }

    pub(super) fn asks(&self, number: u64, verb: Verb) -> Command {
        let input = Input::Asked {
            verb,
            by: "me".to_owned(),
            reason: None,
        };
        self.input(number, input)
    }

    pub(super) fn input(&self, number: u64, input: Input) -> Command {
        Command::Apply {
            id: id(number),
            input,
            now: self.now(),
        }
    }

    pub(super) fn append(&self, number: u64, run: u32, events: Vec<EventBody>) -> Command {
        let now = self.now();
        Command::Append {
            id: id(number),
            run,
            events: events.into_iter().map(|event| (now, event)).collect(),
            checkpoint: None,
        }
    }

    pub(super) fn end(&self, number: u64, run: u32, end: RunEnd) -> End {
        End {
            id: id(number),
            run,
            end,
            signalled: None,
            output: None,
            progress: None,
            events: Vec::new(),
            checkpoint: None,
            now: self.now(),
            ran_ms: None,
            jitter: 0.5,
        }
    }

    /// Ends run 1 of an operation.
    #[track_caller]
    pub(super) fn ends(&mut self, number: u64, end: RunEnd) -> Done {
        let end = self.end(number, 1, end);
        self.done(Command::End(Box::new(end)))
    }

    pub(super) fn checkpoint(&self, run: u32) -> SavedCheckpoint {
        SavedCheckpoint {
            at: self.now(),
            run,
            step: StepCounts::from([("iteration".to_owned(), 2)]),
            outermost: Some("iteration".to_owned()),
            value: Arc::from([1, 2, 3].as_slice()),
            dir: None,
            bytes: 3,
            metrics: BTreeMap::new(),
        }
    }

    #[track_caller]
    pub(super) fn operation(&self, number: u64) -> Arc<StoredOperation> {
        match self.read(self.reader.operation(id(number))) {
            Some(operation) => operation,
            None => panic!("operation {number} must be kept"),
        }
    }

    #[track_caller]
    pub(super) fn status(&self, number: u64) -> Status {
        self.operation(number).state.shown()
    }

    #[track_caller]
    pub(super) fn events(&self, number: u64) -> Vec<Arc<Event>> {
        self.read(self.reader.events(id(number), 0, usize::MAX, &[]))
    }

    #[track_caller]
    pub(super) fn page(&self, query: &Query) -> Page {
        self.read(self.reader.page(query))
    }

    /// All that can be read, as text: two of them are equal when nothing has changed.
    #[track_caller]
    pub(super) fn everything(&self) -> String {
        let query = Query {
            limit: usize::MAX,
            ..Query::default()
        };
        let page = self.page(&query);
        let counts = self.read(self.reader.counts());
        let events = self.read(self.reader.events_since_cursor(0, usize::MAX));
        format!("{page:?} {counts:?} {events:?}")
    }
}
