//! What the rules say of a contact: phrases seen in its places, weighed rule by rule.

use std::collections::BTreeMap;

use quell_model::reason::{Confidence, EvidenceWeight};
use quell_model::{DecidedBy, Evidence, ReasonId, ReasonTag, Weight};
use quell_text::Language;
use quell_text::phrase::Found;

use super::{MOST_EVIDENCE, MOST_REASONS, Place};
use crate::catalogue::Taxonomy;
use crate::rules::{Line, Negated, Role, Where, Who};

/// A phrase of a rule, seen in one place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hit {
    phrase: u32,
    place: Place,
    start: u32,
    end: u32,
}

/// A reason whose rule fired.
struct Fired {
    reason: usize,
    score: u32,
    phrases: u32,
    need: u32,
    evidence: Vec<Evidence>,
}

/// The reasons whose rules fired, the strongest first. Sorts the hits.
pub(super) fn by_rules(
    taxonomy: &Taxonomy,
    language: Language,
    hits: &mut Vec<Hit>,
) -> Vec<ReasonTag> {
    // A phrase counts once, at its first place.
    hits.sort_unstable();
    hits.dedup_by_key(|hit| hit.phrase);
    tags_of(taxonomy, one_per_level2(taxonomy, fired_rules(taxonomy, language, hits)))
}

/// Keeps the hits that count for their rule.
pub(super) fn keep_hits(
    taxonomy: &Taxonomy,
    found: &[Found],
    place: Place,
    who: Who,
    hits: &mut Vec<Hit>,
) {
    for hit in found {
        let Some(used) = taxonomy.rules.uses.get(hit.phrase as usize) else { continue };
        let Some(rule) = taxonomy.rules.rules.get(used.reason as usize) else { continue };
        let speaker_fits = rule.who == Who::Any || rule.who == who;
        let place_fits = match rule.place {
            Where::Any => true,
            Where::Subject => place == Place::Subject,
            Where::Body => place != Place::Subject,
        };
        let denial_fits = match rule.negated {
            Negated::Keep => true,
            Negated::Ignore => !hit.negated,
            Negated::Require => hit.negated,
        };
        // What cancels a rule is written as it is said, its own negators included.
        if speaker_fits && place_fits && (denial_fits || used.line.role == Role::Unless) {
            hits.push(Hit { phrase: hit.phrase, place, start: hit.start, end: hit.end });
        }
    }
}

/// Rules that have what they need. Hits come sorted by phrase, so those of one rule together.
fn fired_rules(taxonomy: &Taxonomy, language: Language, hits: &[Hit]) -> Vec<Fired> {
    let uses = &taxonomy.rules.uses;
    let reason_of = |hit: &Hit| uses.get(hit.phrase as usize).map(|used| used.reason);
    let mut fired = Vec::new();
    for group in hits.chunk_by(|a, b| reason_of(a) == reason_of(b)) {
        let Some(reason) = group.first().and_then(reason_of) else { continue };
        let Some(rule) = taxonomy.rules.rules.get(reason as usize) else { continue };
        let (mut score, mut all, mut any, mut cancelled) = (0u32, 0u32, false, false);
        for used in group.iter().filter_map(|hit| uses.get(hit.phrase as usize)) {
            match used.line.role {
                Role::Unless => cancelled = true,
                Role::All => {
                    all += 1;
                    score = score.saturating_add(used.line.weight);
                }
                Role::Any => {
                    any = true;
                    score = score.saturating_add(used.line.weight);
                }
            }
        }
        let all_wanted = rule.all_lines(table_language(taxonomy, language));
        let enough = score >= rule.need && (any || all_wanted > 0) && all == all_wanted;
        if enough && !cancelled {
            let evidence = group
                .iter()
                .take(MOST_EVIDENCE)
                .filter_map(|hit| Some(evidence_of(hit, &uses.get(hit.phrase as usize)?.line)));
            fired.push(Fired {
                reason: reason as usize,
                score,
                phrases: group.len() as u32,
                need: rule.need,
                evidence: evidence.collect(),
            });
        }
    }
    fired
}

/// The language whose lines hold: a language without phrases has those of all languages only.
fn table_language(taxonomy: &Taxonomy, language: Language) -> Language {
    if taxonomy.rules.matcher.knows(language) { language } else { Language::ANY }
}

fn evidence_of(hit: &Hit, line: &Line) -> Evidence {
    Evidence {
        matched: line.text.clone(),
        place: hit.place.to_string(),
        start: hit.start,
        end: hit.end,
        weight: Some(EvidenceWeight(line.weight.cast_signed())),
    }
}

/// A level-3 reason stands for its level 2: the most exact, then the strongest, speaks for all.
fn one_per_level2(taxonomy: &Taxonomy, fired: Vec<Fired>) -> Vec<Fired> {
    if fired.len() < 2 {
        return fired;
    }
    let mut groups: BTreeMap<ReasonId, Vec<Fired>> = BTreeMap::new();
    for one in fired {
        if let Some(reason) = taxonomy.reasons.get(one.reason) {
            groups.entry(reason.id.level2()).or_default().push(one);
        }
    }
    let level = |one: &Fired| taxonomy.reasons.get(one.reason).map_or(0, |reason| reason.level());
    let mut kept = Vec::new();
    for (_, mut group) in groups {
        group.sort_by_key(|one| {
            (std::cmp::Reverse(level(one)), std::cmp::Reverse(one.score), one.reason)
        });
        let mut all = group.into_iter();
        let Some(mut first) = all.next() else { continue };
        for other in all {
            first.score = first.score.max(other.score);
            first.phrases += other.phrases;
            first.evidence.extend(other.evidence);
        }
        first.evidence.truncate(MOST_EVIDENCE);
        kept.push(first);
    }
    kept
}

fn tags_of(taxonomy: &Taxonomy, mut fired: Vec<Fired>) -> Vec<ReasonTag> {
    fired.sort_by_key(|one| (std::cmp::Reverse(one.score), one.reason));
    fired.truncate(MOST_REASONS);
    let scores: Vec<u32> = fired.iter().map(|one| one.score).collect();
    fired
        .into_iter()
        .zip(Weight::split(&scores))
        .filter_map(|(one, weight)| {
            Some(ReasonTag {
                reason: taxonomy.reasons.get(one.reason)?.id.clone(),
                weight,
                decided_by: DecidedBy::Rule,
                confidence: confidence_of(&one),
                evidence: one.evidence,
            })
        })
        .collect()
}

/// An ordinal measure, not a probability: more independent phrases and more score than needed
/// make a rule surer.
fn confidence_of(one: &Fired) -> Confidence {
    let beyond = one.score.saturating_sub(one.need) / one.need.max(1);
    let bonus = 50 * (one.phrases.saturating_sub(1) + beyond).min(3);
    Confidence((800 + bonus) as u16)
}
