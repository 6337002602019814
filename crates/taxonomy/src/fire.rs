//! Which rules fire: hits that count for their rule, and rules that have what they need.

use std::fmt;
use std::str::FromStr;

use quell_model::Evidence;
use quell_model::event::Turn;
use quell_model::reason::EvidenceWeight;
use quell_text::Language;
use quell_text::phrase::Found;

use crate::catalogue::Taxonomy;
use crate::rules::{Negated, Role, Rule, Where, Who};

/// Evidence kept per reason.
pub(crate) const MOST_EVIDENCE: usize = 8;

/// A text of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    Subject,
    Body,
    Turn(u32),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Subject => f.write_str("subject"),
            Place::Body => f.write_str("body"),
            Place::Turn(number) => write!(f, "turn:{number}"),
        }
    }
}

impl FromStr for Place {
    type Err = ();

    /// What [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Place, ()> {
        match text {
            "subject" => Ok(Place::Subject),
            "body" => Ok(Place::Body),
            turn => {
                let number = turn.strip_prefix("turn:").and_then(|number| number.parse().ok());
                number.map(Place::Turn).ok_or(())
            }
        }
    }
}

/// Whose words a text is, and when it was said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spoken {
    pub place: Place,
    pub who: Who,
    /// Milliseconds from the start of the conversation to the start of the turn. None for what is
    /// written, and for turns without a time.
    since_start_ms: Option<i64>,
    /// Milliseconds from the start of the turn to that of the last turn.
    until_last_ms: Option<i64>,
}

impl Spoken {
    /// What a customer wrote.
    pub fn written(place: Place) -> Spoken {
        Spoken { place, who: Who::Customer, since_start_ms: None, until_last_ms: None }
    }
}

/// When the turns of a conversation were said.
pub(crate) struct Clock {
    by_offset: bool,
    start_ms: i64,
    last_ms: i64,
}

impl Clock {
    /// Offsets count where the source gives any, else times of day from the earliest turn on.
    pub fn of(turns: &[Turn]) -> Clock {
        let by_offset = turns.iter().any(|turn| turn.offset_ms.is_some());
        let times = || turns.iter().filter_map(|turn| time_ms(turn, by_offset));
        let start_ms = if by_offset { 0 } else { times().min().unwrap_or(0) };
        Clock { by_offset, start_ms, last_ms: times().max().unwrap_or(start_ms) }
    }

    /// One turn of the conversation.
    pub fn spoken(&self, number: u32, turn: &Turn, who: Who) -> Spoken {
        let at_ms = time_ms(turn, self.by_offset);
        Spoken {
            place: Place::Turn(number),
            who,
            since_start_ms: at_ms.map(|at_ms| at_ms.saturating_sub(self.start_ms)),
            until_last_ms: at_ms.map(|at_ms| self.last_ms.saturating_sub(at_ms)),
        }
    }
}

fn time_ms(turn: &Turn, by_offset: bool) -> Option<i64> {
    if by_offset { turn.offset_ms } else { turn.at.map(|at| at.0) }
}

/// A phrase of a rule, seen in one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    phrase: u32,
    place: Place,
    start: u32,
    end: u32,
}

/// A reason whose rule fired.
pub(crate) struct Fired {
    pub reason: usize,
    pub score: u32,
    pub phrases: u32,
    pub need: u32,
    pub evidence: Vec<Evidence>,
}

/// Keeps the hits that count for their rule.
pub(crate) fn keep_hits(
    taxonomy: &Taxonomy,
    found: &[Found],
    spoken: &Spoken,
    hits: &mut Vec<Hit>,
) {
    for hit in found {
        let Some(used) = taxonomy.rules.uses.get(hit.phrase as usize) else { continue };
        let Some(rule) = taxonomy.rules.rules.get(used.reason as usize) else { continue };
        let speaker_fits = rule.who == Who::Any || rule.who == spoken.who;
        let place_fits = match rule.place {
            Where::Any | Where::SameTurn => true,
            Where::Subject => spoken.place == Place::Subject,
            Where::Body => spoken.place != Place::Subject,
            Where::First { ms } => spoken.since_start_ms.is_some_and(|at_ms| at_ms < ms),
            Where::Last { ms } => spoken.until_last_ms.is_some_and(|at_ms| at_ms < ms),
        };
        let denial_fits = match rule.negated {
            Negated::Keep => true,
            Negated::Ignore => !hit.negated,
            Negated::Require => hit.negated,
        };
        // What cancels a rule is written as it is said, its own negators included.
        if speaker_fits && place_fits && (denial_fits || used.line.role == Role::Unless) {
            let (place, start, end) = (spoken.place, hit.start, hit.end);
            hits.push(Hit { phrase: hit.phrase, place, start, end });
        }
    }
}

/// Rules that have what they need, by number. A phrase counts once, at its first place; for a rule
/// that wants all in the same turn, once in each turn.
pub(crate) fn fired_rules(
    taxonomy: &Taxonomy,
    language: Language,
    hits: &mut Vec<Hit>,
) -> Vec<Fired> {
    hits.sort_unstable();
    hits.dedup_by_key(|hit| (hit.phrase, hit.place));
    let uses = &taxonomy.rules.uses;
    let reason_of = |hit: &Hit| uses.get(hit.phrase as usize).map(|used| used.reason);
    let language = table_language(taxonomy, language);
    let mut fired = Vec::new();
    // Phrases of one rule have neighbouring numbers.
    for group in hits.chunk_by(|a, b| reason_of(a) == reason_of(b)) {
        let Some(reason) = group.first().and_then(reason_of) else { continue };
        let Some(rule) = taxonomy.rules.rules.get(reason as usize) else { continue };
        let reason = reason as usize;
        if rule.place == Where::SameTurn {
            let mut group = group.to_vec();
            group.sort_by_key(|hit| hit.place);
            let turns = group.chunk_by(|a, b| a.place == b.place);
            let turns =
                turns.filter_map(|turn| judge(taxonomy, reason, rule, language, turn.iter()));
            // The first of the strongest.
            let strongest = |best: Fired, next: Fired| {
                if next.score > best.score { next } else { best }
            };
            fired.extend(turns.reduce(strongest));
        } else {
            let firsts =
                group.chunk_by(|a, b| a.phrase == b.phrase).filter_map(|same| same.first());
            fired.extend(judge(taxonomy, reason, rule, language, firsts));
        }
    }
    fired
}

/// Whether a rule has what it needs in these hits, one of each of its phrases.
fn judge<'h>(
    taxonomy: &Taxonomy,
    reason: usize,
    rule: &Rule,
    language: Language,
    hits: impl Iterator<Item = &'h Hit> + Clone,
) -> Option<Fired> {
    let (mut score, mut phrases, mut all, mut any) = (0u32, 0u32, 0u32, false);
    for hit in hits.clone() {
        let line = &taxonomy.rules.uses.get(hit.phrase as usize)?.line;
        match line.role {
            Role::Unless => return None,
            Role::All => all += 1,
            Role::Any => any = true,
        }
        phrases += 1;
        score = score.saturating_add(line.weight);
    }
    let all_wanted = rule.all_lines(language);
    let enough = score >= rule.need && (any || all_wanted > 0) && all == all_wanted;
    enough.then(|| Fired {
        reason,
        score,
        phrases,
        need: rule.need,
        evidence: hits.take(MOST_EVIDENCE).filter_map(|hit| shown(taxonomy, hit)).collect(),
    })
}

/// The language whose lines hold: a language without phrases has those of all languages only.
fn table_language(taxonomy: &Taxonomy, language: Language) -> Language {
    if taxonomy.rules.matcher.knows(language) { language } else { Language::ANY }
}

fn shown(taxonomy: &Taxonomy, hit: &Hit) -> Option<Evidence> {
    let line = &taxonomy.rules.uses.get(hit.phrase as usize)?.line;
    Some(Evidence {
        matched: line.text.clone(),
        place: hit.place.to_string(),
        start: hit.start,
        end: hit.end,
        weight: Some(EvidenceWeight(line.weight.cast_signed())),
    })
}
