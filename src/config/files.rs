//! Paths and files as people write them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::ConfigError;

/// A file that a person wrote is not longer.
const MOST_BYTES: u64 = 1 << 20;

/// The text of an open file, without the byte-order mark that some editors put before it.
pub(super) fn text(file: &File, shown: &Path) -> Result<String, ConfigError> {
    let shown = shown.display();
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ConfigError(format!("cannot read {shown}: {error}")))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(ConfigError(format!(
            "{shown}: expected at most {MOST_BYTES} bytes, and it has more"
        )));
    }
    let text = String::from_utf8(bytes)
        .map_err(|_| ConfigError(format!("{shown}: expected text in UTF-8")))?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}

/// Opens a file that a person wrote.
pub(super) fn open(path: &Path) -> Result<File, ConfigError> {
    File::open(path)
        .map_err(|error| ConfigError(format!("cannot read {}: {error}", path.display())))
}

/// The whole path of one that is configured, as it is shown in every later message. A shell's
/// shorthand is refused: it would name a folder in the working directory.
pub(super) fn whole(key: &str, path: &Path) -> Result<PathBuf, ConfigError> {
    let shown = path.display();
    if path.as_os_str().is_empty() {
        return Err(ConfigError(format!("{key}: expected a path, got nothing")));
    }
    if let Some(first @ ('~' | '$')) = path.to_string_lossy().chars().next() {
        return Err(ConfigError(format!(
            "{key}: got \"{shown}\", but {first} is not expanded here as it is in a shell; write the whole path (or \"./{shown}\" if it is really called so)"
        )));
    }
    std::path::absolute(path)
        .map_err(|error| ConfigError(format!("{key}: cannot use \"{shown}\": {error}")))
}
