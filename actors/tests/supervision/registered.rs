//! Kinds and lanes as they are given to an orchestrator: every fault is named before anything starts.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use impresario::operation::{
    Context, Failure, Kinds, Operation, Policy, Refusal, SyncOptions, run_sync_operation,
};
use impresario::store::{MemoryStore, Query};
use impresario::{
    Config, Error, LaneConfig, Options, Orchestrator, SetupFault, Started, StartupError, Until,
};
use impresario_api::{Status, Verb};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kit::{LONG, now};

/// What differs from kind to kind.
trait Given: Send + Sync + 'static {
    const KIND: &'static str;
    type Params: Serialize + DeserializeOwned + JsonSchema + Send;

    fn policy() -> Policy {
        Policy::lane("default")
    }
}

/// A kind that does nothing.
struct Idle<G>(PhantomData<G>);

fn idle<G>() -> Idle<G> {
    Idle(PhantomData)
}

impl<G: Given> Operation for Idle<G> {
    const KIND: &'static str = G::KIND;
    type Params = G::Params;
    type Output = ();

    fn policy(&self) -> Policy {
        G::policy()
    }

    fn run(&self, _: G::Params, ctx: &Context) -> Result<(), Failure> {
        Ok(ctx.check()?)
    }
}

/// Kinds: the type, its name, its params, its policy.
macro_rules! given {
    ($($given:ident = $name:literal, $params:ty, $policy:expr;)*) => {
        $(
            struct $given;

            impl Given for $given {
                const KIND: &'static str = $name;
                type Params = $params;

                fn policy() -> Policy {
                    $policy
                }
            }
        )*
    };
}

given! {
    Nothing = "nothing", (), Policy::lane("default");
    Namesake = "nothing", (), Policy::lane("default");
    BadName = "Bad Name/../é", (), Policy::lane("default");
    Panics = "panics", (), panic!("the settings are not there");
    Unclosed = "unclosed", Pattern, Policy::lane("default");
    Unknown = "unknown", Symbol, Policy::lane("default").unique_by(&["symbol", "nope"]);
    Unitary = "unitary", (), Policy::lane("default").unique_by(&["nope"]);
    Map = "map", BTreeMap<String, u8>, Policy::lane("default").unique_by(&["any"]);
    Sharing = "sharing", (), Policy::lane("default").checkpoint_share(2.0);
    Laned = "laned", (), Policy::lane("gpu");
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Symbol {
    symbol: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Pattern {
    #[schemars(regex(pattern = "("))]
    text: String,
}

/// Why an orchestrator of these kinds does not start.
#[track_caller]
fn refused(config: Config, kinds: Kinds) -> (Vec<SetupFault>, String) {
    match Orchestrator::start(config, kinds, MemoryStore::new()) {
        Err(StartupError::Setup(faults)) => {
            let text = StartupError::Setup(faults.clone()).to_string();
            (faults, text)
        }
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it starts"),
    }
}

fn started(kinds: Kinds) -> Orchestrator {
    Orchestrator::start(Config::default(), kinds, MemoryStore::new()).expect("nothing is wrong")
}

#[test]
fn every_fault_of_the_kinds_and_lanes_is_named_at_once() {
    let kinds = Kinds::new()
        .register(idle::<Nothing>())
        .register(idle::<Namesake>())
        .register(idle::<BadName>())
        .register(idle::<Panics>())
        .register(idle::<Unclosed>())
        .register(idle::<Unknown>())
        .register(idle::<Unitary>())
        .register(idle::<Sharing>())
        .register(idle::<Laned>());
    let none = LaneConfig::default().concurrency(0);
    let (faults, text) = refused(Config::default().lane("empty", none), kinds);
    let is = |wanted: fn(&SetupFault) -> bool| faults.iter().filter(|one| wanted(one)).count();
    assert_eq!(is(|one| matches!(one, SetupFault::KindTwice { .. })), 1);
    assert_eq!(is(|one| matches!(one, SetupFault::KindName { .. })), 1);
    assert_eq!(is(|one| matches!(one, SetupFault::KindPanicked { .. })), 1);
    assert_eq!(
        is(|one| matches!(one, SetupFault::SchemaUnusable { .. })),
        1
    );
    assert_eq!(is(|one| matches!(one, SetupFault::ParamUnknown { .. })), 2);
    assert_eq!(
        is(|one| matches!(one, SetupFault::CheckpointShare { .. })),
        1
    );
    assert_eq!(is(|one| matches!(one, SetupFault::LaneUnknown { .. })), 1);
    assert_eq!(
        is(|one| matches!(one, SetupFault::LaneWithoutSlots { .. })),
        1
    );
    assert_eq!(faults.len(), 9, "{text}");
    for told in [
        "two kinds have the KIND \"nothing\", ",
        "Idle<supervision::registered::Namesake>",
        "has the KIND \"Bad Name/../é\"; expected 1 to 64 characters",
        "kind \"panics\" panicked as it was registered: the settings are not there",
        "the schema of the params of kind \"unclosed\" cannot be used: ",
        "kind \"unknown\" says unique_by \"nope\", which is none of its params (symbol)",
        "kind \"unitary\" says unique_by \"nope\", which is none of its params (it has none)",
        "the policy of kind \"sharing\" says checkpoint_share 2; expected a number over 0",
        "kind \"laned\" wants lane \"gpu\", which is not configured",
        "lane \"empty\" has no slot",
    ] {
        assert!(text.contains(told), "{told} in: {text}");
    }
}

#[test]
fn a_kind_that_is_registered_twice_is_refused_and_neither_runs_in_the_others_place() {
    for kinds in [
        Kinds::new()
            .register(idle::<Nothing>())
            .register(idle::<Namesake>()),
        Kinds::new()
            .register(idle::<Nothing>())
            .register(idle::<Nothing>()),
    ] {
        assert!(kinds.contains::<Idle<Nothing>>());
        assert!(!kinds.contains::<Idle<Namesake>>());
        let (faults, _) = refused(Config::default(), kinds);
        assert!(
            matches!(&faults[..], [SetupFault::KindTwice { .. }]),
            "{faults:?}"
        );
    }
}

#[test]
fn a_map_may_be_unique_by_any_name() {
    let orchestrator = started(Kinds::new().register(idle::<Map>()));
    now(orchestrator.shutdown());
}

fn start(of: &Orchestrator, params: Value) -> Result<Started, Error> {
    now(of.start_operation("nothing", params, Options::default()))
}

#[test]
fn a_kind_that_takes_nothing_is_started_by_name_and_typed_and_tried_again() {
    let orchestrator = started(Kinds::new().register(idle::<Nothing>()));
    let of = &orchestrator;
    let typed = now(of.start_managed_operation::<Idle<Nothing>>((), Options::default()));
    for started in [typed, start(of, json!({})), start(of, Value::Null)] {
        let id = started.expect("it takes nothing").id;
        let view = now(of.wait_until(id, Until::Ended, LONG)).expect("it is kept");
        assert_eq!(
            (view.row.status, view.params),
            (Status::Completed, Value::Null)
        );
    }
    let error = start(of, json!({"symbol": "GOOG"})).expect_err("it takes nothing");
    assert_eq!(
        error.to_string(),
        r#"the params: expected nothing, got {"symbol":"GOOG"}"#
    );
    run_sync_operation(&idle::<Nothing>(), (), SyncOptions::default()).expect("it takes nothing");
    // A second run of it reads what was recorded.
    let later = serde_json::from_value(json!({"not_before": "2099-01-01T00:00:00Z"}));
    let options = Options::default().start(later.expect("options"));
    let waits = now(of.start_operation("nothing", json!({}), options)).expect("a start");
    now(of.ask(waits.id, Verb::Cancel, None, Options::default())).expect("it waits");
    let again = now(of.ask(waits.id, Verb::Retry, None, Options::default()));
    let Ok(impresario::Asked::New(again)) = again else {
        panic!("{again:?}");
    };
    let view = now(of.wait_until(again.id, Until::Ended, LONG)).expect("it is kept");
    assert_eq!(view.row.status, Status::Completed);
}

#[test]
fn a_list_without_conditions_has_the_newest_operations() {
    let orchestrator = started(Kinds::new().register(idle::<Nothing>()));
    let id = start(&orchestrator, json!({})).expect("a start").id;
    let list = now(orchestrator.list(Query::default())).expect("a list");
    let ids: Vec<_> = list.operations.iter().map(|row| row.operation_id).collect();
    assert_eq!(ids, [id]);
}

/// A kind whose check panics.
struct Unchecked;

impl Operation for Unchecked {
    const KIND: &'static str = "unchecked";
    type Params = ();
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn check(&self, (): &()) -> Result<(), Refusal> {
        panic!("the check is wrong")
    }

    fn run(&self, (): (), _: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

#[test]
fn a_panic_of_a_check_is_an_error_of_the_start_and_not_a_panic_of_the_caller() {
    let orchestrator = started(Kinds::new().register(Unchecked));
    let start = orchestrator.start_managed_operation::<Unchecked>((), Options::default());
    let error = now(start).expect_err("it cannot be checked");
    assert!(
        matches!(&error, Error::Panicked(why) if why == "the check is wrong"),
        "{error:?}"
    );
}

given! {
    Forked = "forked", Symbol, Policy::lane("default").fork_may_change(&["symbol", "nope"]);
}

#[test]
fn what_a_fork_may_change_is_a_param_of_the_kind() {
    let (faults, text) = refused(Config::default(), Kinds::new().register(idle::<Forked>()));
    assert_eq!(faults.len(), 1, "{text}");
    let told =
        "kind \"forked\" says fork_may_change \"nope\", which is none of its params (symbol)";
    assert!(text.contains(told), "{text}");
}
