//! Text from elsewhere as people may be shown it: of a bounded length, and without characters that
//! nobody sees; and bytes as digits.

use std::borrow::Cow;
use std::io;

use serde_json::Value;

/// Whether a character is invisible or changes how its neighbours are shown: control characters,
/// those that turn the direction of text, line separators, invisible spaces and tags.
///
/// The joiners U+200C and U+200D are none: words of several languages and many emoji need them.
pub const fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}'
        | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// `text` on one line, at most `most` characters: what breaks a line becomes a space, hidden
/// characters are left out, and a text that was longer ends in `…`.
pub fn one_line(text: &str, most: usize) -> Cow<'_, str> {
    shown(text, most, |c| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        c => (!is_hidden(c)).then_some(c),
    })
}

/// The same, with its line breaks and tabs.
pub fn lines(text: &str, most: usize) -> Cow<'_, str> {
    shown(text, most, |c| {
        (matches!(c, '\n' | '\t') || !is_hidden(c)).then_some(c)
    })
}

/// [`one_line`] in place; nothing is allocated for a text that is as it should be.
pub fn bound(text: &mut String, most: usize) {
    if let Cow::Owned(shown) = one_line(text, most) {
        *text = shown;
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value as a message repeats it: its JSON, of which at most `most` characters are written.
pub fn json(value: &Value, most: usize) -> String {
    let mut start = Start {
        bytes: Vec::new(),
        // A character has at most four bytes; one that is cut is past those that are shown.
        most: 4 * (most + 1),
    };
    // What was written until it was enough.
    let _ = serde_json::to_writer(&mut start, value);
    let text = String::from_utf8_lossy(&start.bytes);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// Takes the start of what is written to it, and breaks it off there.
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
