//! One group of contacts that say about the same.

use std::cmp::Reverse;
use std::fmt;
use std::str::FromStr;

use quell_model::{ContactKey, ReasonId, TimeMs};
use quell_text::Language;
use serde::{Deserialize, Serialize};

use super::background::code;
use super::day_of;
use super::groups::Known;

/// Exemplars kept of one group.
pub(super) const MOST_EXEMPLARS: usize = 6;
/// Customers remembered, so that each votes once.
const MOST_CUSTOMERS: usize = 64;
/// Days counted one by one.
pub(super) const DAYS: usize = 28;
/// Languages counted one by one.
const MOST_LANGUAGES: usize = 8;
/// Reasons counted one by one.
const MOST_REASONS: usize = 8;
/// Ids of joined groups kept.
pub(super) const MOST_ABSORBED: usize = 128;

/// A candidate's id: given when its first contact comes and never changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CandidateId(pub u64);

impl CandidateId {
    pub(super) fn of(contact: &ContactKey, time: TimeMs) -> CandidateId {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&time.0.to_le_bytes());
        hasher.update(contact.as_str().as_bytes());
        let mut bytes = [0u8; 8];
        hasher.finalize_xof().fill(&mut bytes);
        CandidateId(u64::from_le_bytes(bytes))
    }
}

/// The text is no id of a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no candidate's id, which looks like candidate_0123456789abcdef")
    }
}

impl std::error::Error for InvalidId {}

impl FromStr for CandidateId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let digits = text
            .strip_prefix("candidate_")
            .filter(|digits| digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let id = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        id.map(CandidateId).ok_or(InvalidId)
    }
}

impl fmt::Display for CandidateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "candidate_{:016x}", self.0)
    }
}

impl fmt::Debug for CandidateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A contact that shows well what a candidate is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exemplar {
    /// The contact.
    pub contact: ContactKey,
    /// When it came.
    pub time: TimeMs,
    /// How much likelier its words are among the group's than anywhere, in nats.
    pub nats: f32,
}

/// A word of a group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Word {
    pub key: u64,
    /// Customers who used it, fading.
    pub count: f32,
    /// The form most often written, by Boyer and Moore's majority vote.
    pub form: String,
    pub lead: u32,
    /// Where it stands among a contact's terms, on average.
    pub place: f32,
    /// The term that most often follows, by the same vote.
    pub next: u64,
    pub next_lead: u32,
}

impl Word {
    fn vote_next(&mut self, next: Option<u64>) {
        let Some(next) = next else { return };
        if self.next == next {
            self.next_lead = self.next_lead.saturating_add(1);
        } else if self.next_lead == 0 {
            (self.next, self.next_lead) = (next, 1);
        } else {
            self.next_lead -= 1;
        }
    }
}

/// What a contact brings to a group.
pub(super) struct Joining<'a> {
    pub contact: &'a ContactKey,
    pub customer: u64,
    pub time: TimeMs,
    pub language: Language,
    pub reason: Option<&'a ReasonId>,
    pub nats: f32,
    pub terms: &'a [Known<'a>],
}

/// A group. Every list is bounded; words are in the order of their keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cluster {
    pub id: CandidateId,
    /// Whether reasons fit its contacts.
    pub fits: bool,
    /// Customers by the weightiest reason.
    pub reasons: Vec<(ReasonId, u32)>,
    pub born: TimeMs,
    pub last: TimeMs,
    /// Customers, fading.
    pub weight: f32,
    pub contacts: u64,
    pub customers: u64,
    pub words: Vec<Word>,
    /// The last seen at the end.
    pub recent: Vec<u32>,
    /// New customers by day, the oldest first.
    pub days: Vec<(i64, u32)>,
    pub languages: Vec<(u32, u32)>,
    pub exemplars: Vec<Exemplar>,
    pub absorbed: Vec<CandidateId>,
    pub dismissed: bool,
}

impl Cluster {
    pub fn new(id: CandidateId, fits: bool, time: TimeMs) -> Cluster {
        Cluster {
            id,
            fits,
            reasons: Vec::new(),
            born: time,
            last: time,
            weight: 0.0,
            contacts: 0,
            customers: 0,
            words: Vec::new(),
            recent: Vec::new(),
            days: Vec::new(),
            languages: Vec::new(),
            exemplars: Vec::new(),
            absorbed: Vec::new(),
            dismissed: false,
        }
    }

    pub fn word(&self, key: u64) -> Option<&Word> {
        self.words
            .binary_search_by_key(&key, |word| word.key)
            .ok()
            .and_then(|at| self.words.get(at))
    }

    /// Counts a contact. False when its customer has voted here before: then its words are not
    /// counted again.
    pub fn join(&mut self, joining: &Joining<'_>, weight: f32) -> bool {
        self.contacts += 1;
        self.last = self.last.max(joining.time);
        if !self.vote(joining.customer) {
            return false;
        }
        self.customers += 1;
        self.weight += weight;
        self.count_day(day_of(joining.time), 1);
        self.count_language(code(joining.language), 1);
        if let Some(reason) = joining.reason {
            self.count_reason(reason.clone(), 1);
        }
        for term in joining.terms {
            self.add_word(term, weight);
        }
        self.add_exemplar(Exemplar {
            contact: joining.contact.clone(),
            time: joining.time,
            nats: joining.nats,
        });
        true
    }

    /// Takes over all of another group.
    pub fn absorb(&mut self, other: Cluster) {
        self.contacts += other.contacts;
        self.last = self.last.max(other.last);
        self.born = self.born.min(other.born);
        self.weight += other.weight;
        let known = other.recent.iter().filter(|customer| self.recent.contains(customer)).count();
        self.customers += other.customers.saturating_sub(known as u64);
        for word in other.words {
            match self.words.binary_search_by_key(&word.key, |known| known.key) {
                Ok(at) => {
                    let own = &mut self.words[at];
                    own.place = mean(own.place, own.count, word.place, word.count);
                    own.count += word.count;
                    if word.next_lead > own.next_lead {
                        (own.next, own.next_lead) = (word.next, word.next_lead);
                    }
                    if word.lead > own.lead {
                        (own.form, own.lead) = (word.form, word.lead);
                    }
                }
                Err(at) => self.words.insert(at, word),
            }
        }
        for customer in other.recent {
            self.recent.retain(|known| *known != customer);
            self.recent.push(customer);
        }
        let beyond = self.recent.len().saturating_sub(MOST_CUSTOMERS);
        self.recent.drain(..beyond);
        other.days.into_iter().for_each(|(day, count)| self.count_day(day, count));
        other.languages.into_iter().for_each(|(code, count)| self.count_language(code, count));
        other.reasons.into_iter().for_each(|(reason, count)| self.count_reason(reason, count));
        other.exemplars.into_iter().for_each(|exemplar| self.add_exemplar(exemplar));
        let before = std::mem::replace(&mut self.absorbed, vec![other.id]);
        self.absorbed.extend(other.absorbed.into_iter().chain(before));
        self.absorbed.truncate(MOST_ABSORBED);
        self.dismissed |= other.dismissed;
    }

    /// Whether it is one that this code could have made: finite counts, words in order.
    pub fn is_sound(&self) -> bool {
        let in_order = self.words.windows(2).all(|pair| pair[0].key < pair[1].key)
            && self.days.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let counts = self.words.iter().map(|word| word.count);
        in_order && counts.chain([self.weight]).all(|count| count.is_finite() && count >= 0.0)
    }

    /// The code of the language that most of its customers wrote.
    pub fn main_language(&self) -> u32 {
        let most = self.languages.iter().max_by_key(|(code, count)| (*count, Reverse(*code)));
        most.map_or(0, |(code, _)| *code)
    }

    /// The reason that most of its customers have; none where no reason fits.
    pub fn within(&self) -> Option<&ReasonId> {
        let most = self.reasons.iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0)));
        most.map(|(reason, _)| reason)
    }

    /// The share of the customers of the 28 days that end with `today` who came on the same days
    /// as those of another group, 0 to 1.
    pub fn together(&self, other: &Cluster, today: i64) -> f64 {
        let (own, others) = (self.recent(today) as f64, other.recent(today) as f64);
        if own == 0.0 || others == 0.0 {
            return 0.0;
        }
        let days = today - DAYS as i64 + 1..today + 1;
        let on = |one: &Cluster, day: i64| one.customers_in(day..day + 1) as f64;
        days.map(|day| (on(self, day) / own).min(on(other, day) / others)).sum()
    }

    /// New customers in the 28 days that end with `today`.
    pub fn recent(&self, today: i64) -> u64 {
        self.customers_in(today - DAYS as i64 + 1..today + 1)
    }

    /// New customers in a range of days since 1970.
    pub fn customers_in(&self, days: std::ops::Range<i64>) -> u64 {
        let inside = self.days.iter().filter(|(day, _)| days.contains(day));
        inside.map(|(_, count)| u64::from(*count)).sum()
    }

    fn vote(&mut self, customer: u64) -> bool {
        let customer = (customer ^ (customer >> 32)) as u32;
        let known = self.recent.iter().position(|known| *known == customer);
        if let Some(at) = known {
            self.recent.remove(at);
        } else if self.recent.len() >= MOST_CUSTOMERS {
            self.recent.remove(0);
        }
        self.recent.push(customer);
        known.is_none()
    }

    fn add_word(&mut self, term: &Known<'_>, weight: f32) {
        let Known { key, place, form, next, .. } = *term;
        let place = f32::from(place);
        match self.words.binary_search_by_key(&key, |word| word.key) {
            Ok(at) => {
                let word = &mut self.words[at];
                word.place = mean(word.place, word.count, place, weight);
                word.count += weight;
                word.vote_next(next);
                if word.form == form {
                    word.lead = word.lead.saturating_add(1);
                } else if word.lead == 0 {
                    form.clone_into(&mut word.form);
                    word.lead = 1;
                } else {
                    word.lead -= 1;
                }
            }
            Err(at) => {
                let (form, lead) = (form.to_owned(), 1);
                let mut word =
                    Word { key, count: weight, form, lead, place, next: 0, next_lead: 0 };
                word.vote_next(next);
                self.words.insert(at, word);
            }
        }
    }

    fn count_day(&mut self, day: i64, count: u32) {
        match self.days.binary_search_by_key(&day, |known| known.0) {
            Ok(at) => self.days[at].1 = self.days[at].1.saturating_add(count),
            Err(at) => self.days.insert(at, (day, count)),
        }
        if self.days.len() > DAYS {
            self.days.remove(0);
        }
    }

    fn count_language(&mut self, code: u32, count: u32) {
        if let Some(known) = self.languages.iter_mut().find(|known| known.0 == code) {
            known.1 = known.1.saturating_add(count);
        } else if self.languages.len() < MOST_LANGUAGES {
            self.languages.push((code, count));
        }
    }

    fn count_reason(&mut self, reason: ReasonId, count: u32) {
        if let Some(known) = self.reasons.iter_mut().find(|known| known.0 == reason) {
            known.1 = known.1.saturating_add(count);
        } else if self.reasons.len() < MOST_REASONS {
            self.reasons.push((reason, count));
        }
    }

    /// The strongest stay, each contact once; the first contact is weak and soon goes.
    fn add_exemplar(&mut self, exemplar: Exemplar) {
        if self.exemplars.iter().any(|known| known.contact == exemplar.contact) {
            return;
        }
        self.exemplars.push(exemplar);
        self.exemplars.sort_by(|a, b| {
            b.nats.total_cmp(&a.nats).then(a.time.cmp(&b.time)).then(a.contact.cmp(&b.contact))
        });
        self.exemplars.truncate(MOST_EXEMPLARS);
    }
}

fn mean(a: f32, weight_a: f32, b: f32, weight_b: f32) -> f32 {
    let all = weight_a + weight_b;
    if all > 0.0 { (a * weight_a + b * weight_b) / all } else { a }
}
