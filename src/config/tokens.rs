//! Who may call: a file with one `name token` a line.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

use super::error::ConfigError;
use super::files;

/// The fewest characters of a token: a shorter one could be guessed.
const SHORTEST: usize = 24;
/// The most characters of a name.
const LONGEST_NAME: usize = 100;
/// The permissions of the file's group and of everybody else.
const OTHERS: u32 = 0o077;
/// The user who may read and change every file anyway.
const ROOT: u32 = 0;

/// A caller and its token.
pub struct Token {
    /// Stands in every verb's event.
    pub name: String,
    /// What the caller sends.
    pub secret: String,
}

/// The callers that a token file names.
#[derive(Debug, Default)]
pub struct Tokens(pub Vec<Token>);

/// Never the secret: settings are printed in tests and logs.
impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// Those of a file that belongs to this server's user or to root, and that its owner alone can read.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = files::open(path)?;
        let shown = path.display();
        let metadata = file
            .metadata()
            .map_err(|error| ConfigError(format!("cannot read {shown}: {error}")))?;
        let (owner, own) = (metadata.uid(), geteuid().as_raw());
        if owner != own && owner != ROOT {
            return Err(ConfigError(format!(
                "{shown} holds tokens and belongs to another user (number {owner}, and this server runs as {own}), who could change them: run chown on it"
            )));
        }
        let mode = metadata.mode();
        if mode & OTHERS != 0 {
            return Err(ConfigError(format!(
                "{shown} holds tokens and others may use it (its mode is {:03o}): run chmod 600 {shown}",
                mode & 0o777
            )));
        }
        Self::parse(&files::text(&file, path)?, &shown.to_string())
    }

    /// Lines of `name token`; empty lines and those that begin with `#` are skipped.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let mut tokens: Vec<Token> = Vec::new();
        let mut lines = Vec::new();
        for (line, number) in text.lines().zip(1..) {
            // Spaces are those of ASCII: another one is a part of a word, which then has a character that is not
            // allowed, and is not passed over.
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            // The line itself may hold a secret, so only its number is told.
            let wrong = |why: String| ConfigError(format!("{file}, line {number}: {why}"));
            let token = token(line).map_err(|why| wrong(why.to_owned()))?;
            for (known, at) in tokens.iter().zip(&lines) {
                let twice = |what: &str| wrong(format!("its {what} stands on line {at} already"));
                if known.name == token.name {
                    return Err(twice("name"));
                }
                if known.secret == token.secret {
                    return Err(twice("token"));
                }
            }
            tokens.push(token);
            lines.push(number);
        }
        if tokens.is_empty() {
            return Err(ConfigError(format!(
                "{file} holds no tokens: expected one \"name token\" a line"
            )));
        }
        Ok(Self(tokens))
    }
}

/// The caller of a line, or what was expected there.
fn token(line: &str) -> Result<Token, &'static str> {
    let mut words = line.split_ascii_whitespace();
    let (Some(name), Some(secret), None) = (words.next(), words.next(), words.next()) else {
        return Err("expected \"name token\", two words");
    };
    let is_shown = |one: char| one.is_alphanumeric() || one.is_ascii_punctuation();
    if name.chars().count() > LONGEST_NAME || !name.chars().all(is_shown) {
        return Err("expected a name of at most 100 letters, digits and ASCII punctuation marks");
    }
    if secret.len() < SHORTEST || !secret.bytes().all(|one| one.is_ascii_graphic()) {
        return Err(
            "expected a token of at least 24 visible ASCII characters (openssl rand -hex 16 makes one)",
        );
    }
    Ok(Token {
        name: name.to_owned(),
        secret: secret.to_owned(),
    })
}
