//! Who may call: a file with one `name token` a line.

use super::ConfigError;

/// One caller.
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
    /// Lines of `name token`; empty lines and those that begin with `#` are skipped.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        let mut tokens = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            let mut words = line.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some(name), Some(secret), None) if name.chars().count() <= 100 => {
                    tokens.push(Token {
                        name: name.to_owned(),
                        secret: secret.to_owned(),
                    });
                }
                // The line itself may hold a secret, so only its number is told.
                _ => {
                    return Err(ConfigError(format!(
                        "{file}, line {}: expected \"name token\", two words, the name of at most 100 characters",
                        number + 1
                    )));
                }
            }
        }
        if tokens.is_empty() {
            return Err(ConfigError(format!(
                "{file} holds no tokens: expected one \"name token\" a line"
            )));
        }
        Ok(Self(tokens))
    }
}
