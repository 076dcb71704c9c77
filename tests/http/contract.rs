//! The server's own description as a judge: every answer that any test here gets is held against it.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::support::{Reply, Server};

/// What the plain server says of itself.
pub(crate) static PLAIN: LazyLock<Contract> = LazyLock::new(|| Contract::of(&Server::start()));
/// What the one with the tests' own kinds says.
pub(crate) static OWN: LazyLock<Contract> = LazyLock::new(|| Contract::of(&Server::own(&[])));

/// A request as it was made.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: Option<&'a [u8]>,
}

/// A description, and what it says of an answer.
pub(crate) struct Contract {
    pub(crate) document: Value,
    /// The same, but that an answer may have no field that it does not name.
    closed: Value,
    judges: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    fn of(server: &Server) -> Self {
        let reply = server.fetch("GET", "/openapi.json", &[], None);
        assert_eq!(reply.status, 200, "{reply:?}");
        Self::new(reply.body)
    }

    pub(crate) fn new(document: Value) -> Self {
        let mut closed = document.clone();
        let schemas = closed["components"]["schemas"].as_object_mut();
        schemas.expect("components").values_mut().for_each(close);
        Self {
            document,
            closed,
            judges: Mutex::default(),
        }
    }

    /// The template of a path: one without a parameter comes first.
    fn template(&self, path: &str) -> Option<&str> {
        let fits = |template: &str| {
            let (path, template) = (path.split('/'), template.split('/'));
            path.clone().count() == template.clone().count()
                && path
                    .zip(template)
                    .all(|(part, of)| part == of || (of.starts_with('{') && !part.is_empty()))
        };
        let paths = self.document["paths"].as_object().expect("paths").keys();
        let fitting = paths.map(String::as_str).filter(|template| fits(template));
        fitting.min_by_key(|template| template.matches('{').count())
    }

    /// What it has against an answer.
    pub(crate) fn judge(&self, asked: &Asked<'_>, reply: &Reply) -> Result<(), String> {
        let (path, query) = asked.path.split_once('?').unwrap_or((asked.path, ""));
        if path == "/" || path.starts_with("/console") {
            return Ok(()); // For people: no part of the API.
        }
        let method = if asked.method == "HEAD" {
            "get".to_owned()
        } else {
            asked.method.to_lowercase()
        };
        let Some(template) = self.template(path) else {
            return self.refused(asked, reply, 404);
        };
        let operation = &self.document["paths"][template][&method];
        if operation.is_null() {
            return self.refused(asked, reply, 405);
        }
        let status = reply.status.to_string();
        let response = &operation["responses"][&status];
        if response.is_null() {
            return Err(format!("{status} is not told of {method} {template}"));
        }
        for name in response["headers"]
            .as_object()
            .into_iter()
            .flat_map(|all| all.keys())
        {
            if reply.header(name).is_empty() {
                return Err(format!("the header {name} is missing"));
            }
        }
        let media = reply.header("content-type");
        if response["content"][media].is_null() {
            return Err(format!("a content of type \"{media}\" is not told of"));
        }
        if asked.method != "HEAD" {
            let place = ["paths", template, &method, "responses", &status, "content"];
            self.content(&self.closed, &place, &reply.body)?;
        }
        if reply.status >= 300 {
            return Ok(());
        }
        known_fields(operation, query)?;
        match asked.body.map(serde_json::from_slice::<Value>) {
            Some(Ok(sent)) => {
                let place = ["paths", template, &method, "requestBody", "content"];
                self.content(&self.document, &place, &sent)
                    .map_err(|why| format!("it was taken, though {why}"))
            }
            _ => Ok(()),
        }
    }

    /// The guards come before the routes; past them, what is not told of is not there.
    fn refused(&self, asked: &Asked<'_>, reply: &Reply, status: u16) -> Result<(), String> {
        if reply.status != status && ![401, 403, 415].contains(&reply.status) {
            let Asked { method, path, .. } = asked;
            return Err(format!("{method} {path} is not told of at all"));
        }
        if asked.method == "HEAD" {
            return Ok(());
        }
        let judge = self.validator(&self.document, "#/components/schemas/Error");
        against(&judge, &reply.body)
    }

    /// Holds a body against the schema of a content object; one without a schema takes anything.
    fn content(&self, document: &Value, place: &[&str], body: &Value) -> Result<(), String> {
        let escape = |part: &&str| part.replace('~', "~0").replace('/', "~1");
        let parts: Vec<_> = place.iter().map(escape).collect();
        let pointer = format!("/{}/application~1json/schema", parts.join("/"));
        if document.pointer(&pointer).is_none() {
            return Ok(());
        }
        against(&self.validator(document, &format!("#{pointer}")), body)
    }

    fn validator(&self, document: &Value, place: &str) -> Arc<Validator> {
        let mut judges = self.judges.lock().expect("no judge panics");
        let judge = judges.entry(place.to_owned()).or_insert_with(|| {
            let mut schema = document.clone();
            let dialect = "https://json-schema.org/draft/2020-12/schema";
            schema["$schema"] = json!(dialect);
            schema["$ref"] = json!(place.replace('{', "%7B").replace('}', "%7D"));
            let options = jsonschema::options().should_validate_formats(true);
            Arc::new(options.build(&schema).expect("a schema"))
        });
        Arc::clone(judge)
    }
}

fn against(judge: &Validator, body: &Value) -> Result<(), String> {
    let faults = judge.iter_errors(body);
    let faults: Vec<_> = faults
        .map(|error| format!("at \"{}\": {error}", error.instance_path()))
        .collect();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("; "))
    }
}

/// What was taken after the `?` is told of.
fn known_fields(operation: &Value, query: &str) -> Result<(), String> {
    let parameters = operation["parameters"].as_array().expect("parameters");
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or(pair);
        let told = |one: &Value| one["in"] == "query" && one["name"] == name;
        if !parameters.iter().any(told) {
            return Err(format!("the field {name} was taken and is not told of"));
        }
    }
    Ok(())
}

/// Lets no field pass that the schema does not name. What is inside alternatives is seen from
/// outside them.
fn close(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    let object = fields.contains_key("properties") && !fields.contains_key("additionalProperties");
    if object {
        fields.insert("unevaluatedProperties".to_owned(), json!(false));
    }
    if let Some(Value::Object(inner)) = fields.get_mut("properties") {
        inner.values_mut().for_each(close);
    }
    if let Some(items) = fields.get_mut("items") {
        close(items);
    }
}
