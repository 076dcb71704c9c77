use std::cell::RefCell;

use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpRequest, HttpResponse, web};
use clap::Parser;

use super::*;
use crate::config::{Args, Settings};

fn guards(pairs: &[&str]) -> Guards {
    let mut args = vec!["impresariod"];
    for pair in pairs {
        args.extend(["--set", pair]);
    }
    let settings = Settings::load(&Args::parse_from(args)).expect("the settings are right");
    Guards::new(&settings.http).expect("the token file is right")
}

fn code(guards: &Guards, request: TestRequest) -> String {
    let request = request.to_srv_request();
    match guards.admit(request.head()) {
        Ok(name) => name.map_or_else(|| "ok".to_owned(), |name| name.to_string()),
        Err(error) => error
            .to_string()
            .split(':')
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

fn post() -> TestRequest {
    TestRequest::post().insert_header(("host", "127.0.0.1:7979"))
}

#[test]
fn only_known_hosts_are_answered() {
    let guards = guards(&["http.allowed_hosts=[\"desk.example\", \"Own.Example:80\"]"]);
    for (host, wanted) in [
        ("127.0.0.1", "ok"),
        ("127.0.0.1:1", "ok"),
        ("127.9.9.9:1", "ok"),
        ("LocalHost:8080", "ok"),
        ("[::1]:7979", "ok"),
        ("[::1]", "ok"),
        ("Desk.example:7979", "ok"),
        ("own.example", "ok"),
        ("own.example:8080", "FORBIDDEN_HOST"),
        ("evil.example", "FORBIDDEN_HOST"),
        ("localhost.evil.example", "FORBIDDEN_HOST"),
        ("127.0.0.1.evil.example:80", "FORBIDDEN_HOST"),
        ("192.168.0.1", "FORBIDDEN_HOST"),
        ("0.0.0.0:7979", "FORBIDDEN_HOST"),
        ("", "FORBIDDEN_HOST"),
        (":7979", "FORBIDDEN_HOST"),
    ] {
        assert_eq!(
            code(&guards, TestRequest::get().insert_header(("host", host))),
            wanted,
            "{host}"
        );
    }
    assert_eq!(code(&guards, TestRequest::get()), "FORBIDDEN_HOST");
}

#[test]
fn foreign_pages_change_nothing() {
    let guards = guards(&["http.allowed_origins=[\"https://Desk.Example:443\"]"]);
    for (name, value, wanted) in [
        ("origin", "http://127.0.0.1:7979", "ok"),
        ("origin", "https://desk.example", "ok"),
        ("origin", "http://127.0.0.1:3000", "FORBIDDEN_ORIGIN"),
        ("origin", "http://localhost:7979", "FORBIDDEN_ORIGIN"),
        ("origin", "https://evil.example", "FORBIDDEN_ORIGIN"),
        ("origin", "null", "FORBIDDEN_ORIGIN"),
        ("sec-fetch-site", "same-origin", "ok"),
        ("sec-fetch-site", "none", "ok"),
        ("sec-fetch-site", "same-site", "FORBIDDEN_ORIGIN"),
        ("sec-fetch-site", "cross-site", "FORBIDDEN_ORIGIN"),
    ] {
        assert_eq!(
            code(&guards, post().insert_header((name, value))),
            wanted,
            "{name}: {value}"
        );
    }
    let read = TestRequest::get().insert_header(("host", "127.0.0.1:7979"));
    assert_eq!(
        code(
            &guards,
            read.insert_header(("origin", "https://evil.example"))
        ),
        "ok"
    );
    let both = post()
        .insert_header(("origin", "https://desk.example"))
        .insert_header(("sec-fetch-site", "cross-site"));
    assert_eq!(code(&guards, both), "ok");
}

#[test]
fn a_body_must_be_declared_as_json() {
    let guards = guards(&[]);
    for (kind, wanted) in [
        ("application/json", "ok"),
        ("Application/JSON; charset=utf-8", "ok"),
        ("text/plain", "UNSUPPORTED_MEDIA_TYPE"),
        ("application/jsonp", "UNSUPPORTED_MEDIA_TYPE"),
        (
            "application/x-www-form-urlencoded",
            "UNSUPPORTED_MEDIA_TYPE",
        ),
    ] {
        let request = post()
            .insert_header(("content-length", "2"))
            .insert_header(("content-type", kind));
        assert_eq!(code(&guards, request), wanted, "{kind}");
    }
    assert_eq!(
        code(&guards, post().insert_header(("content-length", "2"))),
        "UNSUPPORTED_MEDIA_TYPE"
    );
    assert_eq!(
        code(
            &guards,
            post().insert_header(("transfer-encoding", "chunked"))
        ),
        "UNSUPPORTED_MEDIA_TYPE"
    );
    assert_eq!(
        code(&guards, post().insert_header(("content-length", "0"))),
        "ok"
    );
    assert_eq!(code(&guards, post()), "ok");
}

#[test]
fn a_body_must_not_be_encoded() {
    let guards = guards(&[]);
    for (codings, wanted) in [
        (&["identity"][..], "ok"),
        (&["Identity", "identity"], "ok"),
        (&["gzip"], "UNSUPPORTED_MEDIA_TYPE"),
        (&["identity", "br"], "UNSUPPORTED_MEDIA_TYPE"),
        (&["identity, gzip"], "UNSUPPORTED_MEDIA_TYPE"),
    ] {
        let mut request = post()
            .insert_header(("content-length", "2"))
            .insert_header(("content-type", "application/json"));
        for coding in codings {
            request = request.append_header(("content-encoding", *coding));
        }
        assert_eq!(code(&guards, request), wanted, "{codings:?}");
    }
    let empty = post().insert_header(("content-encoding", "gzip"));
    assert_eq!(code(&guards, empty), "ok", "there is no body");
}

#[test]
fn with_tokens_everything_but_the_probes_and_the_consoles_files_needs_one() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let text = "anna annas-token-of-28-characters\nben bens-token-of-27-characters\n";
    std::fs::write(file.path(), text).expect("it can be written");
    let guards = guards(&[&format!("http.token_file={}", file.path().display())]);
    let get = |path: &str, authorization: &str| {
        let request = TestRequest::get()
            .uri(path)
            .peer_addr(([127, 0, 0, 1], 4711).into())
            .insert_header(("host", "localhost"));
        code(
            &guards,
            if authorization.is_empty() {
                request
            } else {
                request.insert_header(("authorization", authorization))
            },
        )
    };
    assert_eq!(
        get("/api/v1/kinds", "Bearer annas-token-of-28-characters"),
        "anna"
    );
    assert_eq!(
        get("/api/v1/kinds", "bearer bens-token-of-27-characters"),
        "ben"
    );
    for wrong in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer annas-token-of-28-character",
        "Bearer annas-token-of-28-characterss",
        "Basic annas-token-of-28-characters",
        "annas-token-of-28-characters",
    ] {
        assert_eq!(get("/api/v1/kinds", wrong), "UNAUTHENTICATED", "{wrong}");
    }
    let (right, wrong) = ("Bearer annas-token-of-28-characters", "Bearer nobodys");
    for two in [[right, wrong], [wrong, right], [right, right]] {
        let mut request = TestRequest::get()
            .uri("/api/v1/kinds")
            .peer_addr(([127, 0, 0, 1], 4711).into())
            .insert_header(("host", "localhost"));
        for one in two {
            request = request.append_header(("authorization", one));
        }
        assert_eq!(code(&guards, request), "UNAUTHENTICATED", "{two:?}");
    }
    for open in ["/", "/healthz", "/readyz", "/console/", "/console/app.js"] {
        assert_eq!(get(open, ""), "ok", "{open}");
    }
    assert_eq!(get("/consolex", ""), "UNAUTHENTICATED");
}

#[actix_web::test]
async fn a_handler_that_panics_is_answered_with_an_envelope() {
    thread_local!(static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) });
    async fn fail(request: HttpRequest) -> HttpResponse {
        SEEN.with_borrow_mut(|seen| seen.push(request.path().to_owned()));
        panic!("the cause");
    }
    let gate = Gate(Arc::new(guards(&[])));
    let app = App::new().route("/fail", web::get().to(fail)).wrap(gate);
    let app = init_service(app.default_service(web::to(HttpResponse::Ok))).await;
    let get = |path: &str| {
        TestRequest::get()
            .uri(path)
            .insert_header(("host", "localhost"))
            .to_request()
    };
    let error = app
        .call(get("/fail"))
        .await
        .expect_err("the panic is caught");
    let answer = error.error_response();
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!error.to_string().contains("the cause"));
    assert_eq!(SEEN.with_borrow(Vec::len), 1);
    let fine = call_service(&app, get("/fine")).await;
    assert_eq!(fine.status(), StatusCode::OK, "the worker goes on");
}
