//! Checkpoints beside their operations: the state as it was given, and what is known of it as JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::store::{SavedCheckpoint, StoredOperation};
use impresario_api::{OperationId, StepCounts, Timestamp};
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use super::damage::Damage;
use super::encoding;
use super::encoding::sql_id;
use super::error::unreadable;

/// Fields are added, never changed: what is missing has its default.
#[derive(Debug, Serialize, Deserialize)]
struct About<'a> {
    at: Timestamp,
    run: u32,
    step: Cow<'a, StepCounts>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outermost: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dir: Option<Cow<'a, Path>>,
    bytes: u64,
    #[serde(default)]
    metrics: Cow<'a, BTreeMap<String, u64>>,
}

/// Those of an operation, oldest first.
pub(super) fn load(
    connection: &Connection,
    damage: &Damage,
    id: OperationId,
) -> rusqlite::Result<Vec<SavedCheckpoint>> {
    let sql = "SELECT about, value, number FROM checkpoints WHERE operation = ?1 ORDER BY number";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([sql_id(id)], |row| {
        Ok(saved(row).unwrap_or_else(|why| {
            let number = row.get(2).unwrap_or_default();
            damage.met_other("checkpoints", number, sql_id(id), &why);
            damaged()
        }))
    })?;
    rows.collect()
}

/// What is found damaged by the run that would go on from it: it says so, and takes the one before.
fn damaged() -> SavedCheckpoint {
    SavedCheckpoint {
        at: Timestamp::default(),
        run: 0,
        step: StepCounts::new(),
        outermost: None,
        value: Arc::from([]),
        dir: None,
        bytes: 0,
        metrics: BTreeMap::new(),
    }
}

fn saved(row: &Row<'_>) -> Result<SavedCheckpoint, String> {
    let text = |error: rusqlite::Error| error.to_string();
    let about = row.get_ref(0).map_err(text)?.as_str();
    let about = about.map_err(|error| format!("about: {error}"))?;
    let about: About<'_> = encoding::object(about).map_err(|error| format!("about: {error}"))?;
    let value = row.get_ref(1).map_err(text)?.as_blob();
    Ok(SavedCheckpoint {
        at: about.at,
        run: about.run,
        step: about.step.into_owned(),
        outermost: about.outermost.map(Cow::into_owned),
        value: value.map_err(|error| format!("value: {error}"))?.into(),
        dir: about.dir.map(PathBuf::from),
        bytes: about.bytes,
        metrics: about.metrics.into_owned(),
    })
}

fn about(saved: &SavedCheckpoint) -> rusqlite::Result<String> {
    let about = About {
        at: saved.at,
        run: saved.run,
        step: Cow::Borrowed(&saved.step),
        outermost: saved.outermost.as_deref().map(Cow::Borrowed),
        dir: saved.dir.as_deref().map(Cow::Borrowed),
        bytes: saved.bytes,
        metrics: Cow::Borrowed(&saved.metrics),
    };
    serde_json::to_string(&about).map_err(unreadable)
}

/// Writes those that `was` did not have, and removes those that are no longer kept.
pub(super) fn save(
    connection: &Connection,
    was: &[SavedCheckpoint],
    operation: &StoredOperation,
) -> rusqlite::Result<()> {
    if was == operation.checkpoints {
        return Ok(());
    }
    let id = sql_id(operation.id);
    if operation.checkpoints.is_empty() {
        // Also those that could not be read.
        let sql = "DELETE FROM checkpoints WHERE operation = ?1";
        connection.prepare_cached(sql)?.execute([id])?;
        return Ok(());
    }
    let new = operation.checkpoints.iter();
    for saved in new.filter(|one| !was.contains(one)) {
        connection
            .prepare_cached(
                "INSERT INTO checkpoints (operation, about, value) VALUES (?1, ?2, ?3)",
            )?
            .execute((id, about(saved)?, &*saved.value))?;
    }
    let gone = was.iter();
    for saved in gone.filter(|one| !operation.checkpoints.contains(one)) {
        connection
            .prepare_cached(
                "DELETE FROM checkpoints WHERE number =
                 (SELECT MIN(number) FROM checkpoints WHERE operation = ?1 AND about = ?2)",
            )?
            .execute((id, about(saved)?))?;
    }
    Ok(())
}
