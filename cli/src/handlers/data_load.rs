//! `data load`: loads a CSV file as the bars of a symbol and timeframe.

use clap::{Arg, ArgMatches, Command};
use impresario_api::{OperationView, Timestamp};
use serde_json::{Map, Value};

use super::{Handler, text};
use crate::display::end::Fact;
use crate::display::numbers::{bytes, counted, period};
use crate::error::Error;
use crate::values;

pub(super) struct DataLoad;

impl Handler for DataLoad {
    fn kind(&self) -> &str {
        "data_load"
    }

    fn command(&self) -> Command {
        let arg = |name: &'static str, value| Arg::new(name).value_name(value);
        Command::new("load")
            .about("Load bars from a CSV file of the server's import folder")
            .arg(
                arg("symbol", "SYMBOL")
                    .required(true)
                    .help("The instrument, such as GOOG, ^GSPC or BTC/USDT"),
            )
            .arg(
                arg("timeframe", "TIMEFRAME")
                    .long("timeframe")
                    .required(true)
                    .help("How long a bar lasts: a number and s, m, h, d, w or mo, such as 15m or 1d"),
            )
            .arg(arg("file", "NAME").long("file").help(
                "The file's name in the server's import folder [default: SYMBOL_TIMEFRAME.csv, with / as %2F and so on]",
            ))
    }

    fn group(&self) -> Option<&str> {
        Some("data")
    }

    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error> {
        let mut params = Map::new();
        for name in ["symbol", "timeframe", "file"] {
            let given = arguments.get_one::<String>(name);
            params.extend(given.map(|text| (name.to_owned(), Value::from(text.as_str()))));
        }
        Ok(Value::Object(params))
    }

    fn items(&self) -> &str {
        "bars"
    }

    fn outcome(&self, view: &OperationView) -> Vec<Fact> {
        let Some(result) = &view.result_summary else {
            return Vec::new();
        };
        let number = |name: &str| result[name].as_u64().unwrap_or(0);
        let time = |name: &str| text(result, name).parse::<Timestamp>().ok();
        let times = time("start")
            .zip(time("end"))
            .map(|(start, end)| format!(", {}", period(start, end)))
            .unwrap_or_default();
        let instead = match result["replaced"].as_bool() {
            Some(true) => ", in place of those that were there",
            _ => "",
        };
        let size = bytes(number("bytes"));
        let digest = text(result, "sha256").get(..16).unwrap_or_default();
        vec![
            Fact::new(
                &format!("{} {}", text(result, "symbol"), text(result, "timeframe")),
                &format!("{}{times}{instead}", counted(number("rows"), "bar")),
            ),
            Fact::new("kept", &format!("{size}, sha256 {digest}…")),
        ]
    }

    fn next(&self, view: &OperationView) -> Option<Fact> {
        let result = view.result_summary.as_ref()?;
        let word = |name: &str| values::quoted(text(result, name));
        let (symbol, timeframe) = (word("symbol"), word("timeframe"));
        Some(Fact::new(
            "next",
            &format!(
                "impresario data show {symbol} {timeframe}   \
                 or impresario train {symbol} --timeframe {timeframe}"
            ),
        ))
    }
}
