//! Finds the id that people mean by what they type.

use std::fmt::Display;
use std::str::FromStr;

use impresario_api::{ModelId, ModelList, OperationId, OperationList};

use crate::client::Client;
use crate::error::{Error, Thing};

/// The fewest characters of an id's end.
const SHORTEST: usize = 4;
/// The most pages that are searched: labels and kinds may match too, so an id may be on a later page.
const MOST_PAGES: usize = 10;

/// The operation that `text` means: a whole id, or the end of one if it is unique.
pub(crate) fn resolve(client: &Client, text: &str) -> Result<OperationId, Error> {
    let suffix = match understand(Thing::Operation, text)? {
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
    let known = rows
        .iter()
        .map(|row| (row.operation_id, format!("{}  {}", row.kind, row.status)));
    decide(Thing::Operation, &suffix, known.collect())
}

/// The model that `text` means: a whole id, or the end of one if it is unique.
pub(crate) fn resolve_model(client: &Client, text: &str) -> Result<ModelId, Error> {
    let suffix = match understand(Thing::Model, text)? {
        Typed::Whole(id) => return Ok(id),
        Typed::End(suffix) => suffix,
    };
    let list: ModelList = client.get_as("/api/v1/models", &[])?;
    let known = list
        .models
        .iter()
        .map(|row| (row.model_id, format!("{} {}", row.symbol, row.timeframe)));
    decide(Thing::Model, &suffix, known.collect())
}

#[derive(Debug, PartialEq)]
enum Typed<I> {
    Whole(I),
    End(String),
}

fn understand<I: FromStr>(thing: Thing, text: &str) -> Result<Typed<I>, Error> {
    let typed = text.trim().to_ascii_lowercase();
    if let Ok(id) = typed.parse() {
        return Ok(Typed::Whole(id));
    }
    let end = typed.strip_prefix(thing.prefix()).unwrap_or(&typed);
    let is_digit = |c: char| c.is_ascii_alphanumeric() && !matches!(c, 'i' | 'l' | 'o' | 'u');
    if (SHORTEST..=13).contains(&end.len()) && end.chars().all(is_digit) {
        // Thirteen characters are a whole id without its prefix.
        return Ok(match format!("{}{end}", thing.prefix()).parse() {
            Ok(id) => Typed::Whole(id),
            Err(_) => Typed::End(end.to_owned()),
        });
    }
    let text = crate::display::text::cut(text, 40);
    Err(Error::BadId { thing, text })
}

/// Chooses among the ids that were found, each with a description.
fn decide<I: Copy + Display>(
    thing: Thing,
    suffix: &str,
    known: Vec<(I, String)>,
) -> Result<I, Error> {
    let fits = |(id, _): &&(I, String)| {
        let id = id.to_string();
        let digits = id.strip_prefix(thing.prefix()).unwrap_or(&id);
        digits.ends_with(suffix)
    };
    let found: Vec<_> = known.iter().filter(fits).collect();
    match found.as_slice() {
        [] => Err(Error::UnknownId {
            thing,
            text: suffix.to_owned(),
        }),
        [(only, _)] => Ok(*only),
        many => Err(Error::AmbiguousId {
            thing,
            text: suffix.to_owned(),
            candidates: many
                .iter()
                .map(|(id, about)| format!("{id}  {about}"))
                .collect(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(understand(Thing::Operation, text).ok(), typed, "{text}");
        }
    }

    #[test]
    fn an_id_of_another_thing_is_not_meant() {
        assert!(understand::<ModelId>(Thing::Model, "op_0k3j9x7q2m4tz").is_err());
        let typed = understand(Thing::Model, "mdl_0k3j9x7q2m4tz").expect("well formed");
        assert!(matches!(typed, Typed::Whole(ModelId { .. })));
    }

    #[test]
    fn one_that_ends_so_is_meant_and_two_are_an_error() {
        let id = |text: &str| text.parse::<ModelId>().expect("well formed");
        let known = || {
            ["mdl_0k3j9x7q2m4tz", "mdl_0k3j9x8q2m4tz"]
                .map(|text| (id(text), "GOOG 1d".to_owned()))
                .to_vec()
        };
        let decide = |suffix| decide(Thing::Model, suffix, known());
        assert_eq!(decide("7q2m4tz").ok(), Some(id("mdl_0k3j9x7q2m4tz")));
        assert!(matches!(
            decide("abcd"),
            Err(Error::UnknownId {
                thing: Thing::Model,
                ..
            })
        ));
        let Err(Error::AmbiguousId { candidates, .. }) = decide("m4tz") else {
            unreachable!("two end so");
        };
        assert_eq!(candidates[0], "mdl_0k3j9x7q2m4tz  GOOG 1d");
        assert_eq!(candidates.len(), 2);
    }
}
