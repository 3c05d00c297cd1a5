//! Who may ask what, and how much of it: tokens, names of the service, sites, bodies, requests at a time.
//!
//! All of it is one function around the router, `guard`, so that its order can be read: what costs nothing is looked at
//! first, a body is only read for those who may send one, and only what is whole takes up one of the bounded places. So
//! clients that send slowly keep nobody out.

mod bodies;
mod failures;
mod flight;
mod hosts;
mod origins;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use super::ApiError;
use crate::settings::ServeSettings;
use bodies::Bodies;
use flight::Flight;
pub use hosts::Host;
use hosts::Hosts;
pub use origins::Origin;
use origins::Origins;
use tokens::Tokens;
pub use tokens::{NewToken, Scope, Token};

/// What is answered although everything else is taken up, so that it can be seen that it is.
const ALWAYS: [&str; 2] = ["/health", "/metrics"];

/// Who may ask what, and how much of it.
#[derive(Debug)]
pub struct Access {
    max_uri_bytes: usize,
    hosts: Hosts,
    origins: Origins,
    tokens: Tokens,
    bodies: Bodies,
    flight: Flight,
}

impl Access {
    /// As these settings say.
    pub fn new(settings: &ServeSettings) -> Self {
        let limits = &settings.limits;
        Self {
            max_uri_bytes: limits.max_uri_bytes,
            hosts: Hosts::new(settings.hosts.clone()),
            origins: Origins::new(settings.origins.clone()),
            tokens: Tokens::new(settings.tokens.clone(), limits.max_failed_tokens),
            bodies: Bodies::new(limits.max_body_bytes, limits.body_timeout),
            flight: Flight::new(limits.max_in_flight, limits.request_timeout),
        }
    }

    /// Puts this around all that `router` has by now, what it answers where it has nothing included.
    pub fn around(self, router: Router) -> Router {
        let cors = self.origins.layer();
        // Bodies are bounded here, and by nothing else.
        let router = router.layer(DefaultBodyLimit::disable());
        let router = router.layer(from_fn_with_state(Arc::new(self), guard));
        match cors {
            Some(cors) => router.layer(cors),
            None => router,
        }
    }
}

/// What is answered to who may not ask.
struct Refusal {
    error: ApiError,
    /// What `WWW-Authenticate` says.
    challenge: Option<&'static str>,
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self { error, challenge: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

async fn guard(State(access): State<Arc<Access>>, request: Request, next: Next) -> Result<Response, Refusal> {
    let uri = request.uri();
    if uri.path_and_query().map_or(0, |it| it.as_str().len()) > access.max_uri_bytes {
        return Err(too_long(access.max_uri_bytes).into());
    }
    let host = access.hosts.check(&request)?;
    access.origins.check(request.headers(), &host)?;
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    access.tokens.check(&request, peer)?;
    if ALWAYS.contains(&uri.path()) {
        // Its body is not read; hyper closes the connection if there is one.
        return Ok(next.run(request).await);
    }
    let (request, _held) = access.bodies.read(request).await?;
    Ok(access.flight.run(request, next).await?)
}

fn too_long(most: usize) -> ApiError {
    let detail = format!("the path and query are longer than {most} bytes");
    ApiError::new(StatusCode::URI_TOO_LONG, "too_large", detail)
}

#[cfg(test)]
mod tests;
