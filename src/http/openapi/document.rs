//! The document itself.

use actix_web::web::Bytes;
use impresario_api::KindView;
use serde_json::{Map, Value, json};

use super::endpoint::{Body, Endpoint, Location, Parameter, Shape};
use super::responses::{ERROR, responses};
use super::schemas::Schemas;
use super::spelled::spell_out;
use crate::http::guards::needs_no_token;

const ABOUT: &str = "An operation supervisor over HTTP. Every GET route answers HEAD too. Any other \
    method of a path is 405 METHOD_NOT_ALLOWED, any other path 404 ROUTE_NOT_FOUND. v1 only grows: \
    ignore fields that you don't know.";

/// The API's description as JSON, made once: the kinds stay what they are while the server lives.
pub struct Document(Bytes);

impl Document {
    /// Of these routes, by path, and these kinds.
    pub(in crate::http) fn of(
        routes: &[(&'static str, Vec<Endpoint>)],
        kinds: &[KindView],
    ) -> Self {
        let mut document = value(routes, kinds);
        spell_out(&mut document);
        Self(document.to_string().into())
    }

    pub(in crate::http) fn json(&self) -> Bytes {
        self.0.clone()
    }
}

fn value(routes: &[(&'static str, Vec<Endpoint>)], kinds: &[KindView]) -> Value {
    let mut schemas = Schemas::of(kinds);
    let mut paths = Map::new();
    for (path, endpoints) in routes {
        let template = template(path);
        let mut methods = Map::new();
        for endpoint in endpoints {
            let operation = operation(&template, endpoint, kinds, &mut schemas);
            methods.insert(endpoint.method.to_owned(), operation);
        }
        paths.insert(template, Value::Object(methods));
    }
    let error = schemas.failure();
    let mut components = schemas.components();
    components.insert(ERROR.to_owned(), error);
    let bearer = json!({"type": "http", "scheme": "bearer",
        "description": "Needed when the server has a token file."});
    json!({
        "openapi": "3.1.0",
        "info": {"title": "Impresario", "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT, "license": {"name": "MIT OR Apache-2.0",
            "identifier": "MIT OR Apache-2.0"}},
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"token": bearer}},
    })
}

/// A path as the document has it: `{name}` without the router's expression.
fn template(path: &str) -> String {
    let part = |part: &str| match part.split_once(':') {
        Some((name, _)) if part.starts_with('{') => format!("{name}}}"),
        _ => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn operation(path: &str, endpoint: &Endpoint, kinds: &[KindView], schemas: &mut Schemas) -> Value {
    let open = needs_no_token(path);
    let words: Vec<_> = path
        .trim_start_matches("/api/v1")
        .split(['/', '.'])
        .map(|word| word.trim_matches(['{', '}']))
        .filter(|word| !word.is_empty())
        .collect();
    let tag = match words.first() {
        Some(first) if path.starts_with("/api/") => first,
        _ => "server",
    };
    let parameters = endpoint.parameters.iter();
    let parameters: Vec<_> = parameters.map(|one| parameter(one, schemas)).collect();
    let mut told = json!({
        "operationId": format!("{}_{}", endpoint.method, words.join("_")),
        "summary": endpoint.summary,
        "tags": [tag],
        "parameters": parameters,
        "responses": responses(endpoint, open, schemas),
    });
    if open {
        told["security"] = json!([]);
    }
    if let Some(body) = &endpoint.body {
        told["requestBody"] = request_body(body, kinds, schemas);
    }
    told
}

fn parameter(parameter: &Parameter, schemas: &mut Schemas) -> Value {
    let location = match parameter.location {
        Location::Path => "path",
        Location::Query => "query",
        Location::Header => "header",
    };
    let mut told = json!({
        "name": parameter.of.name,
        "in": location,
        "required": matches!(parameter.location, Location::Path),
        "description": parameter.of.what,
        "schema": schemas.parameter(parameter.of.shape),
    });
    if matches!(parameter.of.shape, Shape::Several(_)) {
        // By comma, and not by repeating the name.
        told["explode"] = json!(false);
    }
    told
}

fn request_body(body: &Body, kinds: &[KindView], schemas: &mut Schemas) -> Value {
    let schema = match body {
        Body::File => return json!({"required": true, "content": {"*/*": {}}}),
        Body::Of(make) | Body::Optional(make) => schemas.sent(*make),
        Body::Start(make) => {
            json!({"allOf": [schemas.sent(*make), {"anyOf": Schemas::starts(kinds)}]})
        }
        Body::Named(kind, options) => {
            let options = schemas.sent(*options);
            schemas.named_start(kind, options)
        }
    };
    json!({
        "required": !matches!(body, Body::Optional(_)),
        "content": {"application/json": {"schema": schema}},
    })
}
