//! The command line.

use std::path::PathBuf;

use clap::{ArgMatches, Args, CommandFactory, Parser, Subcommand};
use impresario_api::{CheckpointChoice, LogLevel, StatusFilter};

use crate::handlers::{self, Generic, Handler};
use crate::start_args::{OptionArgs, StartArgs};
use crate::values;

mod reads;

pub(crate) use reads::{Bars, Data, DeleteData, DeleteModel, Imports, Models, Predict};

/// The terminal client of impresariod: starts long-running work, shows it live, and stops it
#[derive(Parser)]
#[command(name = "impresario", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The options of every command.
#[derive(Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    // The client reads the variable itself: clap would show a variable that is set in the usage line, as
    // if the option were required.
    /// The server's address [env: IMPRESARIO_URL] [default: http://127.0.0.1:7979]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// A file with the token, or a name and the token; without it, IMPRESARIO_TOKEN, if it is set, is
    /// the token itself
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Print JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

impl Global {
    /// The server's address: the one that was typed, otherwise that of the environment, otherwise this machine.
    pub(crate) fn url(&self) -> String {
        let typed = self.url.clone();
        let set = || std::env::var_os("IMPRESARIO_URL").map(|url| url.to_string_lossy().into());
        typed
            .or_else(set)
            .unwrap_or_else(|| "http://127.0.0.1:7979".to_owned())
    }
}

/// The commands that start no operation.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the kinds that can be started, with their params
    Kinds,
    /// Operations: list, show, watch, stop, resume
    #[command(subcommand)]
    Ops(Ops),
    /// Market data: load, list, show, delete
    #[command(subcommand)]
    Data(Data),
    /// Trained models: list, show, predict, verify, delete
    #[command(subcommand)]
    Models(Models),
    /// Show the supervisor: lanes, store, counters
    System,
}

#[derive(Subcommand)]
pub(crate) enum Ops {
    /// List operations, newest first
    List(List),
    /// Show everything about one operation
    Show(One),
    /// Follow an operation to its end; Ctrl-C leaves it running
    Watch(One),
    /// Cancel operations
    Cancel(Waiting),
    /// Pause operations until they are resumed
    Pause(Waiting),
    /// Resume paused, failed or cancelled operations
    Resume(Verbs),
    /// Start operations that wait for their time or for their next attempt
    StartNow(Verbs),
    /// Complete operations early with what is done
    Finish(Waiting),
    /// Start ended operations again as new ones with the same params
    Retry(Waiting),
    /// Start a new operation from a checkpoint of another one, with other params
    Fork(Fork),
    /// Show what an operation's function has logged
    Logs(Logs),
    /// Delete operations that ended long ago
    Prune(Prune),
}

#[derive(Args)]
pub(crate) struct List {
    /// List all, not only the newest
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    /// Only these statuses, separated by commas; scheduled means pending and waiting for its time
    #[arg(long, value_delimiter = ',', value_parser = status)]
    pub(crate) status: Vec<StatusFilter>,
    /// Only these kinds, separated by commas
    #[arg(long, value_delimiter = ',')]
    pub(crate) kind: Vec<String>,
    /// Only operations with this label
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::pair)]
    pub(crate) label: Option<(String, String)>,
    /// The end of an id, a kind, or the start of a label's value
    #[arg(long, value_name = "TEXT")]
    pub(crate) query: Option<String>,
    /// List at most this many
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
    /// The reason, which is recorded and shown
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// A verb whose effect may take a while.
#[derive(Args)]
pub(crate) struct Waiting {
    #[command(flatten)]
    pub(crate) verbs: Verbs,
    /// Wait at most this long until the verb has taken effect
    #[arg(long, value_name = "SECONDS", value_parser = values::wait)]
    pub(crate) wait: Option<f64>,
}

#[derive(Args)]
pub(crate) struct Fork {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
    /// The checkpoint to go on from: latest, a number of steps, or a step such as epoch=3,batch=12
    #[arg(long, value_name = "STEP", default_value = "latest", value_parser = values::checkpoint)]
    pub(crate) checkpoint: CheckpointChoice,
    /// A param that changes; the value is JSON if it parses as JSON, otherwise text
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::pair)]
    pub(crate) param: Vec<(String, String)>,
    /// The params that change as one JSON object; --param replaces its fields
    #[arg(long, value_name = "JSON")]
    pub(crate) params_json: Option<String>,
    /// Wait at most this long until the new operation has ended
    #[arg(long, value_name = "SECONDS", value_parser = values::wait)]
    pub(crate) wait: Option<f64>,
    #[command(flatten)]
    pub(crate) options: OptionArgs,
}

#[derive(Args)]
pub(crate) struct Logs {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
    /// Follow the log until the operation has ended
    #[arg(long, short)]
    pub(crate) follow: bool,
    /// Only this level and higher ones: debug, info, warn, error
    #[arg(long, value_parser = level)]
    pub(crate) level: Option<LogLevel>,
}

#[derive(Args)]
pub(crate) struct Prune {
    /// Delete operations that ended longer ago than this, such as 30d or 12h
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    pub(crate) older_than: f64,
    /// Only count them
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What the command line asks for.
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

/// The whole command: the derived part and one start command for every handler.
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
            // In the help, a start is shown before the reads.
            Some(group) => {
                command.mut_subcommand(group, |group| group.subcommand(start.display_order(0)))
            }
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

fn status(text: &str) -> Result<StatusFilter, String> {
    text.parse().map_err(|()| {
        let known: Vec<_> = StatusFilter::all().map(StatusFilter::as_str).collect();
        format!("expected one of {}", known.join(", "))
    })
}

fn level(text: &str) -> Result<LogLevel, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "expected one of debug, info, warn, error".to_owned())
}

#[cfg(test)]
mod tests;
