//! Against web pages that make a visitor's browser talk to this machine.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::ApiError;

/// Which names the server answers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any: requests carry tokens, which a foreign page does not have.
    #[default]
    Any,
    /// The loopback's own names with this port. A page of another site whose name was made to
    /// point to this machine (DNS rebinding) sends its own name and is refused.
    Loopback {
        /// The port listened on.
        port: u16,
    },
}

impl Hosts {
    fn check(self, headers: &HeaderMap) -> Result<(), ApiError> {
        let Hosts::Loopback { port } = self else { return Ok(()) };
        let mut hosts = headers.get_all(HOST).iter();
        if let (Some(host), None) = (hosts.next(), hosts.next())
            && is_own_name(host, port)
        {
            return Ok(());
        }
        Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "host_not_allowed",
            "the Host header is not a name of this machine's loopback with the right port",
        )
        .hint(format!("ask http://127.0.0.1:{port}, or configure tokens to allow other names")))
    }
}

fn is_own_name(host: &HeaderValue, port: u16) -> bool {
    let host = host.as_bytes().to_ascii_lowercase();
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        let rest = host.strip_prefix(name.as_bytes());
        rest.is_some_and(|rest| {
            rest == format!(":{port}").as_bytes() || (rest.is_empty() && [80, 443].contains(&port))
        })
    })
}

/// A page of another site may not change anything here. Programs send no `Origin`.
fn check_origin(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.as_bytes();
        let own = [&b"http://"[..], b"https://"]
            .iter()
            .find_map(|scheme| origin.strip_prefix(*scheme))
            .zip(host)
            .is_some_and(|(origin, host)| origin.eq_ignore_ascii_case(host));
        if !own {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "cross_origin",
                "requests from pages of other sites are refused",
            )
            .hint("send the request from a program, or from a page of this server"));
        }
    }
    Ok(())
}

/// The middleware.
pub(crate) async fn guard(
    State(hosts): State<Hosts>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    hosts.check(request.headers())?;
    check_origin(request.method(), request.headers())?;
    Ok(next.run(request).await)
}
