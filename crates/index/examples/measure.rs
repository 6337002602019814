//! Measures the index alone on texts from standard input, one JSON object a line with `title`
//! and `text`: documents a second, then search times.
//!
//! `zstdcat texts.ndjson.zst | cargo run --release -p quell-index --example measure -- DIR`

use std::io::BufRead;
use std::time::Instant;

use quell_index::{Filters, IndexSettings, IndexWriter, SearchRequest, Searcher, Sort, rebuild};
use quell_model::{Contact, ContactKey};
use serde_json::{Value, json};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let dir = std::env::args().nth(1).ok_or("usage: measure DIR < texts.ndjson")?;
    let contacts = read()?;
    for threads in [1, 2] {
        let settings = IndexSettings { memory_bytes: 400_000_000, threads, ..Default::default() };
        let mut writer = rebuild(&dir, settings)?;
        let began = Instant::now();
        index(&mut writer, &contacts)?;
        let rate = contacts.len() as f64 / began.elapsed().as_secs_f64();
        println!("{threads} threads: {rate:.0} contacts/s over {}", contacts.len());
        let began = Instant::now();
        index(&mut writer, &contacts)?;
        let rate = contacts.len() as f64 / began.elapsed().as_secs_f64();
        println!("{threads} threads, all upserted again: {rate:.0} contacts/s");
        writer.close()?;
    }
    search(&Searcher::open(&dir)?)
}

fn index(writer: &mut IndexWriter, contacts: &[Contact]) -> Result<(), Error> {
    for (n, contact) in contacts.iter().enumerate() {
        writer.upsert(contact)?;
        if n % 10_000 == 9_999 {
            writer.commit(n as u64)?;
        }
    }
    Ok(writer.commit(contacts.len() as u64)?)
}

fn read() -> Result<Vec<Contact>, Error> {
    let mut contacts = Vec::new();
    for (n, line) in std::io::stdin().lock().lines().enumerate() {
        let row: Value = serde_json::from_str(&line?)?;
        contacts.push(contact(n, &row)?);
    }
    Ok(contacts)
}

fn contact(n: usize, row: &Value) -> Result<Contact, Error> {
    let time = row["created"].as_str().unwrap_or("2019-05-04T00:00:00Z");
    let language = row["locale"].as_str().unwrap_or("en").split('-').next().unwrap_or("en");
    let reason = ["add-ons.disabled", "sync.login", "crash.startup.update"][n % 3];
    let tag = json!({
        "reason": reason, "weight": 1, "decided_by": "rule", "confidence": 0.9, "evidence": [],
    });
    Ok(serde_json::from_value(json!({
        "contact_id": n.to_string(),
        "contact_key": ContactKey::new("measure", None, &n.to_string()),
        "system": "measure", "kind": "ticket", "customer_id": row["customer_id"],
        "occurred_at": time, "channel": "web_form", "direction": "inbound",
        "standing": "counted", "language": language, "language_source": "event",
        "subject": row["title"], "body": row["text"], "turns": [], "updated_at": time,
        "reopen_count": 0, "tags": row["tags"],
        "attributes": {"topic": row["topic"], "version": (60 + n % 9).to_string()},
        "reasons": [tag], "cues": [], "cost_micros": 4_000_000,
        "repeat": {}, "maturity": "provisional", "taxonomy_version": "1",
        "definition_version": "1",
    }))?)
}

fn search(searcher: &Searcher) -> Result<(), Error> {
    let version = Filters {
        attributes: [("version".to_owned(), "66".to_owned())].into(),
        reasons: vec!["sync.*".to_owned()],
        from: Some("2019-05-01T00:00:00Z".parse()?),
        ..Filters::default()
    };
    let cases = [
        ("word", "password", Filters::default()),
        ("two words", "password lost", Filters::default()),
        ("OR", "password OR bookmarks OR history", Filters::default()),
        ("phrase", "\"dark mode\"", Filters::default()),
        ("near", "update ~5 password", Filters::default()),
        ("prefix", "pass*", Filters::default()),
        ("word and filters", "password", version),
        ("everything", "", Filters::default()),
    ];
    for (name, query, filters) in cases {
        for sort in [Sort::Newest, Sort::Relevance] {
            let request = SearchRequest {
                query: Some(query.to_owned()),
                filters: filters.clone(),
                sort,
                ..SearchRequest::default()
            };
            let mut total = 0;
            let times = times(|| {
                total = searcher.search(&request)?.total;
                Ok(())
            })?;
            println!("{name} by {sort:?}: {total} hits, {times}");
        }
    }
    let aggs = json!({"by_day": {
        "date_histogram": {"field": "occurred_at", "fixed_interval": "1d"},
        "aggs": {"reasons": {"terms": {"field": "reason_l2", "size": 40}}},
    }});
    let times = times(|| {
        searcher.aggregate(Some("password"), &Filters::default(), &aggs)?;
        Ok(())
    })?;
    println!("reasons by day where a word matches: {times}");
    Ok(())
}

/// The median and the 99th percentile of 200 runs.
fn times(mut run: impl FnMut() -> Result<(), Error>) -> Result<String, Error> {
    let mut micros = Vec::new();
    for _ in 0..200 {
        let began = Instant::now();
        run()?;
        micros.push(began.elapsed().as_micros());
    }
    micros.sort_unstable();
    let ms = |at: usize| micros.get(at).copied().unwrap_or(0) as f64 / 1e3;
    Ok(format!("p50 {:.2} ms, p99 {:.2} ms", ms(100), ms(197)))
}
