//! A start by name, a typed one, a run on the caller's thread and a test: params are judged alike.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};

use impresario::operation::{
    Context, Failure, Kinds, Operation, Policy, SyncOptions, run_sync_operation,
};
use impresario::{Options, testing};
use impresario_api::MAX_INTEGER;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::common::supervised;

/// A kind that gives its params back.
struct Takes<P>(PhantomData<fn(P)>);

impl<P: Serialize + DeserializeOwned + JsonSchema + Send + 'static> Operation for Takes<P> {
    const KIND: &'static str = "takes";
    type Params = P;
    type Output = P;

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn run(&self, params: P, _: &Context) -> Result<P, Failure> {
        Ok(params)
    }
}

/// What a start with `named` is answered, and then, each in another way, one with `typed`.
fn answers<P>(named: Value, typed: impl Fn() -> P) -> [Result<(), String>; 4]
where
    P: Serialize + DeserializeOwned + JsonSchema + Send + 'static,
{
    let kind = || Takes(PhantomData::<fn(P)>);
    let kinds = Kinds::new().register(kind());
    let [named, managed] = supervised(kinds, async |orchestrator| {
        let named = orchestrator.start_operation("takes", named, Options::default());
        let named = named.await.map(drop);
        let managed = orchestrator.start_managed_operation::<Takes<P>>(typed(), Options::default());
        let managed = managed.await.map(drop);
        [named, managed].map(|answer| answer.map_err(|error| error.to_string()))
    });
    let here = run_sync_operation(&kind(), typed(), SyncOptions::default());
    let here = here.map(drop).map_err(|error| error.to_string());
    let tested = catch_unwind(AssertUnwindSafe(|| {
        drop(testing::run(&kind(), typed()).end())
    }));
    let tested = tested.map_err(|payload| {
        let said = *payload.downcast::<String>().expect("a text");
        let refused = "a start of \"takes\" with these params is refused: ";
        said.strip_prefix(refused).unwrap_or(&said).to_owned()
    });
    [named, managed, here, tested]
}

/// The same for one answer that all must give.
#[track_caller]
fn answer<P>(named: Value, typed: impl Fn() -> P) -> Result<(), String>
where
    P: Serialize + DeserializeOwned + JsonSchema + Send + 'static,
{
    let [named, managed, here, tested] = answers(named, typed);
    assert_eq!(named, managed, "typed");
    assert_eq!(named, here, "here");
    assert_eq!(named, tested, "in a test");
    named
}

/// Integers wherever they may be.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Wide {
    plain: u64,
    size: usize,
    signed: i64,
    maybe: Option<u64>,
    list: Vec<u64>,
    pair: (u8, i64),
    by_name: BTreeMap<String, u64>,
    by_number: BTreeMap<u32, u64>,
    either: Either,
    widest: u128,
    lowest: i128,
    /// Its own bound is looser than that of every client.
    #[schemars(extend("exclusiveMaximum" = 1e18))]
    loose: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum Either {
    Of { count: u64 },
}

fn wide(most: u64, widest: u128) -> Wide {
    let signed = most as i64;
    Wide {
        plain: most,
        size: most as usize,
        signed: -signed,
        maybe: Some(most),
        list: vec![1, most],
        pair: (1, signed),
        by_name: [("a".to_owned(), most)].into(),
        by_number: [(7, most)].into(),
        either: Either::Of { count: most },
        widest,
        lowest: -(widest as i128),
        loose: most,
    }
}

#[test]
fn integers_that_no_json_client_can_hold_are_refused_alike_wherever_they_come_from() {
    for (most, widest, is_taken) in [
        (MAX_INTEGER, MAX_INTEGER.into(), true),
        (MAX_INTEGER + 1, u128::from(MAX_INTEGER) + 1, false),
        (u64::MAX / 2, 1 << 64, false),
        (u64::MAX / 2, u128::MAX / 2, false),
    ] {
        // As a client sends it.
        let text = serde_json::to_string(&wide(most, widest)).expect("it is JSON");
        let named = serde_json::from_str(&text).expect("it is JSON");
        let answer = answer(named, || wide(most, widest));
        assert_eq!(answer.is_ok(), is_taken, "{answer:?}");
        let told = answer.err().unwrap_or_default();
        for place in [
            "plain",
            "size",
            "signed",
            "maybe",
            "list.1",
            "pair.1",
            "by_name.a",
            "by_number.7",
            "either.Of.count",
            "widest",
            "lowest",
            "loose",
        ] {
            let is_named = told.contains(&format!("{place}: expected an integer"));
            assert_eq!(is_named, !is_taken, "{place} in {told}");
        }
    }
}

#[test]
fn a_map_by_numbers_is_bounded_as_one_by_names_is() {
    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct Maps {
        by_name: BTreeMap<String, u8>,
        by_number: BTreeMap<u32, Vec<u8>>,
    }
    let maps = || Maps {
        by_name: (0..10_001).map(|n| (n.to_string(), 0)).collect(),
        by_number: (0..10_001).map(|n| (n, Vec::new())).collect(),
    };
    let named = serde_json::to_value(maps()).expect("it is JSON");
    let told = answer(named, maps).expect_err("they are too long");
    for name in ["by_name", "by_number"] {
        let fault = format!("{name}: expected an object of at most 10000 fields, got 10001 fields");
        assert!(told.contains(&fault), "{told}");
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Rates {
    rate: f64,
    limit: Option<f32>,
    weights: Vec<f64>,
}

#[test]
fn a_typed_number_that_is_not_finite_is_refused_and_does_not_pass_for_nothing() {
    let rates = |rate, limit, weight| Rates {
        rate,
        limit: Some(limit),
        weights: vec![0.5, weight],
    };
    let good = json!({"rate": 0.5, "limit": null, "weights": []});
    let odd = || rates(f64::NAN, f32::INFINITY, f64::NEG_INFINITY);
    let [named, typed @ ..] = answers(good, odd);
    named.expect("null is nothing");
    let told = "rate: expected a finite number, got NaN; \
                limit: expected a finite number, got inf; \
                weights.1: expected a finite number, got -inf";
    assert_eq!(typed, [(); 3].map(|()| Err(told.to_owned())));
    let plain = json!({"rate": 0.5, "limit": 1.0, "weights": [0.5, 2.0]});
    answer(plain, || rates(0.5, 1.0, 2.0)).expect("all are finite");
}

#[test]
fn params_that_are_no_struct_are_taken_as_their_schema_says_and_faults_are_named() {
    let pair = || (7_u32, "a".to_owned());
    answer(json!([7, "a"]), pair).expect("a tuple is a list");
    insta::assert_snapshot!(by_name::<(u32, String)>(json!({})), @"the params: expected a list of 2 items, got {}");
    insta::assert_snapshot!(by_name::<(u32, String)>(json!([7])), @"the params: expected a list of 2 items, got [7]");
    insta::assert_snapshot!(by_name::<(u32, String)>(json!([-7, "a"])), @"0: expected an integer from 0 to 4294967295, got -7");

    answer(json!("Fast"), || Mode::Fast).expect("a plain enum is a text");
    insta::assert_snapshot!(by_name::<Mode>(json!({})), @r#"the params: expected one of "Fast", "Slow", got {}"#);
    insta::assert_snapshot!(by_name::<Mode>(json!("Quick")), @r#"the params: expected one of "Fast", "Slow", got "Quick""#);

    let of = || Either::Of { count: 3 };
    answer(json!({"Of": {"count": 3}}), of).expect("an enum with fields is an object");
    insta::assert_snapshot!(by_name::<Either>(json!({"Off": {"count": 3}})), @r#"Of: expected an object, got nothing; Off: expected a known field (Of), got {"count":3}"#);
    insta::assert_snapshot!(by_name::<Either>(json!({"Of": {"counts": 3}})), @"Of.count: expected an integer from 0 to 9007199254740991, got nothing; Of.counts: expected a known field (count), got 3");

    let map = || BTreeMap::from([("a".to_owned(), 3_u8)]);
    answer(json!({"a": 3}), map).expect("a map is an object");
    answer(json!({}), BTreeMap::<String, u8>::new).expect("it may be empty");
    insta::assert_snapshot!(by_name::<BTreeMap<String, u8>>(json!({"a": 300, "b": "x"})), @r#"a: expected an integer from 0 to 255, got 300; b: expected an integer from 0 to 255, got "x""#);
}

/// What a start by name is answered.
fn by_name<P>(params: Value) -> String
where
    P: Serialize + DeserializeOwned + JsonSchema + Send + 'static,
{
    let kinds = Kinds::new().register(Takes(PhantomData::<fn(P)>));
    supervised(kinds, async |orchestrator| {
        let started = orchestrator.start_operation("takes", params, Options::default());
        let refused = started.await.expect_err("the params are not what it takes");
        refused.to_string()
    })
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum Mode {
    Fast,
    Slow,
}
