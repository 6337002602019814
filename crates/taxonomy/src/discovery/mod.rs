//! Themes that no reason fits: contacts grouped by their words, on the stream.
//!
//! [`Discovery::observe`] takes every contact. Those that a reason fits only teach it how
//! customers speak anyway; the others join the group that their words fit, or begin one. Groups
//! of enough customers are [`Candidate`]s: people name them, dismiss them, or accept one, for
//! which [`Candidate::fragment`] writes the reason.
//!
//! Pure, and bounded in memory: so many groups, words, customers and exemplars of each, and so
//! many words of everyday language; counts fade and the weakest is forgotten. The same contacts
//! give the same candidates, in whatever order those of one time come. A customer has one vote in
//! a group: who writes a hundred times is one customer. Links, paths and programs' names with their
//! versions found no group; numbers help to join one, since a problem often comes with a version,
//! but make none by themselves and name none.
//!
//! What it cannot do: it sees words, not what they mean, so one theme told in two languages or in
//! other words becomes two candidates. A theme so rare that its contacts come further apart than
//! the groups last (the number of groups, divided by contacts that fit nowhere per day) is not
//! found. Words of a fifth of all contacts are everyday words: a theme that stays so large for
//! months hides itself, and by then needs no discovery. Contacts under a wrong language make a
//! candidate of that language's small words: a finding too, of the source that names it wrongly.

mod background;
mod candidate;
mod cluster;
mod fading;
mod fragment;
mod groups;
mod insert;
mod pasted;
mod state;
mod terms;
#[cfg(test)]
mod tests;

use quell_model::time::DAY_MS;
use quell_model::{ContactKey, TimeMs};
use quell_text::Language;
use serde::{Deserialize, Serialize};

use background::Background;
pub use candidate::{Candidate, CandidateWord};
pub use cluster::{CandidateId, Exemplar, InvalidId};
use cluster::{Cluster, Joining};
use fading::Fading;
pub use fragment::{Acceptance, Fragment, Sample};
use groups::{Groups, Known};
pub use insert::with_reasons;
pub use state::StateError;
pub use terms::Terms;

/// A word in a larger share of all contacts tells no theme.
const EVERYDAY_SHARE: f64 = 0.2;
/// Terms of one contact that its group is told by, the first of it.
const MOST_TOLD: usize = 24;
/// Contacts of one time put in order; more are put in order by parts.
const MOST_PENDING: usize = 4_096;

/// How themes are found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoverySettings {
    /// After so many milliseconds a contact counts half in its group.
    pub half_life_ms: i64,
    /// After so many milliseconds a contact counts half in everyday language. Longer than a
    /// theme lasts, or a theme becomes everyday language before it is seen.
    pub background_half_life_ms: i64,
    /// Groups kept.
    pub most_groups: usize,
    /// Words kept of one group; twice as many for a while.
    pub most_words: usize,
    /// Words kept of everyday language.
    pub most_background_words: usize,
    /// New customers in the last 28 days that make a group a candidate.
    pub fewest_customers: u64,
    /// How much likelier a contact's words must be in a group than anywhere for it to join, in
    /// nats. Higher: purer and more groups.
    pub join_nats: f64,
}

impl Default for DiscoverySettings {
    fn default() -> Self {
        DiscoverySettings {
            half_life_ms: 21 * DAY_MS,
            background_half_life_ms: 84 * DAY_MS,
            most_groups: 1_024,
            most_words: 48,
            most_background_words: 65_536,
            fewest_customers: 5,
            join_nats: 3.0,
        }
    }
}

/// One contact, as far as themes are concerned.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The contact.
    pub contact: &'a ContactKey,
    /// [`hash_of`] its customer; of the contact itself where nobody knows the customer.
    pub customer: u64,
    /// When it came. One far in the future lets all before it fade: refuse such times before.
    pub time: TimeMs,
    /// Its language.
    pub language: Language,
    /// What it says.
    pub terms: &'a Terms,
    /// Whether no reason fits it. Others teach everyday language only.
    pub unfit: bool,
}

/// The hash of a customer's id, or of a contact's, as [`Observation::customer`] wants it. The same
/// in every release.
pub fn hash_of(id: &str) -> u64 {
    let mut bytes = [0u8; 8];
    blake3::Hasher::new().update(id.as_bytes()).finalize_xof().fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Where a contact was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The contact.
    pub contact: ContactKey,
    /// Its group.
    pub group: CandidateId,
    /// A group that became part of `group` by this contact.
    pub absorbed: Option<CandidateId>,
}

/// A contact that waits for others of its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pending {
    time: TimeMs,
    contact: ContactKey,
    customer: u64,
    language: u32,
    terms: Terms,
    unfit: bool,
}

/// Finds themes on a stream.
#[derive(Clone, Debug)]
pub struct Discovery {
    settings: DiscoverySettings,
    fading: Fading,
    background: Background,
    groups: Groups,
    /// All of one time.
    pending: Vec<Pending>,
}

impl Discovery {
    /// One that has seen nothing.
    pub fn new(settings: DiscoverySettings) -> Discovery {
        let background_words = settings.most_background_words.max(16);
        Discovery {
            fading: Fading::new(settings.half_life_ms),
            background: Background::new(settings.background_half_life_ms, background_words),
            groups: Groups::default(),
            pending: Vec::new(),
            settings,
        }
    }

    /// Takes a contact. Those of one time that come in a row are put in the order of their keys
    /// once one of another time comes, so what is given back is of contacts before this one.
    pub fn observe(&mut self, seen: &Observation<'_>) -> Vec<Placed> {
        let is_of_another_time = self.pending.last().is_some_and(|last| last.time != seen.time);
        let placed = if is_of_another_time || self.pending.len() >= MOST_PENDING {
            self.settle()
        } else {
            Vec::new()
        };
        let pending = Pending {
            time: seen.time,
            contact: seen.contact.clone(),
            customer: seen.customer,
            language: background::code(seen.language),
            terms: seen.terms.clone(),
            unfit: seen.unfit,
        };
        self.pending.push(pending);
        placed
    }

    /// Places what waits. For the end of the input: where more of the same time could come, their
    /// order would show.
    pub fn settle(&mut self) -> Vec<Placed> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort_by(|a, b| a.contact.cmp(&b.contact));
        pending.into_iter().filter_map(|contact| self.place(&contact)).collect()
    }

    /// The candidates as of `now`: those whose last week can least be chance first, then those that
    /// do not grow, by their recent customers. Contacts that wait for
    /// others of their time are not in them.
    pub fn candidates(&self, now: TimeMs) -> Vec<Candidate> {
        candidate::candidates(self.groups.iter(), &self.background, &self.settings, now)
    }

    /// No longer lists a candidate that people turned down or made a reason of. Its group stays as
    /// long as contacts join it, so that the theme does not come back under another id. False when
    /// there is none of this id.
    pub fn dismiss(&mut self, id: CandidateId) -> bool {
        let found = self.groups.iter_mut().find(|cluster| cluster.id == id);
        found.map(|cluster| cluster.dismissed = true).is_some()
    }

    fn place(&mut self, seen: &Pending) -> Option<Placed> {
        let language = background::language_of(seen.language);
        if let Some(scale) = self.fading.rescale(seen.time) {
            self.groups.scale(scale as f32);
        }
        let placed = if seen.unfit { self.group(seen, language) } else { None };
        if placed.as_ref().is_none_or(|(_, votes)| *votes) {
            self.background.add(language, seen.terms.iter().map(|term| term.key), seen.time);
        }
        placed.map(|(placed, _)| placed)
    }

    /// Where a contact belongs, and whether its customer's vote counted.
    fn group(&mut self, seen: &Pending, language: Language) -> Option<(Placed, bool)> {
        let shares = self.background.shares(language, seen.time);
        let terms = seen.terms.iter().map(|term| Known {
            key: term.key,
            share: shares.share(term.key),
            place: term.place,
            next: seen.terms.after(term),
            form: seen.terms.form(term),
        });
        let terms = terms.filter(|term| term.share < EVERYDAY_SHARE);
        let terms: Vec<Known<'_>> = terms.take(MOST_TOLD).collect();
        if terms.is_empty() {
            return None;
        }
        let DiscoverySettings { most_groups, most_words, join_nats, .. } = self.settings;
        let unit = self.fading.weight(seen.time).max(f64::MIN_POSITIVE);
        let (best, second) = self.groups.best(&terms, unit, join_nats);
        let slot = match best {
            Some(fit) => fit.slot,
            None => {
                let id = CandidateId::of(&seen.contact, seen.time);
                self.groups.insert(Cluster::new(id, seen.time), most_groups)
            }
        };
        let joining = Joining {
            contact: &seen.contact,
            customer: seen.customer,
            time: seen.time,
            language,
            nats: best.map_or(0.0, |fit| fit.nats) as f32,
            terms: &terms,
        };
        let votes = self.groups.join(slot, &joining, unit as f32, &shares, most_words);
        let group = self.groups.id(slot)?;
        // A contact that fits two groups well shows that they may be one.
        let merged = second
            .filter(|_| votes)
            .and_then(|second| self.groups.merge((slot, second.slot), &shares, most_words));
        let (group, absorbed) = merged.map_or((group, None), |(kept, gone)| (kept, Some(gone)));
        Some((Placed { contact: seen.contact.clone(), group, absorbed }, votes))
    }
}
