//! The arguments of every start, whatever its kind.

use clap::{ArgMatches, Args, FromArgMatches};
use impresario_api::{ParseTimeError, StartOptions, Timestamp};

use crate::error::Error;
use crate::runner::Start;
use crate::values;

// These are no doc comments, because clap would show them in the help of every start.
// How to run a new operation.
#[derive(Args)]
#[command(next_help_heading = "Start options")]
pub(crate) struct OptionArgs {
    /// The priority, -100 to 100; higher ones run first
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i32).range(-100..=100))]
    priority: Option<i32>,
    /// A label; may be given several times
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::pair)]
    label: Vec<(String, String)>,
    /// How long one run may take, such as 90 (seconds) or 1.5h
    #[arg(long, value_name = "TIME", value_parser = values::seconds)]
    timeout: Option<f64>,
    /// The greatest number of attempts
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    max_attempts: Option<u32>,
    /// The earliest time to run, such as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "RFC3339", value_parser = time)]
    not_before: Option<Timestamp>,
    /// Repeating the start with the same key does not start a second operation
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

// How to run it, and whether it is followed.
#[derive(Args)]
#[command(next_help_heading = "Start options")]
pub(crate) struct StartArgs {
    #[command(flatten)]
    options: OptionArgs,
    /// Do not follow the operation
    #[arg(long)]
    detach: bool,
}

impl OptionArgs {
    pub(crate) fn start_options(self) -> Result<StartOptions, Error> {
        Ok(StartOptions {
            priority: self.priority,
            labels: values::once("--label", self.label)?,
            timeout_seconds: self.timeout,
            max_attempts: self.max_attempts,
            not_before: self.not_before,
        })
    }
}

pub(crate) fn start(arguments: &ArgMatches) -> Result<Start, Error> {
    let given =
        StartArgs::from_arg_matches(arguments).map_err(|error| Error::usage(error.to_string()))?;
    Ok(Start {
        idempotency_key: given.options.idempotency_key.clone(),
        options: given.options.start_options()?,
        detach: given.detach,
    })
}

fn time(text: &str) -> Result<Timestamp, String> {
    let wrong = |error: ParseTimeError| format!("{error}, got \"{text}\"");
    text.parse().map_err(wrong)
}
