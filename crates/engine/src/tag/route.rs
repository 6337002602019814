//! From a contact as known to the tagged contact that its customer's history takes in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use quell_model::contact::{Contact, ContactKey, Maturity, Standing};
use quell_model::event::{Channel, Direction, Scalar};
use quell_model::reason::{ReasonId, ReasonTag};
use quell_model::repeat::RepeatLinks;
use quell_model::{DEFINITION_VERSION, UNCLASSIFIED};
use quell_taxonomy::{TagInput, Tagger, Tagging, Taxonomy};

use super::known::Known;
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
    known: &Known,
    tagger: &mut Tagger,
    settings: &Settings,
) -> TaggedContact {
    let turns = known.turns();
    let tagging = tagger.tag(&TagInput {
        language_hint: known.language.get().map(String::as_str),
        subject: known.subject.get().map(String::as_str),
        body: known.body.get().map(String::as_str),
        turns: &turns,
        agent_code: known.agent_code.get().map(String::as_str),
    });
    let taxonomy = tagger.taxonomy();
    let channel = known.channel.get().copied().unwrap_or(Channel::Other);
    let windows = windows(&tagging.reasons, taxonomy, settings);
    let mut contact = contact(key, known, turns, channel);
    contact.language = tagging.language;
    contact.language_source = tagging.language_source;
    contact.reasons = tagging.reasons;
    contact.cues = tagging.cues;
    contact.demand_type = tagging.demand_type;
    contact.dumb_class = tagging.dumb_class;
    contact.taxonomy_version = taxonomy.version().to_owned();
    let costs_micros = costs(&contact, taxonomy, settings);
    contact.cost_micros = costs_micros.iter().sum();
    let Tagging { fingerprint, sketch, .. } = tagging;
    TaggedContact {
        entities: entities(&contact.attributes, known, settings),
        contact,
        windows,
        costs_micros,
        fingerprint,
        message: known.message_id.get().map(|id| hash64(id.as_bytes())),
        sketch,
    }
}

fn contact(
    key: &ContactKey,
    known: &Known,
    turns: Vec<quell_model::event::Turn>,
    channel: Channel,
) -> Contact {
    let text = |register: &super::Register<String>| register.get().cloned();
    Contact {
        contact_id: known.id.clone(),
        contact_key: key.clone(),
        system: known.source.system.clone(),
        instance: known.source.instance.clone(),
        kind: known.kind,
        customer_id: known.customer_id().map(str::to_owned),
        account_id: text(&known.account_id),
        segment: text(&known.segment),
        occurred_at: known.occurred_at(),
        channel,
        direction: known.direction.get().copied().unwrap_or(Direction::Inbound),
        standing: standing(known),
        language: String::new(),
        language_source: quell_model::contact::LanguageSource::Default,
        subject: text(&known.subject),
        body: text(&known.body),
        turns,
        status: known.status.get().copied(),
        opened_at: known.opened_at.get().copied(),
        first_response_at: known.first_response_at.get().copied(),
        resolved_at: known.resolved_at.get().copied(),
        closed_at: known.closed_at.get().copied(),
        updated_at: known.last_change(),
        reopen_count: known.reopen_count(),
        product: text(&known.product),
        queue: text(&known.queue),
        team: text(&known.team),
        agent_id: text(&known.agent_id),
        priority: text(&known.priority),
        tags: known.tags.get().cloned().unwrap_or_default(),
        attributes: known.attributes(),
        agent_code: text(&known.agent_code),
        handle_s: known.handle_s.get().copied(),
        resolved: known.resolved.get().copied(),
        transferred: known.transferred.get().copied(),
        csat: known.csat.get().copied(),
        csat_max: known.csat_max.get().copied(),
        nps: known.nps.get().copied(),
        reasons: Vec::new(),
        cues: Vec::new(),
        demand_type: None,
        dumb_class: None,
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
    known: &Known,
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
    if let Some(problem) = known.parent_problem_id.get().filter(|id| !id.is_empty()) {
        found.push((hash64(b"parent_problem_id"), hash64(problem.as_bytes())));
    }
    found.sort_unstable();
    found
}

fn hash64(bytes: &[u8]) -> u64 {
    let mut low = [0; 8];
    low.copy_from_slice(&blake3::hash(bytes).as_bytes()[..8]);
    u64::from_le_bytes(low)
}
