//! Questions: right ones are answered, wrong ones are refused with what would be right.

use serde_json::json;

use super::{Site, opened};

async fn with_contacts() -> Site {
    let site = Site::new();
    let lines: Vec<String> = (1..=9)
        .map(|n| opened(&n.to_string(), n, "Where is my order? It has not arrived yet."))
        .collect();
    let answer = site.post("/v1/events", "application/x-ndjson", lines.join("\n")).await;
    assert_eq!((answer.status.as_u16(), answer.json()["accepted"].as_u64()), (202, Some(9)));
    site.settle();
    site
}

#[tokio::test]
async fn searches_count_what_the_parameters_ask_for() {
    let site = with_contacts().await;
    for (asked, total) in [
        ("", 9),
        ("?q=order", 9),
        ("?q=spaceship", 0),
        ("?from=2026-05-04", 6),
        ("?to=2026-05-04", 3),
        ("?from=2026-05-02&to=2026-05-04T10:00:00.001Z", 3),
        ("?from=2026-05-04T12:00:00%2B02:00", 6),
        ("?channel=email,chat&language=en", 9),
        ("?channel=chat&channel=voice", 0),
        ("?attribute.version=66", 9),
        ("?attribute.version=67", 0),
        ("?attribute=version%3D66", 9),
        ("?standing=counted&repeat=", 9),
        ("?repeat=any_reason", 0),
        ("?sort=relevance&q=arrived&limit=3", 9),
    ] {
        let answer = site.get(&format!("/v1/search{asked}")).await;
        assert_eq!(answer.status, 200, "{asked}: {}", answer.text());
        assert_eq!(answer.json()["total"], total, "{asked}");
    }
    let page = site.get("/v1/search?limit=2&offset=1").await.json();
    let ids: Vec<_> = (0..2).map(|at| page["hits"][at]["contact_id"].clone()).collect();
    assert_eq!(ids, [json!("8"), json!("7")], "the newest first: {page}");
}

#[tokio::test]
async fn wrong_questions_are_refused_with_what_would_be_right() {
    let site = Site::new();
    for (path, code, told) in [
        ("/v1/search?reasons=a", "bad_parameter", "did you mean `reason`?"),
        ("/v1/search?atribute.os=a", "bad_parameter", "did you mean `attribute.NAME`?"),
        ("/v1/search?attribute.=a", "bad_parameter", "did you mean `attribute.NAME`?"),
        ("/v1/search?attribute=os", "bad_parameter", "NAME=VALUE"),
        ("/v1/search?zzzzzzzz=a", "bad_parameter", "this route takes: attribute., q, reason"),
        ("/v1/search?from=yesterday", "bad_parameter", "2019-05-04"),
        ("/v1/search?from=2026-02-30", "bad_parameter", "2019-05-04"),
        ("/v1/search?q=a&q=b", "bad_parameter", "once"),
        ("/v1/search?limit=-1", "bad_parameter", "from 0 to 10000"),
        ("/v1/search?limit=10000&offset=1", "bad_request", "10000"),
        ("/v1/search?sort=best", "bad_parameter", "newest, relevance"),
        ("/v1/search?repeat=often", "bad_parameter", "any_reason"),
        ("/v1/search?q=%28", "bad_query", "character"),
        ("/v1/trends?compare=last", "bad_parameter", "previous"),
        ("/v1/trends?compare=previous", "bad_parameter", "both"),
        ("/v1/trends?from=2026-05-02&to=2026-05-01", "bad_parameter", "before"),
        ("/v1/trends?limit=x", "bad_parameter", "from 0"),
        ("/v1/issues?verdict=bad", "bad_parameter", "systemic"),
        ("/v1/issues?open=maybe", "bad_parameter", "true, false"),
        ("/v1/dead-letters?form=1", "bad_parameter", "did you mean `from`?"),
        ("/v1/contacts/x?q=1", "bad_parameter", "takes no parameters"),
        ("/metrics?x=1", "bad_parameter", "takes no parameters"),
    ] {
        let answer = site.get(path).await;
        assert_eq!(answer.error(), (400, code.to_owned()), "{path}");
        assert!(answer.text().contains(told), "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn the_elasticsearch_form_is_answered() {
    let site = with_contacts().await;
    let question = json!({
        "size": 1,
        "query": {"match": {"text": "order"}},
        "aggs": {"by_channel": {"terms": {"field": "channel"}}},
    });
    let path = "/v1/contacts/_search";
    let answer = site.post(path, "application/json", question.to_string()).await;
    let json = answer.json();
    assert_eq!(answer.status, 200, "{json}");
    assert_eq!(json["hits"]["total"]["value"], 9);
    assert_eq!(json["aggregations"]["by_channel"]["buckets"][0]["doc_count"], 9);
    assert_eq!(site.post(path, "application/json", "").await.status, 200, "asks for everything");
    let unknown = json!({"query": {"fuzzy": {}}}).to_string();
    assert_eq!(site.post(path, "application/json", unknown).await.error().0, 400);
    let torn = site.post(path, "application/json", "{\"query\":\n{").await;
    assert_eq!(torn.error(), (400, "bad_json".to_owned()));
    assert!(torn.text().contains("line 2"));
    assert_eq!(site.post(path, "text/plain", "{}").await.error().0, 415);
    let long = " ".repeat((1 << 20) + 1);
    assert_eq!(site.post(path, "application/json", long).await.error().0, 413);
}

#[tokio::test]
async fn trends_rank_reasons_and_compare_with_the_period_before() {
    let site = with_contacts().await;
    let asked = "/v1/trends?from=2026-05-05&to=2026-05-09&compare=previous";
    let json = site.get(asked).await.json();
    // The text fits two reasons, which share the weight of each contact.
    let lines = json["lines"].as_array().expect("lines");
    let sum =
        |path: &str| lines.iter().filter_map(|line| line.pointer(path)?.as_f64()).sum::<f64>();
    assert_eq!([sum("/contacts"), sum("/previous/contacts")], [4.0, 4.0], "{json}");
    // Weights are millionths: nothing finer comes out of adding and subtracting them.
    let numbers = lines.iter().flat_map(|line| ["/contacts", "/change"].map(|p| line.pointer(p)));
    for number in numbers {
        let text = number.expect("a number").to_string();
        assert!(text.split_once('.').is_none_or(|(_, digits)| digits.len() <= 6), "{text}");
    }
    assert_eq!(json["previous_from"], "2026-05-01T00:00:00Z");
    let by = site.get("/v1/trends?by=channel&limit=1").await.json();
    assert_eq!(by["lines"][0]["value"], "email", "{by}");
    let issues = site.get("/v1/issues?verdict=systemic&open=true").await.json();
    assert_eq!(issues, json!({"total": 0, "issues": []}));
    let candidates = site.get("/v1/candidates?limit=3").await.json();
    assert_eq!(candidates, json!({"total": 0, "candidates": []}));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_json() {
    let site = Site::new();
    for (method, path, status, code) in [
        ("GET", "/v1/contacts/desk%2F%2Fnobody", 404, "not_found"),
        ("GET", "/v1/nothing", 404, "not_found"),
        ("GET", "/v1/contacts/a/b", 404, "not_found"),
        ("GET", "/v1/contacts/%ff", 400, "bad_key"),
        ("GET", "/v1/events", 405, "method_not_allowed"),
        ("DELETE", "/v1/search", 405, "method_not_allowed"),
        ("GET", "/v1/contacts/_search", 405, "method_not_allowed"),
        ("POST", "/metrics", 405, "method_not_allowed"),
    ] {
        let answer = site.send(method, path, &[], "").await;
        assert_eq!(answer.error(), (status, code.to_owned()), "{method} {path}");
        assert_eq!(answer.header("allow").is_empty(), status != 405, "{method} {path}");
    }
    let index = site.get("/").await;
    assert_eq!(index.status, 200);
    for route in ["/v1/events", "/v1/search", "/v1/trends", "/metrics", "/readyz"] {
        assert!(index.text().contains(route), "{route}");
    }
}

#[tokio::test]
async fn what_is_being_opened_says_so_and_its_health_can_be_asked() {
    let mut site = Site::new();
    let slot = std::sync::Arc::new(std::sync::OnceLock::new());
    let views = site.api.behind.views.replace(slot.clone()).expect("a service answers");
    let closed = site.get("/v1/search").await;
    assert_eq!(closed.status.as_u16(), 503);
    assert_eq!(closed.json()["error"]["code"], "opening");
    for path in ["/livez", "/readyz", "/metrics"] {
        assert_eq!(site.get(path).await.status.as_u16(), 200, "{path}");
    }
    slot.set(views.get().expect("they are open").clone()).ok().expect("set once");
    assert_eq!(site.get("/v1/search").await.status.as_u16(), 200);
}
