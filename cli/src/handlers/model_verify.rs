//! `models verify`: trains a model again from its card, and compares the bits.

use clap::{Arg, ArgMatches, Command};
use impresario_api::{ModelId, OperationView};
use serde_json::{Value, json};

use super::{Handler, text};
use crate::client::Client;
use crate::display::end::Fact;
use crate::error::Error;
use crate::ids;

pub(super) struct ModelVerify;

impl Handler for ModelVerify {
    fn kind(&self) -> &str {
        "model_verify"
    }

    fn command(&self) -> Command {
        let id = Arg::new("id")
            .value_name("ID")
            .required(true)
            .help("The model's id, or its last 4 or more characters");
        Command::new("verify")
            .about("Train a model again from its card, and compare the weights bit by bit")
            .arg(id)
    }

    fn group(&self) -> Option<&str> {
        Some("models")
    }

    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error> {
        let id = arguments.get_one::<String>("id");
        Ok(json!({"model_id": id}))
    }

    fn resolve(&self, client: &Client, params: Value) -> Result<Value, Error> {
        let id = ids::resolve_model(client, text(&params, "model_id"))?;
        Ok(json!({"model_id": id}))
    }

    fn items(&self) -> &str {
        "rows"
    }

    fn outcome(&self, view: &OperationView) -> Vec<Fact> {
        let Some(result) = &view.result_summary else {
            return Vec::new();
        };
        let bits = match (is_true(result, "identical"), is_promised(result)) {
            (true, true) => "identical",
            (true, false) => "identical, although they are not promised on this machine",
            (false, true) => "not identical, although they are promised on this machine",
            (false, false) => "not identical, and not promised on this machine",
        };
        let mut facts = vec![Fact::new("bits", bits)];
        // A warning of the server has the same words.
        let verdict = text(result, "verdict");
        let is_said = view
            .warnings
            .iter()
            .any(|warning| warning.message == verdict);
        facts.extend((!is_said).then(|| Fact::new("verdict", verdict)));
        facts
    }

    fn next(&self, view: &OperationView) -> Option<Fact> {
        let model = text(&view.params, "model_id").parse::<ModelId>().ok()?;
        let id = model.short();
        if let Some(error) = &view.row.error {
            let tip = match error.code.as_str() {
                "OTHER_DATA" | "DATA_NOT_FOUND" | "DATA_DAMAGED" => {
                    format!("impresario models show {id}   names the bars to load")
                }
                _ => return None,
            };
            return Some(Fact::new("next", &tip));
        }
        view.result_summary.as_ref()?;
        Some(Fact::new(
            "model",
            &format!("{id}   →  impresario models show {id}"),
        ))
    }

    /// Bits that are promised have to be the same.
    fn is_success(&self, view: &OperationView) -> bool {
        let Some(result) = &view.result_summary else {
            return true;
        };
        is_true(result, "identical") || !is_promised(result)
    }
}

fn is_true(result: &Value, name: &str) -> bool {
    result[name].as_bool() == Some(true)
}

fn is_promised(result: &Value) -> bool {
    is_true(result, "bits_promised")
}
