//! `dummy`: counts, and rests between steps.

use clap::{Arg, ArgMatches, Command, value_parser};
use impresario_api::OperationView;
use serde_json::{Map, Value};

use super::{Handler, typed};
use crate::display::end::Fact;
use crate::display::numbers::thousands;
use crate::error::Error;

pub(super) struct Dummy;

impl Handler for Dummy {
    fn kind(&self) -> &str {
        "dummy"
    }

    fn command(&self) -> Command {
        let number = |name: &'static str, long: &'static str, value: &'static str, default| {
            Arg::new(name)
                .long(long)
                .value_name(value)
                .default_value(default)
                .allow_negative_numbers(true)
                .value_parser(value_parser!(u64))
        };
        Command::new("dummy")
            .about("Start a dummy, which counts and rests between steps")
            .arg(number("iterations", "iterations", "N", "100").help("The number of iterations"))
            .arg(
                number("step_ms", "step-ms", "MS", "2000")
                    .help("How long each iteration rests, in milliseconds"),
            )
    }

    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error> {
        let mut params = Map::new();
        for name in ["iterations", "step_ms"] {
            let given = typed::<u64>(arguments, name);
            params.extend(given.map(|number| (name.to_owned(), Value::from(number))));
        }
        Ok(Value::Object(params))
    }

    fn outcome(&self, view: &OperationView) -> Vec<Fact> {
        let Some(result) = &view.result_summary else {
            return Vec::new();
        };
        let done = result["iterations_completed"].as_u64().unwrap_or(0);
        let text = match view.params["iterations"].as_u64() {
            Some(all) => format!("{} of {}", thousands(done), thousands(all)),
            None => thousands(done),
        };
        vec![Fact::new("iterations", &text)]
    }
}
