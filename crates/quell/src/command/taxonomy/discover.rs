//! `quell taxonomy discover --taxonomy FILE --on DATA…`

use std::sync::Arc;

use anyhow::ensure;
use quell_model::{ContactKey, ReasonId, ReasonTag, TimeMs, UNCLASSIFIED};
use quell_taxonomy::discovery::{
    Candidate, CandidateId, CandidateRow, Discovery, DiscoverySettings, Observation, Terms, hash_of,
};
use quell_taxonomy::{TagSettings, Tagger, Taxonomy};
use quell_text::{Analyzer, Language};
use serde_json::Value;

use super::accept;
use super::in_order::InOrder;
use super::texts::{Count, Fields, Text, each_text};
use super::{deciding, percent, read, tag_settings};
use crate::Outcome;
use crate::args::TaxonomyDiscover;
use crate::output::{Row, number, print_rows, text, thousands};
use crate::wiring;

/// Examples shown in a table.
const MOST_SHOWN: usize = 3;
/// `2026-01-31` of a time in RFC 3339.
const DAY_CHARS: usize = 10;

pub fn run(args: &TaxonomyDiscover) -> anyhow::Result<Outcome> {
    let yaml = read(&args.taxonomy)?;
    let taxonomy = deciding(&yaml, &args.taxonomy, &args.decide)?;
    accept::refuse(args, &taxonomy)?;
    let search = Search::of(args, taxonomy)?;
    let found = search.run(|_, _| ())?;
    if !args.accept.is_empty() {
        return accept::run(args, &yaml, &search, &found);
    }
    let shown = found.candidates.iter().take(args.limit);
    let rows = shown.map(|one| row(one, search.has_time)).collect::<anyhow::Result<Vec<Row>>>()?;
    let whole: Vec<&Value> = rows.iter().map(|row| &row.value).collect();
    let columns = [
        text("candidate"),
        text("name"),
        text("within"),
        number("customers"),
        number("contacts"),
        number("last_7_days"),
        number("21_days_before"),
        number("growth"),
        text("languages"),
        text("first_seen"),
        text("examples"),
    ];
    print_rows(args.output.format(), &columns, &rows, &whole)?;
    summarise(&found, rows.len(), &search);
    Ok(Outcome::Done)
}

fn summarise(found: &Found, shown: usize, search: &Search<'_>) {
    let as_of = if search.has_time { format!(" as of {}", found.now) } else { String::new() };
    let late = match found.late {
        0 => String::new(),
        late => format!("; {late} came out of order by more than can be put right: sort the rows"),
    };
    eprintln!(
        "{}: {} texts, {} fit no reason ({} %); {shown} of {} candidates{as_of}{}{late}",
        search.taxonomy.version(),
        thousands(found.count.texts as f64),
        thousands(found.unfit as f64),
        percent(found.unfit, found.count.texts),
        found.candidates.len(),
        found.count.note(),
    );
}

/// What is asked of the texts. The same search over the same files finds the same.
pub struct Search<'a> {
    args: &'a TaxonomyDiscover,
    /// The catalogue whose gaps are looked for.
    pub taxonomy: Arc<Taxonomy>,
    /// How it is asked.
    pub settings: TagSettings,
    until: Option<TimeMs>,
    has_time: bool,
}

/// What was found.
pub struct Found {
    /// In the order of [`Discovery::candidates`].
    pub candidates: Vec<Candidate>,
    count: Count,
    unfit: u64,
    late: u64,
    /// The newest text's time.
    now: TimeMs,
}

/// A text as far as themes are concerned.
struct Seen {
    id: ContactKey,
    customer: u64,
    time: TimeMs,
    language: Language,
    terms: Terms,
    reason: Option<ReasonId>,
}

impl<'a> Search<'a> {
    fn of(args: &'a TaxonomyDiscover, taxonomy: Arc<Taxonomy>) -> anyhow::Result<Search<'a>> {
        let until = args.until.as_deref().map(|until| wiring::time("--until", until));
        let settings = tag_settings(&args.decide)?;
        let search =
            Search { args, taxonomy, settings, until: until.transpose()?, has_time: false };
        let has_time = search.fields().have_time();
        ensure!(search.until.is_none() || has_time, "--until needs --time, the field it is about");
        Ok(Search { has_time, ..search })
    }

    fn fields(&self) -> Fields<'a> {
        Fields {
            rows: &self.args.rows,
            time: self.args.time.as_deref(),
            customer: self.args.customer.as_deref(),
        }
    }

    /// Decides as TAG does.
    pub fn tagger(&self) -> Tagger {
        Tagger::new(Arc::clone(&self.taxonomy), self.settings.clone())
    }

    /// Gives every text that came in time.
    pub fn each_text(
        &self,
        mut take: impl FnMut(Text) -> anyhow::Result<()>,
    ) -> anyhow::Result<Count> {
        let is_in_time = |text: &Text| self.until.is_none_or(|until| text.time < Some(until));
        let mut beyond = 0;
        let mut count = each_text(&self.args.on, &self.fields(), |text| {
            if is_in_time(&text) {
                return take(text);
            }
            beyond += 1;
            Ok(())
        })?;
        count.texts -= beyond;
        ensure!(count.texts > 0, "--until: no text came before this time");
        Ok(count)
    }

    /// Streams the texts in the order of their times. `place` is told the group of each, and none
    /// of one without telling words.
    pub fn run(
        &self,
        mut place: impl FnMut(&ContactKey, Option<CandidateId>),
    ) -> anyhow::Result<Found> {
        let settings = DiscoverySettings {
            fewest_customers: self.args.min_customers,
            ..DiscoverySettings::default()
        };
        let mut discovery = Discovery::new(settings);
        let mut reader = Reader::new(self);
        let mut order = InOrder::new();
        let (mut unfit, mut now) = (0, TimeMs::MIN);
        let mut observe = |discovery: &mut Discovery, seen: Seen| {
            let placed = discovery.observe(&Observation {
                contact: &seen.id,
                customer: seen.customer,
                time: seen.time,
                language: seen.language,
                terms: &seen.terms,
                reason: seen.reason.as_ref(),
            });
            placed.iter().for_each(|one| place(&one.contact, one.group));
        };
        let count = self.each_text(|text| {
            let seen = reader.read(&text);
            unfit += u64::from(seen.reason.is_none());
            now = now.max(seen.time);
            if let Some(seen) = order.push(seen.time, text.id, seen) {
                observe(&mut discovery, seen);
            }
            Ok(())
        })?;
        while let Some(seen) = order.pop() {
            observe(&mut discovery, seen);
        }
        let placed = discovery.settle();
        placed.iter().for_each(|one| place(&one.contact, one.group));
        let candidates = discovery.candidates(now);
        Ok(Found { candidates, count, unfit, late: order.late(), now })
    }
}

/// Reads texts as discovery sees them.
struct Reader {
    tagger: Tagger,
    analyzer: Analyzer,
}

impl Reader {
    fn new(search: &Search<'_>) -> Reader {
        Reader { tagger: search.tagger(), analyzer: Analyzer::new() }
    }

    fn read(&mut self, text: &Text) -> Seen {
        let mut tagging = self.tagger.tag(&text.input());
        let language = Language::parse(&tagging.language).unwrap_or(Language::ANY);
        let mut terms = Terms::new();
        for piece in text.pieces() {
            terms.add(piece, &self.analyzer.analyze(language, piece));
        }
        Seen {
            id: text.id.clone(),
            customer: hash_of(text.customer.as_deref().unwrap_or(text.id.as_str())),
            // Without times all texts are of one day.
            time: text.time.unwrap_or_default(),
            language,
            terms,
            reason: main_reason(std::mem::take(&mut tagging.reasons)),
        }
    }
}

/// The weightiest reason; none where none fits.
fn main_reason(reasons: Vec<ReasonTag>) -> Option<ReasonId> {
    let main = reasons.into_iter().next().map(|tag| tag.reason);
    main.filter(|reason| reason.0 != UNCLASSIFIED)
}

fn row(candidate: &Candidate, has_time: bool) -> anyhow::Result<Row> {
    let languages: Vec<String> =
        candidate.languages.iter().map(|(language, count)| format!("{language} {count}")).collect();
    let examples: Vec<&str> =
        candidate.exemplars.iter().map(|one| one.contact.as_str()).take(MOST_SHOWN).collect();
    let known = |text: String| if has_time { text } else { "–".to_owned() };
    let day = candidate.first.to_string().chars().take(DAY_CHARS).collect();
    let cells = vec![
        candidate.id.to_string(),
        candidate.name.clone(),
        candidate.within.as_ref().map_or_else(String::new, ToString::to_string),
        thousands(candidate.customers as f64),
        thousands(candidate.contacts as f64),
        known(thousands(candidate.last_week as f64)),
        known(thousands(candidate.three_weeks_before as f64)),
        known(format!("{:.1}", candidate.growth())),
        languages.join(", "),
        known(day),
        examples.join(" "),
    ];
    Ok(Row { cells, value: value(candidate, has_time)? })
}

fn value(candidate: &Candidate, has_time: bool) -> anyhow::Result<Value> {
    let row = candidate.row();
    let course = row.course.clone().filter(|_| has_time);
    Ok(serde_json::to_value(CandidateRow { course, ..row })?)
}
