//! The search backend over HTTP: an Elasticsearch-compatible server that holds the contacts that
//! can change no more.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use quell_index::{BackendError, SearchBackend, UNSHOWN};
use quell_worker::metrics::Metrics;
use serde_json::Value;
use ureq::http::Uri;

use crate::config::{Config, ConfigError};
use crate::remote::install_tls;

/// The largest answer that is read: ten thousand hits without their texts.
const MOST_ANSWER_BYTES: u64 = 256 << 20;
/// So much of a refusal is shown.
const MOST_REASON_CHARS: usize = 300;

/// The backend that the configuration names, if it names one.
///
/// # Errors
/// The address is none, or the file with the credentials cannot be used.
pub fn open(
    config: &Config,
    metrics: Arc<Metrics>,
) -> anyhow::Result<Option<Arc<dyn SearchBackend>>> {
    let url = config.get("search.backend");
    if url.is_empty() {
        return Ok(None);
    }
    check(config)?;
    let credentials = credentials(config.get("search.backend_token_file"))?;
    install_tls();
    let timeout = Duration::from_millis(config.ms("search.backend_timeout").unsigned_abs());
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        // Credentials are for the server that was named, and a search is no resource that moves.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build();
    let search = format!("{}/_search", url.trim_end_matches('/'));
    Ok(Some(Arc::new(Elastic { search, credentials, timeout, agent: agent.into(), metrics })))
}

/// Checks the address, if there is one.
///
/// # Errors
/// Says what an address looks like.
pub fn check(config: &Config) -> Result<(), ConfigError> {
    let url = config.get("search.backend");
    if url.is_empty() {
        return Ok(());
    }
    let wrong = |what: &str| {
        let example = "write the address that /_search is appended to, such as \
                       http://quickwit:7280/api/v1/_elastic/quell-contacts";
        config.error("search.backend", format!("{what}; {example}"))
    };
    let uri: Uri = url.parse().map_err(|_| wrong("this is no http:// or https:// address"))?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if !is_http || authority.is_empty() {
        return Err(wrong("this is no http:// or https:// address"));
    }
    if authority.contains('@') {
        let what = "credentials belong into the file that search.backend_token_file names";
        return Err(wrong(what));
    }
    if uri.path().trim_matches('/').is_empty() {
        return Err(wrong("the index is missing"));
    }
    if uri.path().trim_end_matches('/').ends_with("/_search") || uri.query().is_some() {
        return Err(wrong("/_search and parameters are appended by Quell"));
    }
    Ok(())
}

/// The value of the header `Authorization`: the file holds a token alone, or `user:password`.
fn credentials(file: &str) -> anyhow::Result<Option<String>> {
    if file.is_empty() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("search.backend_token_file: cannot read {file}"))?;
    let secret = text.trim();
    if secret.is_empty() || secret.chars().any(|c| c.is_control() || c == ' ') {
        bail!(
            "search.backend_token_file: {file} must hold one line: a bearer token, or \
             user:password"
        );
    }
    Ok(Some(if secret.contains(':') {
        format!("Basic {}", base64::engine::Engine::encode(&BASE64, secret))
    } else {
        format!("Bearer {secret}")
    }))
}

const BASE64: base64::engine::GeneralPurpose = base64::engine::general_purpose::STANDARD;

/// A server that is asked over HTTP.
struct Elastic {
    /// The whole address of its search.
    search: String,
    credentials: Option<String>,
    timeout: Duration,
    agent: ureq::Agent,
    metrics: Arc<Metrics>,
}

impl SearchBackend for Elastic {
    fn search(&self, body: &Value) -> Result<Value, BackendError> {
        let begun = Instant::now();
        let answer = self.ask(body);
        self.metrics.backend.observe(&answer, begun.elapsed());
        answer
    }
}

impl Elastic {
    fn ask(&self, body: &Value) -> Result<Value, BackendError> {
        let bytes = serde_json::to_vec(body)
            .map_err(|error| BackendError::Answer(format!("the request: {error}")))?;
        let mut request = self
            .agent
            .post(&self.search)
            .query("_source_excludes", UNSHOWN.join(","))
            .content_type("application/json");
        if let Some(credentials) = &self.credentials {
            request = request.header("authorization", credentials);
        }
        let mut response = request.send(&bytes[..]).map_err(|error| self.failed(error))?;
        let status = response.status();
        let text = response.body_mut().with_config().limit(MOST_ANSWER_BYTES).read_to_vec();
        let text = text.map_err(|error| self.failed(error))?;
        if !status.is_success() {
            return Err(BackendError::Refused { status: status.as_u16(), reason: reason(&text) });
        }
        serde_json::from_slice(&text)
            .map_err(|_| BackendError::Answer("its answer is no JSON".to_owned()))
    }

    fn failed(&self, error: ureq::Error) -> BackendError {
        match error {
            ureq::Error::Timeout(_) => BackendError::TimedOut { seconds: self.timeout.as_secs() },
            ureq::Error::BodyExceedsLimit(limit) => BackendError::Answer(format!(
                "its answer is larger than {} MiB; ask for fewer hits",
                limit >> 20
            )),
            other => BackendError::Unreachable(other.to_string()),
        }
    }
}

/// What a server says of its refusal, cut: the whole may repeat the question.
fn reason(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let error = &json["error"];
    let causes = [&error["root_cause"][0]["reason"], &error["reason"], error, &json["message"]];
    let said = causes.into_iter().find_map(Value::as_str).unwrap_or("it gives no reason");
    said.chars().take(MOST_REASON_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::CoreArgs;

    fn opened(url: &str) -> anyhow::Result<()> {
        let set = vec![format!("search.backend={url}")];
        let args = CoreArgs { adapter: None, taxonomy: None, set, config: None };
        let metrics = Arc::new(Metrics::new("test", "none@0", [])?);
        open(&Config::load(&args)?, metrics).map(|_| ())
    }

    #[test]
    fn an_address_that_cannot_be_is_told_with_an_example() {
        for right in ["http://h:9200/quell", "https://h/api/v1/_elastic/quell-contacts/"] {
            assert!(opened(right).is_ok(), "{right}");
        }
        for (wrong, says) in [
            ("h:9200/quell", "no http:// or https://"),
            ("http://h:9200", "the index is missing"),
            ("http://h/quell/_search", "appended by Quell"),
            ("http://h/quell?x=1", "appended by Quell"),
            ("http://user:secret@h/quell", "search.backend_token_file"),
        ] {
            let error = opened(wrong).expect_err(wrong).to_string();
            assert!(error.contains(says) && error.contains("such as"), "{wrong}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn credentials_are_a_token_or_a_user_with_a_password() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let path = file.path().to_string_lossy().into_owned();
        let said = |text: &str| {
            std::fs::write(&path, text).expect("it is written");
            credentials(&path)
        };
        assert_eq!(said("t-1\n").ok().flatten().as_deref(), Some("Bearer t-1"));
        assert_eq!(said("a:b").ok().flatten().as_deref(), Some("Basic YTpi"));
        assert!(said("").is_err() && said("two words").is_err() && said("a\nb").is_err());
    }

    #[test]
    fn a_refusal_gives_its_reason_and_no_more() {
        let opensearch = br#"{"error":{"root_cause":[{"reason":"no such index"}]},"status":404}"#;
        assert_eq!(reason(opensearch), "no such index");
        assert_eq!(reason(br#"{"message":"unknown index"}"#), "unknown index");
        assert_eq!(reason(b"<html>"), "it gives no reason");
    }
}
