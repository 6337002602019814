//! Discovery day by day in one pass, for measuring it:
//!
//! ```sh
//! zstd -dc questions.ndjson.zst |
//!     cargo run --release -p quell-taxonomy --example discover_days -- CATALOGUE [SETTINGS] > days
//! ```
//!
//! Reads NDJSON `{id, created, customer_id, title, text}` in the order of `created` and writes a
//! row for each day: the candidates listed when it ends, and which contact joined which group.
//! SETTINGS is `DiscoverySettings` as JSON.

use std::error::Error;
use std::io::{self, BufRead, Write};
use std::sync::Arc;

use quell_model::time::DAY_MS;
use quell_model::{ContactKey, TimeMs, UNCLASSIFIED};
use quell_taxonomy::discovery::{Candidate, Discovery, Observation, Placed, Terms, hash_of};
use quell_taxonomy::{TagInput, TagSettings, Tagger, Taxonomy};
use quell_text::redact::redact;
use quell_text::{Analyzer, Language};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Question {
    id: u64,
    created: TimeMs,
    customer_id: String,
    title: String,
    text: String,
}

struct Days {
    tagger: Tagger,
    analyzer: Analyzer,
    terms: Terms,
    discovery: Discovery,
    day: Option<TimeMs>,
    texts: u64,
    unfit: u64,
    placed: Vec<Placed>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("which catalogue?")?;
    let yaml = std::fs::read_to_string(&path)?;
    let taxonomy = Taxonomy::parse(&yaml, &path).map_err(|all| format!("{all:?}"))?;
    let settings = args.next().map(|json| serde_json::from_str(&json)).transpose()?;
    let mut days = Days {
        tagger: Tagger::new(Arc::new(taxonomy), TagSettings::default()),
        analyzer: Analyzer::new(),
        terms: Terms::new(),
        discovery: Discovery::new(settings.unwrap_or_default()),
        day: None,
        texts: 0,
        unfit: 0,
        placed: Vec::new(),
    };
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        while let Some(row) = days.end_before(question.created) {
            writeln!(out, "{row}")?;
        }
        days.take(&question);
    }
    if let Some(row) = days.end_before(TimeMs::MAX) {
        writeln!(out, "{row}")?;
    }
    Ok(())
}

impl Days {
    fn take(&mut self, question: &Question) {
        let pieces = [&question.title, &question.text].map(|text| redact(text).text.into_owned());
        let tagging = self.tagger.tag(&TagInput {
            subject: Some(&pieces[0]),
            body: Some(&pieces[1]),
            ..TagInput::default()
        });
        let language = Language::parse(&tagging.language).unwrap_or(Language::ANY);
        self.terms.clear();
        for piece in &pieces {
            self.terms.add(piece, &self.analyzer.analyze(language, piece));
        }
        let main = tagging.reasons.first().map(|tag| &tag.reason);
        let reason = main.filter(|reason| reason.0 != UNCLASSIFIED);
        self.texts += 1;
        self.unfit += u64::from(reason.is_none());
        let placed = self.discovery.observe(&Observation {
            contact: &ContactKey::from_text(question.id.to_string()),
            customer: hash_of(&question.customer_id),
            time: question.created,
            language,
            terms: &self.terms,
            reason,
        });
        self.placed.extend(placed);
    }

    /// The row of the day that is over at `next`.
    fn end_before(&mut self, next: TimeMs) -> Option<Value> {
        let day = *self.day.get_or_insert(next.day());
        if next.day() <= day {
            return None;
        }
        self.day = Some(day.plus_ms(DAY_MS));
        let placed = self.discovery.settle();
        self.placed.extend(placed);
        let listed = self.discovery.candidates(day.plus_ms(DAY_MS - 1));
        let placed: Vec<Value> = self.placed.drain(..).map(|one| join(&one)).collect();
        Some(json!({
            "day": day,
            "texts": std::mem::take(&mut self.texts),
            "unfit": std::mem::take(&mut self.unfit),
            "listed": listed.iter().map(shown).collect::<Vec<_>>(),
            "placed": placed,
        }))
    }
}

fn join(placed: &Placed) -> Value {
    let group = placed.group.map(|id| id.to_string());
    let joined = placed.joined.iter().map(|one| [one.kept.to_string(), one.gone.to_string()]);
    json!([placed.contact.as_str(), group, joined.collect::<Vec<_>>()])
}

fn shown(candidate: &Candidate) -> Value {
    let words: Vec<Value> =
        candidate.words.iter().map(|word| json!([word.form, word.share, word.lift])).collect();
    let languages: Vec<Value> =
        candidate.languages.iter().map(|(one, count)| json!([one.as_str(), count])).collect();
    json!({
        "candidate": candidate.id.to_string(),
        "within": candidate.within,
        "name": candidate.name,
        "words": words,
        "customers": candidate.customers,
        "contacts": candidate.contacts,
        "languages": languages,
        "last_7_days": candidate.last_week,
        "21_days_before": candidate.three_weeks_before,
        "evidence_nats": candidate.evidence_nats,
        "first": candidate.first,
        "examples": candidate.exemplars.iter().map(|one| &one.contact).collect::<Vec<_>>(),
    })
}
