//! The table of routes: what the router serves, and what the API's description tells of it, so that
//! neither can have a route that the other lacks.

use actix_web::dev::RequestHead;
use actix_web::guard::{Guard, GuardContext, fn_guard};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpRequest, Resource, Responder, Route, web};

use super::errors::ApiError;
use super::openapi::{Answers, Endpoint, Takes};

/// Every route, in the order in which they are tried.
#[derive(Default)]
pub(super) struct Table(Vec<Place>);

impl Table {
    /// One more.
    #[must_use]
    pub(super) fn service(mut self, place: Place) -> Self {
        self.0.push(place);
        self
    }

    /// Puts the routes into an app.
    pub(super) fn serve(self, config: &mut web::ServiceConfig) {
        for place in self.0 {
            config.service(place.resource);
        }
    }

    /// What is to be told of each route, by its path.
    pub(super) fn told(self) -> Vec<(&'static str, Vec<Endpoint>)> {
        let told = self.0.into_iter().filter(|place| place.told);
        told.map(|place| (place.path, place.endpoints)).collect()
    }
}

/// A path, and what is there.
pub(super) struct Place {
    path: &'static str,
    endpoints: Vec<Endpoint>,
    resource: Resource,
    /// Whether the description tells of it.
    told: bool,
}

impl Place {
    /// It is for people who look, and no part of the API.
    #[must_use]
    pub(super) fn untold(mut self) -> Self {
        self.told = false;
        self
    }

    /// One more method.
    #[must_use]
    pub(super) fn route(mut self, to: To) -> Self {
        self.endpoints.push(to.endpoint);
        self.resource = self.resource.route(to.route);
        self
    }
}

/// A path and, for the answer to any other method, the methods that it takes.
pub(super) fn at(path: &'static str, allow: &'static str) -> Place {
    let refuse = move |request: HttpRequest| async move {
        Err::<&str, _>(ApiError::method_not_allowed(
            request.method().as_str(),
            allow,
        ))
    };
    Place {
        path,
        endpoints: Vec::new(),
        resource: web::resource(path)
            .guard(spelled_out(path))
            .default_service(web::to(refuse)),
        told: true,
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

/// A method on its way to a handler.
pub(super) struct To {
    endpoint: Endpoint,
    route: Route,
}

/// GET, and HEAD by the same handler: the body is left out on the wire.
pub(super) fn get() -> To {
    let reads = |head: &RequestHead| matches!(head.method, Method::GET | Method::HEAD);
    let guard = fn_guard(move |context: &GuardContext<'_>| reads(context.head()));
    To {
        endpoint: Endpoint::new("get"),
        route: web::route().guard(guard),
    }
}

/// POST.
pub(super) fn post() -> To {
    To {
        endpoint: Endpoint::new("post"),
        route: web::post(),
    }
}

/// DELETE.
pub(super) fn delete() -> To {
    To {
        endpoint: Endpoint::new("delete"),
        route: web::delete(),
    }
}

impl To {
    /// The handler; what it takes and answers is known from its types.
    #[must_use]
    pub(super) fn to<F, Args>(mut self, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + Takes + 'static,
        F::Output: Responder + Answers + 'static,
    {
        Args::tell(&mut self.endpoint);
        F::Output::tell(&mut self.endpoint);
        self.route = self.route.to(handler);
        self
    }

    /// What it does, in a line.
    #[must_use]
    pub(super) fn says(mut self, summary: &'static str) -> Self {
        self.endpoint.says(summary);
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
    pub(super) fn switches(mut self) -> Self {
        self.endpoint.switches();
        self
    }

    /// The media type of an answer without an envelope.
    #[must_use]
    pub(super) fn gives(mut self, media: &'static str) -> Self {
        self.endpoint.gives(media);
        self
    }
}
