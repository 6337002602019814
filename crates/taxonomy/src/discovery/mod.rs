//! Themes that no reason fits, or that a reason hides: contacts grouped by their words, on the
//! stream.
//!
//! [`Discovery::observe`] takes every contact. It joins the group that its words fit, or begins
//! one, among the contacts that no reason fits or among the others. Once a day small groups get a
//! second look (`again.rs`), since the first contacts of a theme each begin a group of their own.
//! Groups of enough customers are [`Candidate`]s: people name them, dismiss them, or accept one,
//! for which [`Candidate::fragment`] writes the reason.
//!
//! Pure, and bounded in memory: so many groups, words, customers and exemplars of each, and so
//! many words of everyday language, each twice: of contacts that no reason fits and of the others.
//! Counts fade and the weakest is forgotten. The same contacts give the same candidates, in
//! whatever order those of one time come. A customer has one vote in a group: who writes a hundred
//! times is one customer. Links, paths and programs' names with their
//! versions found no group; numbers help to join one, since a problem often comes with a version,
//! but make none by themselves and name none.
//!
//! What it cannot do: it sees words, not what they mean, so one theme told in two languages or in
//! other words becomes two candidates. A theme so rare that its contacts come further apart than
//! the groups last (the number of groups, divided by contacts that fit nowhere per day) is not
//! found. Words of a fifth of all contacts are everyday words: a theme that stays so large for
//! months hides itself, and by then needs no discovery. Contacts under a wrong language make a
//! candidate of that language's small words: a finding too, of the source that names it wrongly.

mod again;
mod background;
mod candidate;
mod cluster;
mod fading;
mod fragment;
mod groups;
mod insert;
pub(crate) mod pasted;
mod row;
mod state;
mod terms;
#[cfg(test)]
mod tests;
mod watch;

use quell_model::time::DAY_MS;
use quell_model::{ContactKey, ReasonId, TimeMs};
use quell_text::Language;
use serde::{Deserialize, Serialize};

use background::{Background, Scope};
pub use candidate::{Candidate, CandidateWord};
pub use cluster::{CandidateId, Exemplar, InvalidId};
use cluster::{Cluster, Joining};
use fading::Fading;
pub use fragment::{Acceptance, Fragment, Sample};
use groups::{Choice, Groups, Known};
pub use insert::with_reasons;
pub use row::{CandidateRow, Course, WordRow};
pub use state::StateError;
pub use terms::Terms;
pub use watch::Watch;

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
    /// Groups kept of contacts that no reason fits, and as many of the others.
    pub most_groups: usize,
    /// Words kept of one group; twice as many for a while.
    pub most_words: usize,
    /// Words kept of everyday language, and as many of all reasons.
    pub most_background_words: usize,
    /// New customers in the last 28 days that make a group a candidate when it grows; twice as
    /// many when it does not.
    pub fewest_customers: u64,
    /// How much likelier a contact's words must be in a group than anywhere for it to join, in
    /// nats. Higher: purer and more groups.
    pub join_nats: f64,
    /// How many of these nats it can make up for at most that others join the group just now.
    pub most_recent_nats: f64,
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
            join_nats: 3.5,
            most_recent_nats: 1.0,
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
    /// The weightiest reason that fits it; none where none does.
    pub reason: Option<&'a ReasonId>,
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
    /// Its group; none of a contact without telling words.
    pub group: Option<CandidateId>,
    /// Groups that became one before it was put there, or by it.
    pub joined: Vec<Joined>,
}

/// Two groups that became one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The id that stays.
    pub kept: CandidateId,
    /// The one that became part of it.
    pub gone: CandidateId,
}

/// A contact that waits for others of its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Pending {
    time: TimeMs,
    contact: ContactKey,
    customer: u64,
    language: u32,
    terms: Terms,
    reason: Option<ReasonId>,
}

/// Finds themes on a stream.
#[derive(Clone, Debug)]
pub struct Discovery {
    settings: DiscoverySettings,
    fading: Fading,
    background: Background,
    /// Words by reason.
    inside: Background,
    groups: Groups,
    /// Those within reasons.
    inner: Groups,
    /// All of one time.
    pending: Vec<Pending>,
    /// The day of the last second look.
    looked: i64,
}

/// The days since 1970.
fn day_of(time: TimeMs) -> i64 {
    time.0.div_euclid(DAY_MS)
}

impl Discovery {
    /// One that has seen nothing.
    pub fn new(settings: DiscoverySettings) -> Discovery {
        let background_words = settings.most_background_words.max(16);
        Discovery {
            fading: Fading::new(settings.half_life_ms),
            background: Background::new(settings.background_half_life_ms, background_words),
            inside: Background::new(settings.background_half_life_ms, background_words),
            groups: Groups::default(),
            inner: Groups::default(),
            pending: Vec::new(),
            looked: i64::MIN,
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
            reason: seen.reason.cloned(),
        };
        self.pending.push(pending);
        placed
    }

    /// Places what waits. For the end of the input: where more of the same time could come, their
    /// order would show.
    pub fn settle(&mut self) -> Vec<Placed> {
        let mut pending = std::mem::take(&mut self.pending);
        pending.sort_by(|a, b| a.contact.cmp(&b.contact));
        pending.iter().map(|contact| self.place(contact)).collect()
    }

    /// The candidates as of `now`: those whose last week can least be chance first, then those that
    /// do not grow, by their recent customers. Contacts that wait for
    /// others of their time are not in them.
    pub fn candidates(&self, now: TimeMs) -> Vec<Candidate> {
        let all = self.groups.iter().chain(self.inner.iter());
        candidate::candidates(all, &self.settings, now, |one, language| {
            let scope = Scope::of(language);
            let shares = self.background.shares(scope, now);
            match one.within() {
                // A part of a reason has words that the reason as a whole has not.
                Some(reason) => shares.and_in(&self.inside, scope.within(reason), now),
                None => shares,
            }
        })
    }

    /// No longer lists a candidate that people turned down or made a reason of. Its group stays as
    /// long as contacts join it, so that the theme does not come back under another id. False when
    /// there is none of this id.
    pub fn dismiss(&mut self, id: CandidateId) -> bool {
        let all = self.groups.iter_mut().chain(self.inner.iter_mut());
        let found = { all }.find(|cluster| cluster.id == id);
        found.map(|cluster| cluster.dismissed = true).is_some()
    }

    /// Shows a contact no longer that was erased. Its words stay in the counts.
    pub fn forget(&mut self, contact: &ContactKey) {
        self.pending.retain(|one| one.contact != *contact);
        for group in self.groups.iter_mut().chain(self.inner.iter_mut()) {
            group.exemplars.retain(|one| one.contact != *contact);
        }
    }

    fn place(&mut self, seen: &Pending) -> Placed {
        let language = background::language_of(seen.language);
        if let Some(scale) = self.fading.rescale(seen.time) {
            self.groups.scale(scale as f32);
            self.inner.scale(scale as f32);
        }
        let mut joined = self.look_again(seen.time);
        let (group, votes) = self.group(seen, language, &mut joined);
        if votes {
            let keys = || seen.terms.iter().map(|term| term.key);
            self.background.add(Scope::of(language), keys(), seen.time);
            if let Some(reason) = &seen.reason {
                self.inside.add(Scope::of(language).within(reason), keys(), seen.time);
            }
        }
        Placed { contact: seen.contact.clone(), group, joined }
    }

    /// Where a contact belongs, and whether its customer's vote counts.
    fn group(
        &mut self,
        seen: &Pending,
        language: Language,
        joined: &mut Vec<Joined>,
    ) -> (Option<CandidateId>, bool) {
        let fits = seen.reason.is_some();
        let shares = self.background.shares(Scope::of(language), seen.time);
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
            return (None, true);
        }
        let choice = choice(&self.fading, &self.settings, seen.time);
        let groups = if fits { &mut self.inner } else { &mut self.groups };
        let (best, second) = groups.best(&terms, &choice);
        let slot = match best {
            Some(fit) => fit.slot,
            None => {
                let id = CandidateId::of(&seen.contact, seen.time);
                groups.insert(Cluster::new(id, fits, seen.time), self.settings.most_groups)
            }
        };
        let joining = Joining {
            contact: &seen.contact,
            customer: seen.customer,
            time: seen.time,
            language,
            reason: seen.reason.as_ref(),
            nats: best.map_or(0.0, |fit| fit.nats) as f32,
            terms: &terms,
        };
        let unit = choice.unit as f32;
        let votes = groups.join(slot, &joining, unit, &shares, self.settings.most_words);
        let group = groups.id(slot);
        // A contact that fits two groups well shows that they may be one.
        let second = second.filter(|_| votes);
        let one = second
            .and_then(|second| groups.join_alike((slot, second.slot), &shares, &self.settings));
        joined.extend(one);
        (one.map(|one| one.kept).or(group), votes)
    }

    /// The second look of a day, before its first contact.
    fn look_again(&mut self, now: TimeMs) -> Vec<Joined> {
        let today = day_of(now);
        if today <= self.looked {
            return Vec::new();
        }
        self.looked = today;
        let choice = choice(&self.fading, &self.settings, now);
        let shares_of = |one: &Cluster| {
            let language = background::language_of(one.main_language());
            self.background.shares(Scope::of(language), now)
        };
        let mut joined = self.groups.look_again(&choice, &self.settings, shares_of);
        joined.extend(self.inner.look_again(&choice, &self.settings, shares_of));
        joined
    }
}

/// How a contact of `time` is put to a group.
fn choice(fading: &Fading, settings: &DiscoverySettings, time: TimeMs) -> Choice {
    Choice {
        unit: fading.weight(time).max(f64::MIN_POSITIVE),
        today: day_of(time),
        fewest_nats: settings.join_nats,
        most_recent_nats: settings.most_recent_nats,
        except: None,
    }
}
