//! What a request leaves behind.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Site, opened};

/// Where `cargo xtask test` puts it, unless the environment says otherwise.
fn promtool() -> PathBuf {
    let fetched = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/promtool");
    match std::env::var_os("QUELL_PROMTOOL") {
        Some(path) => path.into(),
        None if fetched.exists() => fetched,
        None => "promtool".into(),
    }
}

#[tokio::test]
async fn promtool_finds_nothing_to_complain_about() {
    let site = Site::new();
    let body = format!("{}\nbad", opened("1", 4, "Where is my order?"));
    site.post("/v1/events", "application/x-ndjson", body).await;
    site.get("/nothing").await;
    site.settle();
    let metrics = site.get("/metrics").await;
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    let tool = promtool();
    let started = Command::new(&tool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.unwrap_or_else(|error| {
        panic!("{}: {error}; `cargo xtask test` fetches promtool", tool.display())
    });
    child.stdin.take().expect("its input").write_all(&metrics.bytes).expect("written");
    let output = child.wait_with_output().expect("its end");
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_path() {
    let site = Site::new();
    site.get("/v1/contacts/secret-1").await;
    site.get("/v1/contacts/secret-2").await;
    site.get("/v1/search?q=secret-3").await;
    site.get("/secret-4").await;
    site.send("PUT", "/v1/search", &[], "").await;
    let text = site.get("/metrics").await.text();
    for line in [
        "quell_http_requests_total{route=\"/v1/contacts/{key}\",status=\"404\"} 2",
        "quell_http_requests_total{route=\"/v1/search\",status=\"200\"} 1",
        "quell_http_requests_total{route=\"/v1/search\",status=\"405\"} 1",
        "quell_http_requests_total{route=\"unmatched\",status=\"404\"} 1",
        "quell_http_request_duration_seconds_count 5",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(!text.contains("secret"));
}

#[tokio::test]
async fn every_answer_has_the_safe_headers() {
    let site = Site::new();
    for path in ["/", "/livez", "/metrics", "/nothing", "/v1/search", "/v1/search?x=1"] {
        let answer = site.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
    }
}
