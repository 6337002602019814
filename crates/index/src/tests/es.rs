//! The Elasticsearch request form, its counts and its refusals.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Dice, MAY, contact, generated, index};
use crate::terms;
use crate::{Filters, IndexError};

#[test]
fn reasons_over_time_where_text_language_and_version_match() {
    let mut dice = Dice(5);
    let contacts = generated(400, &mut dice);
    let (_dir, _writer, searcher) = index(&contacts);
    let body = json!({
        "size": 0,
        "query": {"bool": {
            "must": [{"match": {"text": "visszatérítés"}}],
            "filter": [
                {"term": {"language": "hu"}},
                {"terms": {"attributes.version": ["66.0", "66.5"]}},
                {"range": {"occurred_at": {"gte": "2019-05-01", "lt": "2019-05-05"}}},
            ],
        }},
        "aggs": {"by_day": {
            "date_histogram": {"field": "occurred_at", "calendar_interval": "day"},
            "aggs": {"reasons": {"terms": {"field": "reason_l2", "size": 40}}},
        }},
    });
    let stem = &terms::stems("hu", "visszatérítés")[0].1;
    let mut expected: BTreeMap<i64, BTreeMap<String, u64>> = BTreeMap::new();
    let mut total = 0;
    for contact in &contacts {
        let texts = contact.subject.iter().chain(&contact.body);
        let has_word = texts
            .into_iter()
            .any(|text| terms::stems("hu", text).iter().any(|(_, term)| term == stem));
        let version = contact.attributes["version"].to_text();
        let day = (contact.occurred_at.0 - MAY) / 86_400_000;
        if contact.language == "hu" && has_word && ["66.0", "66.5"].contains(&&*version) && day < 4
        {
            total += 1;
            let reasons: std::collections::BTreeSet<_> =
                contact.reasons.iter().map(|tag| tag.reason.level2().0).collect();
            for reason in reasons {
                *expected.entry(day).or_default().entry(reason).or_default() += 1;
            }
        }
    }
    let answer = searcher.es_search(&body).unwrap();
    let mut got: BTreeMap<i64, BTreeMap<String, u64>> = BTreeMap::new();
    for day in answer["aggregations"]["by_day"]["buckets"].as_array().unwrap() {
        let at = (day["key"].as_f64().unwrap() as i64 - MAY) / 86_400_000;
        for reason in day["reasons"]["buckets"].as_array().unwrap() {
            let name = reason["key"].as_str().unwrap().to_owned();
            got.entry(at).or_default().insert(name, reason["doc_count"].as_u64().unwrap());
        }
    }
    assert!(total > 3, "{total}");
    assert_eq!(got, expected);
    assert_eq!(answer["hits"]["total"], json!({"value": total, "relation": "eq"}));
    assert_eq!(answer["hits"]["hits"], json!([]));
}

#[test]
fn aggregate_counts_under_query_and_filters() {
    let mut dice = Dice(6);
    let contacts = generated(200, &mut dice);
    let (_dir, _writer, searcher) = index(&contacts);
    let filters = Filters { reasons: vec!["billing.*".to_owned()], ..Filters::default() };
    let aggs = json!({
        "channels": {"terms": {"field": "channel"}},
        "cost": {"sum": {"field": "cost_micros"}},
        "versions": {"terms": {"field": "attributes.version", "size": 100}},
        "repeats": {"terms": {"field": "repeat_any_reason"}},
    });
    let answer = searcher.aggregate(Some("-channel:voice"), &filters, &aggs).unwrap();
    let chosen: Vec<_> = contacts
        .iter()
        .filter(|contact| contact.channel.as_str() != "voice")
        .filter(|c| c.reasons.iter().any(|tag| tag.reason.level1() == "billing"))
        .collect();
    let buckets = |name: &str| -> u64 {
        let buckets = answer[name]["buckets"].as_array().unwrap();
        buckets.iter().map(|bucket| bucket["doc_count"].as_u64().unwrap()).sum()
    };
    assert!(chosen.len() > 20);
    for name in ["channels", "versions", "repeats"] {
        assert_eq!(buckets(name), chosen.len() as u64, "{name}");
    }
    let cost: i64 = chosen.iter().map(|contact| contact.cost_micros).sum();
    assert_eq!(answer["cost"]["value"].as_f64(), Some(cost as f64));
}

fn es_ids(searcher: &crate::Searcher, query: Value) -> Vec<String> {
    let answer = searcher.es_search(&json!({"query": query, "size": 100})).unwrap();
    let hits = answer["hits"]["hits"].as_array().unwrap();
    let id = |hit: &Value| hit["_source"]["contact_id"].as_str().unwrap().to_owned();
    let mut ids: Vec<String> = hits.iter().map(id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn each_kind_of_query_is_answered() {
    let mut contacts = vec![
        contact("1", "en", "my refund has a long delay"),
        contact("2", "en", "the delay of my refund"),
        contact("3", "en", "nothing to see"),
    ];
    contacts[2].product = Some("phone".to_owned());
    contacts[1].csat = Some(2.0);
    let (_dir, _writer, searcher) = index(&contacts);
    for (query, expected) in [
        (json!({"match_all": {}}), "123"),
        (json!({"match_none": {}}), ""),
        (json!({"match": {"text": "refund nothing"}}), "123"),
        (json!({"match": {"text": {"query": "refund delay", "operator": "and"}}}), "12"),
        (json!({"match": {"contact_id": "2"}}), "2"),
        (json!({"match_phrase": {"text": "long delay"}}), "1"),
        (json!({"match_phrase": {"text": {"query": "my delay", "slop": 4}}}), "12"),
        (json!({"match_phrase": {"text": {"query": "my delay", "slop": 3}}}), "2"),
        (json!({"prefix": {"text": "refun"}}), "12"),
        (json!({"prefix": {"contact_key": {"value": "test//"}}}), "123"),
        (json!({"wildcard": {"product": {"value": "ph*e"}}}), "3"),
        (json!({"exists": {"field": "csat"}}), "2"),
        (json!({"ids": {"values": ["test//1", "test//3"]}}), "13"),
        (json!({"range": {"csat": {"gte": 2, "lt": 3}}}), "2"),
        (json!({"range": {"occurred_at": {"gte": MAY, "format": "epoch_millis"}}}), "123"),
        (json!({"query_string": {"query": "refund >4 delay"}}), "1"),
        (json!({"bool": {"must_not": {"match": {"text": "refund"}}}}), "3"),
        (json!({"bool": {"should": [{"ids": {"values": ["test//1"]}}]}}), "1"),
        (
            json!({"bool": {
                "filter": {"match_all": {}},
                "should": [{"ids": {"values": ["test//1"]}}],
            }}),
            "123",
        ),
        (
            json!({"bool": {
                "should": [
                    {"match": {"text": "refund"}},
                    {"match": {"text": "long"}},
                    {"match": {"text": "see"}},
                ],
                "minimum_should_match": 2,
            }}),
            "1",
        ),
        (json!({"bool": {}}), "123"),
    ] {
        assert_eq!(es_ids(&searcher, query.clone()).concat(), expected, "{query}");
    }
}

#[test]
fn answers_have_the_form_clients_expect() {
    let mut contacts: Vec<_> = (0..3).map(|n| contact(&n.to_string(), "en", "same")).collect();
    for (n, contact) in contacts.iter_mut().enumerate() {
        contact.occurred_at.0 += n as i64;
    }
    let (_dir, _writer, searcher) = index(&contacts);
    let body = json!({
        "query": {"match": {"text": "same"}},
        "sort": [{"occurred_at": {"order": "desc"}}, "_doc"],
        "from": 1, "size": 1, "_source": ["contact_id"], "track_total_hits": true,
    });
    let mut answer = searcher.es_search(&body).unwrap();
    assert!(answer["took"].is_u64());
    answer["took"] = json!(0);
    assert_eq!(
        answer,
        json!({
            "took": 0, "timed_out": false,
            "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
            "hits": {
                "total": {"value": 3, "relation": "eq"},
                "max_score": null,
                "hits": [{
                    "_index": "contacts", "_id": "test//1", "_score": null,
                    "_source": {"contact_id": "1"}, "sort": [MAY + 1],
                }],
            },
        })
    );
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let (_dir, _writer, searcher) = index(&[contact("1", "en", "words")]);
    let agg = |agg: Value| json!({"size": 0, "aggs": {"x": agg}});
    let deep = (0..40).fold(json!({"match_all": {}}), |q, _| json!({"bool": {"must": q}}));
    for (body, names) in [
        (json!([]), "body"),
        (json!({"suggest": {}}), "suggest"),
        (json!({"size": 10_001}), "limit"),
        (json!({"size": -1}), "size"),
        (json!({"sort": "product"}), "sort"),
        (json!({"query": {"fuzzy": {"text": "x"}}}), "query.fuzzy"),
        (json!({"query": {"bool": {"must": [{"term": {"nope": 1}}]}}}), "query.bool.must[0].term"),
        (json!({"query": {"bool": {"musst": []}}}), "query.bool.musst"),
        (json!({"query": {"match": {"text": {"query": "x", "fuzziness": 1}}}}), "fuzziness"),
        (json!({"query": {"range": {"csat": {"gte": "x"}}}}), "query.range.csat"),
        (json!({"query": {"range": {"csat": {"gte": 1, "gt": 1}}}}), "query.range.csat.gt"),
        (json!({"query": {"query_string": {"query": "a ("}}}), "character 4"),
        (json!({"query": deep}), "levels"),
        (agg(json!({"top_hits": {}})), "aggs.x.top_hits"),
        (agg(json!({"terms": {"field": "text"}})), "aggs.x.terms.field"),
        (agg(json!({"terms": {"field": "nope"}})), "aggs.x.terms.field"),
        (agg(json!({"terms": {"field": "channel", "size": 1_000_000}})), "aggs.x.terms.size"),
        (agg(json!({"terms": {"field": "channel", "script": ""}})), "aggs.x.terms.script"),
        (agg(json!({"avg": {"field": "channel"}})), "aggs.x.avg.field"),
        (agg(json!({"max": {"field": "occurred_at"}})), "aggs.x.max.field"),
        (agg(json!({"avg": {"field": "csat"}, "aggs": {}})), "aggs.x.aggs"),
        (
            agg(json!({"date_histogram": {"field": "occurred_at", "calendar_interval": "month"}})),
            "calendar_interval",
        ),
        (
            agg(json!({"date_histogram": {
                "field": "occurred_at", "fixed_interval": "99999999999999999d"}})),
            "fixed_interval",
        ),
        (agg(json!({"histogram": {"field": "csat", "interval": 0}})), "interval"),
    ] {
        let error = searcher.es_search(&body).expect_err(&body.to_string());
        assert!(error.is_callers_fault(), "{body}: {error:?}");
        assert!(error.to_string().contains(names), "{body}: {error}");
    }
}

#[test]
fn buckets_are_bounded_before_they_are_built() {
    let mut contacts: Vec<_> = (0..50).map(|n| contact(&n.to_string(), "en", "same")).collect();
    for (n, contact) in contacts.iter_mut().enumerate() {
        contact.occurred_at.0 += n as i64 * 86_400_000;
    }
    let (_dir, _writer, searcher) = index(&contacts);
    let by = |body: Value| {
        let mut histogram = json!({"field": "occurred_at", "fixed_interval": "1ms"});
        for (key, value) in body.as_object().unwrap() {
            histogram[key] = value.clone();
        }
        let aggs = json!({"x": {"date_histogram": histogram}});
        searcher.aggregate(None, &Filters::default(), &aggs)
    };
    assert!(matches!(by(json!({})), Err(IndexError::Request { .. })));
    let sparse = by(json!({"min_doc_count": 1})).unwrap();
    assert_eq!(sparse["x"]["buckets"].as_array().unwrap().len(), 50);
    let wide = json!({"fixed_interval": "1d", "extended_bounds": {"min": 0, "max": 9e15}});
    assert!(matches!(by(wide), Err(IndexError::Request { .. })));
    let daily = by(json!({"fixed_interval": "1d"})).unwrap();
    assert_eq!(daily["x"]["buckets"].as_array().unwrap().len(), 50);
    let hour = json!({"fixed_interval": "1h",
        "hard_bounds": {"min": MAY, "max": MAY + 3 * 3_600_000}});
    assert_eq!(by(hour).unwrap()["x"]["buckets"][0]["doc_count"], json!(1));
    let minutes = json!({"fixed_interval": "1m"});
    assert!(matches!(by(minutes), Err(IndexError::Request { .. })));
}
