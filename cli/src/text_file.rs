//! Text files as people write them.

use std::io;
use std::path::Path;

/// The text of a file, without the byte-order mark that some editors put before it.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}
