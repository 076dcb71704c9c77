//! Dialects: what is known beforehand of the files of one source. They are data, in TOML.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;

use crate::number::Decimal;

/// What is known of a file before it is looked at, from a dialect or from a request. What is not said is
/// found from the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// Whose files these are, for people.
    #[serde(default)]
    pub description: String,
    /// What stands between the columns.
    pub separator: Option<Separator>,
    /// What stands before the decimals.
    pub decimal: Option<DecimalName>,
    /// For each field of a bar, the header of its column, or `column 3` for the third one. A time in two
    /// columns is `Date + Time`.
    #[serde(default)]
    pub columns: BTreeMap<Field, String>,
    /// The format of the times, in the words of strftime.
    pub time_format: Option<String>,
    /// The time zone of the times: an IANA name, or a fixed offset such as `-05:00`.
    pub time_zone: Option<String>,
    /// Prices are written this many times too large.
    pub price_divisor: Option<u32>,
}

/// What stands between the columns of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Separator {
    /// `,`
    #[serde(rename = ",")]
    Comma,
    /// `;`
    #[serde(rename = ";")]
    Semicolon,
    /// A tab.
    #[serde(rename = "tab")]
    Tab,
    /// `|`
    #[serde(rename = "|")]
    Bar,
    /// One or several spaces.
    #[serde(rename = "space")]
    Space,
}

/// A field of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    /// The time at which the bar opens.
    Timestamp,
    /// The first price.
    Open,
    /// The highest price.
    High,
    /// The lowest price.
    Low,
    /// The last price.
    Close,
    /// How much was traded.
    Volume,
}

/// `.` or `,`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum DecimalName {
    /// `.`
    #[serde(rename = ".")]
    Point,
    /// `,`
    #[serde(rename = ",")]
    Comma,
}

impl Separator {
    /// All of them, the likeliest first.
    pub const ALL: [Self; 5] = [
        Self::Comma,
        Self::Semicolon,
        Self::Tab,
        Self::Bar,
        Self::Space,
    ];

    /// How requests and reports name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Tab => "tab",
            Self::Bar => "|",
            Self::Space => "space",
        }
    }

    /// The separator of this name, or the character itself.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "\t" | "\\t" => Some(Self::Tab),
            " " => Some(Self::Space),
            name => Self::ALL.into_iter().find(|one| one.name() == name),
        }
    }

    /// Its byte.
    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Bar => b'|',
            Self::Space => b' ',
        }
    }
}

impl Field {
    /// All fields, in the order of a bar.
    pub const ALL: [Self; 6] = [
        Self::Timestamp,
        Self::Open,
        Self::High,
        Self::Low,
        Self::Close,
        Self::Volume,
    ];

    /// Its name in requests, reports and errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Timestamp => "timestamp",
            Self::Open => "open",
            Self::High => "high",
            Self::Low => "low",
            Self::Close => "close",
            Self::Volume => "volume",
        }
    }

    /// The field of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

impl DecimalName {
    /// `.` or `,`.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "." => Some(Self::Point),
            "," => Some(Self::Comma),
            _ => None,
        }
    }
}

impl From<DecimalName> for Decimal {
    fn from(name: DecimalName) -> Self {
        match name {
            DecimalName::Point => Self::Point,
            DecimalName::Comma => Self::Comma,
        }
    }
}

impl Dialect {
    /// What `self` says, and `other` where it says nothing.
    #[must_use]
    pub fn or(self, other: &Self) -> Self {
        let mut columns = other.columns.clone();
        columns.extend(self.columns);
        Self {
            description: other.description.clone(),
            separator: self.separator.or(other.separator),
            decimal: self.decimal.or(other.decimal),
            columns,
            time_format: self.time_format.or_else(|| other.time_format.clone()),
            time_zone: self.time_zone.or_else(|| other.time_zone.clone()),
            price_divisor: self.price_divisor.or(other.price_divisor),
        }
    }

    /// Reads the text of a dialect's file; the error has the line and says what is wrong.
    fn parse(text: &str) -> Result<Self, String> {
        let dialect: Self = toml::from_str(text).map_err(|error| {
            let line = |span: std::ops::Range<usize>| {
                let before = text.get(..span.start).unwrap_or(text);
                before.matches('\n').count() + 1
            };
            match error.span() {
                Some(span) => format!("line {}: {}", line(span), error.message()),
                None => error.message().to_owned(),
            }
        })?;
        match dialect.price_divisor {
            Some(0) => Err("price_divisor: expected 1 or more, got 0".to_owned()),
            _ => Ok(dialect),
        }
    }
}

/// The dialects that ship with the program.
const SHIPPED: [(&str, &str); 10] = [
    (
        "binance",
        include_str!("../../config/dialects/binance.toml"),
    ),
    (
        "dukascopy",
        include_str!("../../config/dialects/dukascopy.toml"),
    ),
    (
        "excel_german",
        include_str!("../../config/dialects/excel_german.toml"),
    ),
    (
        "excel_us",
        include_str!("../../config/dialects/excel_us.toml"),
    ),
    (
        "histdata",
        include_str!("../../config/dialects/histdata.toml"),
    ),
    ("kraken", include_str!("../../config/dialects/kraken.toml")),
    ("lean", include_str!("../../config/dialects/lean.toml")),
    (
        "metatrader4",
        include_str!("../../config/dialects/metatrader4.toml"),
    ),
    (
        "metatrader5",
        include_str!("../../config/dialects/metatrader5.toml"),
    ),
    ("stooq", include_str!("../../config/dialects/stooq.toml")),
];

/// The name under which nothing is known beforehand.
pub const AUTO: &str = "auto";
/// A dialect's file is not longer.
const MOST_BYTES: u64 = 64 << 10;
/// A folder has at most so many of them.
const MOST_FILES: usize = 200;

/// The dialects that a load can name.
#[derive(Debug, Default)]
pub struct Dialects {
    known: BTreeMap<String, Dialect>,
    /// Files that cannot be used, by their names. They disturb no load that does not name them.
    faulty: BTreeMap<String, DialectError>,
}

/// Why a dialect's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DialectError {
    /// It is not as a dialect is written.
    #[error("dialect {file}: {why}")]
    Invalid {
        /// The file.
        file: String,
        /// The line, the key and what was expected.
        why: String,
    },
    /// The folder or a file in it cannot be read.
    #[error("dialect {file}: cannot be read: {source}")]
    Unreadable {
        /// The file or folder.
        file: String,
        /// The cause.
        source: io::Error,
    },
}

impl Dialects {
    /// The dialects that ship with the program.
    pub fn shipped() -> Result<Self, DialectError> {
        let mut dialects = Self::default();
        for (name, text) in SHIPPED {
            dialects.add(name, name, text)?;
        }
        Ok(dialects)
    }

    /// Those, and the files `NAME.toml` of `folder`, which win over shipped ones of the same name. A file that cannot
    /// be used is an error where it is named.
    pub fn with_folder(folder: &Path) -> Result<Self, DialectError> {
        let mut dialects = Self::shipped()?;
        let unreadable = |path: &Path| {
            let file = path.display().to_string();
            move |source| DialectError::Unreadable { file, source }
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
            let path = entry.map_err(unreadable(folder))?.path();
            let is_dialect = path.extension().is_some_and(|ending| ending == "toml");
            let is_hidden = path
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
            // A pipe or a device would have no end.
            if is_dialect && !is_hidden && path.is_file() {
                paths.push(path);
            }
        }
        paths.sort_unstable();
        if paths.len() > MOST_FILES {
            let file = folder.display().to_string();
            let why = format!("expected at most {MOST_FILES} files, got {}", paths.len());
            return Err(DialectError::Invalid { file, why });
        }
        for path in paths {
            let name = path
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if let Err(error) = dialects.add_file(&name, &path) {
                dialects.known.remove(&name);
                dialects.faulty.insert(name, error);
            }
        }
        Ok(dialects)
    }

    fn add_file(&mut self, name: &str, path: &Path) -> Result<(), DialectError> {
        let file = path.display().to_string();
        let unreadable = |source| DialectError::Unreadable {
            file: file.clone(),
            source,
        };
        let invalid = |why: String| DialectError::Invalid {
            file: file.clone(),
            why,
        };
        if !is_name(name) {
            let expected =
                "expected a name of 1 to 40 lower-case letters, digits, _ and -, and not auto";
            return Err(invalid(expected.to_owned()));
        }
        let mut text = String::new();
        let opened = File::open(path).map_err(unreadable)?;
        let read = opened.take(MOST_BYTES + 1).read_to_string(&mut text);
        read.map_err(unreadable)?;
        if text.len() as u64 > MOST_BYTES {
            return Err(invalid(format!("expected at most {MOST_BYTES} bytes")));
        }
        self.add(name, &file, &text)
    }

    fn add(&mut self, name: &str, file: &str, text: &str) -> Result<(), DialectError> {
        let dialect = Dialect::parse(text).map_err(|why| DialectError::Invalid {
            file: file.to_owned(),
            why,
        })?;
        self.known.insert(name.to_owned(), dialect);
        Ok(())
    }

    /// The dialect of this name, `None` if there is none; `auto` knows nothing. An error if its file cannot be used.
    pub fn get(&mut self, name: &str) -> Result<Option<Dialect>, DialectError> {
        if name == AUTO {
            return Ok(Some(Dialect::default()));
        }
        match self.faulty.remove(name) {
            Some(error) => Err(error),
            None => Ok(self.known.get(name).cloned()),
        }
    }

    /// Why files cannot be used, by their names.
    pub fn faults(&self) -> impl Iterator<Item = (&str, &DialectError)> {
        self.faulty
            .iter()
            .map(|(name, error)| (name.as_str(), error))
    }

    /// Their names and descriptions, in order.
    pub fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = self.known.iter();
        known.map(|(name, dialect)| (name.as_str(), dialect.description.as_str()))
    }

    /// Their names, for messages.
    pub fn names(&self) -> String {
        let known = self.known.keys().map(String::as_str);
        std::iter::once(AUTO)
            .chain(known)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn is_name(name: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    (1..=40).contains(&name.len()) && name.bytes().all(plain) && name != AUTO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_dialects_are_whole_and_described() {
        let dialects = Dialects::shipped().expect("they are whole");
        assert_eq!(dialects.list().count(), SHIPPED.len());
        for (name, description) in dialects.list() {
            assert!(is_name(name) && description.len() > 10, "{name}");
        }
    }

    #[test]
    fn a_fault_in_a_dialects_file_is_named_with_its_line_and_key() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (text, wanted) in [
            (
                "description = \"x\"\nseperator = \",\"\n",
                "line 2: unknown field `seperator`",
            ),
            ("\n\nseparator = \"x\"\n", "line 3: unknown variant `x`"),
            ("price_divisor = 0", "price_divisor: expected 1 or more"),
            ("price_divisor = -1", "line 1: "),
            (
                "[columns]\nclosing = \"C\"\n",
                "line 2: unknown variant `closing`",
            ),
            ("separator = ", "line 1: "),
        ] {
            std::fs::write(folder.path().join("mine.toml"), text).expect("a writable folder");
            let mut dialects =
                Dialects::with_folder(folder.path()).expect("the folder is readable");
            assert!(dialects.get("histdata").is_ok_and(|one| one.is_some()));
            let error = dialects.get("mine").expect_err(text).to_string();
            assert!(
                error.contains(wanted) && error.contains("mine.toml"),
                "{error}"
            );
        }
        std::fs::write(folder.path().join("mine.toml"), "separator = \"tab\"").expect("writable");
        std::fs::write(folder.path().join("Mine 2.toml"), "").expect("writable");
        std::fs::write(folder.path().join("._mine.toml"), b"\xff").expect("writable");
        let mut dialects = Dialects::with_folder(folder.path()).expect("the folder is readable");
        let mine = dialects
            .get("mine")
            .expect("it is whole")
            .expect("it was added");
        assert_eq!(mine.separator, Some(Separator::Tab));
        assert!(dialects.get("nobody").is_ok_and(|one| one.is_none()));
        let faults: Vec<_> = dialects
            .faults()
            .map(|(name, error)| (name.to_owned(), error.to_string()))
            .collect();
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(
            faults[0].0 == "Mine 2" && faults[0].1.contains("lower-case"),
            "{faults:?}"
        );
    }
}
