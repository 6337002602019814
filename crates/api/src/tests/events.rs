//! Records in: what is taken, what is put aside, what is refused.

use axum::body::Body;
use serde_json::json;

use super::{Site, opened};

const EVENTS: &str = "/v1/events";
const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";

#[tokio::test]
async fn one_event_is_taken_in_and_then_answered_from() {
    let site = Site::new();
    let answer = site.post(EVENTS, JSON, opened("1", 4, "Where is my order?")).await;
    assert_eq!(answer.status, 202);
    let expected = json!({"accepted": 1, "skipped_empty": 0, "rejected": 0, "rejects": []});
    assert_eq!(answer.json(), expected);
    site.settle();
    let contact = site.get("/v1/contacts/desk%2F%2F1").await;
    assert_eq!((contact.status.as_u16(), contact.header("content-type")), (200, JSON));
    assert_eq!(contact.json()["contact_id"], "1");
}

#[tokio::test]
async fn a_document_over_many_lines_is_one_record_and_lines_are_many() {
    let site = Site::new();
    let event: serde_json::Value = serde_json::from_str(&opened("1", 4, "Hello")).expect("JSON");
    let pretty = serde_json::to_string_pretty(&event).expect("JSON");
    for (kind, body, counts) in [
        (JSON, pretty.clone(), [1, 0, 0]),
        (JSON, format!("\n{pretty}\r\n\n"), [1, 0, 0]),
        (JSON, format!("{event}\n{event}\n"), [2, 0, 0]),
        (JSON, format!("{event}\r\n\r\n{event}"), [2, 0, 1]),
        (JSON, format!("{event}\n"), [1, 0, 0]),
        (NDJSON, format!("{event}\n"), [1, 0, 0]),
        (NDJSON, format!("{event}\nno json\n\n{event}\r\n"), [2, 1, 1]),
        (NDJSON, "\n\n".to_owned(), [0, 0, 2]),
        (NDJSON, String::new(), [0, 0, 1]),
        (JSON, String::new(), [0, 0, 1]),
    ] {
        let answer = site.post(EVENTS, kind, body.clone()).await;
        let json = answer.json();
        assert_eq!(answer.status, 202, "{body:?}: {json}");
        let found = ["accepted", "rejected", "skipped_empty"].map(|name| json[name].as_u64());
        assert_eq!(found, counts.map(Some), "{kind} {body:?}");
    }
}

#[tokio::test]
async fn bad_records_are_put_aside_with_their_bytes_and_hold_up_nobody() {
    let site = Site::new();
    let mut body = b"{\"a\": \"\xff\"}\n".to_vec();
    body.extend(opened("1", 4, "Where is my order?").into_bytes());
    body.extend(b"\n{\"schema_version\": 9}\n");
    let answer = site.post(EVENTS, NDJSON, body).await;
    let json = answer.json();
    assert_eq!(
        (answer.status.as_u16(), &json["accepted"], &json["rejected"]),
        (202, &json!(1), &json!(2))
    );
    assert_eq!(json["rejects"][0]["record"], 1);
    assert_eq!(json["rejects"][0]["cause"], "invalid_utf8");
    assert_eq!(json["rejects"][1]["record"], 3);
    let letters = site.get("/v1/dead-letters").await.json();
    let first = &letters["dead_letters"][0];
    assert_eq!(first["letter"]["value_base64"], "eyJhIjogIv8ifQ==");
    assert_eq!(first["topic"], "http.dlq");
    assert_eq!(letters["dead_letters"][1]["letter"]["value"], "{\"schema_version\": 9}");
    assert_eq!(letters["next"], json!(null));
}

#[tokio::test]
async fn when_all_are_rejected_the_answer_says_so_and_that_they_are_kept() {
    let site = Site::new();
    for body in ["no json", "{", "[1, 2]", "\u{0}", "null"] {
        let answer = site.post(EVENTS, JSON, body).await;
        assert_eq!(answer.error(), (422, "all_rejected".to_owned()), "{body:?}");
        assert_eq!(answer.json()["rejected"], 1);
    }
    let letters = site.get("/v1/dead-letters?limit=3").await.json();
    assert_eq!(letters["dead_letters"].as_array().map(Vec::len), Some(3));
    let rest = site.get(&format!("/v1/dead-letters?from={}", letters["next"])).await.json();
    assert_eq!(rest["dead_letters"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_event_of_five_megabytes_is_a_dead_letter_and_not_a_refusal() {
    let site = Site::new();
    let large = opened("1", 4, &"x".repeat(5_000_000));
    let alone = site.post(EVENTS, JSON, large.clone()).await;
    assert_eq!(alone.error(), (422, "all_rejected".to_owned()));
    assert_eq!(alone.json()["rejects"][0]["cause"], "too_large");
    let batch = format!("{large}\n{}", opened("2", 4, "Hello"));
    assert_eq!(site.post(EVENTS, NDJSON, batch).await.status, 202);
    let letters = site.get("/v1/dead-letters?limit=1").await.json();
    assert_eq!(letters["dead_letters"][0]["letter"]["value"], json!(large));
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_announced_or_not() {
    let mut site = Site::new();
    site.api.limits.batch_bytes = 4_000;
    for headers in [&[][..], &[("content-length", "5000")]] {
        let body = Body::from(" ".repeat(5_000));
        let answer = site.send("POST", EVENTS, headers, body).await;
        assert_eq!(answer.error(), (413, "too_large".to_owned()));
        assert_eq!(answer.header("connection"), "close");
    }
    let fits = " ".repeat(4_000);
    assert_eq!(site.post(EVENTS, JSON, fits).await.status, 202);
}

#[tokio::test]
async fn what_is_no_json_is_refused_with_what_to_send() {
    let site = Site::new();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/cloudevents-batch+json",
        "",
        "\u{e9}",
    ] {
        let answer = site.post(EVENTS, kind, opened("1", 4, "Hello")).await;
        assert_eq!(answer.error(), (415, "unsupported_media_type".to_owned()), "{kind}");
        assert!(answer.hint().contains("application/x-ndjson"), "{kind}");
    }
    let packed = [("content-type", JSON), ("content-encoding", "gzip")];
    assert_eq!(site.send("POST", EVENTS, &packed, "x").await.status, 415);
    let plain = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(site.send("POST", EVENTS, &plain, opened("1", 4, "Hello")).await.status, 202);
}

#[tokio::test]
async fn cloud_events_are_known_by_type_and_by_headers() {
    let site = Site::new();
    let data: serde_json::Value = serde_json::from_str(&opened("1", 4, "Hello")).expect("JSON");
    let whole = json!({"specversion": "1.0", "id": "1", "source": "/desk", "type": "t",
        "datacontenttype": "application/json", "data": data});
    let answer = site.post(EVENTS, "application/cloudevents+json", whole.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let mut headers = vec![
        ("content-type", JSON),
        ("ce-specversion", "1.0"),
        ("ce-id", "1"),
        ("ce-source", "/desk"),
        ("ce-type", "t"),
    ];
    assert_eq!(site.send("POST", EVENTS, &headers, data.to_string()).await.status, 202);
    headers.retain(|(name, _)| *name != "ce-id");
    let broken = site.send("POST", EVENTS, &headers, data.to_string()).await;
    assert_eq!(broken.error(), (422, "all_rejected".to_owned()));
    assert_eq!(broken.json()["rejects"][0]["cause"], "wrong_envelope");
}

#[tokio::test]
async fn above_a_bound_the_caller_is_asked_to_come_again() {
    let mut site = Site::new();
    let event = opened("1", 4, "Hello");
    site.api.limits.bodies_bytes = 2_048;
    let full = site.send("POST", EVENTS, &[("content-length", "3000")], event.clone()).await;
    assert_eq!(full.error(), (503, "busy".to_owned()));
    assert_eq!(full.header("retry-after"), "2");
    site.api.limits = crate::Limits { in_flight: 0, ..Default::default() };
    let busy = site.post(EVENTS, JSON, event.clone()).await;
    assert_eq!((busy.error(), busy.header("retry-after")), ((503, "busy".to_owned()), "2"));
    assert_eq!(site.get("/v1/search").await.status, 503);
    assert_eq!(site.get("/livez").await.status, 200, "health needs no place");
}

#[tokio::test]
async fn a_stopped_service_takes_nothing_in_and_says_so() {
    let site = Site::new();
    assert_eq!(site.get("/readyz").await.json(), json!({"status": "ready"}));
    site.service.stop().expect("stop");
    let answer = site.post(EVENTS, JSON, opened("1", 4, "Hello")).await;
    assert_eq!(answer.error(), (503, "closed".to_owned()));
    assert_eq!(answer.header("retry-after"), "2");
    let ready = site.get("/readyz").await;
    assert_eq!(ready.error(), (503, "not_ready".to_owned()));
    assert!(ready.text().contains("stopping"));
    assert_eq!(site.get("/livez").await.json(), json!({"status": "live"}));
    assert_eq!(site.get("/v1/search").await.status, 200, "what is there can still be asked");
}
