//! The routes over a real service in a folder of its own.

mod access;
mod events;
mod metrics;
mod questions;
mod serve;
mod tokens;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use quell_codec::{Adapter, Limits as RecordLimits};
use quell_index::IndexSettings;
use quell_model::TimeMs;
use quell_ports::Clock;
use quell_store::StoreSettings;
use quell_taxonomy::Taxonomy;
use quell_worker::ingest::IngestSettings;
use quell_worker::service::{Service, ServiceSettings};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::{Access, Api, Hosts, Limits, router};

/// A clock that stands still, some weeks after all events of the tests.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> TimeMs {
        "2026-06-01T12:00:00Z".parse().expect("a time")
    }
}

/// A service in a folder that goes when the test ends.
pub(super) struct Site {
    pub(super) api: Api,
    pub(super) service: Arc<Service>,
    _dir: TempDir,
}

impl Site {
    pub(super) fn new() -> Site {
        let dir = tempfile::tempdir().expect("a folder");
        let service = Arc::new(start(dir.path()));
        let (access, hosts, limits) = (Access::default(), Hosts::Any, Limits::default());
        Site {
            api: Api { behind: service.clone().into(), access, hosts, limits },
            service,
            _dir: dir,
        }
    }

    pub(super) fn router(&self) -> Router {
        router(self.api.clone())
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    pub(super) async fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Answer {
        self.send("POST", path, &[("content-type", kind)], body).await
    }

    pub(super) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.into()).expect("a request");
        let response = self.router().oneshot(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("a body");
        Answer { status: parts.status, headers: parts.headers, bytes: bytes.to_vec() }
    }

    pub(super) fn settle(&self) {
        self.service.complete().expect("complete");
        assert!(self.service.settle(Duration::from_secs(60)), "the service is level in time");
    }
}

fn start(dir: &Path) -> Service {
    let yaml = include_str!("../../../../taxonomies/ecommerce.yaml");
    let taxonomy = Taxonomy::parse(yaml, "ecommerce.yaml").expect("the taxonomy");
    let settings = ServiceSettings {
        core: quell_engine::Settings::default(),
        ingest: IngestSettings {
            adapter: Adapter::canonical(),
            limits: RecordLimits::default(),
            lateness_ms: 0,
        },
        store: StoreSettings::default(),
        index: IndexSettings { memory_bytes: 15_000_000, threads: 1, ..IndexSettings::default() },
        index_every: Duration::from_millis(50),
        dead_letter_retention_ms: i64::MAX,
        version: "test",
    };
    Service::start(dir, settings, Arc::new(taxonomy), Arc::new(Noon)).expect("a service")
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or(""))
    }

    /// The status with the code of a well-formed error.
    pub(super) fn error(&self) -> (u16, String) {
        let json = self.json();
        let error = &json["error"];
        assert!(error["message"].is_string() && error.get("hint").is_some(), "{json}");
        (self.status.as_u16(), error["code"].as_str().unwrap_or("").to_owned())
    }

    pub(super) fn hint(&self) -> String {
        self.json()["error"]["hint"].as_str().unwrap_or("").to_owned()
    }
}

/// A customer asks by e-mail, on the n-th of May.
pub(super) fn opened(id: &str, day: u32, body: &str) -> String {
    let at = format!("2026-05-{day:02}T10:00:00Z");
    let event = json!({
        "schema_version": 1,
        "event_id": format!("e-{id}"),
        "event_type": "contact.opened",
        "event_time": at,
        "source": {"system": "desk"},
        "contact": {
            "id": id,
            "kind": "ticket",
            "channel": "email",
            "opened_at": at,
            "language": "en",
            "customer": {"id": format!("customer-{id}")},
            "body": body,
            "attributes": {"version": "66"},
        },
    });
    event.to_string()
}
