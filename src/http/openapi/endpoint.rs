//! What one method of one path takes and answers.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// What makes a type's schema, with what it refers to left in the generator.
pub(super) type MakeSchema = fn(&mut SchemaGenerator) -> Schema;

/// A field that a route takes.
#[derive(Clone, Copy)]
pub(in crate::http) struct Known {
    /// Its name.
    pub(in crate::http) name: &'static str,
    /// What the field asks for.
    pub(in crate::http) what: &'static str,
    /// What the field may be.
    pub(in crate::http) shape: Shape,
}

/// What a field may be.
#[derive(Clone, Copy)]
pub(in crate::http) enum Shape {
    /// A value of this type.
    One(fn(&mut SchemaGenerator) -> Schema),
    /// Several, by comma.
    Several(fn(&mut SchemaGenerator) -> Schema),
    /// An integer in a range.
    Integer {
        /// The lowest value.
        least: u64,
        /// The highest value.
        most: u64,
        /// The value when the field is left out.
        default: u64,
    },
    /// Seconds, from 0 to this.
    Seconds(f64),
}

/// Where a parameter stands: in the path, the query or a header.
#[derive(Clone, Copy)]
pub(super) enum Location {
    Path,
    Query,
    Header,
}

pub(super) struct Parameter {
    pub(super) location: Location,
    pub(super) of: Known,
}

/// What is sent.
pub(super) enum Body {
    /// A body of a type's own.
    Of(MakeSchema),
    /// The same, or none.
    Optional(MakeSchema),
    /// A file of any media type.
    File,
    /// A start of any kind.
    Start(MakeSchema),
    /// A start of this kind: its params flat, options beside them.
    Named(&'static str, MakeSchema),
}

/// The body of a successful answer.
pub(super) enum Content {
    /// Data in the envelope.
    Enveloped(MakeSchema),
    /// A body without an envelope, of this media type.
    Plain(&'static str),
}

/// One method of one path.
pub(in crate::http) struct Endpoint {
    pub(super) method: &'static str,
    pub(super) summary: &'static str,
    pub(super) parameters: Vec<Parameter>,
    pub(super) body: Option<Body>,
    pub(super) content: Content,
    /// Whether it may answer 202, before what was asked for has come.
    pub(super) early: bool,
    /// By status the codes of the error.
    pub(super) failures: BTreeMap<u16, Vec<&'static str>>,
    /// Whether 422 may carry a code of a kind's own.
    pub(super) refusals: bool,
    /// Whether another protocol goes on from here.
    pub(super) upgrades: bool,
}

impl Endpoint {
    pub(in crate::http) fn new(method: &'static str) -> Self {
        let mut new = Self {
            method,
            summary: "",
            parameters: Vec::new(),
            body: None,
            content: Content::Plain("application/octet-stream"),
            early: false,
            failures: BTreeMap::new(),
            refusals: false,
            upgrades: false,
        };
        // A read is refused to a foreign page if it asks for another protocol.
        new.fails(403, &["FORBIDDEN_HOST", "FORBIDDEN_ORIGIN"]);
        new.fails(429, &["TOO_MANY_CONNECTIONS"]);
        new.fails(500, &["INTERNAL"]);
        if method != "get" {
            new.fails(415, &["UNSUPPORTED_MEDIA_TYPE"]);
        }
        new
    }

    pub(in crate::http) const fn summary(&mut self, summary: &'static str) {
        self.summary = summary;
    }

    /// Another protocol goes on from here.
    pub(in crate::http) fn upgrades(&mut self) {
        self.upgrades = true;
        self.fails(400, &["BAD_REQUEST"]);
    }

    pub(in crate::http) const fn media_type(&mut self, media: &'static str) {
        self.content = Content::Plain(media);
    }

    pub(in crate::http) fn fails(&mut self, status: u16, codes: &[&'static str]) {
        let known = self.failures.entry(status).or_default();
        for code in codes {
            if !known.contains(code) {
                known.push(code);
            }
        }
    }

    /// It may make a new operation.
    pub(in crate::http) fn starts(&mut self) {
        let what = "the same key with the same request gives the same operation; 1 to 255 visible ASCII characters";
        self.header("Idempotency-Key", what, |_| {
            json_schema!({"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"})
        });
        self.fails(409, &["DUPLICATE"]);
        self.fails(
            422,
            &[
                "INVALID_PARAMS",
                "IDEMPOTENCY_MISMATCH",
                "ADMISSION_TIMED_OUT",
            ],
        );
        self.fails(429, &["QUEUE_FULL"]);
        self.fails(507, &["STORE_FULL"]);
        self.refusals = true;
    }

    /// It may answer before what was asked for has come.
    pub(in crate::http) const fn may_be_early(&mut self) {
        self.early = true;
    }

    pub(in crate::http) fn query(&mut self, fields: &[Known]) {
        self.fails(400, &["BAD_REQUEST"]);
        let field = |of: &Known| Parameter {
            location: Location::Query,
            of: *of,
        };
        self.parameters.extend(fields.iter().map(field));
    }

    pub(super) fn path<T: JsonSchema>(&mut self, name: &'static str, what: &'static str) {
        let shape = Shape::One(T::json_schema);
        self.parameters.push(Parameter {
            location: Location::Path,
            of: Known { name, what, shape },
        });
    }

    pub(super) fn header(&mut self, name: &'static str, what: &'static str, make: MakeSchema) {
        let shape = Shape::One(make);
        self.parameters.push(Parameter {
            location: Location::Header,
            of: Known { name, what, shape },
        });
    }

    pub(super) fn body(&mut self, body: Body) {
        self.fails(400, &["BAD_REQUEST"]);
        if !matches!(body, Body::File) {
            self.fails(400, &["BAD_JSON"]);
        }
        self.fails(413, &["BODY_TOO_LARGE"]);
        self.body = Some(body);
    }

    pub(super) const fn content(&mut self, content: Content) {
        self.content = content;
    }
}

/// What a handler takes.
pub(in crate::http) trait DescribeInput {
    /// Says what it needs, and how it can be wrong.
    fn describe(endpoint: &mut Endpoint);
}

/// What a handler answers.
pub(in crate::http) trait DescribeOutput {
    /// Says what it is.
    fn describe(endpoint: &mut Endpoint);
}
