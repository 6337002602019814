//! What is asked: by hand in five languages, by a small grammar over the contacts' own words, and
//! in the Elasticsearch form.

use quell_faults::Seed;
use quell_index::{Filters, SearchRequest};
use quell_model::{Contact, RepeatMode, Standing};

/// Questions in the people's language.
pub const HAND_WRITTEN: &[&str] = &[
    "",
    "*",
    "refund",
    "where is my order",
    "\"my order\"",
    "refund OR money",
    "order -refund",
    "NOT order",
    "(refund OR charged) order",
    "firefo*",
    "order ~4 late",
    "bookmarks ~ lost",
    "my >1 order",
    "refund ~5 \"my order\"",
    "退款",
    "订单",
    "訂單",
    "\"我的订单\"",
    "订单*",
    "订单 -退款",
    "language:zh 退款",
    "订单 ~5 退款",
    "rendelés",
    "rendelésem visszatérítés",
    "visszateri*",
    "language:hu csomag",
    "\"a csomag\"",
    "пароль",
    "заказ OR посылка",
    "\"мой заказ\"",
    "language:ru возврат",
    "գումար",
    "պատվեր",
    "\"իմ պատվերը\"",
    "ինչու",
    "channel:email",
    "channel:voice OR channel:chat",
    "reason:delivery.*",
    "reason:*.late*",
    "area:billing -channel:email",
    "reason_l2:billing.refund_delay",
    "language:h*",
    "standing:counted repeat_any_reason:true",
    "repeat_same_issue:false",
    "chain_position:>1",
    "chain_position:2..3",
    "cost_micros:>0",
    "csat:<3",
    "csat:*",
    "product:*",
    "-product:*",
    "status:open OR status:solved",
    "kind:ticket",
    "tags:desktop",
    "decided_by:rule",
    "cue:*",
    "demand_type:failure",
    "occurred_at:2026-01-03",
    "occurred_at:>=2026-01-05",
    "occurred_at:<2026-01-03T12:00:00Z",
    "occurred_at:2026-01-02..2026-01-04",
    "attributes.region:north",
    "attributes.app_version:67.0",
    "attributes.app_version:66*",
    "attributes.topic:*",
    "-attributes.region:*",
    "attributes.n:>3",
    "customer_id:*",
    "contact_id:\"no such contact\"",
];

/// Questions as filters.
pub fn filters() -> Vec<SearchRequest> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let time = |text: &str| text.parse().ok();
    let version = [("app_version".to_owned(), "67.0".to_owned())];
    let filters = [
        Filters { reasons: words(&["billing.*", "*.where_is*"]), ..Filters::default() },
        Filters { channels: words(&["email", "chat"]), ..Filters::default() },
        Filters { languages: words(&["hu"]), ..Filters::default() },
        Filters { languages: words(&["hu", "zh", "en"]), ..Filters::default() },
        Filters { from: time("2026-01-04T00:00:00Z"), ..Filters::default() },
        Filters {
            from: time("2026-01-02T06:30:00.250Z"),
            to: time("2026-01-07T00:00:00Z"),
            ..Filters::default()
        },
        Filters { repeat: Some(RepeatMode::SameIssue), ..Filters::default() },
        Filters { standing: Some(Standing::Duplicate), ..Filters::default() },
        Filters { attributes: version.into_iter().collect(), ..Filters::default() },
    ];
    let queries = [None, Some("order"), Some("-order"), Some("订单 OR rendelés")];
    let mut requests = Vec::new();
    for filters in &filters {
        for query in queries {
            let (query, filters) = (query.map(str::to_owned), filters.clone());
            requests.push(SearchRequest { query, filters, ..SearchRequest::default() });
        }
    }
    requests
}

/// The words and values that the contacts have.
pub struct Corpus {
    texts: Vec<Vec<String>>,
    values: Vec<String>,
}

impl Corpus {
    pub fn new(contacts: &[Contact]) -> Self {
        let words = |text: &String| -> Vec<String> {
            let words = text.split(|c: char| !c.is_alphanumeric());
            let known = |word: &&str| !word.is_empty() && !matches!(*word, "OR" | "AND" | "NOT");
            words.filter(known).map(|word| word.chars().take(12).collect()).collect()
        };
        let texts = contacts.iter().flat_map(|contact| contact.subject.iter().chain(&contact.body));
        let texts: Vec<_> = texts.map(words).filter(|words| words.len() > 1).collect();
        let values = contacts.iter().flat_map(|contact| {
            let reason = contact.reasons.first().map(|tag| format!("reason:{}", tag.reason.0));
            let queue = contact.queue.as_ref().map(|queue| format!("queue:\"{queue}\""));
            let customer = contact.customer_id.as_ref().map(|id| format!("customer:\"{id}\""));
            let channel = Some(format!("channel:{}", contact.channel.as_str()));
            let language = Some(format!("language:{}", contact.language));
            let day = contact.occurred_at.to_string();
            let time = Some(format!("occurred_at:<{}", &day[..10]));
            [reason, queue, customer, channel, language, time].into_iter().flatten()
        });
        let mut values: Vec<_> = values.collect();
        values.sort();
        values.dedup();
        Corpus { texts, values }
    }

    /// A question of at most so many levels.
    pub fn question(&self, seed: &mut Seed, depth: usize) -> String {
        if depth > 0 {
            let both =
                |seed: &mut Seed| (self.question(seed, depth - 1), self.question(seed, depth - 1));
            match seed.below(8) {
                0 | 1 => {
                    let (a, b) = both(seed);
                    return format!("({a}) OR ({b})");
                }
                2 => {
                    let (a, b) = both(seed);
                    return format!("({a}) ({b})");
                }
                3 => {
                    let (a, b) = both(seed);
                    return format!("({a}) -({b})");
                }
                _ => {}
            }
        }
        let words = &self.texts[seed.below(self.texts.len())];
        let at = seed.below(words.len() - 1);
        let (first, second) = (&words[at], &words[at + 1]);
        match seed.below(12) {
            0..=3 => first.clone(),
            4 => format!("\"{first} {second}\""),
            5 => {
                let end = words.len().min(at + 4);
                format!("\"{}\"", words[at..end].join(" "))
            }
            6 => {
                let chars = first.chars().count();
                let beginning: String = first.chars().take(chars.div_ceil(2).max(2)).collect();
                format!("{beginning}*")
            }
            7 => format!("{first} ~{} {second}", 1 + seed.below(6)),
            8 => format!("{first} >{} {second}", 1 + seed.below(3)),
            9 => format!("{first} {second}"),
            _ => self.values[seed.below(self.values.len())].clone(),
        }
    }
}

/// Requests of the Elasticsearch form; their size is set by who asks.
pub const REQUESTS: &[&str] = &[
    r#"{}"#,
    r#"{"query": {"match_none": {}}}"#,
    r#"{"query": {"match": {"text": "refund parcel"}}}"#,
    r#"{"query": {"match": {"text": {"query": "my order", "operator": "and"}}}}"#,
    r#"{"query": {"match_phrase": {"text": "my order"}}}"#,
    r#"{"query": {"match_phrase": {"text": {"query": "order my", "slop": 4}}}}"#,
    r#"{"query": {"match_phrase": {"text": {"query": "订单"}}}}"#,
    r#"{"query": {"prefix": {"text": "firef"}}}"#,
    r#"{"query": {"prefix": {"contact_key": {"value": "sumo"}}}}"#,
    r#"{"query": {"wildcard": {"reason": {"value": "*il*.*"}}}}"#,
    r#"{"query": {"wildcard": {"queue": {"value": "*?x*"}}}}"#,
    r#"{"query": {"exists": {"field": "csat"}}}"#,
    r#"{"query": {"terms": {"language": ["hu", "zh"]}}, "sort": [{"occurred_at": "asc"}]}"#,
    r#"{"query": {"terms": {"attributes.app_version": ["66.0", 67]}}}"#,
    r#"{"query": {"term": {"repeat_any_reason": true}}}"#,
    r#"{"query": {"term": {"chain_position": 2}}}"#,
    r#"{"query": {"range": {"occurred_at": {"gte": "2026-01-02", "lt": "2026-01-05"}}}}"#,
    r#"{"query": {"range": {"occurred_at": {"gt": 1767398400000, "format": "epoch_millis"}}}}"#,
    r#"{"query": {"range": {"handle_s": {"gt": 100, "lte": 400.5}}}}"#,
    r#"{"query": {"range": {"cost_micros": {"gte": 1, "lt": 9000000}}}}"#,
    r#"{"query": {"query_string": {"query": "refund OR (order -late)"}}}"#,
    r#"{"query": {"ids": {"values": ["no//such", "neither//this"]}}}"#,
    r#"{"query": {"bool": {"must_not": {"match": {"text": "order"}}}}}"#,
    r#"{"query": {"bool": {"filter": {"term": {"language": "hu"}}, "should": [{"match": {"text": "csomag"}}]}}}"#,
    r#"{"query": {"bool": {"must": {"match": {"text": "order"}}, "filter": [{"term": {"channel": "email"}}, {"range": {"occurred_at": {"gte": "2026-01-03"}}}], "must_not": [{"term": {"language": "de"}}]}}}"#,
    r#"{"query": {"bool": {"should": [{"match": {"text": "order"}}, {"match": {"text": "my"}}, {"term": {"channel": "chat"}}], "minimum_should_match": 2}}}"#,
    r#"{"query": {"bool": {"should": [{"match": {"text": "order"}}], "must_not": [{"term": {"channel": "chat"}}], "minimum_should_match": 0}}}"#,
];

/// Aggregations.
pub const AGGREGATIONS: &[&str] = &[
    r#"{"a": {"terms": {"field": "channel", "size": 50}}, "b": {"terms": {"field": "reason", "size": 500}}}"#,
    r#"{"a": {"terms": {"field": "language", "size": 50}, "aggs": {"c": {"sum": {"field": "cost_micros"}}, "m": {"max": {"field": "cost_micros"}}, "s": {"stats": {"field": "cost_micros"}}}}}"#,
    r#"{"a": {"terms": {"field": "reason_l2", "size": 500, "min_doc_count": 3}}}"#,
    r#"{"a": {"terms": {"field": "tags", "size": 5000, "order": {"_key": "asc"}}}}"#,
    r#"{"a": {"terms": {"field": "language", "size": 40, "order": {"c": "desc"}}, "aggs": {"c": {"avg": {"field": "cost_micros"}}}}}"#,
    r#"{"a": {"terms": {"field": "repeat_any_reason"}}, "p": {"terms": {"field": "chain_position", "size": 100}}}"#,
    r#"{"a": {"terms": {"field": "attributes.region", "size": 20}}, "t": {"terms": {"field": "attributes.topic", "size": 500}}}"#,
    r#"{"d": {"date_histogram": {"field": "occurred_at", "calendar_interval": "week"}, "aggs": {"l": {"terms": {"field": "language", "size": 40}, "aggs": {"c": {"terms": {"field": "channel", "size": 40}}}}}}}"#,
    r#"{"d": {"date_histogram": {"field": "occurred_at", "fixed_interval": "1d", "min_doc_count": 1}, "aggs": {"s": {"stats": {"field": "handle_s"}}, "v": {"value_count": {"field": "csat"}}}}}"#,
    r#"{"d": {"date_histogram": {"field": "occurred_at", "fixed_interval": "30d", "offset": "-2d", "keyed": true}}}"#,
    r#"{"d": {"date_histogram": {"field": "occurred_at", "fixed_interval": "30d", "extended_bounds": {"min": 1546300800000, "max": 1783000000000}}, "aggs": {"l": {"terms": {"field": "channel", "size": 40}}, "r": {"range": {"field": "cost_micros", "ranges": [{"to": 5000000}, {"from": 5000000}]}}}}}"#,
    r#"{"h": {"histogram": {"field": "cost_micros", "interval": 1000000}}}"#,
    r#"{"h": {"histogram": {"field": "handle_s", "interval": 60, "offset": 10, "min_doc_count": 2}, "aggs": {"c": {"avg": {"field": "cost_micros"}}}}}"#,
    r#"{"r": {"range": {"field": "cost_micros", "ranges": [{"to": 1000000}, {"from": 4000000, "to": 6000000, "key": "middle"}]}, "aggs": {"l": {"terms": {"field": "language", "size": 40}}}}}"#,
    r#"{"r": {"range": {"field": "chain_position", "ranges": [{"from": 1, "to": 2}, {"from": 2, "to": 4}]}}}"#,
    r#"{"a": {"avg": {"field": "cost_micros"}}, "b": {"avg": {"field": "csat", "missing": 3}}, "s": {"sum": {"field": "handle_s"}}, "m": {"min": {"field": "handle_s"}}, "n": {"max": {"field": "handle_s"}}, "v": {"value_count": {"field": "product"}}, "w": {"stats": {"field": "csat"}}}"#,
];
