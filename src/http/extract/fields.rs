//! The outer fields of each body as a table, to tell every fault of one at once.

use std::collections::BTreeMap;

use impresario_api::{CheckpointChoice, Faults, Timestamp, text};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// One field of a body.
pub(super) struct Field {
    name: &'static str,
    expected: &'static str,
    required: bool,
    fits: fn(&Value) -> bool,
    /// The fields of an object.
    inner: &'static [Self],
}

const fn field(name: &'static str, expected: &'static str, fits: fn(&Value) -> bool) -> Field {
    Field {
        name,
        expected,
        required: false,
        fits,
        inner: &[],
    }
}

const fn required(field: Field) -> Field {
    Field {
        required: true,
        ..field
    }
}

/// A start by the kind's name.
pub(super) const START: &[Field] = &[
    required(field(
        "kind",
        "the name of a kind, a string",
        Value::is_string,
    )),
    // What the params are is judged by the kind.
    field("params", "an object", |_| true),
    Field {
        inner: OPTIONS,
        ..field("options", "an object", |value| {
            value.is_object() || value.is_null()
        })
    },
];

/// A fork.
pub(super) const FORK: &[Field] = &[
    field(
        "checkpoint",
        CheckpointChoice::EXPECTED,
        is::<CheckpointChoice>,
    ),
    field("params", "an object", |value| {
        value.is_object() || value.is_null()
    }),
    Field {
        inner: OPTIONS,
        ..field("options", "an object", |value| {
            value.is_object() || value.is_null()
        })
    },
];

/// Bars for a model.
#[cfg(feature = "training")]
pub(super) const PREDICT: &[Field] =
    &[required(field("bars", "an array of bars", Value::is_array))];

#[cfg(feature = "training")]
const BAR: &[Field] = &[
    required(field(
        "timestamp",
        "an RFC 3339 time, years 1 to 9999 UTC, no leap second",
        is::<Timestamp>,
    )),
    required(field("open", "a number", Value::is_number)),
    required(field("high", "a number", Value::is_number)),
    required(field("low", "a number", Value::is_number)),
    required(field("close", "a number", Value::is_number)),
    required(field("volume", "a number", Value::is_number)),
];

/// Counting the faults of bars stops here: a body can hold hundreds of thousands.
#[cfg(feature = "training")]
const MOST_BAR_FAULTS: u64 = 10_000;

/// What is wrong with the bars of a body, field by field.
#[cfg(feature = "training")]
pub(super) fn bar_faults(body: &[u8]) -> Option<Faults> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut found = Faults::default();
    for (index, bar) in body.get("bars")?.as_array()?.iter().enumerate() {
        if found.total() >= MOST_BAR_FAULTS {
            break;
        }
        let path = format!("bars[{index}]");
        match bar {
            Value::Object(bar) => collect(&format!("{path}."), bar, BAR, &mut found),
            other => not_an_object(&path, other, &mut found),
        }
    }
    (!found.is_empty()).then_some(found)
}

/// How to run an operation.
pub(super) const OPTIONS: &[Field] = &[
    field("priority", "an integer from -100 to 100", is::<Option<i32>>),
    field(
        "labels",
        "an object whose values are strings",
        is::<Option<BTreeMap<String, String>>>,
    ),
    field("timeout_seconds", "a number over 0", is::<Option<f64>>),
    field(
        "max_attempts",
        "an integer, 1 to 4294967295",
        is::<Option<u32>>,
    ),
    field(
        "not_before",
        "an RFC 3339 time, years 1 to 9999 UTC, no leap second",
        is::<Option<Timestamp>>,
    ),
];

/// A verb.
pub(super) const VERB: &[Field] = &[field(
    "reason",
    "a string of at most 1000 characters",
    is::<Option<String>>,
)];

/// Verifying a model.
#[cfg(feature = "training")]
pub(super) const VERIFY: &[Field] = &[field("options", "an object", |value| {
    value.is_object() || value.is_null()
})];

/// Pruning.
pub(super) const PRUNE: &[Field] = &[
    required(field(
        "older_than_seconds",
        "a number, 0 to 10,000,000,000",
        |value| value.as_f64().is_some_and(is_age),
    )),
    field("dry_run", "true or false", Value::is_boolean),
];

/// Seconds that a duration can hold.
pub(super) fn is_age(seconds: f64) -> bool {
    (0.0..=1e10).contains(&seconds)
}

fn is<T: DeserializeOwned>(value: &Value) -> bool {
    T::deserialize(value).is_ok()
}

/// Every fault; when the table finds none, the parser's own words.
pub(super) fn faults(
    prefix: &str,
    object: &Map<String, Value>,
    table: &[Field],
    otherwise: &str,
) -> Faults {
    let mut found = Faults::default();
    collect(prefix, object, table, &mut found);
    if found.is_empty() {
        found.push(prefix.trim_end_matches('.'), "each field once", otherwise);
    }
    found
}

fn collect(prefix: &str, object: &Map<String, Value>, table: &[Field], found: &mut Faults) {
    for one in table {
        let path = || format!("{prefix}{}", one.name);
        match object.get(one.name) {
            None if one.required => found.push(&path(), one.expected, "nothing"),
            None => {}
            Some(Value::Object(inner)) if !one.inner.is_empty() => {
                collect(&format!("{}.", path()), inner, one.inner, found);
            }
            Some(value) if !(one.fits)(value) => found.push(&path(), one.expected, &short(value)),
            Some(_) => {}
        }
    }
    let is_known = |name: &str| table.iter().any(|one| one.name == name);
    let mut unknown = object.iter().filter(|(name, _)| !is_known(name));
    let names = || table.iter().map(|one| one.name).collect::<Vec<_>>();
    for (name, value) in unknown.by_ref().take(Faults::TOLD) {
        let expected = format!("a known field ({})", names().join(", "));
        found.push(&format!("{prefix}{name}"), &expected, &short(value));
    }
    found.count(unknown.count() as u64);
}

/// The fault of something that is no object.
pub(super) fn not_an_object(path: &str, got: &Value, found: &mut Faults) {
    found.push(path, "an object", &short(got));
}

fn short(value: &Value) -> String {
    text::json(value, 60)
}
