//! Params against a schema, and the bodies that contain them.

use serde_json::{Value, json};

use crate::Target;
use crate::service::{Answer, Service};

/// The path of an operation that does not exist.
const NOTHING: &str = "/api/v1/operations/op_0000000000007";

/// The first byte says what follows: params of the kind `rich`, or the body of a start, of a dummy's
/// start, of a verb, of a fork or of a prune.
pub(crate) fn target() -> Target {
    let service = Service::new(false);
    Box::new(move |bytes| {
        let Some((kind, bytes)) = bytes.split_first() else {
            return;
        };
        match kind {
            b's' => started(&service, "/api/v1/operations", bytes),
            b'd' => started(&service, "/api/v1/dummy/start", bytes),
            b'v' => drop(posted(&service, &format!("{NOTHING}/cancel"), bytes)),
            b'f' => drop(posted(&service, &format!("{NOTHING}/fork"), bytes)),
            b'p' => drop(posted(&service, "/api/v1/operations/prune", bytes)),
            _ => {
                let body = [br#"{"kind":"rich","params":"#, bytes, b"}"].concat();
                started(&service, "/api/v1/operations", &body);
            }
        }
    })
}

/// An accepted start has a view and is in the list. Its params are accepted again and do not change.
fn started(service: &Service, route: &str, body: &[u8]) {
    let answer = posted(service, route, body);
    if answer.status >= 300 {
        return;
    }
    let view = viewed(service, &answer);
    if view["kind"] == "rich" {
        let again = json!({"kind": "rich", "params": view["params"]});
        let answer = posted(service, "/api/v1/operations", again.to_string().as_bytes());
        assert!(answer.status < 300 || answer.status == 429, "{answer:?}");
        if answer.status < 300 {
            assert_eq!(viewed(service, &answer)["params"], view["params"]);
        }
    }
}

/// The view of a started operation, which is then cancelled, because it may wait for its time.
fn viewed(service: &Service, started: &Answer) -> Value {
    let id = started.json()["data"]["operation_id"].clone();
    let view = format!("/api/v1/operations/{}", id.as_str().expect("an id"));
    let [view_of, list] = [&view, "/api/v1/operations?limit=1"].map(|target| {
        let answer = service.ask(&format!("GET {target}"), b"");
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        answer.json()["data"].clone()
    });
    assert!(!list["operations"].is_null());
    service.ask(&format!("DELETE {view}"), b"");
    view_of
}

/// Sends a body, and checks that the answer is well formed and its size bounded by the body's.
fn posted(service: &Service, route: &str, body: &[u8]) -> Answer {
    let answer = service.ask(&format!("POST {route}"), body);
    answer.is_in_order();
    let error = &answer.json()["error"];
    let details = error["details"].as_array().map_or(&[][..], Vec::as_slice);
    assert!(details.len() <= 20, "{} details", details.len());
    assert!(error["code"] != "INVALID_PARAMS" || !details.is_empty());
    for fault in details.iter().filter(|fault| fault.is_object()) {
        let told = |field: &str| fault[field].as_str().is_some_and(|text| !text.is_empty());
        assert!(told("expected") && told("got"), "{fault}");
    }
    let most = (16 << 10) + 40 * body.len();
    assert!(
        answer.body.len() < most,
        "{} bytes for {}",
        answer.body.len(),
        body.len()
    );
    answer
}
