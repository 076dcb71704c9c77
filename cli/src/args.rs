//! The command line.

use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, Parser, Subcommand};
use impresario_api::{LogLevel, Status};

use crate::handlers::{self, Generic, Handler};
use crate::start_args::StartArgs;
use crate::values;

/// The terminal client of impresariod: start slow work, watch it, stop it.
#[derive(Parser)]
#[command(name = "impresario", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Where the server is
    #[arg(
        long,
        global = true,
        env = "IMPRESARIO_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:7979"
    )]
    pub(crate) url: String,
    /// A file whose first line is the token, or a name and the token
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// The commands that are no start.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// What can be started, with its params
    Kinds,
    /// Operations: list, show, watch, stop, go on
    #[command(subcommand)]
    Ops(Ops),
    /// Market data: load, list, show
    #[command(subcommand)]
    Data(Data),
    /// Trained models: list, show, predict
    #[command(subcommand)]
    Models(Models),
    /// The supervisor: lanes, store, counters
    System,
}

#[derive(Subcommand)]
pub(crate) enum Ops {
    /// List operations, newest first
    List(List),
    /// Everything about one operation
    Show(One),
    /// Follow an operation to its end; Ctrl-C leaves it running
    Watch(One),
    /// End operations now
    Cancel(Verbs),
    /// Let operations rest until they are resumed
    Pause(Verbs),
    /// Let operations go on
    Resume(Verbs),
    /// Complete operations with what is done
    Finish(Verbs),
    /// Start ended operations again, with the same params
    Retry(Verbs),
    /// What an operation's function has logged
    Logs(Logs),
    /// Delete operations that ended long ago
    Prune(Prune),
}

#[derive(Subcommand)]
pub(crate) enum Data {
    /// What has been loaded
    List,
    /// The bars of one symbol in one timeframe
    Show(Bars),
}

#[derive(Args)]
pub(crate) struct Bars {
    /// The instrument, such as GOOG
    pub(crate) symbol: String,
    /// How long a bar lasts: 1m 5m 15m 30m 1h 4h 1d 1w
    pub(crate) timeframe: String,
    /// No bar before this: 2010-01-31 or 2010-01-31T14:30:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// No bar after this; a date is its whole day
    #[arg(long, value_name = "TIME")]
    pub(crate) end: Option<String>,
    /// Only so many, from the start on; without it the first and the last are shown
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

#[derive(Subcommand)]
pub(crate) enum Models {
    /// Every model, newest first, beside what it had to beat
    List,
    /// What one was trained on, how, and how well it does
    Show(Model),
    /// What one expects of the bar after the last one given
    Predict(Predict),
}

#[derive(Args)]
pub(crate) struct Model {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
}

#[derive(Args)]
pub(crate) struct Predict {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
    /// Bars in a file, ascending: CSV with a header, or JSON as of data show --json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["symbol", "timeframe"])]
    pub(crate) bars: Option<PathBuf>,
    /// The server's newest bars of this symbol [default: what it was trained on]
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Option<String>,
    /// The timeframe of those [default: what it was trained on]
    #[arg(long, value_name = "TIMEFRAME")]
    pub(crate) timeframe: Option<String>,
}

#[derive(Args)]
pub(crate) struct List {
    /// Every one, not only the newest
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    /// Only these statuses (several by comma)
    #[arg(long, value_delimiter = ',', value_parser = status)]
    pub(crate) status: Vec<Status>,
    /// Only these kinds (several by comma)
    #[arg(long, value_delimiter = ',')]
    pub(crate) kind: Vec<String>,
    /// Only those with this label
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::pair)]
    pub(crate) label: Option<(String, String)>,
    /// An id's end, a kind, or the start of a label's value
    #[arg(long, value_name = "TEXT")]
    pub(crate) query: Option<String>,
    /// At most this many
    #[arg(long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}

#[derive(Args)]
pub(crate) struct One {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
}

#[derive(Args)]
pub(crate) struct Verbs {
    /// The ids, or their last 4 or more characters
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Why, for the people who will wonder
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
    /// Wait so long for it to take effect
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(0..=300))]
    pub(crate) wait: Option<u64>,
}

#[derive(Args)]
pub(crate) struct Logs {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
    /// Go on until the operation has ended
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only this level and those above it: debug, info, warn, error
    #[arg(long, value_parser = level)]
    pub(crate) level: Option<LogLevel>,
}

#[derive(Args)]
pub(crate) struct Prune {
    /// Ended longer ago than this, such as 30d or 12h
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) older_than: f64,
    /// Only say how many there are
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What was asked for.
pub(crate) enum Asked {
    Start(Box<dyn Handler>, ArgMatches),
    Other(Command),
}

/// Reads the command line; usage errors, `--help` and `--version` end the process here.
pub(crate) fn read() -> (Global, Asked) {
    let matches = command().get_matches();
    match split(matches) {
        Ok(asked) => asked,
        Err(error) => error.exit(),
    }
}

/// The whole command: the derived part and a start for every handler.
pub(crate) fn command() -> clap::Command {
    let as_param = |arg: clap::Arg| match arg.is_positional() {
        true => arg,
        false => arg.help_heading("Params"),
    };
    let with_options =
        |handler: &dyn Handler| StartArgs::augment_args(handler.command().mut_args(as_param));
    let mut command = Cli::command();
    for handler in handlers::all() {
        let start = with_options(handler);
        command = match handler.group() {
            None => command.subcommand(start),
            // A start comes before the reads.
            Some(group) => command.mut_subcommand(group.to_owned(), |group| {
                group.subcommand(start.display_order(0))
            }),
        };
    }
    command.subcommand(with_options(&Generic::new("")))
}

fn split(matches: ArgMatches) -> Result<(Global, Asked), clap::Error> {
    use clap::FromArgMatches;
    match start(&matches) {
        Some((handler, arguments)) => Ok((
            Global::from_arg_matches(&matches)?,
            Asked::Start(handler, arguments),
        )),
        None => {
            let cli = Cli::from_arg_matches(&matches)?;
            Ok((cli.global, Asked::Other(cli.command)))
        }
    }
}

/// The handler of the start that was asked for, and its arguments.
fn start(matches: &ArgMatches) -> Option<(Box<dyn Handler>, ArgMatches)> {
    let (name, arguments) = matches.subcommand()?;
    if name == "start" {
        let handler: Box<dyn Handler> = Box::new(Generic::from_arguments(arguments));
        return Some((handler, arguments.clone()));
    }
    handlers::all().find_map(|handler| {
        let command = handler.command();
        let (under, arguments) = match handler.group() {
            None => (name, arguments),
            Some(group) if group == name => arguments.subcommand()?,
            Some(_) => return None,
        };
        let is_meant = command.get_name() == under;
        is_meant.then(|| (handlers::of(handler.kind()), arguments.clone()))
    })
}

fn status(text: &str) -> Result<Status, String> {
    text.parse().map_err(|()| {
        let known: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

fn level(text: &str) -> Result<LogLevel, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "expected one of debug, info, warn, error".to_owned())
}

#[cfg(test)]
mod tests {
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
        let line = "impresario data load ^GSPC --timeframe 1w --file a.csv --detach --json";
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
}
