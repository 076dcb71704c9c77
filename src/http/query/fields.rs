//! The fields of a query: taken one by one, each by what it may be, so that every fault is told and
//! the API's description knows them all.

use std::ops::RangeInclusive;
use std::time::Duration;

use actix_web::web;
use impresario_api::Faults;
use schemars::JsonSchema;

use crate::http::errors::ApiError;
use crate::http::openapi::{Known, Shape};

/// The longest query; hundreds of names and labels fit.
const MOST_BYTES: usize = 8 * 1024;
/// The most values that a field takes by comma.
pub(in crate::http) const MOST_VALUES: usize = 100;

/// The fields that are left to be taken, and what was wrong with those that were.
#[derive(Default)]
pub(super) struct Fields {
    pairs: Vec<(String, String)>,
    known: Vec<Known>,
    faults: Faults,
}

impl Fields {
    pub(super) fn read<T>(query: &str, build: fn(&mut Self) -> T) -> Result<T, ApiError> {
        let mut fields = Self::default();
        if query.len() > MOST_BYTES {
            let expected = format!("a query of at most {MOST_BYTES} bytes");
            fields.fault("", &expected, &format!("{} bytes", query.len()));
        } else if !query.is_empty() {
            match web::Query::<Vec<(String, String)>>::from_query(query) {
                Ok(pairs) => fields.pairs = pairs.into_inner(),
                Err(error) => fields.fault("", "a query such as a=1&b=2", &error.to_string()),
            }
        }
        let built = build(&mut fields);
        for (name, value) in std::mem::take(&mut fields.pairs) {
            let known: Vec<_> = fields.known.iter().map(|known| known.name).collect();
            let expected = match known.as_slice() {
                [] => "no query on this route".to_owned(),
                known if known.contains(&name.as_str()) => "it once".to_owned(),
                known => format!("a known field ({})", known.join(", ")),
            };
            fields.fault(&name, &expected, &value);
        }
        if fields.faults.is_empty() {
            Ok(built)
        } else {
            Err(ApiError::bad_query(&fields.faults))
        }
    }

    /// What `build` takes.
    pub(super) fn known<T>(build: fn(&mut Self) -> T) -> Vec<Known> {
        let mut fields = Self::default();
        build(&mut fields);
        fields.known
    }

    fn take(&mut self, name: &'static str, what: &'static str, shape: Shape) -> Option<String> {
        self.known.push(Known { name, what, shape });
        let place = self.pairs.iter().position(|(one, _)| one == name)?;
        Some(self.pairs.remove(place).1)
    }

    fn fault(&mut self, path: &str, expected: &str, got: &str) {
        let got: String = got.chars().take(60).collect();
        self.faults.push(path, expected, &format!("\"{got}\""));
    }

    /// One value, which stands as an `S` in the query.
    pub(super) fn one<S: JsonSchema, T>(
        &mut self,
        name: &'static str,
        what: &'static str,
        expected: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.take(name, what, Shape::One(S::json_schema))?;
        let parsed = parse(&text);
        if parsed.is_none() {
            self.fault(name, expected, &text);
        }
        parsed
    }

    /// `true` or `false`; false when it is left out.
    pub(super) fn flag(&mut self, name: &'static str, what: &'static str) -> bool {
        let parse = |word: &str| word.parse().ok();
        self.one::<bool, bool>(name, what, "true or false", parse)
            .unwrap_or(false)
    }

    /// Values by comma, each of which stands as an `S` in the query.
    pub(super) fn several<S: JsonSchema, T>(
        &mut self,
        name: &'static str,
        what: &'static str,
        expected: &str,
        parse: fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let Some(text) = self.take(name, what, Shape::Several(S::json_schema)) else {
            return Vec::new();
        };
        let parse = |word: &str| if word.is_empty() { None } else { parse(word) };
        let words = text.split(',').take(MOST_VALUES + 1);
        let parsed: Option<Vec<T>> = words.map(|word| parse(word.trim())).collect();
        match parsed {
            Some(parsed) if parsed.len() <= MOST_VALUES => parsed,
            _ => {
                let expected = format!("{expected}, at most {MOST_VALUES} by comma");
                self.fault(name, &expected, &text);
                Vec::new()
            }
        }
    }

    pub(super) fn integer(
        &mut self,
        name: &'static str,
        what: &'static str,
        range: RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let (least, most) = (*range.start(), *range.end());
        let shape = Shape::Integer {
            least,
            most,
            default,
        };
        let Some(text) = self.take(name, what, shape) else {
            return default;
        };
        let parsed = text.parse().ok().filter(|value| range.contains(value));
        parsed.unwrap_or_else(|| {
            let expected = format!("an integer from {least} to {most}");
            self.fault(name, &expected, &text);
            default
        })
    }

    /// The length of a page.
    pub(super) fn limit(&mut self, default: u64) -> usize {
        self.up_to("limit", "at most so many", 1_000, default)
    }

    /// A count, at least 1.
    pub(super) fn up_to(
        &mut self,
        name: &'static str,
        what: &'static str,
        most: u64,
        default: u64,
    ) -> usize {
        self.integer(name, what, 1..=most, default) as usize
    }

    pub(super) fn seconds(
        &mut self,
        name: &'static str,
        what: &'static str,
        most: f64,
    ) -> Option<Duration> {
        let text = self.take(name, what, Shape::Seconds(most))?;
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
