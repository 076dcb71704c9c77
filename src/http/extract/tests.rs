use actix_web::ResponseError;

use super::*;

fn refused<T>(result: Result<T, ApiError>) -> (u16, String) {
    let Err(error) = result else {
        panic!("it must be refused")
    };
    (error.status_code().as_u16(), error.to_string())
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

#[cfg(feature = "training")]
#[test]
fn faults_of_bars_are_counted_up_to_a_limit() {
    for (bar, total) in [("1", 10_000), ("{}", 10_002)] {
        let bars = vec![bar; 100_000].join(",");
        let body = format!("{{\"bars\":[{bars}]}}");
        let faults = fields::bar_faults(body.as_bytes()).expect("they are no bars");
        assert_eq!((faults.total(), faults.first().len()), (total, 20), "{bar}");
    }
}
