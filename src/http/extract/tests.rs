use actix_web::ResponseError;

use super::*;

fn refused<T>(result: Result<T, ApiError>) -> (u16, String) {
    let Err(error) = result else {
        panic!("it must be refused")
    };
    (error.status_code().as_u16(), error.to_string())
}

#[test]
fn a_start_has_a_kind_and_perhaps_params_and_options() {
    let body: StartBody = parse(
        br#"{"kind": "dummy", "params": {"iterations": 3}, "options": {"priority": 5}}"#,
        START,
    )
    .expect("it is whole");
    assert_eq!(body.kind, "dummy");
    assert_eq!(
        options(body.options).expect("they are right").priority,
        Some(5)
    );
}

#[test]
fn what_is_not_json_is_told_apart_from_what_is_wrong() {
    for body in [
        "",
        "{",
        "{\"kind\": 3",
        "nonsense",
        "{\"kind\": \"a\"} more",
        "\u{1}",
    ] {
        let (status, text) = refused(parse::<StartBody>(body.as_bytes(), START));
        assert!(
            status == 400 && text.starts_with("BAD_JSON"),
            "{body}: {text}"
        );
    }
    for body in ["[]", "3", "\"dummy\"", "null", "[\"dummy\", {}, {}]"] {
        let (status, text) = refused(parse::<StartBody>(body.as_bytes(), START));
        assert!(
            status == 400 && text.starts_with("BAD_REQUEST"),
            "{body}: {text}"
        );
        assert!(text.contains("expected an object"), "{text}");
    }
}

#[test]
fn every_fault_of_the_outer_fields_is_told() {
    let body = br#"{"kindd": "dummy", "params": {}, "options": {"priority": "high", "labels": [1], "colour": 3}}"#;
    let (_, text) = refused(parse::<StartBody>(body, START));
    for part in [
        "kind: expected",
        "kindd: expected a known field",
        "options.priority",
        "options.labels",
        "options.colour",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let (_, text) = refused(parse::<StartBody>(br#"{"kind": "a", "kind": "b"}"#, START));
    assert!(text.contains("each field once"), "{text}");
}

#[test]
fn a_field_that_comes_twice_is_named_at_any_depth() {
    for (body, path) in [
        (r#"{"iterations":1,"iterations":2}"#, "iterations"),
        (r#"{"iterations":1,"iteration\u0073":1}"#, "iterations"),
        (
            r#"{"options":{"priority":1},"options":{"priority":2}}"#,
            "options",
        ),
        (
            r#"{"options":{"labels":{"a":"x","a":"y"}}}"#,
            "options.labels.a",
        ),
        (
            r#"{"bars":[{},[{"a":0,"b":{"c":1,"c":null}}]]}"#,
            "bars[1][0].b.c",
        ),
    ] {
        let (status, text) = refused(parse::<Map<String, Value>>(body.as_bytes(), &[]));
        let told = format!("BAD_REQUEST: {path}: expected each field once");
        assert!(status == 400 && text.starts_with(&told), "{text}");
    }
    let fine =
        r#"{"a":{"b":[1,-1,0.5,18446744073709551615,1e300]},"b":{"b":"\u00e9","":null,"c":true}}"#;
    let read: Value = parse(fine.as_bytes(), &[]).expect("each field is there once");
    assert_eq!(
        read,
        serde_json::from_str::<Value>(fine).expect("it is JSON")
    );
}

#[test]
fn options_of_a_wrong_type_are_told_by_path() {
    let given = serde_json::json!({"max_attempts": -1, "not_before": "tomorrow"});
    let (status, text) = refused(options(given.as_object().cloned()));
    assert_eq!(status, 400);
    assert!(
        text.contains("options.max_attempts") && text.contains("options.not_before"),
        "{text}"
    );
}
