use std::collections::BTreeMap;

use proptest::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};

use super::*;
use crate::operation::{Context, Failure, Kinds, Operation as Kind};

/// A kind whose params and policy have defaults of every sort.
struct Sample;

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Fields {
    count: u32,
    rate: f64,
    name: Option<String>,
    list: Vec<u8>,
}

impl Default for Fields {
    fn default() -> Self {
        Self {
            count: 7,
            rate: 0.5,
            name: None,
            list: vec![1],
        }
    }
}

impl Kind for Sample {
    const KIND: &'static str = "sample";
    type Params = Fields;
    type Output = ();

    fn policy(&self) -> Policy {
        Policy {
            timeout: Some(Duration::from_secs(60)),
            max_attempts: 3,
            ..Policy::lane("default")
        }
    }

    fn run(&self, _: Fields, _: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

fn fingerprint(params: &Value, options: &Value) -> u64 {
    let kinds = Kinds::new().register(Sample);
    let kind = kinds.get("sample").expect("it is registered");
    let params = kind.check(params.clone()).expect("good params");
    let options = Options {
        start: serde_json::from_value(options.clone()).expect("good options"),
        idempotency_key: Some("k".to_owned()),
        ..Options::default()
    };
    let made = options.idempotency(&**kind, &params, None, Duration::ZERO, Timestamp::MIN);
    made.expect("there is a key").fingerprint
}

#[test]
fn callers_that_are_shown_alike_share_no_idempotency_key() {
    let key = |requested_by: &str| {
        let options = Options {
            requested_by: requested_by.to_owned(),
            ..Options::default()
        };
        options.key_of_caller("k")
    };
    let long = |end: &str| format!("{}{end}", "a".repeat(100));
    for (one, other) in [
        (long("1"), long("2")),
        ("a\u{202e}".to_owned(), "a".to_owned()),
        ("a\nb".to_owned(), "a b".to_owned()),
        ("\u{200b}".to_owned(), String::new()),
    ] {
        assert_ne!(key(&one), key(&other), "{one:?}, {other:?}");
        assert_eq!(key(&one), key(&one));
    }
    assert_eq!(key("me@desk"), "me@desk\nk", "earlier keys are still found");
    assert_eq!(key(""), "impresario\nk");
}

/// Each field with its default, as the default can be written.
fn defaults(
    of: &'static [(&'static str, &'static [&'static str])],
) -> impl Strategy<Value = Value> {
    let field = |(name, forms): &(&'static str, &'static [&'static str])| {
        let name = *name;
        prop::option::of(prop::sample::select(*forms)).prop_map(move |form| {
            let value = |form: &str| serde_json::from_str::<Value>(form).expect("JSON");
            form.map(|form| (name.to_owned(), value(form)))
        })
    };
    let fields: Vec<_> = of.iter().map(field).collect();
    fields.prop_map(|fields| Value::Object(fields.into_iter().flatten().collect::<Map<_, _>>()))
}

proptest! {
    #[test]
    fn a_default_that_is_written_out_is_the_same_request(
        params in defaults(&[
            ("count", &["7", "7.0", "7e0"]),
            ("rate", &["0.5", "5e-1"]),
            ("name", &["null"]),
            ("list", &["[1]", "[1.0]"]),
        ]),
        options in defaults(&[
            ("priority", &["0", "null"]),
            ("labels", &["{}", "null"]),
            ("timeout_seconds", &["60", "60.0", "null"]),
            ("max_attempts", &["3", "null"]),
            ("not_before", &["null"]),
        ]),
    ) {
        let bare = fingerprint(&json!({}), &json!({}));
        prop_assert_eq!(fingerprint(&params, &options), bare, "{} {}", params, options);
    }
}

#[test]
fn what_differs_is_another_request() {
    let bare = fingerprint(&json!({}), &json!({}));
    for (params, options) in [
        (json!({"count": 8}), json!({})),
        (json!({"name": ""}), json!({})),
        (json!({"list": []}), json!({})),
        (json!({}), json!({"priority": 1})),
        (json!({}), json!({"labels": {"a": "b"}})),
        (json!({}), json!({"timeout_seconds": 59})),
        (json!({}), json!({"max_attempts": 4})),
        (json!({}), json!({"not_before": "2099-01-01T00:00:00Z"})),
    ] {
        assert_ne!(fingerprint(&params, &options), bare, "{params} {options}");
    }
}

#[test]
fn a_label_that_nobody_could_find_or_read_is_refused() {
    let check = |labels: BTreeMap<String, String>| {
        let start = StartOptions {
            labels,
            ..StartOptions::default()
        };
        let options = Options {
            start,
            ..Options::default()
        };
        options.check()
    };
    let one = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
    for (key, value) in [
        ("a", ""),
        ("a b", " x "),
        ("é", "a:b, c"),
        (&"k".repeat(100), "v"),
    ] {
        assert!(check(one(key, value)).is_ok(), "{key:?}: {value:?}");
    }
    let many = (0..65).map(|n| (n.to_string(), String::new())).collect();
    for labels in [
        one("", "v"),
        one("a:b", "v"),
        one(&"k".repeat(101), "v"),
        one("a\n", "v"),
        one("a", "\u{202e}v"),
        one("a", "v\u{3164}"),
        one("a\u{200d}", "v"),
        one("a\u{a0}b", "v"),
        one("a", &"v".repeat(4_096)),
        many,
    ] {
        let Err(Error::InvalidOptions(faults)) = check(labels.clone()) else {
            panic!("{labels:?} was taken")
        };
        assert_eq!(faults.first()[0].path, "options.labels");
    }
}
