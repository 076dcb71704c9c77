//! What was asked after the `?`. A field that the route does not know is refused, and every
//! fault is told.

use std::future::{Ready, ready};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use impresario::store::Query;
use impresario_api::{Fault, LogLevel, MAX_INTEGER, OperationId, Status, Timestamp};

use super::errors::ApiError;
use crate::services::Range;

/// Until when a caller of a start or of a verb waits.
pub(super) struct Wait(Option<Instant>);

impl Wait {
    /// What is left of the time; `None` when the caller does not wait.
    pub(super) fn left(&self) -> Option<Duration> {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        self.0.map(left)
    }
}

/// Nothing may be asked.
pub(super) struct NoQuery;

/// Which operations.
pub(super) struct ListQuery(pub(super) Query);

/// Which events.
pub(super) struct EventsQuery {
    pub(super) since: u64,
    pub(super) limit: usize,
    pub(super) wait: Option<Duration>,
}

/// Which log lines.
pub(super) struct LogsQuery {
    pub(super) since: u64,
    pub(super) limit: usize,
    pub(super) level: Option<LogLevel>,
}

/// Which points.
pub(super) struct MetricsQuery {
    pub(super) names: Vec<String>,
    pub(super) from_step: u64,
    pub(super) max_points: usize,
}

/// Which bars of a dataset.
pub(super) struct BarsQuery(pub(super) Range);

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
    )*};
}

from_query! {
    NoQuery: |_| Self;
    Wait: |fields| Self(fields.seconds("wait", 300.0).map(|wait| Instant::now() + wait));
    ListQuery: list;
    EventsQuery: |fields| Self {
        since: fields.integer("since", 0..=MAX_INTEGER).unwrap_or(0),
        limit: fields.limit(1_000),
        wait: fields.seconds("wait", 30.0),
    };
    BarsQuery: bars;
    LogsQuery: |fields| Self {
        since: fields.integer("since", 0..=MAX_INTEGER).unwrap_or(0),
        limit: fields.limit(1_000),
        level: fields.one("level", "debug, info, warn or error", level),
    };
    MetricsQuery: |fields| Self {
        names: fields.several("name", "names of metrics", |name| Some(name.to_owned())),
        from_step: fields.integer("from_step", 0..=MAX_INTEGER).unwrap_or(0),
        max_points: fields.up_to("max_points", 100_000).unwrap_or(10_000),
    };
}

fn bars(fields: &mut Fields) -> BarsQuery {
    let expected = "an RFC 3339 time (2004-08-19T13:30:00Z) or a date (2004-08-19)";
    BarsQuery(Range {
        start: fields.one("start", expected, |text| time(text, "T00:00:00.000Z")),
        end: fields.one("end", expected, |text| time(text, "T23:59:59.999Z")),
        limit: fields.up_to("limit", 10_000).unwrap_or(1_000),
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
    let status = "pending, running, cancelling, pausing, paused, completed, failed or cancelled";
    ListQuery(Query {
        statuses: fields.several("status", status, |word| Status::from_str(word).ok()),
        kinds: fields.several("kind", "names of kinds", |kind| Some(kind.to_owned())),
        active_only: fields
            .one("active_only", "true or false", |word| word.parse().ok())
            .unwrap_or(false),
        label: fields.one("label", "key:value", |pair| {
            let (key, value) = pair.split_once(':')?;
            (!key.is_empty()).then(|| (key.to_owned(), value.to_owned()))
        }),
        text: fields.one("q", "some text", |text| {
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        }),
        limit: fields.limit(100),
        before: fields.one("cursor", "the next_cursor of the page before", |id| {
            OperationId::from_str(id).ok()
        }),
    })
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

/// The fields that are left to be taken, and what was wrong with those that were.
#[derive(Default)]
struct Fields {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

impl Fields {
    fn read<T>(query: &str, build: fn(&mut Self) -> T) -> Result<T, ApiError> {
        let mut fields = Self::default();
        if !query.is_empty() {
            match web::Query::<Vec<(String, String)>>::from_query(query) {
                Ok(pairs) => fields.pairs = pairs.into_inner(),
                Err(error) => fields.fault("", "a query such as a=1&b=2", &error.to_string()),
            }
        }
        let built = build(&mut fields);
        for (name, value) in std::mem::take(&mut fields.pairs) {
            let expected = match fields.known.as_slice() {
                [] => "no query on this route".to_owned(),
                known if known.contains(&name.as_str()) => "it once".to_owned(),
                known => format!("a known field ({})", known.join(", ")),
            };
            fields.fault(&name, &expected, &value);
        }
        if fields.faults.is_empty() {
            Ok(built)
        } else {
            Err(ApiError::bad_request(&fields.faults))
        }
    }

    fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let place = self.pairs.iter().position(|(one, _)| one == name)?;
        Some(self.pairs.remove(place).1)
    }

    fn fault(&mut self, path: &str, expected: &str, got: &str) {
        let got = format!("\"{}\"", got.chars().take(60).collect::<String>());
        self.faults.push(Fault {
            path: path.to_owned(),
            expected: expected.to_owned(),
            got,
        });
    }

    fn one<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.take(name)?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.fault(name, expected, &text);
        }
        parsed
    }

    fn several<T>(
        &mut self,
        name: &'static str,
        expected: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let Some(text) = self.take(name) else {
            return Vec::new();
        };
        let parse = |word: &str| if word.is_empty() { None } else { parse(word) };
        let parsed: Option<Vec<T>> = text.split(',').map(|word| parse(word.trim())).collect();
        parsed.unwrap_or_else(|| {
            self.fault(name, &format!("{expected}, several by comma"), &text);
            Vec::new()
        })
    }

    fn integer(&mut self, name: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.take(name)?;
        let parsed = text.parse().ok().filter(|value| range.contains(value));
        if parsed.is_none() {
            self.fault(
                name,
                &format!("an integer from {} to {}", range.start(), range.end()),
                &text,
            );
        }
        parsed
    }

    fn limit(&mut self, default: usize) -> usize {
        self.up_to("limit", 1_000).unwrap_or(default)
    }

    fn up_to(&mut self, name: &'static str, most: u64) -> Option<usize> {
        self.integer(name, 1..=most).map(|value| value as usize)
    }

    fn seconds(&mut self, name: &'static str, most: f64) -> Option<Duration> {
        let text = self.take(name)?;
        let parsed = text
            .parse()
            .ok()
            .filter(|seconds| (0.0..=most).contains(seconds));
        if parsed.is_none() {
            self.fault(name, &format!("seconds from 0 to {most}"), &text);
        }
        parsed.map(Duration::from_secs_f64)
    }
}

#[cfg(test)]
mod tests;
