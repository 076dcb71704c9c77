//! The table of routes: what the router serves, and what the API's description says of it, so that
//! neither can have a route that the other lacks.

use actix_web::dev::RequestHead;
use actix_web::guard::{Guard, GuardContext, fn_guard};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, Route, web};

use super::errors::ApiError;
use super::openapi::{DescribeInput, DescribeOutput, Endpoint};

/// Every route, in the order in which they are tried.
#[derive(Default)]
pub(super) struct Table(Vec<PathItem>);

impl Table {
    /// Adds a path.
    #[must_use]
    pub(super) fn service(mut self, item: PathItem) -> Self {
        self.0.push(item);
        self
    }

    /// Puts the routes into an app.
    pub(super) fn serve(self, config: &mut web::ServiceConfig) {
        for item in self.0 {
            config.service(item.resource);
        }
    }

    /// The methods of every path that the API's description shows.
    pub(super) fn described(self) -> Vec<(&'static str, Vec<Endpoint>)> {
        let shown = self.0.into_iter().filter(|item| !item.hidden);
        shown.map(|item| (item.path, item.endpoints)).collect()
    }
}

/// A path with its methods.
pub(super) struct PathItem {
    path: &'static str,
    endpoints: Vec<Endpoint>,
    resource: Resource,
    /// Whether the description leaves it out.
    hidden: bool,
}

impl PathItem {
    /// The path is for browsers and no part of the API, so the description leaves it out.
    #[must_use]
    pub(super) fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Adds a method.
    #[must_use]
    pub(super) fn route(mut self, method: MethodRoute) -> Self {
        self.endpoints.push(method.endpoint);
        self.resource = self.resource.route(method.route);
        self
    }
}

/// A path and, for the answer to any other method, the methods that it takes.
pub(super) fn at(path: &'static str, allow: &'static str) -> PathItem {
    let refuse = move |request: HttpRequest| async move {
        Err::<&str, _>(ApiError::method_not_allowed(
            request.method().as_str(),
            allow,
        ))
    };
    PathItem {
        path,
        endpoints: Vec::new(),
        resource: web::resource(path)
            .guard(spelled_out(path))
            .default_service(web::to(refuse)),
        hidden: false,
    }
}

/// Whether the fixed parts of a path were sent as they are written here. The router compares the
/// decoded path and the guards the one that was sent: both must mean the same route, so
/// `/api/v1/w%73` is none.
fn spelled_out(path: &'static str) -> impl Guard {
    fn_guard(move |context: &GuardContext<'_>| {
        let sent = context.head().uri.path();
        let mut parts = sent.split('/');
        let is_sent = |part: &str| parts.next() == Some(part) || part.starts_with('{');
        !sent.contains('%') || path.split('/').all(is_sent)
    })
}

/// A method of a path, its handler and its description.
pub(super) struct MethodRoute {
    endpoint: Endpoint,
    route: Route,
}

/// GET, and HEAD by the same handler: the body is left out on the wire.
pub(super) fn get() -> MethodRoute {
    let reads = |head: &RequestHead| matches!(head.method, Method::GET | Method::HEAD);
    let guard = fn_guard(move |context: &GuardContext<'_>| reads(context.head()));
    MethodRoute {
        endpoint: Endpoint::new("get"),
        route: web::route().guard(guard),
    }
}

/// POST.
pub(super) fn post() -> MethodRoute {
    MethodRoute {
        endpoint: Endpoint::new("post"),
        route: web::post(),
    }
}

/// PUT.
pub(super) fn put() -> MethodRoute {
    MethodRoute {
        endpoint: Endpoint::new("put"),
        route: web::put(),
    }
}

/// DELETE.
pub(super) fn delete() -> MethodRoute {
    MethodRoute {
        endpoint: Endpoint::new("delete"),
        route: web::delete(),
    }
}

impl MethodRoute {
    /// The handler; what it takes and answers is known from its types.
    #[must_use]
    pub(super) fn to<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + DescribeInput + 'static,
        F::Output: Responder + DescribeOutput + 'static,
    {
        Args::describe(&mut self.endpoint);
        F::Output::describe(&mut self.endpoint);
        self.route = self.route.to(handler);
        self
    }

    /// What it does, in a line.
    #[must_use]
    pub(super) fn summary(mut self, summary: &'static str) -> Self {
        self.endpoint.summary(summary);
        self
    }

    /// What else can go wrong: a status, and the codes of its error.
    #[must_use]
    pub(super) fn fails(mut self, status: u16, codes: &[&'static str]) -> Self {
        self.endpoint.fails(status, codes);
        self
    }

    /// It may make a new operation, with all that can go wrong then.
    #[must_use]
    pub(super) fn starts(mut self) -> Self {
        self.endpoint.starts();
        self
    }

    /// It answers by another protocol.
    #[must_use]
    pub(super) fn upgrades(mut self) -> Self {
        self.endpoint.upgrades();
        self
    }

    /// The media type of an answer without an envelope.
    #[must_use]
    pub(super) fn media_type(mut self, media: &'static str) -> Self {
        self.endpoint.media_type(media);
        self
    }
}
