//! What was asked after the `?`. A field that the route does not know is refused, and every
//! fault is told.

mod fields;

use std::borrow::Cow;
use std::future::{Ready, ready};
use std::str::FromStr;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use impresario::MetricRange;
use impresario::store::Query;
use impresario_api::{EventType, LogLevel, MAX_INTEGER, OperationId, StatusFilter, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tokio_util::sync::CancellationToken;

use super::connection::Client;
use super::errors::ApiError;
use super::openapi::{DescribeInput, Endpoint};
use crate::services::Range;
use fields::Fields;
pub(super) use fields::MOST_VALUES;

/// Until when a caller of a start or of a verb waits, and whether it is still there.
pub(super) struct Wait(Option<(Instant, Client)>);

impl Wait {
    /// What is left of the time; `None` when the caller does not wait.
    pub(super) fn left(&self) -> Option<Duration> {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        self.0.as_ref().map(|(until, _)| left(*until))
    }

    /// What a future gives, or `None` when the caller is gone before.
    pub(super) async fn unless_gone<F: Future>(&self, future: F) -> Option<F::Output> {
        match &self.0 {
            Some((_, client)) => client.unless_gone(future).await,
            None => Some(future.await),
        }
    }

    /// Cancelled when the caller is gone.
    pub(super) fn gone(&self) -> CancellationToken {
        let client = self.0.as_ref();
        client.map_or_else(CancellationToken::new, |(_, client)| client.token())
    }
}

/// Nothing may be asked.
pub(super) struct NoQuery;

/// Which operations a list shows.
pub(super) struct ListQuery(pub(super) Query);

/// Which events are read.
pub(super) struct EventsQuery {
    pub(super) since: u64,
    pub(super) limit: usize,
    pub(super) types: Vec<&'static str>,
    pub(super) wait: Option<Duration>,
}

/// Which log lines are read.
pub(super) struct LogsQuery {
    pub(super) since: u64,
    pub(super) limit: usize,
    pub(super) level: Option<LogLevel>,
}

/// Which points of metrics are read.
pub(super) struct MetricsQuery(pub(super) MetricRange);

/// Which bars of a dataset are read.
pub(super) struct BarsQuery(pub(super) Range);

/// How something is deleted.
#[derive(Clone, Copy)]
pub(super) struct DeleteQuery {
    /// Also if something refers to it.
    pub(super) force: bool,
    /// Not at all: only what refers to it is told.
    pub(super) dry_run: bool,
}

macro_rules! from_query {
    ($($name:ident: $build:expr;)*) => {$(
        impl FromRequest for $name {
            type Error = ApiError;
            type Future = Ready<Result<Self, ApiError>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let build: fn(&mut Fields) -> Self = $build;
                ready(Fields::read(request.query_string(), build))
            }
        }

        impl DescribeInput for $name {
            fn describe(endpoint: &mut Endpoint) {
                let build: fn(&mut Fields) -> Self = $build;
                endpoint.query(&Fields::known(build));
            }
        }
    )*};
}

from_query! {
    NoQuery: |_| Self;
    ListQuery: list;
    EventsQuery: |fields| Self {
        since: since(fields),
        limit: fields.limit(1_000),
        types: types(fields),
        wait: fields.seconds("wait", "hold the answer until there is an event", 30.0),
    };
    BarsQuery: bars;
    DeleteQuery: |fields| Self {
        force: fields.flag("force", "true: also if something refers to it"),
        dry_run: fields.flag("dry_run", "true: delete nothing, and tell what refers to it"),
    };
    LogsQuery: |fields| Self {
        since: since(fields),
        limit: fields.limit(1_000),
        level: fields.one::<LogLevel, _>(
            "level", "those and above", "debug, info, warn or error", level,
        ),
    };
    MetricsQuery: metrics;
}

impl FromRequest for Wait {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let until = Fields::read(request.query_string(), wait);
        let client = |until: Instant| (until, Client::of(request));
        ready(until.map(|until| Self(until.map(client))))
    }
}

impl DescribeInput for Wait {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.query(&Fields::known(wait));
        endpoint.may_be_early();
    }
}

fn wait(fields: &mut Fields) -> Option<Instant> {
    let what = "hold the answer until what was asked for has come, at most so long";
    let wait = fields.seconds("wait", what, 300.0);
    wait.map(|wait| Instant::now() + wait)
}

fn since(fields: &mut Fields) -> u64 {
    fields.integer("since", "after this `seq`", 0..=MAX_INTEGER, 0)
}

/// The name of a type of durable event, as it stands in a query.
struct Durable;

impl JsonSchema for Durable {
    fn schema_name() -> Cow<'static, str> {
        "DurableEventType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": EventType::DURABLE.map(EventType::as_str)})
    }
}

/// Types of durable events; the names of other frames are none.
fn types(fields: &mut Fields) -> Vec<&'static str> {
    let expected = EventType::DURABLE.map(EventType::as_str).join(", ");
    let known = |word: &str| {
        let names = EventType::DURABLE.map(EventType::as_str);
        names.into_iter().find(|name| *name == word)
    };
    let expected = format!("types of events ({expected})");
    let mut types = fields.several::<Durable, _>("type", "those types alone", &expected, known);
    types.sort_unstable();
    types.dedup();
    types
}

fn metrics(fields: &mut Fields) -> MetricsQuery {
    let any = |name: &str| Some(name.to_owned());
    let names = fields.several::<Word, _>("name", "those alone", "names of metrics", any);
    let all = 0..=MAX_INTEGER;
    let from = fields.integer("from_step", "from this step on", all.clone(), 0);
    let to = fields.integer("to_step", "up to this step", all, MAX_INTEGER);
    let most = "a name; the lowest and highest of equal ranges of steps are kept";
    MetricsQuery(MetricRange {
        names,
        steps: from..=to,
        max_points: fields.up_to("max_points", most, 100_000, 10_000),
    })
}

fn bars(fields: &mut Fields) -> BarsQuery {
    let expected = "an RFC 3339 time (2004-08-19T13:30:00Z) or a date (2004-08-19)";
    BarsQuery(Range {
        start: fields.one::<Edge, _>("start", "not before it", expected, |text| {
            time(text, "T00:00:00.000Z")
        }),
        end: fields.one::<Edge, _>("end", "not after it", expected, |text| {
            time(text, "T23:59:59.999Z")
        }),
        limit: fields.up_to("limit", "at most so many", 10_000, 1_000),
    })
}

/// A time, or a date's `edge`: a range of days has the whole of its last one.
fn time(text: &str, edge: &str) -> Option<Timestamp> {
    // In a query an unescaped `+` arrives as a space.
    [text, &text.replace(' ', "+"), &format!("{text}{edge}")]
        .iter()
        .find_map(|text| text.parse().ok())
}

fn list(fields: &mut Fields) -> ListQuery {
    let status =
        "pending, running, cancelling, pausing, paused, completed, failed, cancelled or scheduled";
    let any = |kind: &str| Some(kind.to_owned());
    let query = Query::default()
        .statuses(
            fields.several::<StatusFilter, _>("status", "one of these", status, |word| {
                StatusFilter::from_str(word).ok()
            }),
        )
        .kinds(fields.several::<Word, _>("kind", "one of these", "names of kinds", any))
        .active_only(fields.flag("active_only", "true: those that have not ended"))
        .label(fields.one::<Label, _>("label", "has this label", "key:value", label))
        .text(fields.one::<Text, _>(
            "q",
            "an id's end (4 or more characters), a kind, or the start of a label's value",
            "some text",
            // As it is: a label's value may begin or end with a space.
            |text| (!text.is_empty()).then(|| text.to_owned()),
        ))
        .limit(fields.limit(100))
        .before(fields.one::<OperationId, _>(
            "cursor",
            "goes on after a page",
            "the next_cursor of the page before",
            |id| OperationId::from_str(id).ok(),
        ));
    ListQuery(query)
}

/// How values stand in a query, where that is no type of the API.
macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident = $schema:tt;)*) => {$(
        $(#[$doc])*
        struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

shapes! {
    /// One of several by comma.
    Word = {"type": "string", "pattern": "^[^,]*[^,\\s][^,]*$"};
    /// A label's key and value.
    Label = {"type": "string", "pattern": "^[^:]+:"};
    /// Any text that is one.
    Text = {"type": "string", "minLength": 1};
    /// The first or the last moment of a range.
    Edge = {"type": "string", "anyOf": [{"format": "date-time"}, {"format": "date"}]};
}

fn label(pair: &str) -> Option<(String, String)> {
    let (key, value) = pair.split_once(':')?;
    (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
}

fn level(word: &str) -> Option<LogLevel> {
    match word {
        "debug" => Some(LogLevel::Debug),
        "info" => Some(LogLevel::Info),
        "warn" => Some(LogLevel::Warn),
        "error" => Some(LogLevel::Error),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
