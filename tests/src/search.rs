//! An index on a real OpenSearch, mapped as `quell export quickwit` says.

use std::path::Path;
use std::time::Duration;

use quell_broker::{OpenSearch, SearchServer};
use serde_json::{Map, Value, json};

use crate::binary::run;

/// Lines of one bulk request.
const BULK: usize = 500;

/// A server of its own for one test.
///
/// # Panics
/// When it does not come up.
pub fn server(scratch: &Path, name: &str) -> SearchServer {
    // Beside what `cargo xtask test` fetches: once for all.
    let tools = scratch.with_file_name("tools");
    let search = OpenSearch::provide(&tools).expect("OpenSearch can be fetched and run");
    search.start(&scratch.join(name)).expect("OpenSearch comes up")
}

/// What `quell export quickwit` prints for the index, read.
///
/// # Panics
/// When it is no YAML.
pub fn exported(arguments: &[&str], read: impl Fn(&str) -> Value) -> Value {
    let printed = run(&[&["export", "quickwit"], arguments].concat());
    let text = String::from_utf8(printed.stdout).expect("text");
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    read(&text)
}

/// The mapping for OpenSearch of a Quickwit index: the same fields, in its words.
///
/// # Panics
/// When a field has a type that this does not know.
pub fn mapping(index: &Value) -> Value {
    let fields = index["doc_mapping"]["field_mappings"].as_array().expect("fields");
    let mut properties = Map::new();
    for field in fields {
        let text = |name: &str| field[name].as_str().unwrap_or_default();
        let kind = text("type");
        let one = kind.strip_prefix("array<").and_then(|rest| rest.strip_suffix('>'));
        let mapped = match (one.unwrap_or(kind), text("tokenizer")) {
            ("text", "whitespace") => json!({"type": "text", "analyzer": "whitespace"}),
            ("text", "raw") => json!({"type": "keyword"}),
            ("bool", _) => json!({"type": "boolean"}),
            ("u64" | "i64", _) => json!({"type": "long"}),
            ("f64", _) => json!({"type": "double"}),
            ("datetime", _) => json!({"type": "date"}),
            ("json", "raw") => json!({"type": "object", "dynamic": true}),
            other => panic!("{other:?} of {field}"),
        };
        properties.insert(text("name").to_owned(), mapped);
    }
    // Whatever an attribute is in its source, here it is a word: one name may have several kinds.
    let words = ["string", "long", "double", "boolean"].map(|kind| {
        let mapping = json!({"type": "keyword"});
        let path = "attributes.*";
        json!({kind: {"path_match": path, "match_mapping_type": kind, "mapping": mapping}})
    });
    json!({
        "settings": {"number_of_shards": 2, "number_of_replicas": 0},
        "mappings": {
            "dynamic": false,
            "date_detection": false,
            "properties": properties,
            "dynamic_templates": words,
        },
    })
}

/// Makes the index.
///
/// # Panics
/// When the server refuses it.
pub fn make(url: &str, mapping: &Value) {
    ask("PUT", url, mapping.to_string().into_bytes());
}

/// Puts records in, by the key of their contact.
///
/// # Panics
/// When the server refuses something.
pub fn put(url: &str, records: &[Value]) {
    for records in records.chunks(BULK) {
        let mut lines = Vec::new();
        for record in records {
            let action = json!({"index": {"_id": record["contact_key"]}});
            lines.extend_from_slice(format!("{action}\n{record}\n").as_bytes());
        }
        let answer = ask("POST", &format!("{url}/_bulk"), lines);
        assert_eq!(answer["errors"], false, "{answer}");
    }
    ask("POST", &format!("{url}/_refresh"), Vec::new());
}

/// The server's answer.
///
/// # Panics
/// When there is none, or one that refuses.
pub fn ask(method: &str, url: &str, body: Vec<u8>) -> Value {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(60)))
        .http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let request = if method == "PUT" { agent.put(url) } else { agent.post(url) };
    let sent = request.content_type("application/json").send(&body[..]);
    let mut answer = sent.expect("the server answers");
    let text = answer.body_mut().with_config().limit(1 << 30).read_to_string().expect("text");
    assert!(answer.status().is_success(), "{url}: {text}");
    serde_json::from_str(&text).expect("JSON")
}
