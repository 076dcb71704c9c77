use super::*;

fn api(code: &str) -> Error {
    Error::Api {
        body: ErrorBody {
            code: code.to_owned(),
            message: "no".to_owned(),
            details: None,
            details_total: None,
            retryable: false,
        },
    }
}

#[test]
fn every_refusal_has_its_exit_code() {
    for (code, exit) in [
        ("INVALID_PARAMS", 2),
        ("BAD_REQUEST", 2),
        ("KIND_NOT_FOUND", 2),
        ("OPERATION_NOT_FOUND", 1),
        ("ALREADY_ENDED", 1),
        ("QUEUE_FULL", 1),
        ("INTERNAL", 1),
    ] {
        assert_eq!(api(code).exit_code(), exit, "{code}");
    }
}

#[test]
fn every_other_error_has_its_exit_code() {
    let text = || "x".to_owned();
    let (url, why) = (text(), text());
    let unreachable = Error::Unreachable { url, why };
    let (url, why) = (text(), text());
    let stranger = Error::Stranger { url, why };
    let thing = Thing::Model;
    let bad = Error::BadId {
        thing,
        text: text(),
    };
    let unknown = Error::UnknownId {
        thing,
        text: text(),
    };
    let ambiguous = Error::AmbiguousId {
        thing,
        text: text(),
        candidates: vec![],
    };
    let left = Error::Left {
        id: OperationId::from_u64(0),
        state: "it goes on",
    };
    let output = |kind| Error::Output(std::io::Error::from(kind));
    for (error, code) in [
        (unreachable, 3),
        (stranger, 3),
        (Error::Garbled(text()), 1),
        (bad, 2),
        (unknown, 1),
        (ambiguous, 2),
        (Error::Usage(text()), 2),
        (left, 130),
        (output(std::io::ErrorKind::BrokenPipe), 0),
        (output(std::io::ErrorKind::StorageFull), 1),
    ] {
        assert_eq!(error.exit_code(), code, "{error}");
    }
}

#[test]
fn what_data_is_missing_is_named_in_the_advice() {
    let mut error = api("DATA_NOT_FOUND");
    let tip = "impresario data load SYMBOL --timeframe TIMEFRAME";
    assert_eq!(error.next(), [("try", tip.into())]);
    if let Error::Api { body } = &mut error {
        body.details = Some(serde_json::json!({"symbol": "GOOG", "timeframe": "1d"}));
    }
    let tip = "impresario data load GOOG --timeframe 1d";
    assert_eq!(error.next(), [("try", tip.into())]);
    assert_eq!(api("NOT_ENOUGH_BARS").next(), []);
}

#[test]
fn the_envelope_of_an_api_error_is_the_servers_own() {
    let envelope = api("QUEUE_FULL").envelope();
    assert_eq!(envelope.error.expect("it is an error").code, "QUEUE_FULL");
}
