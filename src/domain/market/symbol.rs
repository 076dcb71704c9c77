//! The names of instruments, as people write them: `GOOG`, `^GSPC`, `BTC/USDT`, `0700.HK`.

use impresario::operation::Refusal;
use impresario_api::Faults;
use impresario_api::text::{self, is_unclear};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use unicode_general_category::{GeneralCategory, get_general_category};

/// The most characters of a symbol.
pub const LONGEST_SYMBOL: usize = 64;

/// The regular expression that each symbol matches: no `~`, and no space at its ends. [`fault`] has the rest.
pub const SYMBOL: &str = r"^[^~\s]([^~]*[^~\s])?$";

/// What a symbol may be, in words.
pub const EXPECTED: &str = "1 to 64 printable characters but ~, without a space at the ends and other than imports, . and .., such as GOOG, ^GSPC or BTC/USDT";

/// The most bytes of a [`stem`]. A name has 255 bytes at most, and its other parts take at most
/// 55: `.` and `_` with a timeframe, and the number of a process, a count and `.partial` with their dots.
const LONGEST_STEM: usize = 200;

/// What stands in a file's name as it is: ASCII letters and digits, `.`, `_` and `-`. Nothing of it means
/// something to a shell, to a file system, or to a reader of Parquet (`=`).
const PLAIN: AsciiSet = NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');

/// What was expected in place of this symbol; `None` if it is one.
pub fn fault(symbol: &str) -> Option<&'static str> {
    let is_reserved = matches!(symbol, "imports" | "." | "..");
    if is_reserved || !is_printable(symbol) {
        return Some(EXPECTED);
    }
    if stem(symbol).len() > LONGEST_STEM {
        return Some(
            "a symbol that fits into a file's name: at most 200 bytes, of which a letter beyond ASCII takes 6 to 12",
        );
    }
    None
}

/// Refuses params whose `symbol` is none. The schema of the params has said so already of most that are none.
pub fn check(symbol: &str) -> Result<(), Refusal> {
    match fault(symbol) {
        Some(expected) => {
            let got = text::json(&symbol.into(), 60);
            Err(Faults::one("symbol", expected, &got).into())
        }
        None => Ok(()),
    }
}

/// Whether this is a symbol.
pub fn is_symbol(symbol: &str) -> bool {
    fault(symbol).is_none()
}

/// Whether each character is seen, or seen on the one before it.
fn is_printable(symbol: &str) -> bool {
    // Four bytes are the most that a character has: what is longer is not looked through.
    if symbol.len() > 4 * LONGEST_SYMBOL || symbol.chars().count() > LONGEST_SYMBOL {
        return false;
    }
    // A mark needs a character to stand on.
    let mut has_base = false;
    for c in symbol.chars() {
        let is_seen = match get_general_category(c) {
            GeneralCategory::NonspacingMark
            | GeneralCategory::EnclosingMark
            | GeneralCategory::SpacingMark => has_base,
            GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator => false,
            _ => true,
        };
        // U+FFFD stands for what could not be read.
        if !is_seen || is_unclear(c) || matches!(c, '~' | '\u{fffd}') {
            return false;
        }
        has_base = c != ' ';
    }
    !symbol.is_empty() && !symbol.starts_with(' ') && !symbol.ends_with(' ')
}

/// A symbol as it stands in file names: all but ASCII letters, digits, `.`, `_` and `-` is percent-encoded, and
/// so is a `.` or `-` at the beginning, which hides a file or looks like an option. It is decoded by any
/// percent-decoding.
pub fn in_file(symbol: &str) -> String {
    let (first, rest) = match symbol.as_bytes() {
        [b'.', ..] => ("%2E", &symbol[1..]),
        [b'-', ..] => ("%2D", &symbol[1..]),
        _ => ("", symbol),
    };
    format!("{first}{}", utf8_percent_encode(rest, &PLAIN))
}

/// The beginning of a dataset's file name. It is [`in_file`], and after a `+` as a hexadecimal number which
/// of the characters are small letters, if any are: a file system may take `aapl` and `AAPL` for the same name.
pub(super) fn stem(symbol: &str) -> String {
    let small = symbol
        .chars()
        .enumerate()
        .filter(|(_, c)| c.is_ascii_lowercase())
        .fold(0_u64, |bits, (place, _)| bits | 1 << place.min(63));
    match small {
        0 => in_file(symbol),
        small => format!("{}+{small:X}", in_file(symbol)),
    }
}

/// The symbol of which this is the [`stem`]; `None` if it is that of none.
pub(super) fn of_stem(text: &str) -> Option<String> {
    let (encoded, _) = text.split_once('+').unwrap_or((text, ""));
    let symbol = percent_decode_str(encoded).decode_utf8().ok()?.into_owned();
    (is_symbol(&symbol) && stem(&symbol) == text).then_some(symbol)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What people write, and what is next to what means something.
    fn any_symbol() -> impl Strategy<Value = String> {
        let odd = r"[A-Za-z0-9 ./\\:*?<>|=%+_^&$'\x22`!@#(){}\[\];,-]{1,64}";
        prop_oneof![
            odd,
            r"[a-cA-C.%+-]{1,6}",
            r"\PC{1,12}",
            r"[A-Z]{1,5}(/|=|\.|-)[A-Z]{1,5}"
        ]
        .prop_filter("a symbol", |symbol| is_symbol(symbol))
    }

    #[test]
    fn what_people_write_is_a_symbol() {
        for symbol in [
            "A",
            "GOOG",
            "goog",
            "^GSPC",
            "BTC/USDT",
            "M&M.NS",
            "0700.HK",
            "ES=F",
            "BRK B",
            "BRK.B",
            "BRK-B",
            "EURUSD=X",
            "7203.T",
            "-A",
            ".A",
            "...",
            "$SPX",
            "@ES#",
            "A\\B",
            "100%",
            "A+B",
            "Ä",
            "ГУГЛ",
            "貴州茅台",
            "💰",
            "e\u{301}",
            "Imports",
            "imports2",
            "CON",
            "a:b",
            "'",
            "\"",
            &"A".repeat(64),
            &"^".repeat(64),
            &"a".repeat(64),
            &"Ж".repeat(33),
        ] {
            assert_eq!(fault(symbol), None, "{symbol:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_or_means_something_is_none() {
        for symbol in [
            "",
            " ",
            ".",
            "..",
            "imports",
            "~",
            "A~B",
            " A",
            "A ",
            "\u{a0}A",
            "A\0",
            "A\n",
            "A\tB",
            "A\u{7f}",
            "A\u{200b}",
            "A\u{202e}B",
            "\u{2066}A",
            "A\u{feff}",
            "A\u{200d}B",
            "\u{301}",
            "\u{301}A",
            "A \u{301}",
            "\u{20dd}",
            "A\u{fe0f}",
            "A\u{e000}",
            "\u{f0000}",
            "\u{10fffd}",
            "\u{ffff}",
            "\u{378}",
            "\u{fffd}",
            "\u{3164}",
            "\u{2800}",
            "A\u{2028}B",
            "A\u{3000}B",
            "\u{e0041}",
            &"A".repeat(65),
            &"A".repeat(300),
            &"A\u{301}".repeat(33),
        ] {
            assert_eq!(fault(symbol), Some(EXPECTED), "{symbol:?}");
        }
        for symbol in ["Ж".repeat(34), "茅".repeat(23), "💰".repeat(17)] {
            let fault = fault(&symbol).expect("it is too long");
            assert!(fault.contains("file's name"), "{fault}");
        }
    }

    #[test]
    fn names_in_files_are_plain() {
        for (symbol, name) in [
            ("GOOG", "GOOG"),
            ("BRK.B-1_2", "BRK.B-1_2"),
            ("ES=F", "ES%3DF"),
            ("BTC/USDT", "BTC%2FUSDT"),
            ("^GSPC", "%5EGSPC"),
            (".A.", "%2EA."),
            ("-A-", "%2DA-"),
            ("...", "%2E.."),
            ("BRK B", "BRK%20B"),
            ("100%", "100%25"),
            ("A+1", "A%2B1"),
            ("é", "%C3%A9"),
            ("goog", "goog"),
        ] {
            assert_eq!(in_file(symbol), name);
        }
        assert_eq!(stem("GOOG"), "GOOG");
        assert_eq!(stem("goog"), "goog+F");
        assert_eq!(stem("BTC/usdt"), "BTC%2Fusdt+F0");
        for stranger in [
            "", "ES=F", "goog", "goog+E", "goog+f", "GOOG+", "GOOG+0", "%41", "%2f", "%FF", "%",
            "~", "A%7EB",
        ] {
            assert_eq!(of_stem(stranger), None, "{stranger}");
        }
    }

    proptest! {
        #[test]
        fn a_symbol_is_read_back_from_its_file_name(symbol in any_symbol()) {
            let stem = stem(&symbol);
            prop_assert_eq!(of_stem(&stem), Some(symbol.clone()));
            let decoded = percent_decode_str(&in_file(&symbol)).decode_utf8_lossy().into_owned();
            prop_assert_eq!(&decoded, &symbol);
            prop_assert!(stem.len() <= 255 - 55, "{}", stem);
            prop_assert!(stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-%+".contains(&byte)), "{}", stem);
            prop_assert!(!stem.starts_with(['.', '-']), "{}", stem);
        }

        #[test]
        fn two_symbols_have_two_file_names_whatever_their_case(a in any_symbol(), b in any_symbol()) {
            for b in [b, a.to_ascii_lowercase(), a.to_ascii_uppercase(), a.replace('a', "A")] {
                if a != b && is_symbol(&b) {
                    prop_assert_ne!(stem(&a).to_lowercase(), stem(&b).to_lowercase(), "{} {}", &a, &b);
                }
            }
        }

        #[test]
        fn every_symbol_matches_the_pattern(symbol in any_symbol()) {
            let schema = serde_json::json!({"type": "string", "pattern": SYMBOL, "maxLength": LONGEST_SYMBOL});
            prop_assert!(jsonschema::is_valid(&schema, &symbol.into()));
        }

        #[test]
        fn any_text_is_the_file_name_of_one_symbol_or_of_none(text in r"[A-Ca-c.%+0-9F-]{0,12}") {
            if let Some(symbol) = of_stem(&text) {
                prop_assert_eq!(stem(&symbol), text);
            }
        }
    }
}
