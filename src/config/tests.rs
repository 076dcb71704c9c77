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
    assert_eq!(settings.http.listen.as_str(), "127.0.0.1:7979");
    assert!(settings.http.worker_threads() >= 1);
    assert!(settings.data.import_dir.ends_with("import"));
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
    assert_eq!(settings.http.listen.as_str(), "[::1]:2");
    assert_eq!(settings.http.workers, 3);
    assert!(settings.http.allowed_hosts[1].is_named_by("B:80"));
    assert!(settings.data_dir.ends_with("kept"));
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
    assert!(settings.data_dir.ends_with("2026"));
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
        ["--set", "=1"],
        "a key is missing; known here: data, data_dir, http, lanes, log",
    ),
    (
        ["--set", "data.=1"],
        "a key is missing in data; known here: data.",
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
        ["--set", "http.trusted_proxies=[\"proxy.example\"]"],
        "http.trusted_proxies: expected IP addresses, got \"proxy.example\"",
    ),
    (
        ["--set", "http.allowed_hosts=[\"desk\", \"http://y\"]"],
        "http.allowed_hosts: expected hosts, for example desk.example or desk.example:8080, got \"http://y\"",
    ),
    (
        ["--set", "http.allowed_origins=[\"https://x/\"]"],
        "http.allowed_origins: expected origins, for example https://desk.example, with no path behind them, got \"https://x/\"",
    ),
    (
        ["--set", "http.allowed_origins=[\"desk2.example\"]"],
        "http.allowed_origins: expected origins",
    ),
    (
        ["--set", "lanes..threads=1"],
        "lanes.\"\": expected a lane's name of 1 to 64 ASCII letters, digits, - and _",
    ),
    (
        ["--set", "lanes.a b.threads=1"],
        "lanes.\"a b\": expected a lane's name",
    ),
    (
        ["--set", "lanes.default.concurrency=0"],
        "lanes.default.concurrency must be 1 to 1024, got 0",
    ),
    (
        ["--set", "lanes.default.queue_limit=-1"],
        "lanes.default.queue_limit: expected an integer of 0 or more, got an integer (-1)",
    ),
    (
        ["--set", "lanes.own.concurrency=-1"],
        "lanes.own.concurrency: expected an integer of 0 or more",
    ),
    (
        ["--set", "lanes.default.threads=4000000000000"],
        "lanes.default.threads must be 1 to 1024",
    ),
    (
        ["--set", "supervision.nice=20"],
        "supervision.nice must be 0 to 19",
    ),
    (
        ["--set", "supervision.nice=99999999999"],
        "supervision.nice must be 0 to 19",
    ),
    (
        ["--set", "store.engine=sqlit"],
        "store.engine: unknown variant `sqlit`, expected `sqlite` or `memory`",
    ),
    (
        ["--set", "data.upload_limit_mb=0"],
        "data.upload_limit_mb must be 1 to 1048576, got 0",
    ),
    (
        ["--set", "data.upload_limit_mb=1048577"],
        "data.upload_limit_mb must be 1 to 1048576",
    ),
    (["--set", "data.upload_limit_mb=-1"], "data.upload_limit_mb"),
    (["--set", "data.share=all"], "data.share: unknown variant"),
    (
        ["--set", "store.idempotency_hours=-1"],
        "store.idempotency_hours must be 0 to 8784",
    ),
    (
        ["--set", "retention.cancelled_checkpoints_hours=-1"],
        "retention.cancelled_checkpoints_hours must be 0 to 878400",
    ),
    (["--set", "http.workers"], "--set takes KEY=VALUE"),
    (
        ["--listen", "nowhere"],
        "http.listen: expected ADDRESS:PORT, for example 127.0.0.1:7979 or localhost:7979, got \"nowhere\"",
    ),
    (
        ["--listen", "127.0.0.1:65536"],
        "http.listen: expected ADDRESS:PORT",
    ),
    (
        ["--data-dir", "~/x"],
        "data_dir: got \"~/x\", but ~ is not expanded",
    ),
    (["--data-dir", "~"], "data_dir: got \"~\""),
    (
        ["--data-dir", "$HOME/x"],
        "data_dir: got \"$HOME/x\", but $ is not",
    ),
    (["--data-dir", ""], "data_dir: expected a path"),
    (
        ["--set", "data.import_dir=~anna/in"],
        "data.import_dir: got",
    ),
    (
        ["--set", "http.token_file=~/tokens"],
        "http.token_file: got",
    ),
    (["--config", "~/own.toml"], "--config: got"),
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

/// Characters enough for a token.
const LONG: &str = "0123456789abcdefghij-_.~";

#[test]
fn tokens_are_two_words_a_line_and_never_printed() {
    let text = format!("# people\nanna {LONG}\r\n\n  be.n@desk   {LONG}!\n");
    let tokens = Tokens::parse(&text, "tokens").expect("two callers");
    assert_eq!(tokens.0.len(), 2);
    let (name, secret) = (&tokens.0[1].name, &tokens.0[1].secret);
    assert_eq!((name.as_str(), secret), ("be.n@desk", &format!("{LONG}!")));
    assert!(!format!("{tokens:?}").contains(LONG));
}

#[test]
fn tokens_of_another_user_are_refused() {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(&file, format!("anna {LONG}\n")).expect("it is ours");
    Tokens::read(file.path()).expect("it is ours");
    // Only root can give a file away.
    if std::os::unix::fs::chown(file.path(), Some(1_000), None).is_ok() {
        let error = Tokens::read(file.path()).expect_err("it is not ours");
        assert!(
            error.to_string().contains("another user (number 1000"),
            "{error}"
        );
    }
}

#[test]
fn a_line_that_is_no_name_and_token_is_told_by_its_number_and_never_repeated() {
    let (short, long_name) = (&LONG[1..], "n".repeat(101));
    for (text, wanted) in [
        (String::new(), "holds no tokens"),
        ("# nobody\n".to_owned(), "holds no tokens"),
        ("\nanna\n".to_owned(), "line 2: expected \"name token\""),
        (
            format!("anna {LONG} more"),
            "line 1: expected \"name token\"",
        ),
        (
            format!("# a\nanna {short}"),
            "line 2: expected a token of at least 24",
        ),
        (
            format!("anna {short}\u{e9}"),
            "line 1: expected a token of at least 24",
        ),
        (
            format!("anna {short}\u{1}x"),
            "line 1: expected a token of at least 24",
        ),
        (format!("{long_name} {LONG}"), "line 1: expected a name"),
        // A space that is none of ASCII divides no words, and is no part of one either.
        (
            format!("anna\u{a0}{LONG}"),
            "line 1: expected \"name token\"",
        ),
        (
            format!("anna \u{a0} {LONG}"),
            "line 1: expected \"name token\"",
        ),
        (
            format!("anna {LONG}\u{a0}"),
            "line 1: expected a token of at least 24",
        ),
        (format!("\u{2003}anna {LONG}"), "line 1: expected a name"),
        (format!("an\u{202e}na {LONG}"), "line 1: expected a name"),
        // A file that was put behind another one, mark and all.
        (
            format!("ben {LONG}\n\u{feff}# {LONG}x"),
            "line 2: expected a name",
        ),
        (
            format!("anna {LONG}\n# ben\nanna {LONG}x"),
            "line 3: its name stands on line 1 already",
        ),
        (
            format!("anna {LONG}\n\nben {LONG}"),
            "line 3: its token stands on line 1 already",
        ),
    ] {
        let error = Tokens::parse(&text, "tokens").expect_err("it is wrong");
        let error = error.to_string();
        assert!(error.starts_with("tokens"), "{error}");
        assert!(error.contains(wanted), "{text:?}: {error}");
        assert!(!error.contains(short), "{error}");
    }
}

#[test]
fn a_mark_before_the_text_is_dropped_whatever_the_file_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "\u{feff}data_dir = \"kept\"\n").expect("it can be written");
    let settings = load(&["--config", &file.to_string_lossy()]).expect("it is TOML");
    assert!(settings.data_dir.ends_with("kept"));
}

#[test]
fn what_is_no_text_or_far_too_long_is_refused_by_its_path() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    for (bytes, wanted) in [
        (&b"\xff\xfed\0a\0"[..], "expected text in UTF-8"),
        (&vec![b'#'; (1 << 20) + 1], "expected at most 1048576 bytes"),
    ] {
        std::fs::write(&file, bytes).expect("it can be written");
        let path = file.to_string_lossy();
        let error = load(&["--config", &path]).expect_err("it is wrong");
        assert!(error.contains(wanted) && error.contains(&*path), "{error}");
    }
}

#[test]
fn paths_are_kept_whole() {
    let settings = load(&["--data-dir", "kept", "--set", "data.import_dir=in"]).expect("paths");
    let here = std::env::current_dir().expect("a working directory");
    assert_eq!(settings.data_dir, here.join("kept"));
    assert_eq!(settings.data.import_dir, here.join("in"));
}

#[test]
fn a_name_is_listened_on_at_every_address_that_it_has() {
    let settings = load(&["--listen", "localhost:7979"]).expect("this machine has a name");
    let listen = &settings.http.listen;
    assert!(listen.is_name() && listen.as_str() == "localhost:7979");
    let addresses = listen.addresses();
    assert!(!addresses.is_empty());
    assert!(
        addresses
            .iter()
            .all(|one| one.ip().is_loopback() && one.port() == 7979)
    );
    assert!(addresses.is_sorted());
}

#[test]
fn every_number_has_a_range_that_is_told_with_its_key() {
    let mut keys = Vec::new();
    numbers("", &defaults().expect("TOML"), &mut keys);
    assert!(keys.len() > 15, "{keys:?}");
    for key in keys {
        for value in ["-1", "-9223372036854775808", "1e300", "nan", "many"] {
            let error = load(&["--set", &format!("{key}={value}")]).expect_err("it is wrong");
            let rest = error
                .strip_prefix(&*key)
                .unwrap_or_else(|| panic!("{key}: {error}"));
            let told = rest.starts_with(": expected") || rest.starts_with(" must be");
            assert!(told && !rest.contains('\n'), "{error}");
        }
        let most = load(&["--set", &format!("{key}=9223372036854775807")]);
        let told = most.err().is_none_or(|error| error.starts_with(&*key));
        assert!(told, "{key}");
    }
}

/// The keys of a table whose values are numbers.
fn numbers(path: &str, table: &Table, found: &mut Vec<String>) {
    for (key, value) in table {
        let key = format!("{path}{key}");
        match value {
            toml::Value::Table(table) => numbers(&format!("{key}."), table, found),
            toml::Value::Integer(_) | toml::Value::Float(_) => found.push(key),
            _ => {}
        }
    }
}

#[test]
fn a_key_is_set_once() {
    for second in ["http.workers=2", " http.workers =1"] {
        let refused = load(&["--set", "http.workers=1", "--set", second]);
        let refused = refused.expect_err("it is set twice");
        assert!(refused.contains("http.workers is given twice"), "{refused}");
    }
    let [one, other] = ["lanes.default.threads=2", "lanes.training.threads=2"];
    load(&["--set", one, "--set", other]).expect("two keys");
}

#[test]
fn lanes_of_the_program_lie_over_the_defaults_and_under_the_file_and_the_command_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("own.toml");
    std::fs::write(&file, "[lanes.gpu]\nthreads = 8\n").expect("it can be written");
    let lane = |concurrency| LaneConfig::default().concurrency(concurrency);
    let lanes = [("gpu", lane(1)), ("cpu", lane(0)), ("default", lane(7))];
    let mut lanes = BTreeMap::from(lanes.map(|(name, lane)| (name.to_owned(), lane)));
    let args = Args {
        config: Some(file),
        set: vec!["lanes.cpu.concurrency=4".to_owned()],
        ..Args::default()
    };
    let settings = Settings::load_over(&lanes, &args).expect("all of it is known");
    let of = |name: &str| {
        (
            settings.lanes[name].concurrency,
            settings.lanes[name].threads,
        )
    };
    assert_eq!(
        (of("gpu"), of("cpu"), of("default")),
        ((1, 8), (4, 1), (7, 1))
    );
    assert_eq!(settings.lanes["training"].concurrency, 1);
    // They are checked as those of a file are.
    lanes.insert("no name".to_owned(), lane(1));
    let error = Settings::load_over(&lanes, &args).expect_err("no name");
    assert!(
        error.to_string().contains("expected a lane's name"),
        "{error}"
    );
}
