//! Faults of params: every one at once, in words for a person.

use std::marker::PhantomData;

use impresario::operation::{
    Context, Failure, Fault, Faults, Kinds, Operation, Policy, Refusal, SyncError, SyncOptions,
    run_sync_operation,
};
use impresario::{Error, Options, Orchestrator};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::common::supervised;

/// What a training might take: every shape of field that a kind is likely to have.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Fields {
    #[schemars(length(min = 1), regex(pattern = "^[A-Z]+$"))]
    symbol: String,
    #[schemars(range(min = 1, max = 100))]
    epochs: u32,
    #[schemars(range(min = 0.0, max = 1.0))]
    rate: f64,
    seed: Option<u64>,
    #[serde(default)]
    small: u8,
    #[serde(default)]
    wide: i32,
    #[serde(default)]
    device: Device,
    model: Model,
    #[schemars(length(min = 1, max = 4))]
    layers: Vec<Layer>,
    early: Option<Early>,
    #[serde(default)]
    verbose: bool,
}

#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Device {
    #[default]
    Cpu,
    /// The one with documentation is a schema of its own.
    Gpu,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Model {
    Mlp {
        #[schemars(range(min = 1))]
        width: u32,
    },
    Tree {
        depth: u8,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Layer {
    #[schemars(range(min = 1, max = 512))]
    units: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Early {
    patience: u32,
}

impl Taken for Fields {
    const KIND: &'static str = "train";
}

/// A field whose pattern would tell a person little.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Worded {
    #[schemars(regex(pattern = "^[^~]*$"), extend("x-expected" = "a name without ~"))]
    name: String,
}

impl Taken for Worded {
    const KIND: &'static str = "worded";
}

/// Fields beside the alternatives of a flattened enum.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Flat {
    epochs: u32,
    #[serde(flatten)]
    model: Model,
}

impl Taken for Flat {
    const KIND: &'static str = "flattened";
}

/// Its two fields are in their ranges and may not go together.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
struct Span {
    #[schemars(range(min = 0, max = 9))]
    from: u32,
    #[serde(default = "nine")]
    #[schemars(range(min = 0, max = 9))]
    to: u32,
}

const fn nine() -> u32 {
    9
}

impl Taken for Span {
    const KIND: &'static str = "spanning";

    /// No span that ends before it starts, and none of a single number.
    fn check(&self) -> Result<(), Refusal> {
        if self.to < self.from {
            let expected = format!("at least from, which is {}", self.from);
            return Err(Faults::one("to", &expected, &self.to.to_string()).into());
        }
        if self.to == self.from {
            return Err(Refusal::new("EMPTY_SPAN", "the span is empty"));
        }
        Ok(())
    }
}

/// Its pattern is none. A server does not start with such a kind.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Unclosed {
    #[schemars(regex(pattern = "("))]
    text: String,
}

impl Taken for Unclosed {
    const KIND: &'static str = "broken";
}

/// Params of a kind that does nothing with them.
trait Taken: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    const KIND: &'static str;

    fn check(&self) -> Result<(), Refusal> {
        Ok(())
    }
}

/// The kind that takes them.
struct Takes<P>(PhantomData<fn(P)>);

const fn takes<P>() -> Takes<P> {
    Takes(PhantomData)
}

impl<P: Taken> Operation for Takes<P> {
    const KIND: &'static str = P::KIND;
    type Params = P;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn check(&self, params: &P) -> Result<(), Refusal> {
        params.check()
    }

    fn run(&self, _: P, _: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

/// What `act` gives, asked of an orchestrator that knows these kinds.
fn asked<T>(act: impl AsyncFnOnce(&Orchestrator) -> T) -> T {
    let kinds = Kinds::new()
        .register(takes::<Fields>())
        .register(takes::<Flat>())
        .register(takes::<Span>());
    supervised(kinds, act)
}

/// What a start with these params is answered.
fn answer(kind: &str, params: Value) -> Result<(), Error> {
    asked(async |orchestrator| {
        let started = orchestrator.start_operation(kind, params, Options::default());
        started.await.map(drop)
    })
}

/// The same of typed params.
fn typed_answer<P: Taken>(params: P) -> Result<(), Error> {
    asked(async |orchestrator| {
        let started = orchestrator.start_managed_operation::<Takes<P>>(params, Options::default());
        started.await.map(drop)
    })
}

fn faults(kind: &str, params: Value) -> String {
    match answer(kind, params) {
        Err(Error::InvalidParams(faults)) => {
            let lines = faults.first().iter().map(|fault| {
                let Fault {
                    path,
                    expected,
                    got,
                } = fault;
                format!("{path}: expected {expected}, got {got}")
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        other => panic!("{other:?}"),
    }
}

/// Valid params with these fields changed.
fn with(changes: Value) -> Value {
    let mut params = json!({
        "symbol": "GOOG", "epochs": 10, "rate": 0.1,
        "model": {"kind": "mlp", "width": 8}, "layers": [{"units": 8}],
    });
    let Value::Object(changes) = changes else {
        panic!("changes are an object")
    };
    for (name, value) in changes {
        params[name] = value;
    }
    params
}

#[test]
fn good_params_are_taken_and_whole_floats_are_integers() {
    for changes in [
        json!({}),
        json!({"seed": null, "early": null, "device": "gpu"}),
        json!({"seed": 7, "early": {"patience": 3}, "model": {"kind": "tree", "depth": 2}}),
        json!({"epochs": 10.0, "rate": 1, "early": {"patience": 3.0}}),
    ] {
        answer("train", with(changes.clone())).unwrap_or_else(|error| panic!("{changes}: {error}"));
    }
}

#[test]
fn every_fault_is_named_at_once() {
    insta::assert_snapshot!(faults(
        "train",
        json!({
            "epochs": "ten", "rate": 1.5, "seed": -1, "small": 300, "wide": 5_000_000_000_i64,
            "device": "tpu", "model": {"kind": "mlp", "width": 0}, "verbose": "yes",
            "layers": [{"units": 8}, {"units": 0}, {"units": "many"}, {"unit": 8}],
            "early": {"patience": -1}, "epoch": 3,
        }),
    ));
}

#[test]
fn nothing_at_all_names_every_field_that_is_missing() {
    insta::assert_snapshot!(faults("train", Value::Null));
}

#[test]
fn wrong_shapes_are_told_in_words() {
    insta::assert_snapshot!(faults(
        "train",
        with(json!({
            "symbol": "goog", "epochs": 1.5, "rate": null, "seed": "seven", "device": 1,
            "model": {"kind": "forest"}, "layers": [], "early": "soon",
        })),
    ));
    insta::assert_snapshot!(faults("train", json!([1, 2])), @": expected an object, got [1,2]");
}

#[test]
fn a_fault_inside_an_alternative_is_named_where_it_is() {
    insta::assert_snapshot!(faults(
        "train",
        with(json!({
            "model": {"kind": "tree", "width": 3},
            "early": {"patience": "long", "delta": 1},
        })),
    ));
}

#[test]
fn fields_beside_a_flattened_enum_are_known() {
    let good = json!({"epochs": 3, "kind": "mlp", "width": 3});
    answer("flattened", good).expect("good params");
    insta::assert_snapshot!(faults(
        "flattened",
        json!({"epochs": 3, "kind": "mlp", "width": 3, "depth": 3}),
    ));
}

#[test]
fn a_long_value_is_repeated_in_part() {
    insta::assert_snapshot!(faults("train", with(json!({"epochs": "é".repeat(100)}))));
}

#[test]
fn the_error_as_a_whole_reads_well() {
    let error = answer("train", json!({"symbol": "GOOG"})).expect_err("fields are missing");
    insta::assert_snapshot!(error);
    let error = answer("trian", json!({})).expect_err("no such kind");
    insta::assert_snapshot!(error, @r#"there is no kind "trian"; known are: flattened, spanning, train"#);
}

#[test]
fn params_that_do_not_go_together_are_told_as_the_schemas_faults_are_wherever_they_come() {
    let told = "to: expected at least from, which is 5, got 3";
    let (from, to) = (5, 3);
    assert_eq!(faults("spanning", json!({"from": from, "to": to})), told);
    let typed = typed_answer(Span { from, to });
    assert!(matches!(&typed, Err(Error::InvalidParams(_))), "{typed:?}");
    assert_eq!(typed.expect_err("refused").to_string(), told);
    let here = run_sync_operation(&takes(), Span { from, to }, SyncOptions::default());
    assert!(matches!(&here, Err(SyncError::Invalid(_))), "{here:?}");
    assert_eq!(here.expect_err("refused").to_string(), told);
    // The rule sees defaults.
    answer("spanning", json!({"from": from})).expect("to is 9");
}

#[test]
fn a_rule_over_several_fields_may_refuse_by_a_code_of_its_own() {
    let (from, to) = (5, 5);
    for refused in [
        answer("spanning", json!({"from": from, "to": to})),
        typed_answer(Span { from, to }),
    ] {
        let Err(Error::Refused(refusal)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(refusal.code, "EMPTY_SPAN");
    }
    let here = run_sync_operation(&takes(), Span { from, to }, SyncOptions::default());
    assert!(matches!(&here, Err(SyncError::Refused(_))), "{here:?}");
}

#[test]
fn the_schema_comes_first_and_judges_typed_params_too() {
    let told = "from: expected an integer from 0 to 9, got 12; \
                to: expected an integer from 0 to 9, got 11";
    let (from, to) = (12, 11);
    let named = answer("spanning", json!({"from": from, "to": to}));
    assert_eq!(named.expect_err("refused").to_string(), told);
    let typed = typed_answer(Span { from, to });
    assert_eq!(typed.expect_err("refused").to_string(), told);
    let here = run_sync_operation(&takes(), Span { from, to }, SyncOptions::default());
    assert_eq!(here.expect_err("refused").to_string(), told);
}

#[test]
fn a_kind_whose_schema_cannot_be_checked_with_takes_nothing() {
    let text = "(".to_owned();
    let here = run_sync_operation(&takes(), Unclosed { text }, SyncOptions::default());
    let told = here.expect_err("refused").to_string();
    assert!(
        told.starts_with("the params: expected a schema to check with, got "),
        "{told}"
    );
}

#[test]
fn the_words_of_an_author_come_before_those_of_the_schema() {
    let name = "~".to_owned();
    let here = run_sync_operation(&takes(), Worded { name }, SyncOptions::default());
    let told = here.expect_err("refused").to_string();
    assert_eq!(told, "name: expected a name without ~, got \"~\"");
}
