//! Pages: a walk over ids from the newest down, which leaps from one match to the next.

use crate::store::{Page, Query};
use impresario_api::{Status, StatusFilter};
use rusqlite::Connection;

use super::damage::{Damage, readable};
use super::encoding::{self, SCHEDULED, id_of, sql_id};
use super::rows;
use super::sources::{Stream, Union};
use super::text::Text;

/// Totals that take a walk are counted up to here.
const MOST_COUNTED: usize = 1_000;
/// Nor are more operations looked at one after the other, only to be counted.
const MOST_LOOKED_AT: usize = 500;

/// The counters that are not zero.
pub(super) fn counters(connection: &Connection) -> rusqlite::Result<Vec<(String, Status, u64)>> {
    let sql = "SELECT kind, status, count FROM counters WHERE count > 0 AND status >= 0";
    let mut statement = connection.prepare_cached(sql)?;
    let counters = statement.query_map((), |row| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get::<_, i64>(2)?.unsigned_abs(),
        ))
    })?;
    let known = |(kind, place, count)| Some((kind, encoding::status(place)?, count));
    let counters = counters.filter_map(readable);
    counters
        .filter_map(|counter| counter.map(known).transpose())
        .collect()
}

/// How many wait for their time, by kind.
fn scheduled(connection: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    let sql = "SELECT kind, count FROM counters WHERE count > 0 AND status = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let counters = statement.query_map([SCHEDULED], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    counters.filter_map(readable).collect()
}

/// The kinds that a query asks for only as far as they wait for their time, with their numbers.
fn scheduled_of(connection: &Connection, query: &Query) -> rusqlite::Result<Vec<(String, u64)>> {
    if !query.statuses.contains(&StatusFilter::Scheduled) {
        return Ok(Vec::new());
    }
    let mut kinds = scheduled(connection)?;
    kinds.retain(|(kind, _)| query.passes_scheduled(kind));
    Ok(kinds)
}

/// A page, newest first.
pub(super) fn page(
    connection: &Connection,
    damage: &Damage,
    query: &Query,
) -> rusqlite::Result<Page> {
    let counters = counters(connection)?;
    let live = counters.iter().filter(|(_, status, _)| !status.is_ended());
    let active = live.map(|(.., count)| count).sum();
    // What a text stands for is found once, for the total and for the page.
    let scheduled = scheduled_of(connection, query)?;
    let newest = Walk::new(connection, query, &counters, &scheduled)?;
    let (total, total_is_exact) = total(newest.clone(), query, &counters, &scheduled)?;
    let from = query.before.map_or(i64::MAX, |id| sql_id(id) - 1);
    let mut walk = Walk { from, ..newest };
    let mut operations = Vec::new();
    while operations.len() < query.limit
        && let Some(id) = walk.next()?
    {
        operations.extend(rows::load(connection, damage, id_of(id))?);
    }
    let more = walk.next()?.is_some();
    let seen = operations.len() as u64 + u64::from(more);
    // A row that is to be set aside is counted as what it says, or not at all.
    let total_is_exact = total_is_exact && !damage.waits();
    Ok(Page {
        operations,
        more,
        // Of a total that is not exact, the page may know more.
        total: if total_is_exact {
            total
        } else {
            total.max(seen)
        },
        total_is_exact,
        active,
    })
}

/// How many match, and whether that is all of them.
fn total(
    mut walk: Walk<'_>,
    query: &Query,
    counters: &[(String, Status, u64)],
    scheduled: &[(String, u64)],
) -> rusqlite::Result<(u64, bool)> {
    if query.label.is_none() && text(query).is_none() {
        let counted = counters
            .iter()
            .filter(|(kind, status, _)| query.passes(kind, *status));
        let counted = counted.map(|(.., count)| count);
        let all = counted.chain(scheduled.iter().map(|(_, count)| count));
        return Ok((all.sum(), true));
    }
    let mut found = 0;
    while found <= MOST_COUNTED && walk.looked_at() < MOST_LOOKED_AT {
        if walk.next()?.is_none() {
            return Ok((found as u64, true));
        }
        found += 1;
    }
    Ok((found.min(MOST_COUNTED) as u64, false))
}

/// An empty text asks for nothing.
fn text(query: &Query) -> Option<&str> {
    query.text.as_deref().filter(|text| !text.is_empty())
}

/// Operations that match, newest first.
#[derive(Clone)]
struct Walk<'a> {
    connection: &'a Connection,
    lists: Vec<Union>,
    text: Option<Text>,
    /// Where it goes on; negative at the end.
    from: i64,
}

impl<'a> Walk<'a> {
    fn new(
        connection: &'a Connection,
        query: &Query,
        counters: &[(String, Status, u64)],
        scheduled: &[(String, u64)],
    ) -> rusqlite::Result<Self> {
        let mut lists = Vec::new();
        let filtered = query.active_only || !query.statuses.is_empty() || !query.kinds.is_empty();
        if filtered {
            let shelves = counters
                .iter()
                .filter(|(kind, status, _)| query.passes(kind, *status));
            let shelves = shelves.map(|(kind, status, _)| Stream::shelf(kind, *status));
            let scheduled = scheduled.iter().map(|(kind, _)| Stream::scheduled(kind));
            lists.push(Union(shelves.chain(scheduled).collect()));
        }
        if let Some((key, value)) = &query.label {
            lists.push(Union(vec![Stream::label(key, value)]));
        }
        let text = text(query)
            .map(|text| Text::new(connection, text))
            .transpose()?;
        if lists.is_empty() && !matches!(text, Some(Text::Lists { .. })) {
            lists.push(Union(vec![Stream::all()]));
        }
        Ok(Self {
            connection,
            lists,
            text,
            from: i64::MAX,
        })
    }

    /// The next match.
    fn next(&mut self) -> rusqlite::Result<Option<i64>> {
        while self.from >= 0 {
            let from = self.from;
            // A damaged label may name what is no id.
            let Some(id) = self.leap(from)?.filter(|id| *id >= 0) else {
                self.from = -1;
                return Ok(None);
            };
            self.from = id;
            if id == from || self.leap(id)? == Some(id) {
                self.from = id - 1;
                if self.is_there(id)? {
                    return Ok(Some(id));
                }
            }
        }
        Ok(None)
    }

    fn looked_at(&self) -> usize {
        self.text.as_ref().map_or(0, Text::looked_at)
    }

    /// The newest id at or below `id` that every condition may still hold for.
    fn leap(&mut self, id: i64) -> rusqlite::Result<Option<i64>> {
        let mut id = id;
        for list in &mut self.lists {
            let Some(found) = list.at_most(self.connection, id)? else {
                return Ok(None);
            };
            id = found;
        }
        match &mut self.text {
            Some(text) => text.at_most(self.connection, id),
            None => Ok(Some(id)),
        }
    }

    /// A whole id as a text may be of an operation that is not kept.
    fn is_there(&self, id: i64) -> rusqlite::Result<bool> {
        if !self.lists.is_empty() {
            return Ok(true);
        }
        self.connection
            .prepare_cached("SELECT 1 FROM operations WHERE id = ?1")?
            .exists([id])
    }
}
