//! The rules: pure functions of a path and the text at it.

use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Block, Expr, ExprCall, ExprMethodCall, ImplItem, Item, Visibility};
use toml::Table;

use crate::source::{Name, names, parse};

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
        name: "actors live in actors/",
        check: actors_at_home,
    },
    Rule {
        name: "HTTP is served in src/http/",
        check: http_at_home,
    },
    Rule {
        name: "SQL lives in src/store/",
        check: sql_at_home,
    },
    Rule {
        name: "torch lives in src/domain/training/",
        check: torch_at_home,
    },
    Rule {
        name: "devices and randomness live in device.rs",
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

/// Where handlers are.
const ROOMS: &[&str] = &[
    "operations",
    "verbs",
    "dummy",
    "data",
    "training",
    "models",
    "system",
];

fn is_source(path: &str) -> bool {
    path.ends_with(".rs")
}

fn violation(line: usize, what: impl Into<String>) -> Violation {
    Violation {
        line,
        what: what.into(),
    }
}

/// Names that break a rule, one violation a line.
fn forbid(text: &str, broken: impl Fn(&Name) -> bool, why: &str) -> Vec<Violation> {
    let mut found: Vec<Violation> = Vec::new();
    for name in names(text).iter().filter(|name| broken(name)) {
        if found.iter().all(|one| one.line != name.line) {
            found.push(violation(name.line, format!("`{}`: {why}", name.text())));
        }
    }
    found
}

fn starts_with_any(name: &Name, crates: &[&str]) -> bool {
    crates
        .iter()
        .any(|one| name.starts(&[one]) && name.path.len() > 1)
}

fn short_handlers(path: &str, text: &str) -> Vec<Violation> {
    const MOST: usize = 10;
    if !ROOMS
        .iter()
        .any(|room| path == format!("src/http/{room}.rs"))
    {
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in parse(text).items {
        if let Item::Fn(function) = item {
            let lines = inner_lines(&function.block);
            if lines > MOST {
                let what = format!(
                    "{} has {lines} lines, at most {MOST} will do",
                    function.sig.ident
                );
                found.push(violation(function.sig.ident.span().start().line, what));
            }
        }
        // What a macro makes cannot be measured.
        else if let Item::Macro(item) = item {
            found.push(violation(
                item.span().start().line,
                "handlers are written out, not made by a macro",
            ));
        }
    }
    found
}

fn inner_lines(block: &Block) -> usize {
    let span = block.brace_token.span;
    (span.close().start().line - span.open().start().line).saturating_sub(1)
}

fn routes_lead_to_rooms(path: &str, text: &str) -> Vec<Violation> {
    struct Targets(Vec<Violation>);
    impl<'ast> Visit<'ast> for Targets {
        fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
            if call.method == "to" && !call.args.iter().all(leads_to_a_room) {
                let what = format!(
                    "a route leads to room::handler, the room one of {}",
                    ROOMS.join(", ")
                );
                self.0
                    .push(violation(call.method.span().start().line, what));
            }
            syn::visit::visit_expr_method_call(self, call);
        }
    }
    if path != "src/http/routes.rs" {
        return Vec::new();
    }
    let mut targets = Targets(Vec::new());
    targets.visit_file(&parse(text));
    targets.0
}

fn leads_to_a_room(target: &Expr) -> bool {
    let Expr::Path(target) = target else {
        return false;
    };
    let segments = &target.path.segments;
    segments.len() >= 2
        && ROOMS
            .iter()
            .any(|room| segments[segments.len() - 2].ident == room)
}

fn in_services(path: &str) -> bool {
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

fn one_call_services(path: &str, text: &str) -> Vec<Violation> {
    if !in_services(path) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for item in parse(text).items {
        let Item::Impl(item) = item else { continue };
        for part in item.items {
            let ImplItem::Fn(method) = part else { continue };
            let public = matches!(method.vis, Visibility::Public(_));
            let builds = method.sig.receiver().is_none();
            if public && !builds && !is_one_call(&method.block) {
                let what = format!("{} must be one call to the orchestrator", method.sig.ident);
                found.push(violation(method.sig.ident.span().start().line, what));
            }
        }
    }
    found
}

fn is_one_call(block: &Block) -> bool {
    #[derive(Default)]
    struct Calls(usize);
    impl<'ast> Visit<'ast> for Calls {
        fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
            if let Expr::Field(field) = &*call.receiver
                && matches!(&field.member, syn::Member::Named(name) if name == "orchestrator")
            {
                self.0 += 1;
            }
            syn::visit::visit_expr_method_call(self, call);
        }

        fn visit_expr_call(&mut self, call: &'ast ExprCall) {
            if let Expr::Path(function) = &*call.func
                && function
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| last.ident == "run_sync_operation")
            {
                self.0 += 1;
            }
            syn::visit::visit_expr_call(self, call);
        }
    }
    let mut calls = Calls::default();
    calls.visit_block(block);
    calls.0 == 1 && block.stmts.len() == 1
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
        "impresario_api",
        "impresario_server",
    ];
    if !is_source(path) || !path.starts_with("src/domain/") {
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
        "domain logic is synchronous and knows only impresario::operation",
    )
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
    let home = path.starts_with("src/http/") || path == "src/main.rs" || path == "src/app.rs";
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
    if !is_source(path) || path.starts_with("src/store/") {
        return Vec::new();
    }
    forbid(
        text,
        |name| starts_with_any(name, &["rusqlite", "sqlx", "diesel"]),
        "SQL is written in src/store/ alone",
    )
}

fn torch_at_home(path: &str, text: &str) -> Vec<Violation> {
    if !is_source(path) || path.starts_with("src/domain/training/") {
        return Vec::new();
    }
    forbid(
        text,
        |name| starts_with_any(name, &["tch", "torch_sys"]),
        "torch is named in src/domain/training/ alone",
    )
}

fn devices_at_home(path: &str, text: &str) -> Vec<Violation> {
    if !is_source(path) || !path.starts_with("src/") || path == "src/domain/training/device.rs" {
        return Vec::new();
    }
    let chooses = |name: &Name| {
        let device = name.path.iter().position(|one| one == "Device");
        device.is_some_and(|at| at + 1 < name.path.len())
            || name.has(&["manual_seed"])
            || (name.method && name.called && name.has(&["dropout"]))
    };
    forbid(
        text,
        chooses,
        "only device.rs chooses devices and makes randomness",
    )
}

fn cli_is_a_client(path: &str, text: &str) -> Vec<Violation> {
    if path == "cli/Cargo.toml" {
        return manifest(text, |name| {
            name.starts_with("impresario") && name != "impresario-api"
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

fn small_contract(path: &str, text: &str) -> Vec<Violation> {
    if path != "api/Cargo.toml" {
        return Vec::new();
    }
    manifest(text, |name| {
        !["serde", "serde_json", "schemars", "chrono"].contains(&name)
    })
}

/// Dependencies that a manifest must not have.
fn manifest(text: &str, broken: impl Fn(&str) -> bool) -> Vec<Violation> {
    let table: Table = toml::from_str(text).expect("a manifest is TOML");
    let mut found = Vec::new();
    for section in ["dependencies", "build-dependencies"] {
        let Some(dependencies) = table.get(section).and_then(toml::Value::as_table) else {
            continue;
        };
        for (name, how) in dependencies {
            let real = how
                .get("package")
                .and_then(toml::Value::as_str)
                .unwrap_or(name);
            if broken(real) {
                found.push(violation(1, format!("{section} must not have {real}")));
            }
        }
    }
    found
}
