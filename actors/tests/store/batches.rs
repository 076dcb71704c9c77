//! A batch is carried out as its commands would be, one after the other: on any store, by any cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use impresario::operation::RunEnd;
use impresario::rules::lifecycle::Input;
use impresario::store::{
    Claim, Command, End, Idempotency, LostOwner, MemoryStore, Outcome, Owner, Query,
    SavedCheckpoint, Store,
};
use impresario_api::{OperationId, StepCounts, Timestamp, Verb};
use proptest::prelude::*;

use crate::acts::submission;

/// A command, with operations named by the order in which they were submitted, and times left out.
#[derive(Clone, Debug)]
enum Plan {
    Submit {
        lane: u8,
        priority: i32,
        delay: Option<i64>,
        unique: Option<u8>,
        key: Option<u8>,
    },
    Ask(usize, Verb),
    Claim(u8, usize, bool),
    End(usize, u32),
    Recover(Option<u64>),
    Prune(i64, usize),
    RemoveCheckpoints(i64, usize),
}

fn plan() -> impl Strategy<Value = Plan> {
    let few = || prop::option::of(0..3_u8);
    let submit = (0..2_u8, -1..2, prop::option::of(0..60_i64), few(), few());
    prop_oneof![
        5 => submit.prop_map(|(lane, priority, delay, unique, key)| Plan::Submit {
            lane, priority, delay, unique, key,
        }),
        4 => (0..30_usize, prop::sample::select(Verb::ALL)).prop_map(|(at, verb)| Plan::Ask(at, verb)),
        4 => (0..2_u8, 0..4_usize, any::<bool>()).prop_map(|(lane, most, some)| Plan::Claim(lane, most, some)),
        3 => (0..30_usize, 1..3_u32).prop_map(|(at, run)| Plan::End(at, run)),
        1 => prop::option::of(0..2_u64).prop_map(Plan::Recover),
        1 => (0..120_i64, 0..4_usize).prop_map(|(ago, most)| Plan::Prune(ago, most)),
        1 => (0..60_i64, 0..4_usize).prop_map(|(ago, most)| Plan::RemoveCheckpoints(ago, most)),
    ]
}

/// The commands of a plan, all at one time, after so many starts.
fn commands(plans: &[Plan], starts: &mut Vec<OperationId>, now: Timestamp) -> Vec<Command> {
    let command = |plan: &Plan| match *plan {
        Plan::Submit {
            lane,
            priority,
            delay,
            unique,
            key,
        } => {
            let mut start = submission(starts.len() + 1, (lane, priority, delay, false), now);
            start.unique = unique.map(|text| text.to_string());
            start.idempotency = key.map(|key| Idempotency {
                key: key.to_string(),
                fingerprint: u64::from(lane),
                since: now.plus_millis(-90),
            });
            starts.push(start.id);
            Command::Submit(Box::new(start))
        }
        Plan::Ask(at, verb) => Command::Apply {
            id: named(starts, at),
            input: Input::Asked {
                verb,
                by: "me".to_owned(),
                reason: None,
            },
            now,
        },
        Plan::Claim(lane, limit, some) => Command::Claim(Claim {
            lane: lane.to_string(),
            limit,
            kinds: some.then(|| Arc::from(["y".to_owned()])),
            owner: Owner {
                node: 0,
                incarnation: limit as u64 % 2,
            },
            now,
        }),
        Plan::End(at, run) => Command::End(Box::new(End {
            id: named(starts, at),
            run,
            // Where it was cancelled, it ends so.
            end: if at % 2 == 0 {
                RunEnd::Stopped
            } else {
                RunEnd::Returned
            },
            signalled: None,
            output: Some(serde_json::json!(at)),
            progress: None,
            events: Vec::new(),
            checkpoint: (at % 3 > 0).then(|| checkpoint(run, now)),
            now,
            ran_ms: Some(7),
            jitter: 0.5,
        })),
        Plan::Recover(incarnation) => Command::Recover {
            lost: LostOwner {
                node: 0,
                incarnation,
            },
            now,
        },
        Plan::Prune(ago, limit) => Command::Prune {
            before: now.plus_millis(-ago),
            limit,
            dry_run: ago % 2 == 0,
        },
        Plan::RemoveCheckpoints(ago, limit) => Command::RemoveCheckpoints {
            before: now.plus_millis(-ago),
            limit,
        },
    };
    plans.iter().map(command).collect()
}

fn checkpoint(run: u32, now: Timestamp) -> SavedCheckpoint {
    SavedCheckpoint {
        at: now,
        run,
        step: StepCounts::new(),
        outermost: None,
        value: Arc::from([1]),
        dir: None,
        bytes: 1,
        metrics: BTreeMap::new(),
    }
}

fn named(starts: &[OperationId], at: usize) -> OperationId {
    let id = starts.get(at % starts.len().max(1)).copied();
    id.unwrap_or(OperationId::from_u64(1 << 60))
}

/// All that can be read, as text.
fn everything(store: &dyn Store) -> String {
    let reader = store.reader();
    let all = Query::default().limit(1_000);
    let waiting = ["0", "1"].map(|lane| reader.waiting(lane).wait().expect("it answers"));
    format!(
        "{:?}\n{:?}\n{:?}\n{waiting:?}",
        reader.page(&all).wait().expect("it answers"),
        reader.counts().wait().expect("it answers"),
        reader
            .events_since_cursor(0, 10_000)
            .wait()
            .expect("it answers"),
    )
}

/// Plays batches on `store`, and their commands one by one on a store in memory.
fn play(store: &mut dyn Store, batches: &[Vec<Plan>]) {
    let mut single = MemoryStore::new();
    let (mut starts, mut now) = (Vec::new(), Timestamp::from_millis(1_000));
    for batch in batches {
        now = now.plus_millis(25);
        let commands = commands(batch, &mut starts, now);
        let together = store.commit(&commands).expect("it commits");
        let alone = commands.iter().flat_map(|command| {
            let outcomes = single.commit(std::slice::from_ref(command));
            outcomes.expect("it commits")
        });
        let alone: Vec<Outcome> = alone.collect();
        assert_eq!(
            format!("{together:#?}"),
            format!("{alone:#?}"),
            "{commands:#?}"
        );
        assert_eq!(everything(store), everything(&single), "{commands:#?}");
    }
}

fn batches() -> impl Strategy<Value = Vec<Vec<Plan>>> {
    prop::collection::vec(prop::collection::vec(plan(), 1..12), 1..8)
}

proptest! {
    #[test]
    fn a_batch_in_memory_is_its_commands_one_by_one(batches in batches()) {
        play(&mut MemoryStore::new(), &batches);
    }
}

#[cfg(feature = "sqlite")]
proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_batch_in_sqlite_is_its_commands_one_by_one_in_memory(batches in batches()) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        play(&mut crate::sqlite::open(folder.path()), &batches);
    }
}
