//! Paths and files as people write them.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

use super::error::ConfigError;

/// A file that a person wrote is not longer.
const MOST_BYTES: u64 = 1 << 20;

/// The text of an open file, without the byte-order mark that some editors put before it.
pub(super) fn text(file: &File, shown: &Path) -> Result<String, ConfigError> {
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| cannot_read(shown, &error))?;
    let shown = shown.display();
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

/// Opens a file that a person wrote. It is a regular one: to open a pipe that nobody writes to would
/// wait for ever, and a device may have no end.
pub(super) fn open(path: &Path) -> Result<File, ConfigError> {
    let shown = path.display();
    let opened = rustix::fs::open(path, OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty());
    let opened = opened.map_err(Into::into).and_then(|file| {
        let file = File::from(file);
        Ok((file.metadata()?.is_file(), file))
    });
    match opened {
        Ok((true, file)) => Ok(file),
        Ok((false, _)) => Err(ConfigError(format!("{shown}: expected a regular file"))),
        Err(error) => Err(cannot_read(path, &error)),
    }
}

fn cannot_read(path: &Path, error: &std::io::Error) -> ConfigError {
    ConfigError(format!("cannot read {}: {error}", path.display()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_is_opened_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (pipe, file) = (folder.path().join("pipe"), folder.path().join("file"));
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, Mode::RUSR).expect("a pipe can be made");
        std::fs::write(&file, "text").expect("a file can be written");
        for other in [&*pipe, folder.path(), Path::new("/dev/zero")] {
            let error = open(other).expect_err("it is no regular file").to_string();
            assert!(error.ends_with("expected a regular file"), "{error}");
        }
        let error = open(&folder.path().join("none")).expect_err("it is not there");
        assert!(error.to_string().starts_with("cannot read"), "{error}");
        let opened = open(&file).expect("it is a regular file");
        assert_eq!(text(&opened, &file).expect("it is text"), "text");
    }
}
