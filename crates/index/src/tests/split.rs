//! What a search backend is asked, what it is not, and what becomes of its answers.

use std::sync::{Arc, Mutex};

use quell_model::contact::Maturity;
use quell_model::event::Scalar;
use serde_json::{Value, json};

use super::{contact, index, settings};
use crate::elastic;
use crate::split::{BackendError, ContactSearch, SearchBackend};
use crate::{
    Filters, IndexError, IndexWriter, Scope, SearchRequest, Searcher, Sort, settled_record, terms,
};

/// The JSON for a question of the people's language, words read in English.
fn asked(searcher: &Searcher, query: &str) -> Result<Value, String> {
    let filters = Filters { languages: vec!["en".to_owned()], ..Filters::default() };
    let snapshot = searcher.snapshot();
    let condition = snapshot.condition(Some(query), &filters, &[]);
    let sent = elastic::query(&condition.map_err(|error| error.to_string())?)?;
    // Beside the filter by language.
    let bool = &sent["bool"];
    assert_eq!(bool["filter"][0], json!({"term": {"language": {"value": "en"}}}), "{sent}");
    Ok(match &bool["must"] {
        Value::Null => bool["filter"][1].clone(),
        must => must[0].clone(),
    })
}

#[test]
fn questions_are_sent_in_words_that_were_analysed_here() {
    let (_dir, _writer, searcher) = index(&[contact("1", "en", "refunds")]);
    let term = |field: &str, value: &str| json!({"term": {field: {"value": value}}});
    let phrase = |field: &str, text: &str| json!({"match_phrase": {field: {"query": text}}});
    let either = |a: Value, b: Value| json!({"bool": {"should": [a, b]}});
    let sloppy =
        |field: &str, text: &str| json!({"match_phrase": {field: {"query": text, "slop": 2}}});
    for (query, sent) in [
        ("refunds", either(term("text", "refund"), term("text_plain", "refunds"))),
        (
            "\"two refunds\"",
            either(phrase("text", "two refund"), phrase("text_plain", "two refunds")),
        ),
        ("refun*", json!({"prefix": {"text_plain": {"value": "refun"}}})),
        (
            "订单*",
            json!({"match_phrase_prefix": {"text_plain": {"query": "订 单", "max_expansions": 1000}}}),
        ),
        ("channel:email", term("channel", "email")),
        ("repeat_any_reason:true", term("repeat_any_reason", "true")),
        ("attributes.version:67", term("attributes.version", "67")),
        ("reason:a?b*c*", json!({"wildcard": {"reason": {"value": "a\\?b*c*"}}})),
        ("csat:*", json!({"exists": {"field": "csat"}})),
        ("chain_position:2", json!({"range": {"chain_position": {"gte": 2, "lte": 2}}})),
        (
            "occurred_at:2026-01-31",
            json!({"range": {"occurred_at": {
                "gte": "2026-01-31T00:00:00Z", "lt": "2026-02-01T00:00:00Z",
            }}}),
        ),
        (
            "lost ~3 parcel",
            either(
                json!({"bool": {"should": [sloppy("text", "lost parcel"), sloppy("text", "parcel lost")]}}),
                json!({"bool": {"should": [
                    sloppy("text_plain", "lost parcel"), sloppy("text_plain", "parcel lost"),
                ]}}),
            ),
        ),
    ] {
        assert_eq!(asked(&searcher, query), Ok(sent), "{query}");
    }
}

#[test]
fn what_cannot_be_asked_exactly_is_refused_with_what_to_do() {
    let (_dir, _writer, searcher) = index(&[contact("1", "en", "refunds")]);
    let long = "x".repeat(200);
    for query in [
        "a >3 b",
        "a ~ b ~ c",
        "a ~ \"b c\"",
        "订单 ~ 退款",
        "same ~ same",
        "attributes.version:>3",
        &format!("\"a {long} b\""),
    ] {
        let problem = asked(&searcher, query).expect_err(query);
        assert!(problem.contains("search backend"), "{query}: {problem}");
        assert!(problem.contains("ask for") || problem.contains("leave"), "{query}: {problem}");
    }
}

#[test]
fn a_record_holds_what_the_index_finds_at_the_same_places() {
    let mut contact = contact("1", "en", &format!("it's a {} refund", "x".repeat(200)));
    contact.subject = Some("Two refunds".to_owned());
    contact.maturity = Maturity::Mature;
    contact.tags = vec!["b".to_owned(), "a".to_owned(), "b".to_owned()];
    contact.attributes.insert("whole".to_owned(), Scalar::Float(67.0));
    contact.attributes.insert("half".to_owned(), Scalar::Float(0.5));
    let record: Value = serde_json::from_slice(&settled_record(&contact)).unwrap();
    assert_eq!(record["text"][0], "two refund");
    let body = record["text_plain"][1].as_str().unwrap();
    let terms = terms::plain(contact.body.as_deref().unwrap());
    let words: Vec<&str> = body.split(' ').collect();
    for (at, term) in &terms {
        assert_eq!(words[*at as usize], term, "{body}");
    }
    assert!(words.contains(&"\u{fffc}"), "the long word's place stays: {body}");
    assert_eq!(record["tags"], json!(["a", "b"]));
    assert_eq!(record["reason"], json!(["billing", "billing.refund"]));
    assert_eq!(record["attributes"], json!({"half": 0.5, "whole": 67}));
    assert_eq!(record["chain_position"], 1);
    assert_eq!(record["subject"], "Two refunds", "the row is there as it is");
    contact.body = Some("long ".repeat(200_000));
    let record: Value = serde_json::from_slice(&settled_record(&contact)).unwrap();
    assert_eq!(record["body"], Value::Null);
    assert!(record["text"][1].as_str().unwrap().starts_with("long long"));
}

#[test]
fn an_index_of_another_scope_is_made_anew() {
    let (dir, mut writer, searcher) =
        index(&[contact("1", "en", "one"), contact("2", "en", "two")]);
    writer.release(&contact("1", "en", "one").contact_key);
    writer.commit(9).unwrap();
    searcher.reload().unwrap();
    assert_eq!(searcher.live_contacts(), 1);
    assert!(!writer.owes_rewrite(), "what is elsewhere need not be wiped here");
    drop(writer);
    let other = crate::IndexSettings { scope: Scope::Unsettled, ..settings() };
    assert!(IndexWriter::open(dir.path(), other).err().is_some_and(|error| error.needs_rebuild()));
    let writer = crate::rebuild(dir.path(), other).unwrap();
    drop(writer);
    assert!(IndexWriter::open(dir.path(), other).is_ok());
}

/// Answers what it is told to, and keeps what it was asked.
struct Told {
    answer: Result<Value, BackendError>,
    asked: Mutex<Vec<Value>>,
}

impl SearchBackend for Told {
    fn search(&self, body: &Value) -> Result<Value, BackendError> {
        self.asked.lock().unwrap().push(body.clone());
        if body["aggs"].get("languages").is_some() {
            let buckets = json!([{"key": "en", "doc_count": 1}]);
            return Ok(json!({"aggregations": {"languages": {"buckets": buckets}}}));
        }
        self.answer.clone()
    }
}

fn told(answer: Result<Value, BackendError>) -> (Arc<Told>, ContactSearch, tempfile::TempDir) {
    let (dir, _writer, here) = index(&[contact("1", "en", "refund")]);
    let backend = Arc::new(Told { answer, asked: Mutex::default() });
    (backend.clone(), ContactSearch::with_backend(here, backend), dir)
}

fn of_a_settled(id: &str) -> Value {
    let record = settled_record(&contact(id, "en", "refund"));
    let source: Value = serde_json::from_slice(&record).unwrap();
    json!({
        "timed_out": false,
        "_shards": {"total": 1, "successful": 1, "failed": 0},
        "hits": {
            "total": {"value": 41, "relation": "eq"},
            "hits": [{"_id": id, "_score": 0.5, "_source": source}],
        },
    })
}

#[test]
fn both_places_are_asked_and_put_together() {
    let (backend, search, _dir) = told(Ok(of_a_settled("2")));
    let request = SearchRequest {
        query: Some("refund".to_owned()),
        sort: Sort::Relevance,
        ..SearchRequest::default()
    };
    let answer = search.search(&request).unwrap();
    assert_eq!(answer.total, 42);
    assert_eq!(answer.hits.len(), 2);
    let there = answer.hits.iter().find(|hit| hit.contact.contact_id == "2").unwrap();
    assert_eq!(there.score, Some(0.5));
    assert_eq!(there.contact.reasons, ["billing.refund"]);
    search.search(&request).unwrap();
    let asked = backend.asked.lock().unwrap();
    assert_eq!(asked.len(), 3, "the languages are asked for once: {asked:?}");
    assert_eq!(asked[1]["sort"], json!([{"_score": {"order": "desc"}}]));
    assert_eq!(asked[1]["size"], 20);
}

#[test]
fn half_an_answer_is_none() {
    let request = SearchRequest::default();
    let mut late = of_a_settled("2");
    late["timed_out"] = json!(true);
    let mut partly = of_a_settled("2");
    partly["_shards"]["failed"] = json!(1);
    let mut about = of_a_settled("2");
    about["hits"]["total"]["relation"] = json!("gte");
    let mut strange = of_a_settled("2");
    strange["hits"]["hits"][0]["_source"] = json!({"title": "of another index"});
    for wrong in [late, partly, about, strange, json!({"error": "x"}), json!([])] {
        let (_, search, _dir) = told(Ok(wrong.clone()));
        let error = search.search(&request).expect_err("it is none");
        let IndexError::Backend(BackendError::Answer(_)) = error else {
            panic!("{error}: {wrong}")
        };
        assert!(!error.is_callers_fault());
    }
    let timed_out = BackendError::TimedOut { seconds: 30 };
    let (_, search, _dir) = told(Err(timed_out.clone()));
    let error = search.es_search(&json!({})).expect_err("it fails");
    assert!(matches!(error, IndexError::Backend(failure) if failure == timed_out));
    let (_, search, _dir) = told(Ok(of_a_settled("2")));
    let aggs = json!({"aggs": {"a": {"terms": {"field": "channel"}}}});
    let error = search.es_search(&aggs).expect_err("the counts are missing").to_string();
    assert!(error.contains("aggs.a"), "{error}");
}
