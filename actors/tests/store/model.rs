//! The store against a list, whatever happens.

use std::collections::BTreeMap;

use impresario::operation::RunEnd;
use impresario::rules::dispatch::is_due;
use impresario::rules::lifecycle::{Input, Moment, Recorded};
use impresario::store::{
    Claim, Command, End, LostOwner, Outcome, Query, Refused, Store, StoredOperation,
};
use impresario_api::{OperationId, Status, StatusFilter, Timestamp, Verb};
use proptest::prelude::*;

use crate::acts::{Act, act, submission};
use crate::list::Model;

/// One store and its model.
struct Pair {
    store: Box<dyn Store>,
    model: Model,
    now: Timestamp,
}

impl Pair {
    fn commit(&mut self, command: Command) -> Outcome {
        let outcomes = self.store.commit(&[command]).expect("the store commits");
        outcomes
            .into_iter()
            .next()
            .expect("one command, one outcome")
    }

    fn play(&mut self, act: Act) {
        match act {
            Act::Submit(lane, priority, delay, label) => {
                self.submit((lane, priority, delay, label))
            }
            Act::Ask(at, verb) => self.ask(at, verb),
            Act::Claim(lane, limit) => self.claim(&lane.to_string(), limit),
            Act::End(at, end) => self.end(at, end),
            Act::Recover => self.recover(),
            Act::Prune(ago, limit) => self.prune(ago, limit),
        }
    }

    fn submit(&mut self, act: (u8, i32, Option<i64>, bool)) {
        self.model.submitted += 1;
        let submission = submission(self.model.submitted, act, self.now);
        let waiting = self.model.waiting(&submission.lane, self.now);
        let scheduled = !is_due(submission.not_before, self.now);
        let fits = if scheduled {
            waiting.scheduled < submission.limits.scheduled
        } else {
            waiting.due < submission.limits.waiting
        };
        let outcome = self.commit(Command::Submit(Box::new(submission.clone())));
        match outcome {
            Outcome::Done(_) => assert!(fits, "the lane is full"),
            Outcome::Refused(Refused::QueueFull(_)) => assert!(!fits, "there is room"),
            other => panic!("a start is recorded or refused: {other:?}"),
        }
        if fits {
            let (operation, _) = StoredOperation::submitted(submission);
            self.model.operations.push(operation);
        }
    }

    fn ask(&mut self, at: usize, verb: Verb) {
        let id = self.model.id_at(at);
        let input = Input::Asked {
            verb,
            by: "me".to_owned(),
            reason: None,
        };
        let now = self.now;
        let outcome = self.commit(Command::Apply {
            id,
            input: input.clone(),
            now,
        });
        let applies = !self.model.operations.is_empty() && self.model.apply(id, &input, now);
        assert_eq!(
            matches!(outcome, Outcome::Done(_)),
            applies,
            "{verb}: {outcome:?}"
        );
    }

    fn claim(&mut self, lane: &str, limit: usize) {
        let now = self.now;
        let mut expected = self.model.due(lane, now);
        expected.truncate(limit);
        for id in &expected {
            assert!(self.model.apply(*id, &Input::Dispatched, now));
        }
        let later = self
            .model
            .pending(lane)
            .filter_map(|one| one.state.waits_until());
        let later = later.filter(|time| *time > now).min();
        let outcome = self.commit(Command::Claim(Claim {
            lane: lane.to_owned(),
            limit,
            now,
            ..Claim::default()
        }));
        let Outcome::Claimed {
            operations,
            next_due,
            ..
        } = outcome
        else {
            panic!("a claim answers with what it claimed: {outcome:?}");
        };
        let claimed: Vec<_> = operations.iter().map(|done| done.operation.id).collect();
        assert_eq!((claimed, next_due), (expected, later));
        let waiting = self.store.reader().waiting(lane).wait();
        let waiting = waiting.expect("the store answers");
        assert_eq!(waiting, self.model.waiting(lane, now), "as of a claim");
    }

    fn end(&mut self, at: usize, end: RunEnd) {
        let id = self.model.id_at(at);
        let one = self.model.operations.iter().find(|one| one.id == id);
        let end = self.end_of(id, one.map_or(0, |one| one.state.run), end);
        let applies = one.is_some() && self.model.get(id).end(&end).is_ok();
        let outcome = self.commit(Command::End(Box::new(end)));
        assert_eq!(matches!(outcome, Outcome::Done(_)), applies, "{outcome:?}");
    }

    fn end_of(&self, id: OperationId, run: u32, end: RunEnd) -> End {
        End {
            id,
            run,
            end,
            signalled: None,
            output: None,
            progress: None,
            events: Vec::new(),
            checkpoint: None,
            now: self.now,
            ran_ms: Some(7),
            jitter: 0.5,
        }
    }

    fn recover(&mut self) {
        let now = self.now;
        let outcome = self.commit(Command::Recover {
            lost: LostOwner::default(),
            now,
        });
        let running = self.model.operations.iter_mut();
        let running = running.filter(|one| one.state.status == Recorded::Running);
        let mut lost = 0;
        for one in running {
            let run = one.state.run;
            let input = Input::Ended {
                run,
                end: one.lost(),
                signalled: None,
            };
            let recovered = one.apply(&input, Moment { now, jitter: 0.0 });
            assert!(recovered.is_ok());
            lost += 1;
        }
        assert!(matches!(outcome, Outcome::Recovered { lost: done, .. } if done.len() == lost));
    }

    fn prune(&mut self, ago: i64, limit: usize) {
        let before = self.now.plus_millis(-ago);
        let command = Command::Prune {
            before,
            limit,
            dry_run: false,
        };
        let outcome = self.commit(command);
        let ended = self.model.operations.iter();
        let ended = ended.filter_map(|one| one.completed_at.map(|at| (at, one.id)));
        let mut ended: Vec<_> = ended.filter(|(at, _)| *at < before).collect();
        ended.sort_unstable();
        ended.truncate(limit);
        assert!(matches!(outcome, Outcome::Pruned { count, .. } if count == ended.len() as u64));
        let gone = |one: &StoredOperation| ended.iter().any(|(_, id)| *id == one.id);
        self.model.operations.retain(|one| !gone(one));
    }

    /// All that can be asked is answered as the list would.
    fn check(&self) {
        let reader = self.store.reader();
        let mut counts = BTreeMap::new();
        for one in &self.model.operations {
            let kept = reader
                .operation(one.id)
                .wait()
                .expect("the store answers")
                .expect("it is kept");
            assert_eq!(kept.state, one.state);
            *counts
                .entry((one.kind.clone(), one.state.shown()))
                .or_insert(0) += 1;
        }
        assert_eq!(reader.counts().wait().expect("the store answers"), counts);
        let all = Query::default().limit(1_000);
        for one in reader
            .page(&all)
            .wait()
            .expect("the store answers")
            .operations
        {
            let alone = reader.operation(one.id).wait().expect("the store answers");
            assert_eq!(format!("{alone:?}"), format!("{:?}", Some(one)));
        }
        for lane in ["0", "1"] {
            let queue = reader
                .queue(lane, self.now)
                .wait()
                .expect("the store answers");
            assert_eq!(queue, self.model.due(lane, self.now));
            let due = self.model.pending(lane);
            let due = due.filter(|one| is_due(one.state.waits_until(), self.now));
            assert_eq!(
                reader
                    .oldest_due(lane, self.now)
                    .wait()
                    .expect("the store answers"),
                due.map(StoredOperation::could_run_since).min()
            );
        }
    }

    /// Every page of a filter, joined, is what the list holds of it.
    fn check_pages(&self, query: &Query, matches: impl Fn(&StoredOperation) -> bool) {
        let found = self.model.operations.iter().filter(|one| matches(one));
        let mut expected: Vec<_> = found.map(|one| one.id).collect();
        expected.sort_unstable_by(|a, b| b.cmp(a));
        let (mut query, mut seen) = (query.clone(), Vec::new());
        loop {
            let page = self
                .store
                .reader()
                .page(&query)
                .wait()
                .expect("the store answers");
            assert_eq!(
                (page.total, page.total_is_exact),
                (expected.len() as u64, true)
            );
            seen.extend(page.operations.iter().map(|one| one.id));
            query.before = seen.last().copied();
            if !page.more {
                break;
            }
        }
        assert_eq!(seen, expected, "{query:?}");
    }

    fn check_filters(&self) {
        let all = Query::default().limit(3);
        let blue = |one: &StoredOperation| one.labels.contains_key("team");
        let label = Some(("team".to_owned(), "blue".to_owned()));
        let running: Vec<StatusFilter> = vec![Status::Running.into(), Status::Pending.into()];
        let runs = |one: &StoredOperation| running.contains(&one.state.shown().into());
        self.check_pages(&all, |_| true);
        self.check_pages(&all.clone().active_only(true), StoredOperation::is_live);
        self.check_pages(&all.clone().statuses(running.clone()), runs);
        let now = self.now;
        self.check_pages(
            &all.clone().statuses(vec![StatusFilter::Scheduled]),
            |one| one.state.is_scheduled(now),
        );
        self.check_pages(&all.clone().label(label.clone()), blue);
        let both = all.clone().statuses(running.clone()).label(label);
        self.check_pages(&both, |one| runs(one) && blue(one));
        let text = all
            .clone()
            .text(Some("bl".to_owned()))
            .kinds(vec!["y".to_owned()]);
        self.check_pages(&text, |one| one.kind == "y" && blue(one));
        self.check_pages(&all.text(Some("x".to_owned())), |one| one.kind == "x");
    }
}

/// What may happen, each after some time.
pub(crate) fn acts() -> impl Strategy<Value = Vec<(Act, i64)>> {
    prop::collection::vec((act(), 0..60_i64), 1..80)
}

/// Plays it on an empty store and checks every answer.
pub(crate) fn play(store: Box<dyn Store>, acts: Vec<(Act, i64)>) {
    let mut pair = Pair {
        store,
        model: Model::default(),
        now: Timestamp::from_millis(1_000),
    };
    for (act, wait) in acts {
        pair.now = pair.now.plus_millis(wait);
        pair.play(act);
        pair.check();
    }
    // Those whose time has come since the last look are scheduled until the next one.
    for lane in ["0", "1"] {
        pair.claim(lane, 0);
    }
    pair.check_filters();
}
