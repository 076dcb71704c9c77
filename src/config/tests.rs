use super::*;

fn load(args: &[&str]) -> Result<Settings, String> {
    let args = Args::try_parse_from(std::iter::once("impresariod").chain(args.iter().copied()));
    Settings::load(&args.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_load_and_equal_the_supervisors_own() {
    let settings = load(&[]).expect("the embedded defaults are valid");
    let (ours, theirs) = (settings.supervisor(), impresario::Config::default());
    assert_eq!(ours.lanes["default"], theirs.lanes["default"]);
    assert_eq!(
        (ours.lanes.len(), ours.lanes["training"].concurrency),
        (2, 1)
    );
    assert_eq!(ours.nice, theirs.nice);
    assert_eq!(ours.progress_every, theirs.progress_every);
    assert_eq!(ours.shutdown_grace, theirs.shutdown_grace);
    assert_eq!(ours.blocking_threads, theirs.blocking_threads);
    assert_eq!(ours.idempotency_kept, theirs.idempotency_kept);
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:7979");
    assert!(settings.http.worker_threads() >= 1);
    assert_eq!(settings.data.import_dir, PathBuf::from("import"));
    assert_eq!(settings.library_dir(), settings.data_dir.join("bars"));
}

#[test]
fn the_file_lies_over_the_defaults_and_the_command_line_over_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    let text = "data_dir = \"kept\"\n[http]\nlisten = \"127.0.0.1:1\"\nworkers = 3\n[lanes.own]\nthreads = 8\n";
    std::fs::write(&file, text).expect("it can be written");
    let path = file.to_string_lossy();
    let settings = load(&[
        "--config",
        &path,
        "--listen",
        "[::1]:2",
        "--set",
        "http.allowed_hosts=[\"a\", \"b\"]",
    ])
    .expect("all of it is known");
    assert_eq!(settings.http.listen.to_string(), "[::1]:2");
    assert_eq!(settings.http.workers, 3);
    assert_eq!(settings.http.allowed_hosts, ["a", "b"]);
    assert_eq!(settings.data_dir, PathBuf::from("kept"));
    let own = &settings.lanes["own"];
    assert_eq!((own.threads, own.concurrency), (8, 2));
    assert_eq!(settings.lanes["default"].threads, 1);
}

#[test]
fn a_value_is_toml_when_it_parses_and_a_string_where_one_is_wanted() {
    let settings = load(&[
        "--set",
        "data_dir=2026",
        "--set",
        "supervision.shutdown_grace_seconds=0.5",
        "--set",
        "log.level=warn",
    ])
    .expect("all of it is known");
    assert_eq!(settings.data_dir, PathBuf::from("2026"));
    assert_eq!(settings.supervision.shutdown_grace_seconds, 0.5);
    assert_eq!(settings.log.level, "warn");
}

const FAULTS: &[([&str; 2], &str)] = &[
    (
        ["--set", "http.lisen=x"],
        "unknown key http.lisen; did you mean http.listen?",
    ),
    (
        ["--set", "lanes.default.queue=3"],
        "unknown key lanes.default.queue; known here: lanes.default.",
    ),
    (
        ["--set", "nonsense=1"],
        "known here: data, data_dir, http, lanes, log",
    ),
    (
        ["--set", "http.workers=many"],
        "http.workers: expected an integer, got a string",
    ),
    (
        ["--set", "http=3"],
        "http: expected a table, got an integer",
    ),
    (
        ["--set", "http.workers.x=3"],
        "http.workers: expected an integer, got a table",
    ),
    (
        ["--set", "http.allowed_hosts=[1]"],
        "http.allowed_hosts: expected a list of strings",
    ),
    (
        ["--set", "lanes.default.concurrency=0"],
        "lanes.default.concurrency must be at least 1",
    ),
    (["--set", "lanes.default.queue_limit=-1"], "queue_limit"),
    (
        ["--set", "supervision.nice=20"],
        "supervision.nice must be 0 to 19",
    ),
    (["--set", "store.engine=sqlit"], "memory"),
    (
        ["--set", "store.idempotency_hours=-1"],
        "store.idempotency_hours must be 0 to 8784",
    ),
    (["--set", "http.workers"], "--set takes KEY=VALUE"),
    (["--listen", "nowhere"], "listen"),
    (["--listen", "0.0.0.0:7979"], "http.token_file"),
    (
        ["--config", "/does/not/exist"],
        "cannot read /does/not/exist",
    ),
];

#[test]
fn faults_name_the_key_and_what_was_expected() {
    for (args, wanted) in FAULTS {
        let error = load(args).expect_err("it is wrong");
        assert!(error.contains(wanted), "{args:?}: {error}");
    }
}

#[test]
fn tokens_are_two_words_a_line_and_never_printed() {
    let tokens =
        Tokens::parse("# people\nanna s3cret\n\n  ben   t0ken\n", "tokens").expect("two callers");
    assert_eq!(tokens.0.len(), 2);
    assert_eq!(
        (tokens.0[1].name.as_str(), tokens.0[1].secret.as_str()),
        ("ben", "t0ken")
    );
    assert!(!format!("{tokens:?}").contains("s3cret"));
    for text in ["", "# nobody\n", "anna\n", "anna s3cret more\n"] {
        let error = Tokens::parse(text, "tokens")
            .expect_err("not a token file")
            .to_string();
        assert!(
            error.contains("name token") && !error.contains("s3cret"),
            "{error}"
        );
    }
}
