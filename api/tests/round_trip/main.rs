//! Checks for every wire type that accepted values can be written and read back. Both sides write and read
//! every type, so all are checked in both directions.

mod arbitrary;

use std::fmt::Debug;

use impresario_api::{
    Bar, BarPage, ClientFrame, DatasetList, Envelope, ErrorBody, Event, EventPage, Fault,
    ForkRequest, HealthView, KindView, MAX_DEPTH, MetricSeries, ModelCard, ModelList,
    OperationList, OperationRow, OperationView, PredictRequest, Prediction, PruneAnswer,
    PruneRequest, ServerFrame, StartAnswer, StartOptions, StartRequest, SystemView, VerbAnswer,
    VerbRequest,
};
use proptest::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// Checks that a value that is written as text and read back is the same, and so is its text.
#[track_caller]
fn survives<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    let text = serde_json::to_string(value).expect("it is written");
    let read: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(read, *value, "{text}");
    assert_eq!(serde_json::to_string(&read).expect("it is written"), text);
}

/// The same for a value in an envelope, which clients read in two steps.
#[track_caller]
fn survives_enveloped<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T) {
    survives(value);
    let data = serde_json::to_value(value).expect("it is written");
    let text = serde_json::to_string(&Envelope::ok(data)).expect("it is written");
    let read: Envelope<Value> = serde_json::from_str(&text).expect("an envelope");
    let data = read.data.expect("data");
    let read: T = serde_json::from_value(data).expect("its data");
    assert_eq!(read, *value);
}

fn every<T>()
where
    T: Serialize + DeserializeOwned + JsonSchema + PartialEq + Debug,
{
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let tried = runner.run(&arbitrary::any_of::<T>(), |value| {
        survives_enveloped(&value);
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{}: {error}", std::any::type_name::<T>());
    }
}

macro_rules! types {
    ($($name:ident: $($type:ty),+;)+) => {
        $(#[test] fn $name() { $(every::<$type>();)+ })+
    };
}

types! {
    requests_survive: StartRequest, ForkRequest, StartOptions, VerbRequest, PruneRequest, PredictRequest, ClientFrame;
    answers_survive: StartAnswer, VerbAnswer, PruneAnswer, HealthView, KindView, SystemView, ErrorBody, Fault;
    operations_survive: OperationView, OperationRow, OperationList, MetricSeries;
    events_survive: Event, EventPage;
    frames_survive: ServerFrame;
    bars_survive: Bar, BarPage, DatasetList;
    models_survive: ModelList, ModelCard, Prediction;
}

/// The most deeply nested value that is accepted.
fn deepest() -> Value {
    (0..MAX_DEPTH).fold(Value::Null, |inner, level| match level % 2 {
        0 => json!([inner]),
        _ => json!({"in": inner}),
    })
}

#[test]
fn the_deepest_params_survive_within_every_answer() {
    let mut runner = proptest::test_runner::TestRunner::default();
    let tried = runner.run(&arbitrary::any_of::<OperationView>(), |mut view| {
        view.params = deepest();
        view.result_summary = Some(deepest());
        if let Some(error) = &mut view.row.error {
            error.details = Some(deepest());
        }
        survives_enveloped(&VerbAnswer {
            view,
            changed: false,
            durable: true,
        });
        Ok(())
    });
    tried.expect("it survives");
}

#[test]
fn a_number_that_no_float_holds_is_refused() {
    for text in [
        "{\"kind\": \"a\", \"params\": 1e400}",
        "{\"kind\": \"a\", \"params\": NaN}",
    ] {
        assert!(
            serde_json::from_str::<StartRequest>(text).is_err(),
            "{text}"
        );
    }
    // An integer of more than 64 bits becomes the nearest float, and stays that float.
    let text = "{\"kind\": \"a\", \"params\": [18446744073709551616, -0.0, 9007199254740993]}";
    let request: StartRequest = serde_json::from_str(text).expect("numbers");
    assert_eq!(
        request.params,
        json!([18446744073709551616.0, -0.0, 9007199254740993_u64])
    );
    survives(&request);
}
