//! What the rules say of a contact: the reasons whose rules fired, as tags.

use std::collections::BTreeMap;

use quell_model::reason::Confidence;
use quell_model::{DecidedBy, ReasonId, ReasonTag, Weight};
use quell_text::Language;

use super::MOST_REASONS;
use crate::catalogue::Taxonomy;
use crate::fire::{Fired, Hit, MOST_EVIDENCE, fired_rules};

/// The reasons whose rules fired, the strongest first. Sorts the hits.
pub(super) fn by_rules(
    taxonomy: &Taxonomy,
    language: Language,
    hits: &mut Vec<Hit>,
) -> Vec<ReasonTag> {
    tags_of(taxonomy, one_per_level2(taxonomy, fired_rules(taxonomy, language, hits)))
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
