//! Makes text from outside safe to show: of bounded length and without hidden characters. Also bytes as
//! hexadecimal digits.

use std::borrow::Cow;
use std::io;
use std::ops::RangeInclusive;

use serde_json::Value;

/// Control characters, line separators, and characters that are invisible in Unicode 16: the format
/// characters (general category Cf) except the visible ones before a number
/// (Prepended_Concatenation_Mark), and Default_Ignorable_Code_Point (DerivedCoreProperties.txt) without
/// [`JOINING`].
const HIDDEN: &[RangeInclusive<char>] = &[
    '\u{0}'..='\u{1f}',
    '\u{7f}'..='\u{9f}',
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200b}',
    '\u{200e}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{3164}'..='\u{3164}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff0}'..='\u{fffb}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e00ff}',
    '\u{e01f0}'..='\u{e0fff}',
];

/// Characters that are not drawn but shape their neighbours: the joiners U+200C and U+200D, which words of
/// several languages and many emoji need, the grapheme joiner, and Unicode's Variation_Selector
/// (PropList.txt).
const JOINING: &[RangeInclusive<char>] = &[
    '\u{34f}'..='\u{34f}',
    '\u{180b}'..='\u{180d}',
    '\u{180f}'..='\u{180f}',
    '\u{200c}'..='\u{200d}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{e0100}'..='\u{e01ef}',
];

/// Spaces but U+0020 (general category Zs), and symbols that are drawn empty: a Braille pattern
/// without dots, a note without a head.
const BLANK: &[RangeInclusive<char>] = &[
    '\u{a0}'..='\u{a0}',
    '\u{1680}'..='\u{1680}',
    '\u{2000}'..='\u{200a}',
    '\u{202f}'..='\u{202f}',
    '\u{205f}'..='\u{205f}',
    '\u{2800}'..='\u{2800}',
    '\u{3000}'..='\u{3000}',
    '\u{1d159}'..='\u{1d159}',
];

fn is_in(ranges: &[RangeInclusive<char>], c: char) -> bool {
    !matches!(c, ' '..='~') && ranges.iter().any(|range| range.contains(&c))
}

/// Whether a character is invisible or changes how its neighbours are shown: control characters,
/// characters that change the direction of text, line separators, fillers and tags, but not those that
/// join or shape their neighbours in words and emoji.
pub fn is_hidden(c: char) -> bool {
    is_in(HIDDEN, c)
}

/// Whether a character is not allowed in texts that people compare by eye, such as labels: it is hidden,
/// joins others, or is a blank other than U+0020.
pub fn is_unclear(c: char) -> bool {
    [HIDDEN, JOINING, BLANK]
        .iter()
        .any(|ranges| is_in(ranges, c))
}

/// The unclear characters for a character class of a regular expression. Those from U+10000 on are not
/// escaped, because the dialects of regular expressions escape them differently.
pub(crate) fn unclear_class() -> String {
    let all = [HIDDEN, JOINING, BLANK].into_iter().flatten();
    all.map(|range| {
        let (first, last) = (*range.start(), *range.end());
        if last <= '\u{ffff}' {
            format!("\\u{:04x}-\\u{:04x}", u32::from(first), u32::from(last))
        } else {
            format!("{first}-{last}")
        }
    })
    .collect()
}

/// `text` on one line, at most `most` characters: what breaks a line becomes a space, hidden
/// characters are left out, and a text that was longer ends in `…`.
pub fn one_line(text: &str, most: usize) -> Cow<'_, str> {
    shown(text, most, |c| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        c => (!is_hidden(c)).then_some(c),
    })
}

/// The same as [`one_line`], but line breaks and tabs are kept.
pub fn lines(text: &str, most: usize) -> Cow<'_, str> {
    shown(text, most, |c| {
        (matches!(c, '\n' | '\t') || !is_hidden(c)).then_some(c)
    })
}

/// [`one_line`] in place. Nothing is allocated if the text does not change.
pub fn bound(text: &mut String, most: usize) {
    if let Cow::Owned(shown) = one_line(text, most) {
        *text = shown;
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value for a message: its JSON, of which at most `most` characters are written.
pub fn json(value: &Value, most: usize) -> String {
    let mut start = Start {
        bytes: Vec::new(),
        // A character has at most four bytes, and a character that is cut is past those that are shown.
        most: 4 * (most + 1),
    };
    // The writer returns an error when it has enough, so the result is ignored.
    let _ = serde_json::to_writer(&mut start, value);
    let text = String::from_utf8_lossy(&start.bytes);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// A writer that takes the beginning and then returns an error.
struct Start {
    bytes: Vec<u8>,
    most: usize,
}

impl io::Write for Start {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.most - self.bytes.len();
        self.bytes
            .extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            return Err(io::ErrorKind::WriteZero.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shown(text: &str, most: usize, show: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    // Most texts are short and plain.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if is_plain && text.len() <= most {
        return Cow::Borrowed(text);
    }
    let mut kept = text.chars().filter_map(&show);
    let mut short: String = kept.by_ref().take(most).collect();
    if kept.next().is_some() {
        short.pop();
        short.push('…');
    } else if short == text {
        return Cow::Borrowed(text);
    }
    Cow::Owned(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_is_two_digits() {
        assert_eq!(hex(&[0, 9, 16, 171, 255]), "000910abff");
        assert_eq!(hex(&[]), "");
    }

    #[test]
    fn nothing_hidden_is_shown_and_the_rest_is_as_it_was() {
        for (given, line, several) in [
            ("plain", "plain", "plain"),
            ("", "", ""),
            ("a\nb\tc\r\nd", "a b c  d", "a\nb\tc\nd"),
            ("\u{1b}[31mred", "[31mred", "[31mred"),
            ("a\0b\u{7f}c\u{9b}d", "abcd", "abcd"),
            ("\u{202e}txt.exe\u{202c}", "txt.exe", "txt.exe"),
            ("\u{2066}a\u{2069}\u{200e}\u{200f}\u{61c}", "a", "a"),
            ("x\u{200b}y\u{feff}z\u{2060}", "xyz", "xyz"),
            ("a\u{2028}b\u{2029}c", "a b c", "abc"),
            ("flag\u{e0067}\u{e007f}", "flag", "flag"),
            ("Zoë 模型 ü", "Zoë 模型 ü", "Zoë 模型 ü"),
            (
                "👩\u{200d}🔬 می\u{200c}خواهم",
                "👩\u{200d}🔬 می\u{200c}خواهم",
                "👩\u{200d}🔬 می\u{200c}خواهم",
            ),
        ] {
            assert_eq!(one_line(given, 100), line, "{given:?}");
            assert_eq!(lines(given, 100), several, "{given:?}");
        }
    }

    #[test]
    fn a_label_is_clear_where_each_character_of_it_is_seen() {
        let unclear = [
            0x115f, 0x1160, 0x3164, 0xffa0, 0x034f, 0x17b4, 0x17b5, 0x180b, 0x180f, 0x2800, 0xfe00,
            0xfff0, 0x1bca0, 0x1d159, 0x1d173, 0x13430, 0xe0100, 0xe01ef, 0x200c, 0x200d, 0x202f,
            0x205f, 0x3000, 0xa0, 0x1680, 0xe0fff, 0x7f, 0, 0x202e, 0x2065,
        ];
        for c in unclear.into_iter().chain(0x2000..=0x200a) {
            let c = char::from_u32(c).expect("a character");
            assert!(is_unclear(c), "{c:?}");
        }
        // An Arabic number sign is a format character, but it is visible.
        for c in " ~aé模👩\u{600}\u{301}\u{fffd}".chars() {
            assert!(!is_unclear(c), "{c:?}");
        }
        // In free text, the characters that shape words and emoji stay, and fillers are removed.
        for c in "\u{200c}\u{200d}\u{fe0f}\u{e0100}\u{a0}\u{3000}".chars() {
            assert!(!is_hidden(c), "{c:?}");
        }
        assert_eq!(
            one_line("a\u{3164}\u{115f}\u{ffa0}b ❤\u{fe0f}", 100),
            "ab ❤\u{fe0f}"
        );
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        for (given, most, shown) in [
            ("abcd", 4, "abcd"),
            ("abcde", 4, "abc…"),
            ("ééééé", 4, "ééé…"),
            ("abcd\0", 4, "abcd"),
            ("模型训练器", 1, "…"),
        ] {
            assert_eq!(one_line(given, most), shown, "{given:?}");
        }
        let mut long = "x".repeat(1 << 20);
        bound(&mut long, 100);
        assert_eq!(long.chars().count(), 100);
    }

    #[test]
    fn a_large_value_is_repeated_in_part() {
        assert_eq!(
            json(&serde_json::json!({"a": [1, "é"]}), 60),
            "{\"a\":[1,\"é\"]}"
        );
        let long = json(&serde_json::json!(vec!["é"; 100_000]), 10);
        assert_eq!(long, "[\"é\",\"é\",\"…");
    }

    #[test]
    fn a_text_that_is_as_it_should_be_is_not_copied() {
        for text in ["plain", "Zoë"] {
            assert!(matches!(one_line(text, 5), Cow::Borrowed(_)));
        }
    }
}
