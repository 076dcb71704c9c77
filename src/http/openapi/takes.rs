//! What each type that a handler takes or answers says of the route.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use impresario::operation::Operation;
#[cfg(feature = "training")]
use impresario_api::{ModelId, PredictRequest};
use impresario_api::{OperationId, PruneRequest, StartOptions, StartRequest, VerbRequest};
use schemars::{JsonSchema, SchemaGenerator};

use super::Endpoint;
use super::endpoint::{Body, Content};
use crate::http::answers::Reply;
use crate::http::caller::Caller;
use crate::http::connection::Client;
use crate::http::errors::ApiError;
use crate::http::extract::{DatasetName, Id, NamedStart, Prune, Reason, Start};
#[cfg(feature = "training")]
use crate::http::extract::{Model, Predict};

/// What a handler takes.
pub(in crate::http) trait Takes {
    /// Says what it needs, and how it can be wrong.
    fn tell(endpoint: &mut Endpoint);
}

/// What a handler answers.
pub(in crate::http) trait Answers {
    /// Says what it is.
    fn tell(endpoint: &mut Endpoint);
}

macro_rules! all {
    ($($name:ident)*) => {
        impl<$($name: Takes),*> Takes for ($($name,)*) {
            fn tell(_endpoint: &mut Endpoint) {
                $($name::tell(_endpoint);)*
            }
        }
    };
}

all!();
all!(A);
all!(A B);
all!(A B C);
all!(A B C D);
all!(A B C D E);
all!(A B C D E F);

impl Takes for HttpRequest {
    fn tell(_: &mut Endpoint) {}
}

impl Takes for Path<String> {
    fn tell(_: &mut Endpoint) {}
}

impl Takes for Client {
    fn tell(_: &mut Endpoint) {}
}

impl Takes for Payload {
    fn tell(_: &mut Endpoint) {}
}

/// What a handler shares with the others: in the end the supervisor and its store.
impl<T: 'static> Takes for Data<T> {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.fails(503, &["SHUTTING_DOWN", "STORE_UNAVAILABLE", "BUSY"]);
    }
}

impl Takes for Caller {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.header(
            "X-Client",
            "what the client calls itself, for `requested_by`: 100 characters of it are kept",
            String::json_schema,
        );
        endpoint.fails(400, &["BAD_REQUEST"]);
    }
}

impl Takes for Id {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.path::<OperationId>("id", "the operation's id");
        endpoint.fails(404, &["OPERATION_NOT_FOUND"]);
    }
}

impl Takes for DatasetName {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.path::<String>("symbol", "the instrument");
        endpoint.path::<String>("timeframe", "how long a bar lasts");
        endpoint.fails(404, &["DATA_NOT_FOUND"]);
    }
}

#[cfg(feature = "training")]
impl Takes for Model {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.path::<ModelId>("id", "the model's id");
        endpoint.fails(404, &["MODEL_NOT_FOUND"]);
    }
}

#[cfg(feature = "training")]
impl Takes for Predict {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.body(Body::Of(SchemaGenerator::subschema_for::<PredictRequest>));
    }
}

impl Takes for Start {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.body(Body::Start(SchemaGenerator::subschema_for::<StartRequest>));
        endpoint.fails(404, &["KIND_NOT_FOUND"]);
        endpoint.starts();
    }
}

impl<K: Operation> Takes for NamedStart<K> {
    fn tell(endpoint: &mut Endpoint) {
        let options = SchemaGenerator::subschema_for::<StartOptions>;
        endpoint.body(Body::Named(K::KIND, options));
        endpoint.starts();
    }
}

impl Takes for Reason {
    fn tell(endpoint: &mut Endpoint) {
        const WRONG: &[&str] = &[
            "ALREADY_ENDED",
            "WRONG_STATE",
            "VERB_NOT_SUPPORTED",
            "STOPPING",
            "NO_CHECKPOINT",
            "DUPLICATE",
        ];
        endpoint.body(Body::Perhaps(SchemaGenerator::subschema_for::<VerbRequest>));
        endpoint.fails(409, WRONG);
        endpoint.fails(507, &["STORE_FULL"]);
    }
}

impl Takes for Prune {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.body(Body::Of(SchemaGenerator::subschema_for::<PruneRequest>));
    }
}

impl<T: JsonSchema> Answers for Reply<T> {
    fn tell(endpoint: &mut Endpoint) {
        endpoint.content(Content::Enveloped(SchemaGenerator::subschema_for::<T>));
    }
}

/// Something of its own, whose media type the route has to say.
impl Answers for HttpResponse {
    fn tell(_: &mut Endpoint) {}
}

impl<R: Answers> Answers for Result<R, ApiError> {
    fn tell(endpoint: &mut Endpoint) {
        R::tell(endpoint);
    }
}
