//! How a route answers, by status.

use impresario_api::Code;
use serde_json::{Map, Value, json};

use super::endpoint::{Body, Content, Endpoint};
use super::schemas::{Schemas, reference};

/// The name of the error envelope among the components.
pub(super) const ERROR: &str = "Error";

pub(super) fn responses(endpoint: &Endpoint, open: bool, schemas: &mut Schemas) -> Value {
    let mut all = Map::new();
    let well = content(endpoint, schemas);
    let told = json!({"description": "As asked.", "content": well});
    if endpoint.upgrades {
        let told = json!({"description": "From here on frames: docs/frames.schema.json."});
        all.insert("101".to_owned(), told);
    } else {
        all.insert("200".to_owned(), told);
    }
    if endpoint.early {
        let why = "Accepted; what was asked for has not come yet.";
        all.insert(
            "202".to_owned(),
            json!({"description": why, "content": well}),
        );
    }
    let mut failures = endpoint.failures.clone();
    if !open {
        failures.entry(401).or_default().push("UNAUTHENTICATED");
        failures.entry(429).or_default().push("TOO_MANY_REFUSALS");
    }
    for (status, codes) in &failures {
        let own = endpoint.refusals && *status == 422;
        all.insert(status.to_string(), failure(*status, codes, own));
    }
    Value::Object(all)
}

fn content(endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    match endpoint.content {
        Content::Plain(media) => json!({media: {}}),
        Content::Enveloped(make) => {
            let mut data = schemas.answered(make);
            if let Some(Body::Named(kind, _)) = endpoint.body {
                data = Schemas::with_result(&data, kind);
            }
            json!({"application/json": {"schema": schemas.success(&data)}})
        }
    }
}

/// An error with one of these codes, or, where a kind may refuse, with one of its own.
fn failure(status: u16, codes: &[&str], own: bool) -> Value {
    let mut schema = reference(ERROR);
    if !own {
        let code = json!({"properties": {"code": {"enum": codes}}});
        schema["properties"] = json!({"error": code});
    }
    let mut told: Vec<_> = codes.iter().map(|code| meaning(code)).collect();
    told.extend(own.then(|| "or the kind's own refusal".to_owned()));
    let mut response = json!({
        "description": told.join("; "),
        "content": {"application/json": {"schema": schema}},
    });
    let header = match status {
        401 => Some(("WWW-Authenticate", "string")),
        429 => Some(("Retry-After", "integer")),
        _ => None,
    };
    if let Some((name, kind)) = header {
        response["headers"] = json!({name: {"required": true, "schema": {"type": kind}}});
    }
    response
}

fn meaning(code: &str) -> String {
    let known = Code::ALL.iter().find(|known| known.as_str() == code);
    known.map_or_else(
        || format!("`{code}`"),
        |known| format!("`{code}`: {}", known.meaning().trim_end_matches('.')),
    )
}
