//! From a contact as known to the tagged contact that its customer's history takes in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use quell_model::contact::{Contact, ContactKey, Maturity, Standing};
use quell_model::event::{Channel, Direction, Scalar};
use quell_model::reason::{ReasonId, ReasonTag};
use quell_model::repeat::RepeatLinks;
use quell_model::{DEFINITION_VERSION, FactWords, UNCLASSIFIED};
use quell_taxonomy::{TagInput, Tagger, Tagging, Taxonomy};

use super::known::Known;
use crate::hash::hash64;
use crate::settings::Settings;

/// A level-2 reason of a contact with the repeat window that it opens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Window {
    /// The level-2 reason.
    pub reason: ReasonId,
    /// How long after this contact another one repeats it.
    pub window_ms: i64,
}

/// A tagged contact on its way to LINK, with what chains are computed from. LINK needs no
/// taxonomy: what it must know of one travels with the contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaggedContact {
    /// The contact, not yet linked.
    pub contact: Contact,
    /// The level-2 reasons, in order of id; never the unclassified one.
    pub windows: Vec<Window>,
    /// Cost share per level-2 reason, in the order of [`Self::reasons_level2`].
    pub costs_micros: Vec<i64>,
    /// Hash of the normalised text; none where there is no text.
    pub fingerprint: Option<u64>,
    /// Hash of the source message's id.
    pub message: Option<u64>,
    /// Hashes of content words, for likeness.
    pub sketch: Vec<u32>,
    /// Hashes of (entity's name, its value).
    pub entities: Vec<(u64, u64)>,
    /// For the fact: what it is about in single words.
    pub words: FactWords,
}

impl TaggedContact {
    /// Level-2 reasons with their summed weights, in order of id.
    pub fn reasons_level2(contact: &Contact) -> Vec<(ReasonId, u32)> {
        let mut sums: BTreeMap<ReasonId, u32> = BTreeMap::new();
        for tag in &contact.reasons {
            *sums.entry(tag.reason.level2()).or_default() += tag.weight.0;
        }
        sums.into_iter().collect()
    }
}

/// Tags a contact as known.
pub(super) fn tagged(
    key: &ContactKey,
    mut known: Known,
    tagger: &mut Tagger,
    settings: &Settings,
) -> TaggedContact {
    let turns = known.take_turns();
    let Tagging {
        language,
        language_source,
        reasons,
        opinions,
        rule_evidence,
        cues,
        cue_evidence,
        nature,
        fingerprint,
        sketch,
        words,
    } = tagger.tag(&TagInput {
        language_hint: known.language.get().map(String::as_str),
        subject: known.subject.get().map(String::as_str),
        body: known.body.get().map(String::as_str),
        turns: &turns,
        agent_code: known.agent_code.get().map(String::as_str),
    });
    let words = FactWords::new(&language, words);
    let taxonomy = tagger.taxonomy();
    let windows = windows(&reasons, taxonomy, settings);
    let message = known.message_id.get().map(|id| hash64(id.as_bytes()));
    let problem = std::mem::take(&mut known.parent_problem_id).into_value();
    let mut contact = contact(key, known, turns);
    contact.language = language;
    contact.language_source = language_source;
    contact.reasons = reasons;
    contact.opinions = opinions;
    contact.rule_evidence = rule_evidence;
    contact.cues = cues;
    contact.cue_evidence = cue_evidence;
    contact.demand_type = nature.demand_type;
    contact.demand_basis = nature.demand_basis;
    contact.dumb_class = nature.dumb_class;
    contact.dumb_class_basis = nature.dumb_class_basis;
    taxonomy.version().clone_into(&mut contact.taxonomy_version);
    let costs_micros = costs(&contact, taxonomy, settings);
    contact.cost_micros = costs_micros.iter().sum();
    let entities = entities(&contact.attributes, problem.as_deref(), settings);
    TaggedContact { contact, windows, costs_micros, fingerprint, message, sketch, entities, words }
}

fn contact(key: &ContactKey, mut known: Known, turns: Vec<quell_model::event::Turn>) -> Contact {
    Contact {
        contact_key: key.clone(),
        customer_id: known.customer_id().map(str::to_owned),
        occurred_at: known.occurred_at(),
        standing: standing(&known),
        updated_at: known.last_change(),
        reopen_count: known.reopen_count(),
        attributes: known.take_attributes(),
        contact_id: known.id,
        system: known.source.system,
        instance: known.source.instance,
        kind: known.kind,
        account_id: known.account_id.into_value(),
        segment: known.segment.into_value(),
        channel: known.channel.into_value().unwrap_or(Channel::Other),
        direction: known.direction.into_value().unwrap_or(Direction::Inbound),
        language: String::new(),
        language_source: quell_model::contact::LanguageSource::Default,
        subject: known.subject.into_value(),
        body: known.body.into_value(),
        turns,
        status: known.status.into_value(),
        opened_at: known.opened_at.into_value(),
        first_response_at: known.first_response_at.into_value(),
        resolved_at: known.resolved_at.into_value(),
        closed_at: known.closed_at.into_value(),
        product: known.product.into_value(),
        queue: known.queue.into_value(),
        team: known.team.into_value(),
        agent_id: known.agent_id.into_value(),
        priority: known.priority.into_value(),
        tags: known.tags.into_value().unwrap_or_default(),
        agent_code: known.agent_code.into_value(),
        handle_s: known.handle_s.into_value(),
        resolved: known.resolved.into_value(),
        transferred: known.transferred.into_value(),
        csat: known.csat.into_value(),
        csat_max: known.csat_max.into_value(),
        nps: known.nps.into_value(),
        reasons: Vec::new(),
        opinions: Vec::new(),
        rule_evidence: Vec::new(),
        cues: Vec::new(),
        cue_evidence: Vec::new(),
        demand_type: None,
        demand_basis: None,
        dumb_class: None,
        dumb_class_basis: None,
        cost_micros: 0,
        repeat: RepeatLinks::default(),
        maturity: Maturity::Provisional,
        taxonomy_version: String::new(),
        definition_version: DEFINITION_VERSION.to_owned(),
    }
}

/// A leg names another record that its interaction began with; naming itself means nothing.
fn standing(known: &Known) -> Standing {
    let names_other = |register: &super::Register<String>| {
        register.get().is_some_and(|id| !id.is_empty() && *id != known.id)
    };
    if names_other(&known.merged_into_id) {
        Standing::Merged
    } else if names_other(&known.initial_id) || names_other(&known.previous_id) {
        Standing::TransferLeg
    } else if known.direction.get().is_some_and(|d| *d != Direction::Inbound) {
        Standing::NotInbound
    } else {
        Standing::Counted
    }
}

fn windows(tags: &[ReasonTag], taxonomy: &Taxonomy, settings: &Settings) -> Vec<Window> {
    let mut windows: Vec<Window> = tags
        .iter()
        .filter(|tag| tag.reason.as_str() != UNCLASSIFIED)
        .map(|tag| {
            let reason = tag.reason.level2();
            let own = taxonomy.reason(&reason).and_then(|reason| reason.repeat_window_ms);
            let window_ms = match own {
                Some(own) if !settings.override_reason_windows => own,
                _ => settings.repeat_window_ms,
            };
            Window { reason, window_ms: window_ms.min(settings.max_window_ms) }
        })
        .collect();
    windows.sort();
    windows.dedup();
    windows
}

/// The cost of each level-2 reason's share; a reason without a price takes the channel's.
fn costs(contact: &Contact, taxonomy: &Taxonomy, settings: &Settings) -> Vec<i64> {
    let fallback = settings.channel_cost_micros.get(&contact.channel).copied().unwrap_or(0);
    TaggedContact::reasons_level2(contact)
        .into_iter()
        .map(|(reason, weight)| {
            let price = taxonomy.reason(&reason).and_then(|reason| reason.cost_micros);
            let share = i128::from(price.unwrap_or(fallback)) * i128::from(weight) / 1_000_000;
            i64::try_from(share).unwrap_or(i64::MAX)
        })
        .collect()
}

fn entities(
    attributes: &BTreeMap<String, Scalar>,
    problem: Option<&str>,
    settings: &Settings,
) -> Vec<(u64, u64)> {
    let mut found: Vec<(u64, u64)> = settings
        .issue_entities
        .iter()
        .filter_map(|name| {
            let value = attributes.get(name)?.to_text();
            (!value.is_empty()).then(|| (hash64(name.as_bytes()), hash64(value.as_bytes())))
        })
        .collect();
    if let Some(problem) = problem.filter(|id| !id.is_empty()) {
        found.push((hash64(b"parent_problem_id"), hash64(problem.as_bytes())));
    }
    found.sort_unstable();
    found
}
