//! `train`: trains a network to predict whether the next bar goes up.

use clap::{Arg, ArgMatches, Command};
use impresario_api::{ModelId, OperationView, TestReport};
use serde_json::{Map, Value};

use super::{Handler, text, typed};
use crate::display::end::Fact;
use crate::display::model::{ended, verdict};
use crate::error::Error;
use crate::values;

pub(super) struct Train;

/// The hyper-parameters: flag, name of the value, the server's default, help.
const FLAGS: &[(&str, &str, &str, &str)] = &[
    (
        "epochs",
        "N",
        "50",
        "The most passes over the training part",
    ),
    ("batch-size", "N", "32", "Rows in one step of the optimizer"),
    ("learning-rate", "RATE", "0.001", "Adam's step size"),
    (
        "hidden-layers",
        "N,N,...",
        "64,32",
        "Widths of the hidden layers, first the one after the input; none for no hidden layer",
    ),
    (
        "dropout",
        "SHARE",
        "0.2",
        "Share of each hidden layer left out while learning, 0 to 0.95",
    ),
    (
        "patience",
        "N",
        "10",
        "Epochs without a better validation loss after which training ends",
    ),
    (
        "seed",
        "N",
        "42",
        "The same seed makes the same model, bit for bit",
    ),
    ("device", "DEVICE", "auto", "auto, cpu, cuda or mps"),
];

impl Handler for Train {
    fn kind(&self) -> &str {
        "training"
    }

    fn command(&self) -> Command {
        let symbol = Arg::new("symbol")
            .value_name("SYMBOL")
            .required(true)
            .help("The instrument; its bars must have been loaded");
        let timeframe = Arg::new("timeframe")
            .long("timeframe")
            .value_name("TIMEFRAME")
            .required(true)
            .help("How long a bar lasts: a number and s, m, h, d, w or mo, such as 15m or 1d");
        Command::new("train")
            .about("Train a network on loaded bars to predict whether the next one goes up")
            .arg(symbol)
            .arg(timeframe)
            .args(FLAGS.iter().map(flag))
    }

    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error> {
        let mut params = Map::new();
        for name in ["symbol", "timeframe"] {
            let given = arguments.get_one::<String>(name);
            params.extend(given.map(|text| (name.to_owned(), Value::from(text.as_str()))));
        }
        for (name, ..) in FLAGS {
            let given = typed(arguments, name);
            params.extend(given.map(|value: Value| (name.replace('-', "_"), value)));
        }
        Ok(Value::Object(params))
    }

    fn items(&self) -> &str {
        "rows"
    }

    fn outcome(&self, view: &OperationView) -> Vec<Fact> {
        let Some(result) = &view.result_summary else {
            return Vec::new();
        };
        let test = serde_json::from_value::<TestReport>(result["test"].clone());
        let number = |name: &str| result[name].as_u64().unwrap_or(0);
        let patience = view.params["patience"].as_u64();
        let (best, run) = (number("best_epoch"), number("epochs_run"));
        let mut facts = Vec::new();
        facts.extend(test.map(|test| Fact::new("test accuracy", &verdict(&test))));
        facts.push(Fact::new(
            "best epoch",
            &ended(best, run, text(result, "ended_by"), patience),
        ));
        let path = text(result, "path");
        facts.extend((!path.is_empty()).then(|| Fact::new("kept in", path)));
        facts
    }

    fn next(&self, view: &OperationView) -> Option<Fact> {
        if let Some(error) = &view.row.error {
            let bars = || {
                let (symbol, timeframe) = (
                    text(&view.params, "symbol"),
                    text(&view.params, "timeframe"),
                );
                values::load_command(symbol, timeframe)
            };
            return match error.code.as_str() {
                "DATA_NOT_FOUND" => Some(Fact::new("try", &bars())),
                "TRAINING_DIVERGED" if view.row.checkpoint.is_some() => {
                    let id = view.row.operation_id.short();
                    let rate = view.params["learning_rate"].as_f64().unwrap_or(0.01) / 10.0;
                    let text = format!(
                        "impresario ops fork {id} --param learning_rate={rate}   goes on with smaller steps"
                    );
                    Some(Fact::new("try", &text))
                }
                "NOT_ENOUGH_BARS" => {
                    let text = format!("{} --file NAME   with a longer history", bars());
                    Some(Fact::new("try", &text))
                }
                _ => None,
            };
        }
        let result = view.result_summary.as_ref()?;
        let id: ModelId = text(result, "model_id").parse().ok()?;
        let id = id.short();
        let text = format!("{id}   →  impresario models show {id}");
        Some(Fact::new("model", &text))
    }
}

fn flag(
    (name, value, default, help): &(&'static str, &'static str, &'static str, &'static str),
) -> Arg {
    let arg = Arg::new(*name)
        .long(*name)
        .value_name(*value)
        .default_value(*default)
        .allow_negative_numbers(true)
        .help(*help);
    // Numbers are sent as numbers. The server decides which numbers are allowed.
    match *name {
        "device" => arg.value_parser(|text: &str| Ok::<_, String>(Value::from(text))),
        "learning-rate" | "dropout" => arg.value_parser(values::number),
        "hidden-layers" => arg.value_parser(values::integers),
        _ => arg.value_parser(values::integer),
    }
}
