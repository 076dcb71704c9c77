//! What the first bytes of a file say it is.

use super::error::{ContainerError, Named};

/// The order of the two bytes of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endianness {
    Little,
    Big,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Gzip,
    Zip,
    Parquet,
    /// With the length of its byte-order mark.
    Utf16(Endianness, usize),
    Text,
    /// Something that is not read.
    Other(&'static str),
}

const EXCEL_97: &str = "an Excel workbook (or another document) of the old format: save it as CSV";

/// First bytes that only one kind of file has.
const BEGINNINGS: &[(&[u8], Found)] = &[
    (b"\x1f\x8b", Found::Gzip),
    (b"PK\x03\x04", Found::Zip),
    (b"PK\x05\x06", Found::Zip),
    (b"PK\x07\x08", Found::Zip),
    (b"PAR1", Found::Parquet),
    (b"PARE", Found::Other("an encrypted Parquet file")),
    (b"\xff\xfe\0\0", Found::Other("a text in UTF-32")),
    (b"\0\0\xfe\xff", Found::Other("a text in UTF-32")),
    (b"\xff\xfe", Found::Utf16(Endianness::Little, 2)),
    (b"\xfe\xff", Found::Utf16(Endianness::Big, 2)),
    (b"\xef\xbb\xbf", Found::Text),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Found::Other(EXCEL_97)),
    (b"%PDF", Found::Other("a PDF document")),
    (b"\x89PNG\r\n\x1a\n", Found::Other("a picture (PNG)")),
    (b"\xff\xd8\xff", Found::Other("a picture (JPEG)")),
    (b"GIF8", Found::Other("a picture (GIF)")),
    (b"7z\xbc\xaf\x27\x1c", Found::Other("a 7z archive")),
    (b"Rar!\x1a\x07", Found::Other("a RAR archive")),
    (b"\xfd7zXZ\0", Found::Other("a file packed by xz")),
    (b"\x28\xb5\x2f\xfd", Found::Other("a file packed by zstd")),
    (b"\x04\x22\x4d\x18", Found::Other("a file packed by lz4")),
    (b"\x1f\x9d", Found::Other("a file packed by compress")),
    (b"SQLite format 3\0", Found::Other("an SQLite database")),
    (b"\x89HDF\r\n\x1a\n", Found::Other("an HDF5 file")),
    (b"ARROW1", Found::Other("an Arrow or Feather file")),
    (b"FEA1", Found::Other("a Feather file")),
    (b"\xff\xff\xff\xff", Found::Other("a stream of Arrow")),
    (b"Obj\x01", Found::Other("an Avro file")),
    (b"\x93NUMPY", Found::Other("an array of NumPy")),
    (b"\x80\x04\x95", Found::Other("a pickle of Python")),
    (b"\x80\x05\x95", Found::Other("a pickle of Python")),
    (b"\x7fELF", Found::Other("a program")),
    (b"{\\rtf", Found::Other("an RTF document")),
];

/// What these first bytes say, and whether they are all.
pub(super) fn container(head: &[u8], complete: bool) -> Found {
    let known = BEGINNINGS.iter().find(|(magic, _)| head.starts_with(magic));
    if let Some((_, found)) = known {
        return *found;
    }
    // Bzip2 says how large its blocks are.
    if head.starts_with(b"BZh") && head.get(4..10) == Some(b"1AY&SY") {
        return Found::Other("a file packed by bzip2");
    }
    if head.get(257..262) == Some(b"ustar") {
        return Found::Other("a tar archive");
    }
    if !head.contains(&0) {
        return Found::Text;
    }
    match unmarked_utf16(head, complete) {
        Some(endianness) => Found::Utf16(endianness, 0),
        None => Found::Other("a binary file: there are zero bytes in it"),
    }
}

/// UTF-16 without a mark: most of what is in bars is ASCII, so that one byte of most units is zero, and seldom
/// the other one (开, of “open”, has one).
fn unmarked_utf16(head: &[u8], complete: bool) -> Option<Endianness> {
    let mut zeros = [0_usize; 2];
    for unit in head.chunks_exact(2) {
        zeros[0] += usize::from(unit[0] == 0);
        zeros[1] += usize::from(unit[1] == 0);
    }
    let units = (head.len() / 2).max(1);
    let endianness = match zeros {
        [high, low] if high * 2 > units && low * 8 < high => Endianness::Big,
        [low, high] if high * 2 > units && low * 8 < high => Endianness::Little,
        _ => return None,
    };
    let text = head.chunks_exact(2).all(|unit| {
        let unit = match endianness {
            Endianness::Little => u16::from_le_bytes([unit[0], unit[1]]),
            Endianness::Big => u16::from_be_bytes([unit[0], unit[1]]),
        };
        unit >= 0x20 || matches!(unit, 0x09 | 0x0a | 0x0d | 0x1a)
    });
    // Half a unit at the end of a short file is damage, which its decoder tells.
    (text && (complete || head.len().is_multiple_of(2))).then_some(endianness)
}

/// So much of a page or a message is quoted.
const QUOTED: usize = 200;

/// Refuses a text that is none of bars: pages and messages that came instead of a file.
pub(super) fn text(head: &[u8], complete: bool, named: &Named) -> Result<(), ContainerError> {
    let trimmed = head.trim_ascii_start();
    let quoted = |what: &str| {
        let text = String::from_utf8_lossy(trimmed);
        Err(named.not_bars(format!("{what}: “{}”", one_line(&text, QUOTED))))
    };
    match trimmed.first() {
        None if complete => Err(named.empty()),
        _ if trimmed.contains(&0) => {
            Err(named.not_bars("a binary file: there are zero bytes in it"))
        }
        Some(b'<') if !header_in_brackets(trimmed) => quoted("a page of HTML or XML"),
        Some(b'{') => quoted("a JSON object"),
        Some(b'[') if array(trimmed) => quoted("a JSON array"),
        _ => Ok(()),
    }
}

/// `<DATE>`, a tab, `<TIME>` of MetaTrader and `<TICKER>,<PER>` of stooq: names in brackets with something
/// between them that separates columns.
fn header_in_brackets(text: &[u8]) -> bool {
    let line = text.split(|byte| matches!(byte, b'\n' | b'\r')).next();
    let line = line.unwrap_or_default();
    // A last separator may follow the last name.
    let last = line.iter().rposition(|byte| !b",;|\t ".contains(byte));
    let line = last.map_or(&line[..0], |last| &line[..=last]);
    let Some(end) = line.iter().position(|&byte| byte == b'>') else {
        return false;
    };
    let (name, rest) = (&line[1..end], line.get(end + 1..).unwrap_or_default());
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b' ' | b'.');
    let separated = rest
        .first()
        .is_some_and(|byte| matches!(byte, b',' | b';' | b'\t' | b'|' | b' '));
    // A page may begin with a tag and a blank, but goes on with what is no name in brackets.
    let rest = rest.get(1..).unwrap_or_default().trim_ascii_start();
    name.first().is_some_and(u8::is_ascii_alphabetic)
        && name.iter().all(of_name)
        && separated
        && rest.first() == Some(&b'<')
        && rest.get(1).is_some_and(u8::is_ascii_alphabetic)
        && line.last() == Some(&b'>')
        && !line.windows(2).any(|pair| pair == b"</")
}

/// Whether `[` begins an array of JSON, and not a header such as `[Date],[Open]`.
fn array(text: &[u8]) -> bool {
    let inner = text.get(1..).unwrap_or_default().trim_ascii_start();
    let literal = [&b"true"[..], b"false", b"null"].iter().any(|literal| {
        let after = inner.strip_prefix(*literal).map(<[u8]>::trim_ascii_start);
        after.is_some_and(|after| {
            matches!(after.first(), Some(b',')) || after.trim_ascii_end() == b"]"
        })
    });
    literal
        || inner.first().is_none_or(|byte| {
            matches!(byte, b'{' | b'[' | b'"' | b']' | b'-') || byte.is_ascii_digit()
        })
}

/// The text on one line without control characters, and no longer than this.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut characters = 0;
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
            characters += 1;
        }
        for character in word.chars().filter(|c| !is_unseen(*c)) {
            if characters >= most {
                line.push('…');
                return line;
            }
            line.push(character);
            characters += 1;
        }
    }
    line
}

/// Characters that change how a terminal shows what is around them: marks of direction and of byte order.
fn is_unseen(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
