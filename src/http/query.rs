//! What was asked after the `?`. A field that the route does not know is refused, and every
//! fault is told.

use std::future::{Ready, ready};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use impresario::store::Query;
use impresario_api::{Fault, LogLevel, MAX_INTEGER, OperationId, Status};

use super::errors::ApiError;

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
    LogsQuery: |fields| Self {
        since: fields.integer("since", 0..=MAX_INTEGER).unwrap_or(0),
        limit: fields.limit(1_000),
        level: fields.one("level", "debug, info, warn or error", level),
    };
    MetricsQuery: |fields| Self {
        names: fields.several("name", "names of metrics", |name| Some(name.to_owned())),
        from_step: fields.integer("from_step", 0..=MAX_INTEGER).unwrap_or(0),
        max_points: fields.integer("max_points", 1..=100_000).map_or(10_000, |most| most as usize),
    };
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
        self.integer("limit", 1..=1_000)
            .map_or(default, |limit| limit as usize)
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
mod tests {
    use super::*;

    fn told<T>(query: &str, build: fn(&mut Fields) -> T) -> String {
        Fields::read(query, build)
            .err()
            .map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_list_takes_every_filter() {
        let query = "status=pending,paused&kind=dummy&active_only=true&label=a:b:c&q=ab%20&limit=7&cursor=op_0000000000007";
        let Ok(ListQuery(query)) = Fields::read(query, list) else {
            panic!("all of it is known")
        };
        assert_eq!(query.statuses, [Status::Pending, Status::Paused]);
        assert_eq!(query.kinds, ["dummy"]);
        assert!(query.active_only);
        assert_eq!(query.label, Some(("a".to_owned(), "b:c".to_owned())));
        assert_eq!(query.text.as_deref(), Some("ab"));
        assert_eq!(
            (query.limit, query.before),
            (7, Some(OperationId::from_u64(7)))
        );
    }

    #[test]
    fn every_fault_of_a_query_is_told() {
        let text = told(
            "status=done&limit=0&active_only=maybe&label=x&cursor=1&colour=red&limit=3",
            list,
        );
        for part in [
            "status:",
            "limit: expected an integer from 1 to 1000",
            "active_only:",
            "label:",
            "cursor:",
            "colour: expected a known field",
            "limit: expected it once",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn waiting_is_a_number_of_seconds() {
        let wait = |query: &str| {
            Fields::read(query, |fields| fields.seconds("wait", 300.0))
                .ok()
                .flatten()
        };
        assert_eq!(wait("wait=0.25"), Some(Duration::from_millis(250)));
        assert_eq!(wait("wait=0"), Some(Duration::ZERO));
        for bad in [
            "wait=",
            "wait=-1",
            "wait=301",
            "wait=NaN",
            "wait=inf",
            "wait=soon",
            "wait=1&wait=2",
        ] {
            assert!(
                !told(bad, |fields| fields.seconds("wait", 300.0)).is_empty(),
                "{bad}"
            );
        }
        assert!(told("x=1", |_| ()).contains("no query on this route"));
    }
}
