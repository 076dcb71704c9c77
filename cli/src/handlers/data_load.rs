//! `data load`: loads a file as the bars of a symbol and timeframe; a file of this machine is sent first.

use std::sync::Arc;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches, Command};
use impresario_api::{Bar, OperationView, QualityReport, Timestamp};
use serde_json::{Map, Value};

use super::{Handler, text};
use crate::client::Client;
use crate::display::end::Fact;
use crate::display::numbers::{bytes, counted, period};
use crate::display::{Look, data, quality};
use crate::error::Error;
use crate::out::Out;
use crate::upload::{self, Source};
use crate::values;

pub(super) struct DataLoad;

const EXAMPLES: &str = "\
Examples:
  impresario data load AAPL --timeframe 1d
      loads AAPL_1d.csv, which lies in the server's import folder
  impresario data load ./prices.csv --symbol AAPL --timeframe 1d --dry-run
      uploads a file of this machine, and shows how it would be read
  impresario data load ./DAT_ASCII_EURUSD_M1_2023.zip --symbol EURUSD --timeframe 1m --dialect histdata
  impresario data load ./export.csv --symbol SAP --timeframe 1h --column close=Letzter \\
      --time-format '%d.%m.%Y %H:%M' --time-zone Europe/Berlin --mode append
  curl https://example.org/bars | impresario data load - --file bars.csv --symbol X --timeframe 5m

`impresario data dialects` lists the dialects and the names by which columns are known, and
`impresario data imports` the files that lie in the server's import folder.";

/// What is said of the file, as text: option and param, name of the value, values (if few), help.
type Text = (
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static str,
);

const TEXTS: [Text; 8] = [
    (
        "dialect",
        "NAME",
        &[],
        "Whose form the file has, such as histdata or metatrader5 [default: auto]",
    ),
    (
        "time-format",
        "FORMAT",
        &[],
        "The format of the times in the words of strftime, such as '%d.%m.%Y %H:%M' [default: found]",
    ),
    (
        "time-zone",
        "ZONE",
        &[],
        "The zone of the times: a name such as America/New_York, or an offset such as -05:00",
    ),
    (
        "separator",
        "CHAR",
        &[],
        "What stands between the columns: , ; | tab or space [default: found]",
    ),
    (
        "decimal",
        "CHAR",
        &[],
        "What stands before the decimals: . or , [default: found]",
    ),
    (
        "bad-rows",
        "WHAT",
        &["fail", "skip"],
        "What happens to rows that are no bars [default: fail]",
    ),
    (
        "duplicates",
        "WHAT",
        &["fail", "first", "last"],
        "Which of several rows of one time is taken [default: fail]",
    ),
    (
        "mode",
        "MODE",
        &["replace", "append", "merge"],
        "What happens to the bars that were loaded before [default: replace]",
    ),
];

/// What the command line names.
struct Named {
    symbol: String,
    /// The file's name on the server.
    file: Option<String>,
    /// What is sent there first.
    source: Option<Source>,
}

impl Handler for DataLoad {
    fn kind(&self) -> &str {
        "data_load"
    }

    fn command(&self) -> Command {
        let arg = |name: &'static str, value| Arg::new(name).long(name).value_name(value);
        let target = Arg::new("target")
            .value_name("SYMBOL|FILE")
            .required_unless_present("symbol")
            .help("The instrument, such as GOOG, ^GSPC or BTC/USDT; or, with --symbol, a file of this machine, - for standard input");
        Command::new("load")
            .about("Load bars from a file of the server's import folder, or from one of this machine")
            .arg(target)
            .arg(arg("symbol", "SYMBOL").help("The instrument, where a file of this machine is loaded"))
            .arg(
                arg("timeframe", "TIMEFRAME")
                    .required(true)
                    .help("How long a bar lasts: a number and s, m, h, d, w or mo, such as 15m or 1d"),
            )
            .arg(arg("file", "NAME").help(
                "The file's name in the server's import folder [default: SYMBOL_TIMEFRAME.csv; its own name, if it is uploaded, with dry-run. before it for a dry run]",
            ))
            .args(TEXTS.iter().map(option))
            .arg(
                arg("column", "FIELD=HEADER")
                    .action(ArgAction::Append)
                    .value_parser(values::pair)
                    .help("The column of a field (timestamp, open, high, low, close, volume); may be given several times"),
            )
            .arg(
                arg("accept-doubt", "CODE")
                    .action(ArgAction::Append)
                    .help("Load the file although this is doubted; may be given several times"),
            )
            .arg(
                Arg::new("dry-run")
                    .long("dry-run")
                    .action(ArgAction::SetTrue)
                    .help("Only show how the file would be read, and change nothing"),
            )
            .after_help(EXAMPLES)
    }

    fn group(&self) -> Option<&str> {
        Some("data")
    }

    fn params(&self, arguments: &ArgMatches) -> Result<Value, Error> {
        let named = named(arguments)?;
        let given = |name: &str| arguments.get_one::<String>(name).cloned();
        let mut params = Map::new();
        params.insert("symbol".to_owned(), named.symbol.into());
        params.extend(given("timeframe").map(|text| ("timeframe".to_owned(), text.into())));
        params.extend(named.file.map(|file| ("file".to_owned(), file.into())));
        for (name, ..) in TEXTS {
            params.extend(given(name).map(|text| (name.replace('-', "_"), text.into())));
        }
        let pairs = arguments.get_many::<(String, String)>("column");
        let columns = values::once("--column", pairs.into_iter().flatten().cloned())?;
        if !columns.is_empty() {
            let columns = columns
                .into_iter()
                .map(|(field, header)| (field, header.into()));
            params.insert("columns".to_owned(), Value::Object(columns.collect()));
        }
        let doubts = arguments.get_many::<String>("accept-doubt");
        let doubts: Vec<_> = doubts.into_iter().flatten().cloned().collect();
        if !doubts.is_empty() {
            params.insert("accept_doubts".to_owned(), doubts.into());
        }
        if arguments.get_flag("dry-run") {
            params.insert("dry_run".to_owned(), true.into());
        }
        Ok(Value::Object(params))
    }

    fn prepare(
        &self,
        client: &Arc<Client>,
        out: &Out,
        arguments: &ArgMatches,
    ) -> Result<(), Error> {
        let named = named(arguments)?;
        match (&named.source, &named.file) {
            (Some(source), Some(file)) => upload::upload(client, out, source, file),
            _ => Ok(()),
        }
    }

    fn items(&self) -> &str {
        "bars"
    }

    fn outcome(&self, view: &OperationView) -> Vec<Fact> {
        if let Some(error) = &view.row.error {
            let details = error.details.as_ref().unwrap_or(&Value::Null);
            return quality::refusal(&error.code, details);
        }
        let Some(result) = &view.result_summary else {
            return Vec::new();
        };
        let mut facts = match is_dry(view) {
            true => dry(result),
            false => loaded(result),
        };
        facts.extend(report(result).iter().flat_map(quality::report));
        facts
    }

    fn details(&self, view: &OperationView, look: Look) -> Vec<String> {
        let Some(result) = view.result_summary.as_ref().filter(|_| is_dry(view)) else {
            return Vec::new();
        };
        let bars = |name: &str| serde_json::from_value::<Vec<Bar>>(result[name].clone());
        let (first, last) = (
            bars("first").unwrap_or_default(),
            bars("last").unwrap_or_default(),
        );
        let mut lines = data::ends(&first, &last, result["rows"].as_u64().unwrap_or(0), look);
        if !lines.is_empty() {
            lines.insert(0, String::new());
        }
        lines
    }

    fn next(&self, view: &OperationView) -> Option<Fact> {
        let result = view.result_summary.as_ref()?;
        if is_dry(view) {
            let text = "the same command without --dry-run loads it";
            return Some(Fact::new("next", text));
        }
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

fn option((name, value, few, help): &Text) -> Arg {
    let arg = Arg::new(*name).long(*name).value_name(*value).help(*help);
    let arg = arg.allow_hyphen_values(*name == "time-zone");
    match few.is_empty() {
        true => arg,
        false => arg
            .value_parser(PossibleValuesParser::new(few.iter().copied()))
            .hide_possible_values(false),
    }
}

/// A symbol and a file of the server; or, with `--symbol`, a file of this machine. What could be both is
/// refused.
fn named(arguments: &ArgMatches) -> Result<Named, Error> {
    let given = |name: &str| arguments.get_one::<String>(name).cloned();
    let (target, symbol, file) = (given("target"), given("symbol"), given("file"));
    let Some(target) = target else {
        let symbol = symbol.unwrap_or_default();
        return Ok(Named {
            symbol,
            file,
            source: None,
        });
    };
    let Some(symbol) = symbol else {
        if upload::looks_like_a_file(&target) {
            return Err(Error::usage(format!(
                "\"{target}\" is or looks like a file: to upload it, say of which symbol it is, as in {target} --symbol SYMBOL; if it is itself the symbol, say --symbol {target} alone"
            )));
        }
        return Ok(Named {
            symbol: target,
            file,
            source: None,
        });
    };
    let source = match target.as_str() {
        "-" => Source::Input,
        path => Source::File(path.into()),
    };
    if let Source::File(path) = &source
        && !path.exists()
    {
        let path = crate::text_file::whole(path);
        return Err(Error::usage(format!(
            "{}: there is no such file on this machine; one of the server's import folder is named by --file NAME, and \"impresario data imports\" lists those",
            path.display()
        )));
    }
    // A dry run changes nothing, so it replaces no file that somebody has put there.
    let own_name = || -> Result<String, Error> {
        let name = source.name()?;
        Ok(match arguments.get_flag("dry-run") {
            true => format!("dry-run.{name}"),
            false => name,
        })
    };
    let file = file.map_or_else(own_name, Ok)?;
    if !upload::is_name(&file) {
        return Err(Error::usage(format!(
            "--file {file}: expected the name that the file is to have, of 1 to 255 bytes, without a dot at the beginning, a slash, a backslash or a control character"
        )));
    }
    Ok(Named {
        symbol,
        file: Some(file),
        source: Some(source),
    })
}

fn is_dry(view: &OperationView) -> bool {
    view.params["dry_run"].as_bool().unwrap_or(false)
}

fn report(result: &Value) -> Option<QualityReport> {
    serde_json::from_value(result["report"].clone()).ok()
}

/// `GOOG 1d: 2,148 bars, 2004-08-19 to 2013-03-01`
fn bars(result: &Value, after: &str) -> Fact {
    let time = |name: &str| text(result, name).parse::<Timestamp>().ok();
    let times = time("start")
        .zip(time("end"))
        .map(|(start, end)| format!(", {}", period(start, end)))
        .unwrap_or_default();
    let rows = result["rows"].as_u64().unwrap_or(0);
    Fact::new(
        &format!("{} {}", text(result, "symbol"), text(result, "timeframe")),
        &format!("{}{times}{after}", counted(rows, "bar")),
    )
}

fn loaded(result: &Value) -> Vec<Fact> {
    let instead = match result["replaced"].as_bool() {
        Some(true) => ", in place of those that were there",
        _ => "",
    };
    let size = bytes(result["bytes"].as_u64().unwrap_or(0));
    let digest = text(result, "sha256").get(..16).unwrap_or_default();
    vec![
        bars(result, instead),
        Fact::new("kept", &format!("{size}, sha256 {digest}…")),
    ]
}

fn dry(result: &Value) -> Vec<Fact> {
    vec![
        Fact::new("dry run", "nothing was changed; so the file would be read:"),
        bars(result, ""),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matches(line: &[&str]) -> Result<ArgMatches, clap::Error> {
        let line = ["load"].iter().chain(line);
        DataLoad.command().try_get_matches_from(line)
    }

    fn params(line: &[&str]) -> Result<Value, String> {
        let matches = matches(line).map_err(|error| error.to_string())?;
        DataLoad.params(&matches).map_err(|error| error.to_string())
    }

    #[test]
    fn every_option_becomes_its_param() {
        let line = [
            "GOOG",
            "--timeframe",
            "1d",
            "--file",
            "a.csv",
            "--dialect",
            "lean",
            "--column",
            "close=Last price",
            "--column",
            "timestamp=Date + Time",
            "--time-format",
            "%Y-%m-%d",
            "--time-zone",
            "-05:00",
            "--separator",
            ";",
            "--decimal",
            ",",
            "--bad-rows",
            "skip",
            "--duplicates",
            "last",
            "--mode",
            "merge",
            "--accept-doubt",
            "A_B",
            "--accept-doubt",
            "C",
            "--dry-run",
        ];
        assert_eq!(
            params(&line),
            Ok(
                json!({"symbol": "GOOG", "timeframe": "1d", "file": "a.csv", "dialect": "lean",
                "columns": {"close": "Last price", "timestamp": "Date + Time"}, "time_format": "%Y-%m-%d",
                "time_zone": "-05:00", "separator": ";", "decimal": ",", "bad_rows": "skip",
                "duplicates": "last", "mode": "merge", "accept_doubts": ["A_B", "C"], "dry_run": true})
            )
        );
        for wrong in [
            ["--mode", "insert"],
            ["--bad-rows", "x"],
            ["--duplicates", "all"],
            ["--column", "close"],
        ] {
            let line = [&["GOOG", "--timeframe", "1d"], &wrong[..]].concat();
            assert!(params(&line).is_err(), "{wrong:?}");
        }
        let line = [
            "GOOG",
            "--timeframe",
            "1d",
            "--column",
            "low=A",
            "--column",
            "low=B",
        ];
        let error = params(&line).expect_err("a field stands twice");
        assert!(error.contains("\"low\" twice"), "{error}");
    }

    #[test]
    fn a_file_here_needs_its_symbol_and_what_could_be_both_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("prices");
        std::fs::write(&path, "x").expect("the folder is ours");
        let path = path.to_str().expect("a path of plain characters");
        let load = |line: &[&str]| params(&[line, &["--timeframe", "1d"]].concat());
        let of = |file: &str| Ok(json!({"symbol": "GOOG", "timeframe": "1d", "file": file}));
        assert_eq!(load(&[path, "--symbol", "GOOG"]), of("prices"));
        assert_eq!(
            load(&[path, "--symbol", "GOOG", "--file", "b.csv"]),
            of("b.csv")
        );
        assert_eq!(
            load(&["-", "--symbol", "GOOG", "--file", "b.csv"]),
            of("b.csv")
        );
        assert_eq!(
            load(&["--symbol", "GOOG", "--file", "sub/b.csv"]),
            of("sub/b.csv")
        );
        assert_eq!(load(&["GOOG", "--file", "b.csv"]), of("b.csv"));
        let missing = folder.path().join("none.csv");
        let missing = missing.to_str().expect("a path of plain characters");
        for (line, said) in [
            (&[path][..], "--symbol SYMBOL"),
            (&["./prices.csv"], "--symbol SYMBOL"),
            (&["prices.csv"], "--symbol prices.csv alone"),
            (&["-"], "--symbol SYMBOL"),
            (&["-", "--symbol", "GOOG"], "--file NAME.csv"),
            (&[missing, "--symbol", "GOOG"], "impresario data imports"),
            (
                &[path, "--symbol", "GOOG", "--file", "../b"],
                "1 to 255 bytes",
            ),
            (&[path, "--symbol", "GOOG", "--file", ""], "1 to 255 bytes"),
            (&[], "SYMBOL|FILE"),
        ] {
            let error = load(line).expect_err("it is ambiguous");
            assert!(error.contains(said), "{line:?}: {error}");
        }
    }
}
