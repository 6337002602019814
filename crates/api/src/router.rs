//! All routes, what each of them needs, and what they share.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use quell_worker::service::Service;
use quell_worker::views::Views;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::{Access, Scope};
use crate::error::ApiError;
use crate::guard::{Hosts, guard};
use crate::health::Watched;
use crate::observe::{Observer, observe};
use crate::{contacts, dead_letters, events, health, trends};

/// What the routes work with.
#[derive(Clone)]
pub struct Api {
    /// Who answers.
    pub behind: Behind,
    /// Who may do what.
    pub access: Access,
    /// Which names the server answers to. [`Listener`](crate::Listener) sets this itself.
    pub hosts: Hosts,
    /// Bounds.
    pub limits: Limits,
}

/// Who is behind the routes.
#[derive(Clone)]
pub struct Behind {
    /// Answers questions, empty until they are open; none in a worker that serves none.
    pub views: Option<Arc<OnceLock<Arc<Views>>>>,
    /// Takes records in; none where they come from a cluster's topics.
    pub intake: Option<Arc<Service>>,
    /// Is watched.
    pub watched: Arc<dyn Watched>,
}

impl From<Arc<Service>> for Behind {
    fn from(service: Arc<Service>) -> Self {
        Behind {
            views: Some(Arc::new(OnceLock::from(service.views().clone()))),
            intake: Some(service.clone()),
            watched: service,
        }
    }
}

/// Bounds of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body of `POST /v1/events`, in bytes.
    pub batch_bytes: usize,
    /// The longest body of a search, in bytes.
    pub question_bytes: usize,
    /// Bodies of all requests together, in bytes; above this a request is asked to come again.
    pub bodies_bytes: usize,
    /// Requests worked on at once; above this a request is asked to come again.
    pub in_flight: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long a request may take from its headers to the answer's.
    pub request_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            batch_bytes: 32 << 20,
            question_bytes: 1 << 20,
            bodies_bytes: 256 << 20,
            in_flight: 64,
            body_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(120),
        }
    }
}

/// What handlers hold.
#[derive(Clone)]
pub(crate) struct Shared {
    behind: Behind,
    pub(crate) limits: Limits,
    in_flight: Arc<Semaphore>,
    body_kib: Arc<Semaphore>,
}

impl Shared {
    fn new(api: &Api) -> Self {
        let kib = (api.limits.bodies_bytes >> 10).min(Semaphore::MAX_PERMITS);
        Shared {
            behind: api.behind.clone(),
            limits: api.limits,
            in_flight: Arc::new(Semaphore::new(api.limits.in_flight)),
            body_kib: Arc::new(Semaphore::new(kib)),
        }
    }

    /// Answers a question on a thread that may block.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Views) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let views = self.behind.views.clone().ok_or_else(|| {
            ApiError::not_here("this worker answers no questions")
                .hint("ask one that runs the stage `serve`")
        })?;
        let views = views.get().cloned().ok_or_else(ApiError::opening)?;
        self.block(move || work(&views)).await
    }

    /// Takes records in, on a thread that may block.
    pub(crate) async fn take_in<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Service) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let service = self.behind.intake.clone().ok_or_else(|| {
            ApiError::not_here("a worker on a cluster takes records from its topics alone").hint(
                "write events to the input topic; `quell dlq list --brokers …` shows what could not \
                 be read",
            )
        })?;
        self.block(move || work(&service)).await
    }

    /// The work holds its place among those in flight until it ends, also when nobody waits for
    /// it any more.
    async fn block<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let place = self.in_flight.clone().try_acquire_owned().map_err(|_| {
            ApiError::busy(format!("{} requests are being worked on", self.limits.in_flight))
        })?;
        let working = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        working.await.map_err(|error| ApiError::internal("the request", &error))
    }

    /// Room for a body of this many bytes.
    pub(crate) fn body_share(&self, bytes: usize) -> Result<OwnedSemaphorePermit, ApiError> {
        let kib = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let share = self.body_kib.clone().try_acquire_many_owned(kib);
        share.map_err(|_| ApiError::busy("too many large bodies at once"))
    }
}

/// A finished JSON text.
pub(crate) struct JsonBytes(Vec<u8>);

impl IntoResponse for JsonBytes {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], self.0).into_response()
    }
}

/// Written where blocking is allowed: an answer may be long.
pub(crate) fn to_json(answer: &impl Serialize) -> Result<JsonBytes, ApiError> {
    let bytes = serde_json::to_vec(answer);
    bytes.map(JsonBytes).map_err(|error| ApiError::internal("writing the answer", &error))
}

/// All routes as a function from request to response.
pub fn router(api: Api) -> Router {
    let shared = Shared::new(&api);
    let limits = shared.limits;
    let access = Arc::new(api.access);
    let read = |route| needs(&access, Scope::Read, route);
    let es_search = post(contacts::es_search).layer(DefaultBodyLimit::max(limits.question_bytes));
    let events = post(events::post).layer(DefaultBodyLimit::max(limits.batch_bytes));
    let dead_letters = get(dead_letters::dead_letters);
    let routes = Router::new()
        .route("/v1/events", needs(&access, Scope::Ingest, events))
        .route("/v1/search", read(get(contacts::search)))
        .route("/v1/contacts/_search", read(es_search))
        .route("/v1/contacts/{key}", read(get(contacts::contact)))
        .route("/v1/trends", read(get(trends::trends)))
        .route("/v1/issues", read(get(trends::issues)))
        .route("/v1/candidates", read(get(trends::candidates)))
        .route("/v1/dead-letters", needs(&access, Scope::Admin, dead_letters))
        .route("/", get(health::index))
        .with_state(shared);
    let watched = api.behind.watched;
    let observer = Observer { watched: watched.clone(), request_timeout: limits.request_timeout };
    routes
        .merge(health::routes(watched, &access))
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_route)
        .layer(from_fn_with_state(api.hosts, guard))
        .layer(from_fn_with_state(observer, observe))
}

/// The route for those alone whose token has the scope.
pub(crate) fn needs<S: Clone + Send + Sync + 'static>(
    access: &Arc<Access>,
    scope: Scope,
    route: MethodRouter<S>,
) -> MethodRouter<S> {
    let access = access.clone();
    route.layer(from_fn(move |request: Request, next: Next| {
        admit(access.clone(), scope, request, next)
    }))
}

async fn admit(access: Arc<Access>, scope: Scope, request: Request, next: Next) -> Response {
    match access.check(request.headers(), scope) {
        Err(error) => error.into_response(),
        Ok(token) => {
            let mut response = next.run(request).await;
            if let Some(token) = token {
                response.extensions_mut().insert(token);
            }
            response
        }
    }
}

async fn no_route() -> ApiError {
    ApiError::not_found("there is no such route").hint("GET / lists the routes")
}

async fn wrong_method(method: Method) -> ApiError {
    let message = format!("this route does not take {method}");
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
        .hint("the Allow header says what it takes; GET / lists the routes")
}
