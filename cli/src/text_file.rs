//! Text files as people write them.

use std::io;
use std::path::{Path, PathBuf};

/// The text of a file, without the byte-order mark that some editors put before it.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(path)?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// The whole path of a file, as messages show it: what a relative one means depends on the folder where the
/// command was given.
pub(crate) fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
