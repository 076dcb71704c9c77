//! ASCII replacements of signs for locales without UTF-8; each has the same width as its sign.

use std::borrow::Cow;
use std::ffi::OsString;
use std::sync::LazyLock;

use console::measure_text_width as width;

/// The signs of this client, and their replacements in ASCII.
const SIGNS: &[(&str, &str)] = &[
    // Statuses, and the sign for errors.
    ("·▸◌‖✔■✘", ".>~|+#x"),
    // Bars, curves and lines.
    ("━╸─▁▂▃▄▅▆▇█⋮│┃", "=>-_.:-=+*#:||"),
    // Directions, the sign for cut text, signs of numbers.
    ("→←↑↓…–−—×±", "><^v~---x+"),
    // Quotes in texts from elsewhere.
    ("‘’“”«»•", "''\"\"\"\"*"),
];

/// Whether this process may only write ASCII. Always false in tests, so that they do not depend on the
/// locale.
static ONLY_ASCII: LazyLock<bool> =
    LazyLock::new(|| !cfg!(test) && is_only_ascii(|name| std::env::var_os(name)));

/// Whether the locale says that characters are ASCII. If there is none, the terminal is assumed to show
/// UTF-8, as nearly all do.
fn is_only_ascii(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set);
    locale.is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_lowercase();
        !(locale.contains("utf-8") || locale.contains("utf8"))
    })
}

/// Text in a form that standard output and standard error can show.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    match *ONLY_ASCII && !text.is_ascii() {
        true => Cow::Owned(ascii(text)),
        false => Cow::Borrowed(text),
    }
}

/// JSON in a form that standard output can show. The document is the same in every locale.
pub(crate) fn json(text: String) -> String {
    if !*ONLY_ASCII || text.is_ascii() {
        return text;
    }
    let mut units = [0; 2];
    let each = text.chars().map(|c| match c {
        c if c.is_ascii() => c.to_string(),
        c => c
            .encode_utf16(&mut units)
            .iter()
            .map(|unit| format!("\\u{unit:04x}"))
            .collect(),
    });
    each.collect()
}

fn ascii(text: &str) -> String {
    let each = text.chars().map(|c| match c {
        c if c.is_ascii() => Cow::Owned(c.to_string()),
        c => sign(c),
    });
    each.collect()
}

/// The replacement in the table, or question marks of the same width.
fn sign(c: char) -> Cow<'static, str> {
    let known = SIGNS.iter().find_map(|(signs, plain)| {
        let at = signs.chars().position(|sign| sign == c)?;
        plain.get(at..=at)
    });
    match known {
        Some(plain) => Cow::Borrowed(plain),
        None => Cow::Owned("?".repeat(width(c.encode_utf8(&mut [0; 4])))),
    }
}

#[cfg(test)]
mod tests {
    use impresario_api::Status;

    use super::*;

    #[test]
    fn a_locale_without_utf_8_has_only_ascii() {
        for (set, only) in [
            (&[][..], false),
            (&[("LC_ALL", "C")][..], true),
            (&[("LANG", "POSIX")], true),
            (&[("LANG", "de_DE.ISO-8859-1")], true),
            (&[("LC_CTYPE", "C"), ("LANG", "en_US.UTF-8")], true),
            (&[("LC_ALL", ""), ("LANG", "C.UTF-8")], false),
            (&[("LC_ALL", "en_US.utf8"), ("LANG", "C")], false),
        ] {
            let variable = |name: &str| {
                let found = set.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| OsString::from(value))
            };
            assert_eq!(is_only_ascii(variable), only, "{set:?}");
        }
    }

    #[test]
    fn each_sign_has_one_in_ascii_of_its_width() {
        for (signs, plain) in SIGNS {
            assert_eq!(signs.chars().count(), plain.len(), "{signs}");
            assert!(plain.is_ascii());
            assert!(
                signs.chars().all(|sign| width(&sign.to_string()) == 1),
                "{signs}"
            );
        }
        for status in Status::ALL {
            assert_ne!(ascii(&status.sign().to_string()), "?", "{status}");
        }
    }

    #[test]
    fn what_is_not_in_the_table_keeps_its_columns() {
        for (text, shown) in [
            ("✔ done", "+ done"),
            ("━━╸──", "==>--"),
            ("模型 é…", "???? ?~"),
            ("e\u{301}", "e"),
        ] {
            assert_eq!(ascii(text), shown);
            assert_eq!(width(shown), width(text));
        }
    }
}
