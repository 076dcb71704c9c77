//! The names of datasets. They become file names, so few characters are allowed: no separator, no leading
//! dot, no space.

/// The regular expression of a symbol.
pub const SYMBOL: &str = "^[A-Z0-9][A-Z0-9.^=_-]{0,31}$";

/// How long a bar can last, shortest first.
pub const TIMEFRAMES: [&str; 8] = ["1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w"];

/// The most characters of a symbol.
const LONGEST: usize = 32;

/// Whether `text` matches [`SYMBOL`].
pub fn is_symbol(text: &str) -> bool {
    let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= LONGEST
        && bytes.first().is_some_and(plain)
        && bytes
            .iter()
            .all(|byte| plain(byte) || b".^=_-".contains(byte))
}

/// Whether `text` is one of [`TIMEFRAMES`].
pub fn is_timeframe(text: &str) -> bool {
    TIMEFRAMES.contains(&text)
}
