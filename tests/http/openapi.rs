//! The API's description: that it is one, that it has every route, and that answers are as it says.
//! (Every answer of every other test is held against it too: see `contract`.)

use std::collections::BTreeSet;
use std::collections::HashSet;
use std::fs;

use serde_json::{Value, json};

use crate::contract::{Asked, Contract, OWN, PLAIN};
use crate::support::{ANNA, BARS, DUMMY, OPERATIONS, Reply, Server, has, tokens};

/// Every method of every path: (method, path, what is told of it).
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let each = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        let all = methods.iter();
        all.map(move |(method, told)| (method.as_str(), path.as_str(), told))
    });
    each.collect()
}

#[test]
fn it_is_openapi_3_1_and_its_schemas_are_schemas() {
    let official = include_str!("../fixtures/openapi-3.1.json");
    let official: Value = serde_json::from_str(official).expect("JSON");
    let judge = jsonschema::validator_for(&official).expect("a schema");
    for contract in [&*PLAIN, &*OWN] {
        let faults = judge.iter_errors(&contract.document);
        let faults: Vec<_> = faults.map(|error| error.to_string()).collect();
        assert_eq!(faults, Vec::<String>::new());
        let mut schemas = Vec::new();
        collect(&contract.document, &mut schemas);
        assert!(schemas.len() > 100, "{} schemas", schemas.len());
        for schema in schemas {
            jsonschema::draft202012::meta::validate(schema).expect("draft 2020-12");
        }
    }
    let mut wrong = PLAIN.document.clone();
    wrong["paths"]["/healthz"]["get"]["responses"] = json!([]);
    assert!(!judge.is_valid(&wrong), "the judge can say no");
}

/// Every schema that stands in a document: the components, and what is inline.
fn collect<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("schema"));
            if let Some(Value::Object(all)) = fields.get("schemas") {
                found.extend(all.values());
            }
            fields.values().for_each(|one| collect(one, found));
        }
        Value::Array(all) => all.iter().for_each(|one| collect(one, found)),
        _ => {}
    }
}

#[test]
fn no_schema_is_true_or_false_and_a_key_says_what_it_may_be() {
    for contract in [&*PLAIN, &*OWN] {
        let components = &contract.document["components"]["schemas"];
        let components = components.as_object().expect("schemas").values();
        let mut schemas = Vec::new();
        collect(&contract.document, &mut schemas);
        components
            .chain(schemas)
            .for_each(|schema| spelled(schema, ""));
    }
    let start = &PLAIN.document["paths"][DUMMY]["post"]["parameters"];
    let mut keys = start.as_array().expect("parameters").iter();
    let key = keys.find(|one| one["name"] == "Idempotency-Key");
    let key = &key.expect("it takes a key")["schema"];
    has(key, json!({"minLength": 1, "maxLength": 255}));
    assert_eq!(key["pattern"], "^[!-~]+$");
}

#[test]
fn every_integer_of_a_body_says_how_low_and_how_high_it_may_be() {
    for contract in [&*PLAIN, &*OWN] {
        let document = &contract.document;
        let (mut seen, mut found) = (HashSet::new(), 0);
        for (method, path, _) in operations(document) {
            let body = &document["paths"][path][method]["requestBody"];
            found += bounded(document, &body["content"], path, &mut seen);
        }
        assert!(found >= 5, "{found} integers");
    }
}

/// How many integers there are in a schema and in those that it names, each with both its bounds.
fn bounded(document: &Value, schema: &Value, path: &str, seen: &mut HashSet<String>) -> usize {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.trim_start_matches('#'));
        let target = target.expect("what is named is there");
        let new = seen.insert(name.to_owned());
        return if new {
            bounded(document, target, name, seen)
        } else {
            0
        };
    }
    let kinds = &schema["type"];
    let of_integers = kinds == "integer"
        || kinds
            .as_array()
            .is_some_and(|all| all.contains(&json!("integer")));
    if of_integers {
        let least = schema["minimum"].is_number() || schema["exclusiveMinimum"].is_number();
        assert!(least && schema["maximum"].is_number(), "{path}: {schema}");
    }
    let inner = match schema {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, one)| (format!("{path}/{name}"), one))
            .collect(),
        Value::Array(all) => all
            .iter()
            .map(|one| (path.to_owned(), one))
            .collect::<Vec<_>>(),
        _ => Vec::new(),
    };
    let inner = inner
        .into_iter()
        .map(|(path, one)| bounded(document, one, &path, seen));
    usize::from(of_integers) + inner.sum::<usize>()
}

/// No schema in it is a boolean. (`additionalProperties: false` is known to every tool.)
fn spelled(schema: &Value, path: &str) {
    let Some(fields) = schema.as_object() else {
        panic!("{path} is {schema}")
    };
    for (key, value) in fields {
        let path = format!("{path}/{key}");
        match (key.as_str(), value) {
            (
                "properties" | "patternProperties" | "$defs" | "dependentSchemas",
                Value::Object(all),
            ) => {
                all.values().for_each(|one| spelled(one, &path));
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(all)) => {
                all.iter().for_each(|one| spelled(one, &path));
            }
            ("additionalProperties" | "unevaluatedProperties", Value::Bool(false)) => {}
            (
                "items"
                | "contains"
                | "not"
                | "if"
                | "then"
                | "else"
                | "propertyNames"
                | "additionalProperties"
                | "unevaluatedProperties",
                one,
            ) => spelled(one, &path),
            _ => {}
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let text = OWN.document.to_string();
    let names: BTreeSet<_> = text
        .split("\"#/components/schemas/")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let schemas = OWN.document["components"]["schemas"].as_object();
    let schemas = schemas.expect("schemas");
    let known: BTreeSet<_> = schemas.keys().map(String::as_str).collect();
    assert!(names.is_subset(&known), "{:?}", names.difference(&known));
    assert_eq!(
        text.matches("\"$ref\"").count(),
        text.matches("\"#/components/schemas/").count()
    );
}

#[test]
fn the_router_has_what_the_description_tells_and_nothing_else() {
    let server = Server::start();
    let document = &PLAIN.document;
    // All that the router serves is in its table, and all that is in the table is told.
    let table = include_str!("../../src/http/routes.rs");
    let is_built = |path: &&str| {
        cfg!(feature = "training")
            || !(path.starts_with("/api/v1/training") || path.starts_with("/api/v1/models"))
    };
    let served: BTreeSet<_> = table
        .split("at(\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .filter(is_built)
        // The console's files are for people: no part of the API.
        .filter(|path| *path != "/" && !path.starts_with("/console"))
        .collect();
    let paths = document["paths"].as_object().expect("paths");
    assert_eq!(served, paths.keys().map(String::as_str).collect());
    // Whatever path is told takes the methods that are told, and says so itself.
    for (path, methods) in paths {
        let mut told: Vec<_> = methods
            .as_object()
            .expect("methods")
            .keys()
            .map(|method| method.to_uppercase())
            .collect();
        if told.contains(&"GET".to_owned()) {
            told.push("HEAD".to_owned());
        }
        told.sort();
        let reply = server.send("PATCH", &path.replace(['{', '}'], ""), &[], None);
        reply.fails(405, "METHOD_NOT_ALLOWED");
        let mut allowed: Vec<_> = reply.header("allow").split(", ").collect();
        allowed.sort_unstable();
        assert_eq!(allowed, told, "{path}");
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
            let takes = told.iter().any(|one| one == method);
            let reply = server.send(method, &path.replace(['{', '}'], ""), &[], None);
            assert_eq!(reply.status != 405, takes, "{method} {path}: {reply:?}");
            assert_ne!(reply.code(), "ROUTE_NOT_FOUND", "{method} {path}");
        }
    }
}

#[test]
fn the_router_is_filled_by_the_table_alone() {
    let mut files = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/http")];
    let (mut seen, mut tables) = (0, 0);
    while let Some(path) = files.pop() {
        if path.is_dir() {
            let inside = fs::read_dir(&path).expect("the source is there");
            files.extend(inside.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        seen += 1;
        let text = fs::read_to_string(&path).expect("the source is text");
        let registers = [
            "web::resource(",
            "web::scope(",
            "config.service(",
            "config.route(",
        ];
        if registers.iter().any(|word| text.contains(word)) {
            assert!(
                path.ends_with("table.rs"),
                "{} serves by itself",
                path.display()
            );
            tables += 1;
        }
    }
    assert!(seen > 15 && tables == 1, "{seen} files, {tables} tables");
}

#[test]
fn every_route_is_told_in_full() {
    let mut ids = BTreeSet::new();
    for (method, path, told) in operations(&PLAIN.document) {
        let here = format!("{method} {path}");
        let words = told["summary"].as_str().unwrap_or("");
        assert!(words.ends_with('.'), "{here} has no summary");
        let id = told["operationId"].as_str().expect("an id");
        assert!(ids.insert(id), "{id} stands for two routes");
        let named: BTreeSet<_> = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split('}').next())
            .collect();
        let parameters = told["parameters"].as_array().expect("parameters");
        let of = |place: &'static str| {
            let all = parameters.iter().filter(move |one| one["in"] == place);
            all.map(|one| one["name"].as_str().expect("a name"))
        };
        assert_eq!(named, of("path").collect(), "{here}");
        let queries: Vec<_> = of("query").collect();
        let once: BTreeSet<_> = queries.iter().collect();
        assert_eq!(once.len(), queries.len(), "{here}");
        let open = told["security"] == json!([]);
        assert_eq!(open, told["responses"]["401"].is_null(), "{here}");
        assert_eq!(open, ["/healthz", "/readyz"].contains(&path), "{here}");
    }
}

#[test]
fn starts_have_the_schemas_of_their_kinds() {
    let server = Server::own(&[]);
    let schemas = &OWN.document["components"]["schemas"];
    let kinds = server.get("/api/v1/kinds");
    let kinds = kinds.data(200).as_array().expect("kinds");
    let start = &OWN.document["paths"][OPERATIONS]["post"]["requestBody"];
    let any = &start["content"]["application/json"]["schema"]["allOf"][1]["anyOf"];
    for kind in kinds {
        let name = kind["kind"].as_str().expect("a name");
        let fields = &schemas[format!("{name}.params")]["properties"];
        // The types that a schema of params defines are components here, under its name.
        let place = format!("#/components/schemas/{name}.params.");
        let fields: Value = serde_json::from_str(&fields.to_string().replace(&place, "#/$defs/"))
            .expect("it is JSON still");
        assert_eq!(fields, kind["params_schema"]["properties"], "{name}");
        assert!(!schemas[format!("{name}.output")].is_null(), "{name}");
        let one = json!(name);
        let kinds_of_start = any.as_array().expect("alternatives").iter();
        let told = kinds_of_start.filter(|start| start["properties"]["kind"]["const"] == one);
        assert_eq!(told.count(), 1, "{name}");
    }
    let flat = &OWN.document["paths"][DUMMY]["post"]["requestBody"]["content"];
    let flat = &flat["application/json"]["schema"]["properties"];
    let fields: Vec<_> = flat.as_object().expect("fields").keys().collect();
    assert_eq!(fields, ["iterations", "options", "step_ms"]);
    assert_eq!(flat["iterations"]["maximum"], 1_000_000_000);
    assert_eq!(
        flat["options"]["anyOf"][0]["properties"]["priority"]["minimum"],
        -100
    );
}

#[test]
fn queries_are_told_from_what_reads_them() {
    let list = &PLAIN.document["paths"][OPERATIONS]["get"]["parameters"];
    let list = list.as_array().expect("parameters");
    let of = |name: &str| {
        list.iter()
            .find(|one| one["name"] == name)
            .expect("it is told")
    };
    assert_eq!(
        of("limit")["schema"],
        json!({"type": "integer", "minimum": 1, "maximum": 1_000, "default": 100})
    );
    assert_eq!(of("active_only")["schema"]["type"], "boolean");
    assert_eq!(of("status")["schema"]["type"], "array");
    assert_eq!(of("status")["explode"], false);
    let words = of("status")["schema"]["items"].to_string();
    for status in ["pending", "cancelling", "completed"] {
        assert!(words.contains(&format!("\"{status}\"")), "{words}");
    }
}

/// A server with something behind every GET route, and the paths that lead there.
fn furnished() -> (Server, Vec<String>) {
    let server = Server::importing(&[("AB_1d.csv", BARS)]);
    let load = json!({"symbol": "AB", "timeframe": "1d"});
    let loaded = server.post("/api/v1/data/load?wait=60", &load);
    assert_eq!(loaded.data(200)["result"]["rows"], 3);
    let ended = server.ended(2, &json!({"labels": {"a": "b"}}));
    server.sleeper();
    let paths = operations(&PLAIN.document);
    let paths = paths.iter().filter(|(method, ..)| *method == "get");
    let fill = |path: &str| {
        path.replace("operations/{id}", &format!("operations/{ended}"))
            .replace("{symbol}", "AB")
            .replace("{timeframe}", "1d")
    };
    let paths = paths.map(|(_, path, _)| fill(path)).collect();
    (server, paths)
}

#[test]
fn every_get_route_answers_as_it_is_told() {
    let (server, paths) = furnished();
    assert!(paths.len() >= 13, "{paths:?}");
    for path in paths {
        // A model takes a training: `training` asks for those.
        let status = match path.as_str() {
            path if path.contains("{id}") => 404,
            // Only a handshake switches: `live` shakes hands.
            "/api/v1/ws" => 400,
            _ => 200,
        };
        assert_eq!(server.get(&path).status, status, "{path}");
        let head = server.send("HEAD", &path, &[], None);
        assert_eq!((head.status, head.body), (status, Value::Null), "{path}");
    }
}

#[test]
fn it_is_kept_from_those_who_may_not_call() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let set = tokens(&folder);
    let anna = format!("Bearer {ANNA}");
    let server = Server::within(folder, &["--set", &set]);
    server.get("/openapi.json").fails(401, "UNAUTHENTICATED");
    let token = [("authorization", anna.as_str())];
    let reply = server.send("GET", "/openapi.json", &token, None);
    assert_eq!((reply.status, &reply.body), (200, &PLAIN.document));
}

#[test]
fn an_answer_that_is_not_as_told_is_noticed() {
    let server = Server::start();
    let contract = Contract::new(PLAIN.document.clone());
    let path = "/api/v1/system";
    let asked = |method, path| Asked {
        method,
        path,
        body: None,
    };
    let good = server.get(path);
    assert_eq!(contract.judge(&asked("GET", path), &good), Ok(()));
    let spoilt = |spoil: &dyn Fn(&mut Reply)| {
        let mut reply = server.get(path);
        spoil(&mut reply);
        contract
            .judge(&asked("GET", path), &reply)
            .expect_err("it is spoilt")
    };
    spoilt(&|reply| reply.status = 418);
    spoilt(&|reply| reply.body["success"] = json!(false));
    spoilt(&|reply| reply.body["data"]["colour"] = json!("red"));
    spoilt(&|reply| reply.body["data"]["panics"] = json!("none"));
    spoilt(&|reply| reply.body["data"]["store"]["engine"] = Value::Null);
    spoilt(&|reply| reply.body["data"]["lanes"][0]["slots"][0]["colour"] = json!(1));
    assert!(
        contract
            .judge(&asked("GET", "/api/v1/nothing"), &good)
            .is_err()
    );
    assert!(contract.judge(&asked("POST", path), &good).is_err());
    assert!(
        contract
            .judge(&asked("GET", "/api/v1/system?a=1"), &good)
            .is_err()
    );
    let sent = Asked {
        body: Some(br#"{"iterations": -1}"#),
        ..asked("POST", DUMMY)
    };
    let started = server.post(DUMMY, &json!({"iterations": 0}));
    assert!(contract.judge(&sent, &started).is_err());
}
