use super::*;

#[test]
fn the_command_line_is_well_formed() {
    command().debug_assert();
}

#[test]
fn a_start_takes_its_own_and_the_common_options() {
    let line = [
        "impresario",
        "dummy",
        "--iterations",
        "5",
        "--label",
        "a=b",
        "--priority",
        "-3",
        "--json",
    ];
    let matches = command().try_get_matches_from(line).expect("well formed");
    let Ok((global, Asked::Start(handler, arguments))) = split(matches) else {
        unreachable!("dummy is a start");
    };
    assert!(global.json);
    assert_eq!(handler.kind(), "dummy");
    assert_eq!(
        handler.params(&arguments).expect("numbers"),
        serde_json::json!({"iterations": 5})
    );
    let start = crate::start_args::start(&arguments).expect("well formed");
    assert_eq!(start.options.priority, Some(-3));
    assert_eq!(start.options.labels["a"], "b");
}

/// The kind and the params of a start.
fn started(line: &[&str]) -> (String, serde_json::Value) {
    let matches = command().try_get_matches_from(line).expect("well formed");
    let Ok((_, Asked::Start(handler, arguments))) = split(matches) else {
        unreachable!("{line:?} is a start");
    };
    let params = handler.params(&arguments).expect("well formed");
    (handler.kind().to_owned(), params)
}

#[test]
fn a_load_stands_under_data_beside_the_reads() {
    let (kind, params) = started(&["impresario", "data", "load", "GOOG", "--timeframe", "1d"]);
    assert_eq!(kind, "data_load");
    let named = serde_json::json!({"symbol": "GOOG", "timeframe": "1d"});
    assert_eq!(params, named);
    let line = "impresario data load BRK.B^X=F --timeframe 1w --file a.csv --detach --json";
    let (_, params) = started(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(params["file"], "a.csv");
    for line in ["data list", "data show GOOG 1d --limit 5 --end 2010-01-31"] {
        let line = ["impresario"].into_iter().chain(line.split(' '));
        let matches = command().try_get_matches_from(line).expect("well formed");
        assert!(matches!(
            split(matches),
            Ok((_, Asked::Other(Command::Data(_))))
        ));
    }
}

#[test]
fn a_training_sends_what_was_said_and_leaves_the_rest_to_the_server() {
    let (kind, params) = started(&["impresario", "train", "GOOG", "--timeframe", "1d"]);
    assert_eq!(kind, "training");
    let named = serde_json::json!({"symbol": "GOOG", "timeframe": "1d"});
    assert_eq!(params, named);
    let line = "impresario train GOOG --timeframe 1d --epochs 50 --batch-size 64 \
        --learning-rate 1e-3 --hidden-layers 64,32,16 --dropout 0 --patience 5 --seed 7 \
        --device cpu --label a=b";
    let line: Vec<_> = line.split_whitespace().collect();
    let expected = serde_json::json!({"symbol": "GOOG", "timeframe": "1d", "epochs": 50,
        "batch_size": 64, "learning_rate": 0.001, "hidden_layers": [64, 32, 16],
        "dropout": 0.0, "patience": 5, "seed": 7, "device": "cpu"});
    assert_eq!(started(&line).1, expected);
}

#[test]
fn what_cannot_be_meant_is_refused_before_anything_is_sent() {
    for line in [
        "data load GOOG",
        "train --timeframe 1d",
        "train GOOG --timeframe 1d --epochs many",
        "train GOOG --timeframe 1d --hidden-layers 64,x",
        "train GOOG --timeframe 1d --learning-rate nan",
        "data show GOOG",
        "data show GOOG 1d --limit 0",
        "models show",
        "models predict x7s1w2ke --bars a.csv --symbol GOOG",
        "models verify",
    ] {
        let line = ["impresario"].into_iter().chain(line.split(' '));
        let line: Vec<_> = line.collect();
        assert!(command().try_get_matches_from(&line).is_err(), "{line:?}");
    }
}

#[test]
fn the_help_of_a_training_names_every_default() {
    let mut command = command().term_width(100);
    let train = command.find_subcommand_mut("train").expect("it is there");
    insta::assert_snapshot!("help_train", train.render_help().to_string());
}

#[test]
fn any_kind_can_be_started() {
    let line = [
        "impresario",
        "start",
        "x",
        "--param",
        "a=[1]",
        "--params-json",
        "{\"b\": 2}",
    ];
    let matches = command().try_get_matches_from(line).expect("well formed");
    let Ok((_, Asked::Start(handler, arguments))) = split(matches) else {
        unreachable!("start is a start");
    };
    assert_eq!(handler.kind(), "x");
    let params = handler.params(&arguments).expect("well formed");
    assert_eq!(params, serde_json::json!({"a": [1], "b": 2}));
}

#[test]
fn help_is_of_ascii_whatever_the_locale() {
    fn check(mut command: clap::Command) {
        let help = command.render_long_help().to_string();
        assert!(help.is_ascii(), "{help}");
        command.get_subcommands().cloned().for_each(check);
    }
    check(command());
}
