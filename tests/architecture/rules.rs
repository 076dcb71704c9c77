//! The rules: pure functions of a path and the text at it.

use crate::manifests::{manifest, small_contract};
use crate::shapes::{one_call_services, routes_lead_to_rooms, short_handlers};
use crate::source::{Name, names};
use crate::torch::{devices_at_home, torch_at_home};

/// Something that a rule forbids.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// A rule by its name.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&str, &str) -> Vec<Violation>,
}

pub(crate) const RULES: &[Rule] = &[
    Rule {
        name: "a handler is at most 10 lines",
        check: short_handlers,
    },
    Rule {
        name: "routes lead to handler rooms",
        check: routes_lead_to_rooms,
    },
    Rule {
        name: "a service owns nothing that runs",
        check: idle_services,
    },
    Rule {
        name: "a service's method is one call",
        check: one_call_services,
    },
    Rule {
        name: "domain logic is synchronous and alone",
        check: clean_domain,
    },
    Rule {
        name: "rooms know only what lies below them",
        check: layers,
    },
    Rule {
        name: "actors live in actors/",
        check: actors_at_home,
    },
    Rule {
        name: "HTTP is served in src/http/",
        check: http_at_home,
    },
    Rule {
        name: "SQL lives in actors/src/store/sqlite/",
        check: sql_at_home,
    },
    Rule {
        name: "torch lives in src/domain/training/",
        check: torch_at_home,
    },
    Rule {
        name: "devices live in device.rs, libtorch's randomness nowhere",
        check: devices_at_home,
    },
    Rule {
        name: "the CLI is a client",
        check: cli_is_a_client,
    },
    Rule {
        name: "the rules are pure",
        check: pure_rules,
    },
    Rule {
        name: "the contract depends on little",
        check: small_contract,
    },
];

pub(crate) fn is_source(path: &str) -> bool {
    path.ends_with(".rs")
}

pub(crate) fn violation(line: usize, what: impl Into<String>) -> Violation {
    Violation {
        line,
        what: what.into(),
    }
}

/// Names that break a rule, one violation a line.
pub(crate) fn forbid(text: &str, broken: impl Fn(&Name) -> bool, why: &str) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    for name in names(text).iter().filter(|name| broken(name)) {
        if found.iter().all(|one| one.line != name.line) {
            found.push(violation(name.line, format!("`{}`: {why}", name.text())));
        }
    }
    found
}

pub(crate) fn starts_with_any(name: &Name, crates: &[&str]) -> bool {
    crates
        .iter()
        .any(|one| name.starts(&[one]) && name.path.len() > 1)
}

pub(crate) fn in_services(path: &str) -> bool {
    is_source(path) && path.starts_with("src/services/")
}

fn idle_services(path: &str, text: &str) -> Vec<Violation> {
    const CRATES: &[&str] = &[
        "tokio",
        "actix",
        "actix_rt",
        "actix_web",
        "crossbeam_channel",
        "crossbeam",
        "rusqlite",
        "rayon",
    ];
    const WORDS: &[&str] = &[
        "spawn",
        "spawn_blocking",
        "channel",
        "thread",
        "mpsc",
        "oneshot",
        "Mutex",
        "RwLock",
        "Condvar",
        "JoinHandle",
    ];
    if !in_services(path) {
        return Vec::new();
    }
    let owns =
        |name: &Name| WORDS.iter().any(|word| name.has(&[word])) || starts_with_any(name, CRATES);
    forbid(
        text,
        owns,
        "a service owns no thread, channel, lock or task",
    )
}

fn clean_domain(path: &str, text: &str) -> Vec<Violation> {
    const CRATES: &[&str] = &[
        "actix",
        "actix_rt",
        "actix_web",
        "tokio",
        "futures_util",
        "rusqlite",
        "hyper",
        "axum",
        "impresario_server",
    ];
    let is_domain = path.starts_with("src/domain/") || path.starts_with("market/src/");
    if !is_source(path) || !is_domain {
        return Vec::new();
    }
    let strange = |name: &Name| {
        starts_with_any(name, CRATES)
            || name.has(&["async"])
            || name.has(&["await"])
            || (name.starts(&["impresario"])
                && name.path.len() > 1
                && !name.starts(&["impresario", "operation"]))
            || (name.starts(&["crate"])
                && name.path.len() > 1
                && !name.starts(&["crate", "domain"]))
    };
    forbid(
        text,
        strange,
        "domain logic is synchronous and knows only impresario::operation and the contract's types",
    )
}

/// Rooms of the server, and what lies above or beside each.
const ABOVE: &[(&str, &[&str])] = &[
    (
        "src/config",
        &["app", "domain", "http", "services", "store"],
    ),
    ("src/services/", &["app", "config", "http", "store"]),
    ("src/http/", &["app", "store"]),
];

fn layers(path: &str, text: &str) -> Vec<Violation> {
    if !is_source(path) {
        return Vec::new();
    }
    let above = ABOVE.iter().filter(|(room, _)| path.starts_with(room));
    let above: Vec<_> = above.flat_map(|(_, above)| *above).collect();
    let looks_up = |name: &Name| above.iter().any(|room| name.starts(&["crate", room]));
    forbid(text, looks_up, "a room knows only what lies below it")
}

fn actors_at_home(path: &str, text: &str) -> Vec<Violation> {
    if !is_source(path) || path.starts_with("actors/") {
        return Vec::new();
    }
    forbid(
        text,
        |name| starts_with_any(name, &["actix"]),
        "the actor framework is used in actors/ alone",
    )
}

fn http_at_home(path: &str, text: &str) -> Vec<Violation> {
    let home = path.starts_with("src/http/")
        || path == "src/main.rs"
        || path == "src/app.rs"
        || path == "src/process.rs";
    if !is_source(path) || home {
        return Vec::new();
    }
    let serves = |name: &Name| {
        starts_with_any(
            name,
            &["actix_web", "actix_http", "actix_ws", "hyper", "axum"],
        )
    };
    forbid(text, serves, "HTTP is served in src/http/ alone")
}

fn sql_at_home(path: &str, text: &str) -> Vec<Violation> {
    if !is_source(path) || path.starts_with("actors/src/store/sqlite/") {
        return Vec::new();
    }
    forbid(
        text,
        |name| starts_with_any(name, &["rusqlite", "sqlx", "diesel"]),
        "SQL is written in actors/src/store/sqlite/ alone",
    )
}

fn cli_is_a_client(path: &str, text: &str) -> Vec<Violation> {
    if path == "cli/Cargo.toml" {
        return manifest(text, |name| {
            name.starts_with("impresario")
                && !["impresario-api", "impresario-market"].contains(&name)
        });
    }
    if !is_source(path) || !path.starts_with("cli/") {
        return Vec::new();
    }
    let serves = |name: &Name| {
        starts_with_any(
            name,
            &[
                "actix",
                "actix_rt",
                "actix_web",
                "tch",
                "impresario",
                "impresario_server",
                "tokio",
            ],
        )
    };
    forbid(text, serves, "the CLI knows the contract alone")
}

fn pure_rules(path: &str, text: &str) -> Vec<Violation> {
    const CRATES: &[&str] = &[
        "actix",
        "actix_rt",
        "tokio",
        "fastrand",
        "rand",
        "crossbeam_channel",
    ];
    const WORLD: &[&str] = &["fs", "io", "net", "process", "thread", "env"];
    if !is_source(path) || !path.starts_with("actors/src/rules/") {
        return Vec::new();
    }
    let acts = |name: &Name| {
        starts_with_any(name, CRATES)
            || name.has(&["Instant", "now"])
            || name.has(&["Timestamp", "now"])
            || name.has(&["SystemTime"])
            || WORLD.iter().any(|part| name.starts(&["std", part]))
    };
    forbid(
        text,
        acts,
        "rules have no actor, no clock, no chance and no I/O",
    )
}
