//! Events as rows: the type as a number, its data as JSON.

use std::sync::Arc;

use impresario_api::{Event, EventBody, GapData, OperationId, Timestamp};
use rusqlite::{Connection, Row, params};
use serde::de::DeserializeOwned;

use super::damage::Damage;
use super::encoding;
use super::error::unreadable;

/// The columns that [`event`] reads.
pub(super) const COLUMNS: &str = "operation, seq, cursor, at, type, data";

/// The number of a type. Numbers stand on disk: add, never change.
fn number_of(body: &EventBody) -> i64 {
    match body {
        EventBody::Submitted(_) => 1,
        EventBody::Status(_) => 2,
        EventBody::Resumed(_) => 3,
        EventBody::Restored(_) => 4,
        EventBody::Checkpoint(_) => 5,
        EventBody::Warning(_) => 6,
        EventBody::Metric(_) => 7,
        EventBody::Log(_) => 8,
        EventBody::Gap(_) => 9,
        EventBody::Rescheduled(_) => 10,
    }
}

/// The number of a type by its name on the wire; 0 is no type's.
pub(super) fn number_named(name: &str) -> i64 {
    let names = [
        "submitted",
        "status",
        "resumed",
        "restored",
        "checkpoint",
        "warning",
        "metric",
        "log",
        "gap",
        "rescheduled",
    ];
    let place = names.iter().position(|one| *one == name);
    place.map_or(0, |place| place as i64 + 1)
}

fn json(body: &EventBody) -> rusqlite::Result<String> {
    let text = match body {
        EventBody::Submitted(data) => serde_json::to_string(data),
        EventBody::Status(data) => serde_json::to_string(data),
        EventBody::Resumed(data) => serde_json::to_string(data),
        EventBody::Restored(data) => serde_json::to_string(data),
        EventBody::Checkpoint(data) => serde_json::to_string(data),
        EventBody::Warning(data) => serde_json::to_string(data),
        EventBody::Metric(data) => serde_json::to_string(data),
        EventBody::Log(data) => serde_json::to_string(data),
        EventBody::Gap(data) => serde_json::to_string(data),
        EventBody::Rescheduled(data) => serde_json::to_string(data),
    };
    text.map_err(unreadable)
}

fn body(number: i64, text: &str) -> Result<EventBody, String> {
    fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
        encoding::object(text).map_err(|error| format!("data: {error}"))
    }
    Ok(match number {
        1 => EventBody::Submitted(read(text)?),
        2 => EventBody::Status(read(text)?),
        3 => EventBody::Resumed(read(text)?),
        4 => EventBody::Restored(read(text)?),
        5 => EventBody::Checkpoint(read(text)?),
        6 => EventBody::Warning(read(text)?),
        7 => EventBody::Metric(read(text)?),
        8 => EventBody::Log(read(text)?),
        9 => EventBody::Gap(read(text)?),
        10 => EventBody::Rescheduled(read(text)?),
        other => return Err(format!("type: {other} is none")),
    })
}

/// Writes events.
pub(super) fn insert(connection: &Connection, events: &[Arc<Event>]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (operation, seq, cursor, at, type, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for event in events {
        statement.execute(params![
            event.operation_id.as_u64() as i64,
            event.seq as i64,
            event.cursor as i64,
            event.at.as_millis(),
            number_of(&event.body),
            json(&event.body)?,
        ])?;
    }
    Ok(())
}

/// Reads one from a row of [`COLUMNS`]; in the place of one that cannot be read stands a gap.
pub(super) fn event(row: &Row<'_>, damage: &Damage) -> Arc<Event> {
    let number = |place| row.get::<_, i64>(place).unwrap_or_default();
    let at = Timestamp::in_range(number(3));
    let body = read_body(row).and_then(|body| {
        at.ok_or_else(|| "at: no time".to_owned())?;
        Ok(body)
    });
    Arc::new(Event {
        operation_id: OperationId::from_u64(number(0) as u64),
        seq: number(1) as u64,
        cursor: number(2) as u64,
        at: at.unwrap_or_default(),
        body: body.unwrap_or_else(|why| {
            damage.met_other("events", number(2), number(0), &why);
            EventBody::Gap(GapData {
                logs: 0,
                metrics: 0,
                events: 1,
            })
        }),
    })
}

fn read_body(row: &Row<'_>) -> Result<EventBody, String> {
    let column = |error: rusqlite::Error| error.to_string();
    let (number, data) = (row.get(4).map_err(column)?, row.get_ref(5).map_err(column)?);
    let data = data.as_str().map_err(|error| format!("data: {error}"))?;
    body(number, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use impresario_api::{LogData, LogLevel, MetricData};

    #[test]
    fn a_type_has_the_same_number_by_its_name() {
        let bodies = [
            EventBody::Metric(MetricData {
                name: "loss".to_owned(),
                step: 1,
                value: None,
                run: 1,
            }),
            EventBody::Log(LogData {
                level: LogLevel::Info,
                message: "one".to_owned(),
                run: 1,
            }),
            EventBody::Gap(GapData {
                logs: 1,
                metrics: 2,
                events: 3,
            }),
        ];
        for one in bodies {
            let number = number_of(&one);
            assert_eq!(number_named(one.type_name()), number);
            let text = json(&one).expect("an event is JSON");
            assert_eq!(body(number, &text).expect("its own text"), one);
        }
        assert_eq!(number_named("progress"), 0);
    }
}
