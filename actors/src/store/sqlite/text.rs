//! Operations that a text stands for: a kind, the end of an id, the start of a label's value.

use std::collections::BTreeSet;

use impresario_api::{OperationId, Status};
use rusqlite::{Connection, OptionalExtension};

use super::damage::readable;
use super::encoding;
use super::encoding::{id_of, sql_id};
use super::sources::{Stream, Union};

/// Base32, a character to five bits.
const ALPHABET: &[u8] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters by which the index finds an id.
const INDEXED: usize = 4;
/// More operations than these with a value are not collected first.
const MOST_COLLECTED: usize = 2_000;
/// More values than these are not read side by side.
const MOST_VALUES: usize = 64;
/// More operations than these are not looked at one after the other.
const MOST_LOOKED_AT: usize = 2_000;

/// What a text finds, newest first.
#[derive(Clone)]
pub(super) enum Text {
    /// Lists of ids.
    Lists {
        /// The kind's, and those of label values.
        union: Union,
        /// The ends of ids and what was collected, oldest first.
        ids: Vec<i64>,
    },
    /// So many with so many different values that they are met soon on the way.
    Everywhere {
        /// What is looked for.
        text: String,
        /// How many were looked at, found or not.
        looked_at: usize,
    },
}

impl Text {
    pub(super) fn new(connection: &Connection, text: &str) -> rusqlite::Result<Self> {
        let mut union = of_kind(text);
        let mut ids: BTreeSet<i64> = ending_in(connection, text)?.into_iter().collect();
        let collected = with_value(connection, text)?;
        if collected.len() <= MOST_COLLECTED {
            ids.extend(collected);
        } else {
            let values = values(connection, text)?;
            if values.len() > MOST_VALUES {
                let text = text.to_owned();
                return Ok(Self::Everywhere { text, looked_at: 0 });
            }
            union.extend(values.into_iter().map(Stream::value));
        }
        Ok(Self::Lists {
            union: Union(union),
            ids: ids.into_iter().collect(),
        })
    }

    /// The newest one at or below `id`; where only a look at the operation tells, `id - 1` says
    /// that it is not this one.
    pub(super) fn at_most(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> rusqlite::Result<Option<i64>> {
        match self {
            Self::Lists { union, ids } => {
                let older = ids.partition_point(|other| *other <= id);
                let other = older.checked_sub(1).map(|at| ids[at]);
                Ok(other.max(union.at_most(connection, id)?))
            }
            Self::Everywhere { looked_at, .. } if *looked_at >= MOST_LOOKED_AT => {
                self.give_up_looking(connection)?;
                self.at_most(connection, id)
            }
            Self::Everywhere { text, looked_at } => {
                *looked_at += 1;
                let found = matches(connection, id, text)?;
                Ok(if found { Some(id) } else { id.checked_sub(1) })
            }
        }
    }

    /// They are not met soon after all: all entries of the index are read and sorted.
    fn give_up_looking(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if let Self::Everywhere { text, .. } = self {
            let mut union = of_kind(text);
            union.push(Stream::values(text.clone(), end_of(text)));
            let mut ids = ending_in(connection, text)?;
            ids.sort_unstable();
            let union = Union(union);
            *self = Self::Lists { union, ids };
        }
        Ok(())
    }

    /// How many operations were looked at one after the other.
    pub(super) const fn looked_at(&self) -> usize {
        match self {
            Self::Lists { .. } => 0,
            Self::Everywhere { looked_at, .. } => *looked_at,
        }
    }
}

fn of_kind(kind: &str) -> Vec<Stream> {
    let statuses = Status::ALL.iter();
    statuses
        .map(|status| Stream::shelf(kind, *status))
        .collect()
}

/// Ids whose digits end so, or that are written so.
fn ending_in(connection: &Connection, text: &str) -> rusqlite::Result<Vec<i64>> {
    if let Ok(id) = text.parse::<OperationId>() {
        return Ok(vec![sql_id(id)]);
    }
    let digits: Option<Vec<_>> = text
        .bytes()
        .map(|digit| ALPHABET.iter().position(|one| *one == digit))
        .collect();
    let Some(digits) = digits.filter(|digits| (INDEXED..=13).contains(&digits.len())) else {
        return Ok(Vec::new());
    };
    let end = &digits[digits.len() - INDEXED..];
    let end = end
        .iter()
        .fold(0_i64, |value, digit| value << 5 | *digit as i64);
    let sql = "SELECT id FROM operations WHERE (id & 0xfffff) = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_map([end], |row| row.get::<_, i64>(0))?;
    let found: Vec<i64> = found.collect::<rusqlite::Result<_>>()?;
    let so = |id: &i64| id_of(*id).digits().ends_with(text);
    Ok(found.into_iter().filter(so).collect())
}

/// What sorts after every value that starts with `text`.
fn end_of(text: &str) -> String {
    format!("{text}\u{10ffff}\u{10ffff}")
}

/// Operations with a label whose value starts so, up to one more than are collected.
fn with_value(connection: &Connection, text: &str) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT operation FROM labels WHERE value >= ?1 AND value < ?2 LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let most = MOST_COLLECTED as i64 + 1;
    let found = statement.query_map((text, end_of(text), most), |row| row.get(0))?;
    found.filter_map(readable).collect()
}

/// The different values that start so, up to one more than are read side by side: a leap a value.
fn values(connection: &Connection, text: &str) -> rusqlite::Result<Vec<String>> {
    let sql = "WITH RECURSIVE found (value) AS (
                 SELECT MIN(value) FROM labels WHERE value >= ?1 AND value < ?2
                 UNION ALL
                 SELECT (SELECT MIN(value) FROM labels WHERE value > found.value AND value < ?2)
                 FROM found WHERE found.value IS NOT NULL LIMIT ?3)
               SELECT value FROM found WHERE value IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let most = MOST_VALUES as i64 + 1;
    let found = statement.query_map((text, end_of(text), most), |row| row.get(0))?;
    found.filter_map(readable).collect()
}

fn matches(connection: &Connection, id: i64, text: &str) -> rusqlite::Result<bool> {
    let sql = "SELECT kind, start FROM operations WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([id], |row| {
        let (kind, start) = (row.get_ref(0)?, row.get_ref(1)?);
        let (kind, start) = (kind.as_str(), start.as_str());
        // A damaged column has no text.
        Ok(kind.is_ok_and(|kind| kind == text)
            || start.is_ok_and(|start| encoding::has_value(start, text).unwrap_or(false))
            || (text.len() >= INDEXED && id_of(id).digits().ends_with(text)))
    });
    Ok(found.optional()?.unwrap_or(false))
}
