//! From what people type to an operation's id.

use impresario_api::{OperationId, OperationList, OperationRow};

use crate::client::Client;
use crate::error::Error;

/// Fewer characters than this say too little.
const SHORTEST: usize = 4;
/// A label or kind may match the query too, so an id's end may stand on a later page.
const MOST_PAGES: usize = 10;

/// The operation that `text` means: a whole id, or its end while that is unique.
pub(crate) fn resolve(client: &Client, text: &str) -> Result<OperationId, Error> {
    let suffix = match understand(text)? {
        Typed::Whole(id) => return Ok(id),
        Typed::End(suffix) => suffix,
    };
    let mut rows = Vec::new();
    let mut cursor = None;
    for _ in 0..MOST_PAGES {
        let mut query = vec![("q", suffix.clone()), ("limit", "100".to_owned())];
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: OperationList = client.get_as("/api/v1/operations", &query)?;
        rows.extend(page.operations);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    decide(&suffix, &rows)
}

/// What was typed.
#[derive(Debug, PartialEq)]
enum Typed {
    Whole(OperationId),
    End(String),
}

fn understand(text: &str) -> Result<Typed, Error> {
    let typed = text.trim().to_ascii_lowercase();
    if let Ok(id) = typed.parse() {
        return Ok(Typed::Whole(id));
    }
    let end = typed.strip_prefix("op_").unwrap_or(&typed);
    let is_digit = |c: char| c.is_ascii_alphanumeric() && !matches!(c, 'i' | 'l' | 'o' | 'u');
    if (SHORTEST..=13).contains(&end.len()) && end.chars().all(is_digit) {
        // Thirteen characters are a whole id whose prefix was left out.
        return Ok(match format!("op_{end}").parse() {
            Ok(id) => Typed::Whole(id),
            Err(_) => Typed::End(end.to_owned()),
        });
    }
    Err(Error::BadId(crate::display::text::cut(text, 40)))
}

/// Which of the rows that the server found is meant.
fn decide(suffix: &str, rows: &[OperationRow]) -> Result<OperationId, Error> {
    let fits = |row: &&OperationRow| row.operation_id.digits().ends_with(suffix);
    let found: Vec<_> = rows.iter().filter(fits).collect();
    match found.as_slice() {
        [] => Err(Error::UnknownId(suffix.to_owned())),
        [only] => Ok(only.operation_id),
        many => Err(Error::AmbiguousId {
            text: suffix.to_owned(),
            candidates: many
                .iter()
                .map(|row| format!("{}  {}  {}", row.operation_id, row.kind, row.status))
                .collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::sample;

    #[test]
    fn whole_ids_and_ends_are_told_from_nonsense() {
        let id: OperationId = "op_0k3j9x7q2m4tz".parse().expect("well formed");
        let end = |text: &str| Typed::End(text.to_owned());
        for (text, typed) in [
            ("op_0k3j9x7q2m4tz", Some(Typed::Whole(id))),
            ("OP_0K3J9X7Q2M4TZ", Some(Typed::Whole(id))),
            ("0k3j9x7q2m4tz", Some(Typed::Whole(id))),
            ("7q2m4tz", Some(end("7q2m4tz"))),
            ("M4TZ", Some(end("m4tz"))),
            ("4tz", None),
            ("", None),
            ("op_", None),
            ("m4tu", None),
            ("../m4tz", None),
            ("0k3j9x7q2m4tzz", None),
        ] {
            assert_eq!(understand(text).ok(), typed, "{text}");
        }
    }

    #[test]
    fn one_that_ends_so_is_meant_and_two_are_an_error() {
        let mut rows = vec![sample::view("running").row, sample::view("completed").row];
        rows[0].operation_id = "op_0k3j9x7q2m4tz".parse().expect("well formed");
        rows[1].operation_id = "op_0k3j9x8q2m4tz".parse().expect("well formed");
        assert_eq!(decide("7q2m4tz", &rows).ok(), Some(rows[0].operation_id));
        assert!(matches!(decide("abcd", &rows), Err(Error::UnknownId(_))));
        let Err(Error::AmbiguousId { candidates, .. }) = decide("m4tz", &rows) else {
            unreachable!("two end so");
        };
        assert_eq!(candidates.len(), 2);
        assert!(candidates[0].contains("op_0k3j9x7q2m4tz"));
    }
}
