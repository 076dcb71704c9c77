//! What each rule must reject and accept.

/// A text at a path, and how often it breaks a rule.
pub(crate) struct Sample {
    pub(crate) rule: &'static str,
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
    pub(crate) broken: usize,
}

const fn bad(rule: &'static str, path: &'static str, text: &'static str, broken: usize) -> Sample {
    Sample {
        rule,
        path,
        text,
        broken,
    }
}

const fn good(rule: &'static str, path: &'static str, text: &'static str) -> Sample {
    Sample {
        rule,
        path,
        text,
        broken: 0,
    }
}

const SHORT: &str = "a handler is at most 10 lines";
const ROUTES: &str = "routes lead to handler rooms";
const IDLE: &str = "a service owns nothing that runs";
const ONE_CALL: &str = "a service's method is one call";
const DOMAIN: &str = "domain logic is synchronous and alone";
const LAYERS: &str = "rooms know only what lies below them";
const ACTORS: &str = "actors live in actors/";
const HTTP: &str = "HTTP is served in src/http/";
const SQL: &str = "SQL lives in actors/src/store/sqlite/";
const TORCH: &str = "torch lives in src/domain/training/";
const DEVICES: &str = "devices live in device.rs, libtorch's randomness nowhere";
const CLI: &str = "the CLI is a client";
const PURE: &str = "the rules are pure";
const CONTRACT: &str = "the contract depends on little";

const ELEVEN: &str = "async fn start() {\n1;\n2;\n3;\n4;\n5;\n6;\n7;\n8;\n9;\n10;\n11;\n}";
const TEN: &str = "async fn start() {\n1;\n2;\n3;\n4;\n5;\n6;\n7;\n8;\n9;\n10;\n}";

pub(crate) const SAMPLES: &[Sample] = &[
    bad(SHORT, "src/http/operations.rs", ELEVEN, 1),
    bad(SHORT, "src/http/verbs.rs", "handlers! { cancel }", 1),
    good(SHORT, "src/http/operations.rs", TEN),
    good(SHORT, "src/http/answers.rs", ELEVEN),
    bad(
        ROUTES,
        "src/http/routes.rs",
        "fn f() { get().to(|| async { 1 }); }",
        1,
    ),
    bad(
        ROUTES,
        "src/http/routes.rs",
        "fn f() { get().to(answers::start); }",
        1,
    ),
    bad(
        ROUTES,
        "src/http/routes.rs",
        "fn f() { get().to(start); }",
        1,
    ),
    good(
        ROUTES,
        "src/http/routes.rs",
        "fn f() { a.route(get().to(operations::start)).route(get().to(super::verbs::pause)); }",
    ),
    bad(
        IDLE,
        "src/services/a.rs",
        "use std::sync::Mutex as Lock; struct A { b: Lock<u8> }",
        1,
    ),
    bad(
        IDLE,
        "src/services/a.rs",
        "fn f() { std::thread::spawn(|| 1); }",
        1,
    ),
    bad(
        IDLE,
        "src/services/a.rs",
        "use tokio as t;\nfn f() { t::task::spawn(g()); }",
        1,
    ),
    bad(
        IDLE,
        "src/services/a.rs",
        "fn f() {\n let x = vec![crossbeam_channel::bounded(1)];\n set.spawn(x); }",
        2,
    ),
    good(
        IDLE,
        "src/services/a.rs",
        "/// A Mutex, spawn, tokio::spawn.\nfn f() { g(\"std::thread::spawn\"); /* channel */ }",
    ),
    good(IDLE, "src/http/a.rs", "use std::sync::Mutex;"),
    bad(
        ONE_CALL,
        "src/services/a.rs",
        "impl A { pub async fn f(&self) { self.orchestrator.a().await; self.orchestrator.b().await } }",
        1,
    ),
    bad(
        ONE_CALL,
        "src/services/a.rs",
        "impl A { pub fn f(&self) -> u8 { 3 } }",
        1,
    ),
    bad(
        ONE_CALL,
        "src/services/a.rs",
        "impl A { pub async fn f(&self) { let x = 1; self.orchestrator.a(x).await } }",
        1,
    ),
    good(
        ONE_CALL,
        "src/services/a.rs",
        "impl A { pub fn new(x: X) -> Self { let y = x; Self { y } } pub async fn f(&self) { self.orchestrator.a::<K>(1).await } }",
    ),
    good(
        ONE_CALL,
        "src/services/a.rs",
        "impl A { pub fn f(&self) -> u8 { impresario::run_sync_operation(&K, p) } fn g(&self) {} }",
    ),
    bad(DOMAIN, "src/domain/a.rs", "async fn f() { g().await }", 1),
    bad(
        DOMAIN,
        "src/domain/a.rs",
        "use impresario::Orchestrator;",
        1,
    ),
    bad(
        DOMAIN,
        "src/domain/a.rs",
        "use impresario as boss;\nfn f(o: boss::Orchestrator) {}",
        1,
    ),
    bad(
        DOMAIN,
        "src/domain/a.rs",
        "use crate::services::A;\nuse impresario::{operation::Context, store};",
        2,
    ),
    bad(
        DOMAIN,
        "src/domain/a.rs",
        "fn f() { m!(tokio::spawn(1)) }",
        1,
    ),
    good(
        DOMAIN,
        "src/domain/a.rs",
        "use impresario::operation::{self, Context};\nuse impresario_api::Bar;\nuse crate::domain::b;\n/// async, tokio::spawn\nfn f() { \"await\"; operation::g() }\n#[cfg(test)]\nmod tests { use impresario::testing::run; }",
    ),
    bad(
        DOMAIN,
        "src/domain/market/a.rs",
        "use impresario_server::app::App;\nuse impresario_api::Bar;",
        1,
    ),
    good(
        DOMAIN,
        "src/domain/market/a.rs",
        "use impresario_api::{Bar, Timestamp};",
    ),
    good(DOMAIN, "src/http/a.rs", "async fn f() {}"),
    bad(LAYERS, "src/config.rs", "use crate::http::Guards;", 1),
    bad(LAYERS, "src/http/a.rs", "fn f() { crate::app::run() }", 1),
    good(LAYERS, "src/http/a.rs", "use crate::config::Settings;"),
    good(LAYERS, "src/app.rs", "use crate::http::App;"),
    bad(ACTORS, "src/app.rs", "use actix::Actor;", 1),
    bad(
        ACTORS,
        "src/http/a.rs",
        "use actix as a;\nfn f(x: a::Addr<T>) {}",
        1,
    ),
    bad(
        ACTORS,
        "src/http/a.rs",
        "extern crate actix as a;\nfn f(x: a::Addr<T>) {}",
        1,
    ),
    bad(ACTORS, "cli/src/main.rs", "use actix::prelude::*;", 1),
    good(ACTORS, "actors/src/lib.rs", "use actix::Actor;"),
    good(
        ACTORS,
        "src/http/a.rs",
        "// actix::Actor\nuse actix_web::App; const A: &str = \"actix::Actor\";",
    ),
    bad(HTTP, "src/services/a.rs", "use actix_web::{web, App};", 1),
    bad(
        HTTP,
        "src/config.rs",
        "fn f() -> actix_web::HttpResponse { g() }",
        1,
    ),
    good(HTTP, "src/http/a/b.rs", "use actix_web::App;"),
    good(
        HTTP,
        "src/config.rs",
        "/// actix_web::App\nuse std::net::SocketAddr;",
    ),
    bad(SQL, "src/http/a.rs", "use rusqlite::Connection;", 1),
    good(
        SQL,
        "actors/src/store/sqlite/a.rs",
        "use rusqlite::Connection;",
    ),
    bad(TORCH, "src/domain/market/a.rs", "use tch::Tensor;", 1),
    good(TORCH, "src/domain/training/a.rs", "use tch::Tensor;"),
    bad(
        DEVICES,
        "src/domain/training/a.rs",
        "use tch::Device as D;\nfn f() { D::Cpu; }",
        1,
    ),
    bad(
        DEVICES,
        "src/domain/training/a.rs",
        "fn f() {\n tch::manual_seed(1);\n x.dropout(0.1, true);\n}",
        2,
    ),
    bad(
        DEVICES,
        "src/domain/training/a.rs",
        "use tch::Tensor;\nfn f() {\n Tensor::rand(s, k);\n Tensor::randn(s, k);\n Tensor::randint(9, s, k);\n Tensor::randperm(9, k);\n Tensor::normal(m, s);\n Tensor::bernoulli(p);\n}",
        6,
    ),
    bad(
        DEVICES,
        "src/domain/training/a.rs",
        "use tch::Tensor as T;\nfn f() {\n T::rand_like(x);\n T::f_randint_low(1, 9, s, k);\n s.iter().map(T::randn_like);\n}",
        3,
    ),
    bad(
        DEVICES,
        "src/domain/training/a.rs",
        "fn f() {\n x.uniform_(0.0, 1.0);\n x.normal_(0.0, 1.0);\n x.bernoulli_(p);\n x.rand_like();\n x.randn_like();\n x.f_bernoulli_float_(0.5);\n x.multinomial(1, true);\n x.internal_philox_normal_(1);\n x.feature_dropout(0.1, true);\n}",
        9,
    ),
    bad(
        DEVICES,
        "src/domain/training/device.rs",
        "use tch::Tensor;\nfn f(s: &[i64]) {\n Tensor::rand(s, tch::kind::FLOAT_CPU);\n tch::manual_seed(1);\n}",
        2,
    ),
    bad(
        DEVICES,
        "src/domain/training/a.rs",
        "use tch::{nn, Tensor};\nfn f() {\n nn::init(nn::Init::Const(0.0), s, d);\n}",
        2,
    ),
    bad(DEVICES, "src/domain/training/a.rs", "use tch::*;", 1),
    bad(
        DEVICES,
        "src/services/a.rs",
        "fn f() { tch::Tensor::rand(s, k); }",
        1,
    ),
    good(
        DEVICES,
        "src/domain/training/a.rs",
        "struct A { rand: u8, normal_: u8, uniform_: u8 }\nfn f(a: A, bernoulli: u8) { let randn = a.rand + a.normal_; a.uniform_; bernoulli + randn; randperm(9) }",
    ),
    good(
        DEVICES,
        "src/domain/training/a.rs",
        "use tch::Tensor;\n/// Tensor::rand, x.uniform_()\nfn f() { Tensor::zeros(s, k); Tensor::from_slice(v); Smoothed::exponential(12); \"Tensor::randn\" }",
    ),
    good(
        DEVICES,
        "src/domain/training/device.rs",
        "fn f() { tch::Device::Cpu; }",
    ),
    good(
        DEVICES,
        "src/domain/training/a.rs",
        "use tch::Device;\nfn f(d: Device) { p.dropout; \"manual_seed\"; }",
    ),
    bad(CLI, "cli/src/main.rs", "use impresario::Orchestrator;", 1),
    bad(
        CLI,
        "cli/Cargo.toml",
        "[dependencies]\nimpresario-api.workspace = true\nboss = { package = \"impresario\", path = \"../actors\" }",
        1,
    ),
    good(
        CLI,
        "cli/src/main.rs",
        "use impresario_api::OperationId; // impresario::x",
    ),
    good(
        CLI,
        "cli/Cargo.toml",
        "[dependencies]\nimpresario-api.workspace = true\nclap = \"4\"",
    ),
    bad(
        PURE,
        "actors/src/rules/a.rs",
        "use std::time::Instant as I;\nfn f() { I::now(); }",
        1,
    ),
    bad(
        PURE,
        "actors/src/rules/a.rs",
        "use std::time::SystemTime;",
        1,
    ),
    bad(
        PURE,
        "actors/src/rules/a.rs",
        "fn f() {\n Timestamp::now();\n fastrand::u64(..);\n std::fs::read(p);\n}",
        3,
    ),
    good(
        PURE,
        "actors/src/rules/a.rs",
        "use impresario_api::Timestamp;\n/// Instant::now()\nfn f(now: Timestamp) { now.plus_millis(1); }",
    ),
    good(
        PURE,
        "actors/src/store/a.rs",
        "fn f() { fastrand::u64(..); }",
    ),
    bad(
        CONTRACT,
        "api/Cargo.toml",
        "[dependencies]\nserde = \"1\"\ntokio = \"1\"",
        1,
    ),
    good(
        CONTRACT,
        "api/Cargo.toml",
        "[dependencies]\nserde = \"1\"\nserde_json = \"1\"\nschemars = \"1\"\nchrono = \"0.4\"\n[dev-dependencies]\ninsta = \"1\"",
    ),
];
