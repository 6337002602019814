//! Who gets in where: every route with every kind of caller.

use serde_json::json;

use super::{Site, opened};
use crate::{Access, Hosts, Scope, Scopes, TokenEntry, new_token};

/// Every route with the scope it needs; none for open ones.
const ROUTES: [(&str, &str, Option<Scope>); 12] = [
    ("POST", "/v1/events", Some(Scope::Ingest)),
    ("GET", "/v1/search", Some(Scope::Read)),
    ("POST", "/v1/contacts/_search", Some(Scope::Read)),
    ("GET", "/v1/contacts/x", Some(Scope::Read)),
    ("GET", "/v1/trends", Some(Scope::Read)),
    ("GET", "/v1/issues", Some(Scope::Read)),
    ("GET", "/v1/candidates", Some(Scope::Read)),
    ("GET", "/v1/dead-letters", Some(Scope::Admin)),
    ("GET", "/metrics", Some(Scope::Read)),
    ("GET", "/livez", None),
    ("GET", "/readyz", None),
    ("GET", "/", None),
];

fn scopes(bits: u8) -> Scopes {
    Scopes { ingest: bits & 1 > 0, read: bits & 2 > 0, admin: bits & 4 > 0 }
}

fn token(name: &str, bits: u8) -> (String, TokenEntry) {
    new_token(name, scopes(bits), [bits; 32]).expect("a token")
}

#[tokio::test]
async fn every_set_of_scopes_opens_its_routes_and_no_others() {
    let mut site = Site::new();
    let tokens: Vec<_> = (1..8).map(|bits| (bits, token(&format!("t{bits}"), bits))).collect();
    site.api.access.tokens = tokens.iter().map(|(_, (_, entry))| entry.clone()).collect();
    for (method, path, scope) in ROUTES {
        for (bits, (text, _)) in &tokens {
            let allowed = match scope {
                None => true,
                Some(Scope::Ingest) => bits & 5 > 0,
                Some(Scope::Read) => bits & 6 > 0,
                Some(Scope::Admin) => bits & 4 > 0,
            };
            let header = format!("Bearer {text}");
            let answer = site.send(method, path, &[("authorization", &header)], "").await;
            let refused = answer.status == 403;
            assert_eq!(refused, !allowed, "{method} {path} {bits}: {}", answer.text());
            assert_ne!(answer.status, 401);
            if refused {
                assert_eq!(answer.error().1, "forbidden");
                assert!(answer.header("www-authenticate").contains("insufficient_scope"));
            }
        }
    }
}

#[tokio::test]
async fn without_a_known_token_only_the_health_checks_are_open() {
    let mut site = Site::new();
    let (text, entry) = token("a", 7);
    let (unknown, _) = new_token("a", scopes(7), [9; 32]).expect("a token");
    site.api.access.tokens = vec![entry.clone()];
    let shortened = &text[..text.len() - 1];
    let basic = format!("Basic {text}");
    let wrong: Vec<Vec<(&str, String)>> = vec![
        vec![],
        vec![("authorization", String::new())],
        vec![("authorization", "Bearer ".to_owned())],
        vec![("authorization", "Bearer".to_owned())],
        vec![("authorization", text.clone())],
        vec![("authorization", basic)],
        vec![("authorization", format!("Bearer {unknown}"))],
        vec![("authorization", format!("Bearer {shortened}"))],
        vec![("authorization", format!("Bearer {text}x"))],
        vec![("authorization", format!("Bearer {}", entry.sha256_hex()))],
        vec![("authorization", format!("Bearer {text}")), ("authorization", "Bearer x".to_owned())],
    ];
    for headers in &wrong {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for (method, path, scope) in ROUTES {
            let answer = site.send(method, path, &headers, "").await;
            assert_eq!(answer.status == 401, scope.is_some(), "{method} {path} {headers:?}");
            if scope.is_some() {
                assert_eq!(answer.error().1, "unauthorized");
                assert!(answer.header("www-authenticate").starts_with("Bearer realm="));
                assert!(!answer.text().contains(&text));
            }
        }
    }
    let lower = format!("bearer {text}");
    assert_eq!(site.send("GET", "/v1/search", &[("authorization", &lower)], "").await.status, 200);
}

#[tokio::test]
async fn where_tokens_are_required_and_none_is_known_nobody_gets_in() {
    let mut site = Site::new();
    site.api.access = Access { tokens: Vec::new(), required: true };
    for (method, path, scope) in ROUTES {
        let status = site.send(method, path, &[], "").await.status;
        assert_eq!(status == 401, scope.is_some(), "{method} {path}");
    }
}

#[tokio::test]
async fn a_refused_batch_is_not_taken_in() {
    let mut site = Site::new();
    let (text, entry) = token("reader", 2);
    site.api.access.tokens = vec![entry];
    let header = format!("Bearer {text}");
    let headers = [("authorization", header.as_str()), ("content-type", "application/json")];
    let answer = site.send("POST", "/v1/events", &headers, opened("1", 4, "Hello")).await;
    assert_eq!(answer.error(), (403, "forbidden".to_owned()));
    site.settle();
    let found = site.send("GET", "/v1/search", &headers[..1], "").await;
    assert_eq!(found.json()["total"], 0);
}

#[tokio::test]
async fn on_the_loopback_only_its_own_names_are_answered() {
    let mut site = Site::new();
    site.api.hosts = Hosts::Loopback { port: 7300 };
    for host in ["localhost:7300", "127.0.0.1:7300", "[::1]:7300", "LocalHost:7300"] {
        assert_eq!(site.send("GET", "/", &[("host", host)], "").await.status, 200, "{host}");
    }
    for host in [
        "evil.example:7300",
        "localhost.evil.example:7300",
        "localhost",
        "127.0.0.1:80",
        "127.0.0.1:73000",
        "127.0.0.10:7300",
        "",
    ] {
        let answer = site.send("GET", "/v1/search", &[("host", host)], "").await;
        assert_eq!(answer.error(), (403, "host_not_allowed".to_owned()), "{host}");
    }
    assert_eq!(site.get("/").await.status, 403, "without the header");
    let two = [("host", "localhost:7300"), ("host", "evil.example")];
    assert_eq!(site.send("GET", "/", &two, "").await.status, 403);
    site.api.hosts = Hosts::Loopback { port: 80 };
    assert_eq!(site.send("GET", "/", &[("host", "localhost")], "").await.status, 200);
}

#[tokio::test]
async fn pages_of_other_sites_cannot_send() {
    let site = Site::new();
    let host = ("host", "127.0.0.1:7300");
    for (origin, status) in [
        ("http://127.0.0.1:7300", 202),
        ("https://evil.example", 403),
        ("http://127.0.0.1:7301", 403),
        ("http://127.0.0.1", 403),
        ("null", 403),
        ("127.0.0.1:7300", 403),
    ] {
        let headers = [host, ("origin", origin), ("content-type", "application/json")];
        let answer = site.send("POST", "/v1/events", &headers, opened("1", 4, "Hello")).await;
        assert_eq!(answer.status, status, "{origin}");
        let get = site.send("GET", "/livez", &headers[..2], "").await;
        assert_eq!(get.json(), json!({"status": "live"}), "reading is the browser's to refuse");
    }
}
