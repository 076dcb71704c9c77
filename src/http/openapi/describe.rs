//! What each type that a handler takes or answers says of the route.

use actix_web::web::{Data, Path, Payload};
use actix_web::{HttpRequest, HttpResponse};
use impresario::operation::Operation;
use impresario_api::{
    ForkRequest, OperationId, PruneRequest, StartOptions, StartRequest, VerbRequest,
};
#[cfg(feature = "training")]
use impresario_api::{ModelId, PredictRequest, VerifyRequest};
use schemars::{JsonSchema, SchemaGenerator};

use super::endpoint::{Body, Content, DescribeInput, DescribeOutput, Endpoint};
use crate::domain::market::{ImportName, Timeframe};
use crate::http::answers::Reply;
use crate::http::caller::Caller;
use crate::http::connection::Client;
use crate::http::errors::ApiError;
use crate::http::extract::{DatasetName, Fork, Id, ImportPath, NamedStart, Prune, Reason, Start};
#[cfg(feature = "training")]
use crate::http::extract::{Model, Predict, Verify};
use crate::http::upload::Upload;

macro_rules! all {
    ($($name:ident)*) => {
        impl<$($name: DescribeInput),*> DescribeInput for ($($name,)*) {
            fn describe(_endpoint: &mut Endpoint) {
                $($name::describe(_endpoint);)*
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

impl DescribeInput for HttpRequest {
    fn describe(_: &mut Endpoint) {}
}

impl DescribeInput for Path<String> {
    fn describe(_: &mut Endpoint) {}
}

impl DescribeInput for Client {
    fn describe(_: &mut Endpoint) {}
}

impl DescribeInput for Payload {
    fn describe(_: &mut Endpoint) {}
}

/// What a handler shares with the others: in the end the supervisor and its store.
impl<T: 'static> DescribeInput for Data<T> {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.fails(503, &["SHUTTING_DOWN", "STORE_UNAVAILABLE", "BUSY"]);
    }
}

impl DescribeInput for Caller {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.header(
            "X-Client",
            "what the client calls itself, for `requested_by`: 100 characters of it are kept",
            String::json_schema,
        );
        endpoint.fails(400, &["BAD_REQUEST"]);
    }
}

impl DescribeInput for Id {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.path::<OperationId>("id", "the operation's id");
        endpoint.fails(404, &["OPERATION_NOT_FOUND"]);
    }
}

impl DescribeInput for DatasetName {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.path::<String>("symbol", "the instrument; for / write ~");
        endpoint.path::<Timeframe>("timeframe", "how long a bar lasts");
        endpoint.fails(404, &["DATA_NOT_FOUND"]);
    }
}

/// The name of a file of the import folder.
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct FileName(
    #[schemars(
        length(min = 1, max = 255),
        regex(pattern = r"^[^./\\\x00-\x1f\x7f-\x9f][^/\\\x00-\x1f\x7f-\x9f]*$")
    )]
    String,
);

impl DescribeInput for ImportPath {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.path::<FileName>("name", ImportName::EXPECTED);
        endpoint.fails(400, &["BAD_REQUEST"]);
    }
}

impl DescribeInput for Upload {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.body(Body::File);
    }
}

#[cfg(feature = "training")]
impl DescribeInput for Model {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.path::<ModelId>("id", "the model's id");
        endpoint.fails(404, &["MODEL_NOT_FOUND"]);
    }
}

#[cfg(feature = "training")]
impl DescribeInput for Predict {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.body(Body::Of(SchemaGenerator::subschema_for::<PredictRequest>));
    }
}

#[cfg(feature = "training")]
impl DescribeInput for Verify {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.body(Body::Optional(
            SchemaGenerator::subschema_for::<VerifyRequest>,
        ));
        endpoint.starts();
    }
}

impl DescribeInput for Start {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.body(Body::Start(SchemaGenerator::subschema_for::<StartRequest>));
        endpoint.fails(404, &["KIND_NOT_FOUND"]);
        endpoint.starts();
    }
}

impl DescribeInput for Fork {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.body(Body::Optional(
            SchemaGenerator::subschema_for::<ForkRequest>,
        ));
        endpoint.fails(404, &["KIND_NOT_FOUND"]);
        endpoint.fails(
            409,
            &["NO_CHECKPOINT", "CHECKPOINT_DAMAGED", "CHECKPOINT_FOREIGN"],
        );
        endpoint.fails(503, &["CHECKPOINT_NOT_WRITTEN"]);
        endpoint.starts();
    }
}

impl<K: Operation> DescribeInput for NamedStart<K> {
    fn describe(endpoint: &mut Endpoint) {
        let options = SchemaGenerator::subschema_for::<StartOptions>;
        endpoint.body(Body::Named(K::KIND, options));
        endpoint.starts();
    }
}

impl DescribeInput for Reason {
    fn describe(endpoint: &mut Endpoint) {
        const WRONG: &[&str] = &[
            "ALREADY_ENDED",
            "WRONG_STATE",
            "VERB_NOT_SUPPORTED",
            "STOPPING",
            "NO_CHECKPOINT",
            "DUPLICATE",
        ];
        endpoint.body(Body::Optional(
            SchemaGenerator::subschema_for::<VerbRequest>,
        ));
        endpoint.fails(409, WRONG);
        endpoint.fails(507, &["STORE_FULL"]);
    }
}

impl DescribeInput for Prune {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.body(Body::Of(SchemaGenerator::subschema_for::<PruneRequest>));
    }
}

impl<T: JsonSchema> DescribeOutput for Reply<T> {
    fn describe(endpoint: &mut Endpoint) {
        endpoint.content(Content::Enveloped(SchemaGenerator::subschema_for::<T>));
    }
}

/// Something of its own, whose media type the route has to say.
impl DescribeOutput for HttpResponse {
    fn describe(_: &mut Endpoint) {}
}

impl<R: DescribeOutput> DescribeOutput for Result<R, ApiError> {
    fn describe(endpoint: &mut Endpoint) {
        R::describe(endpoint);
    }
}
