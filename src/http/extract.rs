//! What was sent in the path and in the body.

mod fields;

use std::fmt;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::web::{BytesMut, Data};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use impresario::operation::Operation;
use impresario_api::json::{self, Unreadable};
use impresario_api::{
    CheckpointChoice, Faults, OperationId, PruneRequest, StartOptions, VerbRequest,
    symbol_from_path, whole_numbers,
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::connection::{Connection, Share, UNCOUNTED};
use super::errors::ApiError;
use super::guards::Guards;
use super::state::App;
use crate::domain::market::ImportName;
#[cfg(feature = "training")]
use fields::PREDICT;
#[cfg(feature = "training")]
use fields::VERIFY;
use fields::{FORK, Field, OPTIONS, PRUNE, START, VERB, faults, not_an_object};

/// A body of more bytes is worked on off the worker: what takes less than a tenth of a millisecond is
/// not worth the way there.
const LARGE_BODY: usize = UNCOUNTED;

/// The id in the path.
#[derive(Clone, Copy)]
pub(super) struct Id(pub(super) OperationId);

impl FromRequest for Id {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id(request, ApiError::operation_not_found).map(Self))
    }
}

/// The id in the path; a malformed one is the id of nothing.
fn id<T: FromStr>(request: &HttpRequest, missing: fn(&str) -> ApiError) -> Result<T, ApiError> {
    let text = request.match_info().query("id");
    text.parse().map_err(|_| missing(text))
}

/// The dataset in the path, unchecked: a name that cannot be is the name of nothing.
#[derive(Clone)]
pub(super) struct DatasetName {
    pub(super) symbol: String,
    pub(super) timeframe: String,
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.symbol, self.timeframe)
    }
}

impl FromRequest for DatasetName {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self {
            symbol: symbol_from_path(&path_part(request, "symbol")),
            timeframe: path_part(request, "timeframe"),
        }))
    }
}

/// The name of a file of the import folder in the path.
pub(super) struct ImportPath(pub(super) ImportName);

impl FromRequest for ImportPath {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The router leaves some characters encoded, and a name may have any of them.
        let sent = request.uri().path().rsplit('/').next().unwrap_or_default();
        let name = percent_decode_str(sent).decode_utf8().ok();
        let name = name.and_then(|name| ImportName::new(&name));
        let fault = || Faults::one("name", ImportName::EXPECTED, &format!("{sent:?}"));
        ready(name.map(Self).ok_or_else(|| ApiError::bad_path(&fault())))
    }
}

/// A part of the path, decoded: the router has left `%25`, `%2B` and `%2F` as they were sent.
fn path_part(request: &HttpRequest, name: &str) -> String {
    let part = request.match_info().query(name);
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// The model's id in the path.
#[cfg(feature = "training")]
#[derive(Clone, Copy)]
pub(super) struct Model(pub(super) impresario_api::ModelId);

#[cfg(feature = "training")]
impl FromRequest for Model {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(id(request, ApiError::model_not_found).map(Self))
    }
}

/// `POST /api/v1/models/{id}/predict`: the bars.
#[cfg(feature = "training")]
pub(super) struct Predict(pub(super) Vec<impresario_api::Bar>);

#[cfg(feature = "training")]
impl FromRequest for Predict {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        whole(request, payload, |body| {
            match parse::<impresario_api::PredictRequest>(body, PREDICT) {
                Ok(request) => Ok(Self(request.bars)),
                Err(error) => {
                    Err(fields::bar_faults(body)
                        .map_or(error, |faults| ApiError::bad_request(&faults)))
                }
            }
        })
    }
}

/// `POST /api/v1/models/{id}/verify`: the options, if there is a body at all.
#[cfg(feature = "training")]
pub(super) struct Verify(pub(super) StartOptions);

#[cfg(feature = "training")]
impl FromRequest for Verify {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct VerifyBody {
            options: Option<Map<String, Value>>,
        }
        whole(request, payload, |body| {
            if body.is_empty() {
                return Ok(Self(StartOptions::default()));
            }
            Ok(Self(options(parse::<VerifyBody>(body, VERIFY)?.options)?))
        })
    }
}

/// A start by the kind's name.
pub(super) struct Start {
    /// The kind.
    pub(super) kind: String,
    /// Unchecked; no params are an empty object.
    pub(super) params: Value,
    /// The options, each of its type.
    pub(super) options: StartOptions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StartBody {
    kind: String,
    #[serde(default)]
    params: Value,
    options: Option<Map<String, Value>>,
}

/// `POST /api/v1/operations/{id}/fork`.
pub(super) struct Fork {
    /// From which checkpoint.
    pub(super) checkpoint: CheckpointChoice,
    /// The params that change, unchecked.
    pub(super) params: Map<String, Value>,
    /// The options, each of its type.
    pub(super) options: StartOptions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ForkBody {
    #[serde(default)]
    checkpoint: CheckpointChoice,
    params: Option<Map<String, Value>>,
    options: Option<Map<String, Value>>,
}

/// A start of one kind: its params flat, `options` beside them.
pub(super) struct NamedStart<K: Operation> {
    /// The params, unchecked.
    pub(super) params: Value,
    /// The options, each of its type.
    pub(super) options: StartOptions,
    kind: PhantomData<K>,
}

/// Why a verb is asked; the whole body may be missing.
pub(super) struct Reason(pub(super) Option<String>);

/// `POST /api/v1/operations/prune`.
pub(super) struct Prune(pub(super) PruneRequest);

impl FromRequest for Start {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        whole(request, payload, |body| {
            let body: StartBody = parse(body, START)?;
            let params = if body.params.is_null() {
                Value::Object(Map::new())
            } else {
                body.params
            };
            Ok(Self {
                kind: body.kind,
                params,
                options: options(body.options)?,
            })
        })
    }
}

impl FromRequest for Fork {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        whole(request, payload, |body| {
            let body = if body.is_empty() { b"{}" } else { body };
            let body: ForkBody = parse(body, FORK)?;
            Ok(Self {
                checkpoint: body.checkpoint,
                params: body.params.unwrap_or_default(),
                options: options(body.options)?,
            })
        })
    }
}

impl<K: Operation> FromRequest for NamedStart<K> {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        whole(request, payload, |body| {
            let mut params: Map<String, Value> = parse(body, &[])?;
            let options = match params.remove("options") {
                None | Some(Value::Null) => StartOptions::default(),
                Some(Value::Object(given)) => options(Some(given))?,
                Some(other) => {
                    let mut faults = Faults::default();
                    not_an_object("options", &other, &mut faults);
                    return Err(ApiError::bad_request(&faults));
                }
            };
            Ok(Self {
                params: Value::Object(params),
                options,
                kind: PhantomData,
            })
        })
    }
}

impl FromRequest for Reason {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        whole(request, payload, |body| {
            if body.is_empty() {
                return Ok(Self(None));
            }
            Ok(Self(parse::<VerbRequest>(body, VERB)?.reason))
        })
    }
}

impl FromRequest for Prune {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        whole(request, payload, |body| {
            // The range is in the table too, so a negative age is told like any other fault.
            let prune: PruneRequest = parse(body, PRUNE)?;
            if fields::is_age(prune.older_than_seconds) {
                Ok(Self(prune))
            } else {
                Err(explain(body, PRUNE, ""))
            }
        })
    }
}

/// Reads a body and makes something of it. A large one takes longer than other requests should wait:
/// it is worked on elsewhere.
fn whole<T: Send + 'static>(
    request: &HttpRequest,
    payload: &mut Payload,
    make: impl FnOnce(&[u8]) -> Result<T, ApiError> + Send + 'static,
) -> LocalBoxFuture<'static, Result<T, ApiError>> {
    let read = read(request, payload.take());
    let app = request.app_data::<Data<App>>().cloned();
    Box::pin(async move {
        let (body, held) = read.await?;
        match app {
            Some(app) if body.len() > LARGE_BODY => {
                let work = || async move {
                    let made = make(&body);
                    drop((body, held));
                    made
                };
                app.orchestrator.bulk(work).await?
            }
            _ => make(&body),
        }
    })
}

/// Reads a body up to its limit. What is over is read on for a while and dropped: a client that
/// is still sending would see a broken connection instead of the answer.
fn read(
    request: &HttpRequest,
    mut payload: Payload,
) -> impl Future<Output = Result<(BytesMut, Option<Share>), ApiError>> + use<> {
    let limit = request
        .app_data::<Data<Guards>>()
        .map_or(1 << 20, |guards| guards.body_limit);
    let connection = Connection::of(request);
    let app = request.app_data::<Data<App>>().cloned();
    async move {
        let (mut body, mut seen) = (BytesMut::new(), 0_usize);
        let (mut held, mut is_refused) = (None::<Share>, false);
        loop {
            // Whoever sends nothing of it for a while is not waited for.
            connection.as_ref().inspect(|one| one.reads_body());
            let Some(chunk) = payload.next().await else {
                break;
            };
            let chunk = chunk
                .map_err(|error| ApiError::bad_json(format_args!("the body broke off: {error}")))?;
            seen = seen.saturating_add(chunk.len());
            if seen <= limit && !is_refused {
                // What is under the limit of all bodies is taken as it comes, the first of it with the rest.
                let more = match &held {
                    Some(_) => chunk.len(),
                    None => seen,
                };
                if seen > UNCOUNTED
                    && let Some(app) = &app
                {
                    held = app.connections().body(held, more);
                    if held.is_none() {
                        is_refused = true;
                        body = BytesMut::new();
                        continue;
                    }
                }
                body.extend_from_slice(&chunk);
            } else if seen > limit.saturating_mul(4) {
                break;
            }
        }
        connection.as_ref().inspect(|one| one.works());
        if seen > limit {
            Err(ApiError::body_too_large(limit))
        } else if is_refused {
            Err(ApiError::bodies_wait())
        } else {
            Ok((body, held))
        }
    }
}

impl From<Unreadable> for ApiError {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::NotJson(error) => Self::bad_json(error),
            Unreadable::FieldTwice(path) => {
                Self::bad_request(&Faults::one(&path, "each field once", "it twice"))
            }
        }
    }
}

/// Only when serde finds something wrong is the body looked at field by field, so that every fault is
/// told.
fn parse<T: DeserializeOwned>(body: &[u8], table: &[Field]) -> Result<T, ApiError> {
    match json::read(body)? {
        object @ Value::Object(_) => {
            serde_json::from_value(object).map_err(|error| explain(body, table, &error.to_string()))
        }
        // serde would take an array for a struct too.
        other => {
            let mut found = Faults::default();
            not_an_object("", &other, &mut found);
            Err(ApiError::bad_request(&found))
        }
    }
}

fn explain(body: &[u8], table: &[Field], otherwise: &str) -> ApiError {
    match serde_json::from_slice(body) {
        Ok(object) => ApiError::bad_request(&faults("", &object, table, otherwise)),
        Err(error) => ApiError::bad_json(error),
    }
}

fn options(given: Option<Map<String, Value>>) -> Result<StartOptions, ApiError> {
    let Some(mut given) = given else {
        return Ok(StartOptions::default());
    };
    given.values_mut().for_each(whole_numbers);
    let parsed = StartOptions::deserialize(&given);
    let explain =
        |error: serde_json::Error| faults("options.", &given, OPTIONS, &error.to_string());
    parsed.map_err(|error| ApiError::bad_request(&explain(error)))
}

#[cfg(test)]
mod tests;
