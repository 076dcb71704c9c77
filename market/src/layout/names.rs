//! The names under which the columns of a bar are known.

use serde::Deserialize;

use crate::dialect::Field;
use crate::records;

/// The names of each field, the likeliest first, in lower case and with single spaces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    timestamp: Vec<String>,
    time_of_day: Vec<String>,
    open: Vec<String>,
    high: Vec<String>,
    low: Vec<String>,
    close: Vec<String>,
    volume: Vec<String>,
    tick_volume: Vec<String>,
    symbol: Vec<String>,
}

/// The most bytes of a header that is looked at.
const LONGEST: usize = 128;

impl Names {
    /// The names that ship with the program.
    pub fn shipped() -> Self {
        toml::from_str(include_str!("../../../config/columns.toml"))
            .expect("the file is part of the program, and a test reads it")
    }

    /// The names of a field.
    pub fn of(&self, field: Field) -> &[String] {
        match field {
            Field::Timestamp => &self.timestamp,
            Field::Open => &self.open,
            Field::High => &self.high,
            Field::Low => &self.low,
            Field::Close => &self.close,
            Field::Volume => &self.volume,
        }
    }

    /// How likely a column with this (normal) name is the field: 0 is the likeliest. The symbol may stand before
    /// or behind the name, as in `AAPL.Open`.
    pub(crate) fn rank(&self, field: Field, name: &str, symbol: &str) -> Option<usize> {
        let rank = |name: &str| self.of(field).iter().position(|one| one == name);
        let bare = || match symbol.is_empty() {
            true => None,
            false => name
                .strip_prefix(symbol)
                .and_then(|rest| rest.strip_prefix(' '))
                .or_else(|| name.strip_suffix(symbol)?.strip_suffix(' ')),
        };
        rank(name).or_else(|| rank(bare()?))
    }

    pub(crate) fn is_time_of_day(&self, name: &str) -> bool {
        self.time_of_day.iter().any(|one| one == name)
    }

    pub(crate) fn is_tick_volume(&self, name: &str) -> bool {
        self.tick_volume.iter().any(|one| one == name)
    }

    /// How likely a column with this name has symbols.
    pub(crate) fn symbol_rank(&self, name: &str) -> Option<usize> {
        self.symbol.iter().position(|one| one == name)
    }
}

/// A header as the lists have it: in lower case, without brackets around it, numbers before it and
/// parentheses behind it, with single spaces.
pub(crate) fn normal(header: &[u8]) -> String {
    let header = &header[..header.len().min(LONGEST)];
    let text = apart(&records::decoded(header)).to_lowercase();
    let around = |one: char| one.is_whitespace() || "<>[]\"'`*#%$".contains(one);
    let text = text.trim_matches(around);
    // `1. open`, as Alpha Vantage numbers them.
    let text = match text.split_once(". ") {
        Some((number, rest)) if is_number(number) => rest,
        _ => text,
    };
    let text = match text.split_once(['(', '[']) {
        Some((name, _)) if !name.trim().is_empty() => name,
        _ => text,
    };
    let words = text.split(|one: char| one.is_whitespace() || "_-./".contains(one));
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// `openTime` and `TickVol` as two words.
fn apart(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 4);
    let mut was_small = false;
    for one in text.chars() {
        if was_small && one.is_uppercase() {
            words.push(' ');
        }
        was_small = one.is_lowercase();
        words.push(one);
    }
    words
}

/// `1`, or `1a` as in the names of Alpha Vantage for two currencies.
fn is_number(text: &str) -> bool {
    let digits = text.strip_suffix(['a', 'b']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_names_are_normal_and_name_one_field() {
        let names = Names::shipped();
        let mut seen = std::collections::BTreeMap::new();
        for field in Field::ALL {
            for name in names.of(field) {
                assert_eq!(&normal(name.as_bytes()), name, "{name}");
                // `price` is the close where nothing else is, and a label above the times of yfinance.
                if let Some(other) = seen.insert(name.clone(), field) {
                    assert_eq!(name, "price", "{other:?} and {field:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_beside_a_name_does_not_count() {
        for (header, wanted) in [
            ("<OPEN>", "open"),
            ("1. open", "open"),
            (" Close/Last ", "close last"),
            ("Close (USD)", "close"),
            ("[Close]", "close"),
            ("open_time", "open time"),
            ("Close*", "close"),
            ("Vol.", "vol"),
            ("Adj Close**", "adj close"),
            ("4a. close (USD)", "close"),
            ("Eröffnung", "eröffnung"),
            ("openTime", "open time"),
            ("TickVol", "tick vol"),
            ("TOTTRDQTY", "tottrdqty"),
            ("(USD)", "(usd)"),
            ("", ""),
        ] {
            assert_eq!(normal(header.as_bytes()), wanted, "{header}");
        }
    }
}
