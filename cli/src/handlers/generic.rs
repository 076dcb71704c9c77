//! `impresario start KIND`: kinds without a handler of their own.

use clap::{Arg, ArgAction, ArgMatches, Command};
use impresario_api::OperationView;
use serde_json::Value;

use super::Handler;
use crate::display::end::Fact;
use crate::display::text::{cut, value};
use crate::error::Error;
use crate::values;

/// The most fields that are shown; `ops show` shows all of them.
const MOST_FIELDS: usize = 8;
/// The longest value that is shown whole, in characters.
const LONGEST: usize = 200;

pub(crate) struct Generic {
    kind: String,
}

impl Generic {
    pub(crate) fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
        }
    }

    /// The handler of the kind in the arguments of `impresario start`.
    pub(crate) fn from_arguments(arguments: &ArgMatches) -> Self {
        let kind = arguments.get_one::<String>("kind");
        Self::new(kind.map(String::as_str).unwrap_or_default())
    }
}

impl Handler for Generic {
    fn kind(&self) -> &str {
        &self.kind
    }

    fn command(&self) -> Command {
        Command::new("start")
            .about("Start an operation of any kind (see: impresario kinds)")
            .arg(
                Arg::new("kind")
                    .value_name("KIND")
                    .required(true)
                    .help("The kind to start"),
            )
            .arg(
                Arg::new("param")
                    .long("param")
                    .value_name("KEY=VALUE")
                    .action(ArgAction::Append)
                    .value_parser(values::pair)
                    .help("A param; the value is JSON if it parses as JSON, otherwise text"),
            )
            .arg(
                Arg::new("params_json")
                    .long("params-json")
                    .value_name("JSON")
                    .help("The params as one JSON object; --param replaces its fields"),
            )
    }

    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error> {
        let json = arguments
            .get_one::<String>("params_json")
            .map(String::as_str);
        let pairs = arguments
            .get_many::<(String, String)>("param")
            .unwrap_or_default();
        values::params(json, &pairs.cloned().collect::<Vec<_>>())
    }

    fn outcome(&self, view: &OperationView) -> Vec<Fact> {
        match &view.result_summary {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Object(fields)) => {
                let field = |(name, one): (&String, &Value)| {
                    Fact::new(&name.replace('_', " "), &cut(&value(one), LONGEST))
                };
                fields.iter().take(MOST_FIELDS).map(field).collect()
            }
            Some(other) => vec![Fact::new("result", &cut(&value(other), LONGEST))],
        }
    }
}
