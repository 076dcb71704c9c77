//! The configuration: a file, and keys that are set on the command line.

use std::fs;

use impresario_server::config::{Args, Settings};
use toml::{Table, Value};

use crate::Target;

/// The beginning of a line that is not part of the file but a `--set`.
const SET: &str = "--set ";

/// An accepted configuration can be used. A refusal names a key, or the file if it is not TOML.
pub(crate) fn target() -> Target {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let keys = keys();
    Box::new(move |bytes| {
        let file = folder.path().join("config.toml");
        let text = String::from_utf8_lossy(bytes);
        let (set, lines): (Vec<&str>, Vec<&str>) =
            text.split('\n').partition(|line| line.starts_with(SET));
        fs::write(&file, lines.join("\n")).expect("a writable folder");
        let set = set
            .into_iter()
            .map(|line| line[SET.len()..].to_owned())
            .collect();
        let args = Args {
            config: Some(file.clone()),
            set,
            ..Args::default()
        };
        match Settings::load(&args) {
            Ok(settings) => {
                let _ = settings.supervisor();
                let _ = impresario_server::http::SocketLimits::of(&settings.http);
                assert!(settings.http.worker_threads() > 0);
            }
            Err(error) => {
                let error = error.to_string();
                let named = keys.iter().any(|key| error.contains(key.as_str()))
                    || error.contains("lanes.")
                    || error.starts_with("unknown key ")
                    || error.starts_with("--set takes KEY=VALUE")
                    || error.contains("config.toml is not TOML");
                assert!(named, "{error}");
                assert!(
                    error.len() < 4_096 + 4 * bytes.len(),
                    "{} bytes",
                    error.len()
                );
            }
        }
    })
}

/// All keys of the configuration, and the names of tables.
fn keys() -> Vec<String> {
    let defaults = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/default.toml");
    let text = fs::read_to_string(defaults).expect("the defaults");
    let table: Table = text.parse().expect("the defaults are TOML");
    let mut keys = Vec::new();
    collect("", &table, &mut keys);
    keys
}

fn collect(path: &str, table: &Table, keys: &mut Vec<String>) {
    for (key, value) in table {
        let key = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match value {
            Value::Table(table) => {
                collect(&key, table, keys);
                keys.push(key + ": expected a table");
            }
            _ => keys.push(key),
        }
    }
}
