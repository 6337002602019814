//! Discovery over contacts as the pipeline puts them out: each once, in the order of their times.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use quell_model::contact::Standing;
use quell_model::event::Role;
use quell_model::time::HOUR_MS;
use quell_model::{Contact, ContactKey, ReasonId, TimeMs, UNCLASSIFIED};
use quell_text::{Analyzer, Language};
use serde::{Deserialize, Serialize};

use super::{Candidate, Discovery, DiscoverySettings, Observation, StateError, Terms, hash_of};

/// A contact waits so long behind the newest one for others that came before it.
const HOLD_MS: i64 = HOUR_MS;
/// Contacts that wait; with more the oldest is not waited for.
const MOST_WAITING: usize = 4_096;
/// Contacts remembered so that their later versions count for nothing.
const MOST_SEEN: usize = 65_536;
/// Raised when the bytes mean something else.
const FORMAT: u8 = 1;

/// Follows the contacts that the pipeline puts out, in any order of their versions.
///
/// A contact counts when it is first seen with words, with the reasons that it has then; what
/// changes of it later counts for nothing. Contacts that come out of order by more than an hour
/// are taken as they come, so there the order shows. What was said by the texts of an erased
/// contact stays in the counts of words; its id goes.
pub struct Watch {
    discovery: Discovery,
    analyzer: Analyzer,
    waiting: BTreeMap<(TimeMs, ContactKey), Waiting>,
    seen: VecDeque<u64>,
    is_seen: BTreeSet<u64>,
    newest: TimeMs,
}

/// A contact as far as themes are concerned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Waiting {
    customer: u64,
    language: String,
    terms: Terms,
    reason: Option<ReasonId>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    discovery: Vec<u8>,
    waiting: Vec<((TimeMs, ContactKey), Waiting)>,
    seen: Vec<u64>,
    newest: TimeMs,
}

impl Watch {
    /// One that has seen nothing.
    pub fn new(settings: DiscoverySettings) -> Watch {
        Watch {
            discovery: Discovery::new(settings),
            analyzer: Analyzer::new(),
            waiting: BTreeMap::new(),
            seen: VecDeque::new(),
            is_seen: BTreeSet::new(),
            newest: TimeMs::MIN,
        }
    }

    /// Takes a contact as it is now.
    pub fn take(&mut self, contact: &Contact) {
        let hash = hash_of(contact.contact_key.as_str());
        if contact.standing != Standing::Counted || self.is_seen.contains(&hash) {
            return;
        }
        let language = Language::parse(&contact.language).unwrap_or(Language::ANY);
        let written = [contact.subject.as_deref(), contact.body.as_deref()].into_iter().flatten();
        let said = contact.turns.iter().filter(|turn| turn.role == Role::Customer);
        let mut terms = Terms::new();
        for piece in written.chain(said.map(|turn| turn.text.as_str())) {
            terms.add(piece, &self.analyzer.analyze(language, piece));
        }
        if terms.is_empty() {
            return;
        }
        self.remember(hash);
        let customer = contact.customer_id.as_deref().unwrap_or(contact.contact_key.as_str());
        let main = contact.reasons.first().map(|tag| &tag.reason);
        let waiting = Waiting {
            customer: hash_of(customer),
            language: contact.language.clone(),
            terms,
            reason: main.filter(|reason| reason.as_str() != UNCLASSIFIED).cloned(),
        };
        self.newest = self.newest.max(contact.occurred_at);
        self.waiting.insert((contact.occurred_at, contact.contact_key.clone()), waiting);
        self.release(self.newest.plus_ms(-HOLD_MS), MOST_WAITING);
    }

    /// Forgets the id of a contact that was erased, and its words where it still waits.
    pub fn forget(&mut self, contact: &ContactKey) {
        self.waiting.retain(|(_, key), _| key != contact);
        self.discovery.forget(contact);
    }

    /// Takes in what waits: for the end of the input.
    pub fn settle(&mut self) {
        self.release(TimeMs::MAX, 0);
        self.discovery.settle();
    }

    /// The candidates as of the newest contact, see [`Discovery::candidates`]. Contacts of the hour
    /// before it may not be in them yet.
    pub fn candidates(&self) -> Vec<Candidate> {
        self.discovery.candidates(self.newest)
    }

    /// The time of the newest contact; none before the first.
    pub fn newest(&self) -> Option<TimeMs> {
        Some(self.newest).filter(|newest| *newest > TimeMs::MIN)
    }

    /// The state as bytes: a version, then postcard. The same state gives the same bytes.
    ///
    /// # Panics
    /// Never on data: only if a type were one that postcard cannot write.
    pub fn to_bytes(&self) -> Vec<u8> {
        let row = Row {
            discovery: self.discovery.to_bytes(),
            waiting: self.waiting.iter().map(|(at, one)| (at.clone(), one.clone())).collect(),
            seen: self.seen.iter().copied().collect(),
            newest: self.newest,
        };
        match postcard::to_extend(&row, vec![FORMAT]) {
            Ok(bytes) => bytes,
            Err(error) => panic!("what is watched cannot be written: {error}"),
        }
    }

    /// The state that [`Watch::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`StateError`] for another release's bytes and for damaged ones.
    pub fn from_bytes(bytes: &[u8]) -> Result<Watch, StateError> {
        let (&found, rest) = bytes.split_first().ok_or(StateError::Empty)?;
        if found != FORMAT {
            return Err(StateError::Format { found });
        }
        let Ok((row, [])) = postcard::take_from_bytes::<Row>(rest) else {
            return Err(StateError::Damaged);
        };
        Ok(Watch {
            discovery: Discovery::from_bytes(&row.discovery)?,
            analyzer: Analyzer::new(),
            waiting: row.waiting.into_iter().collect(),
            is_seen: row.seen.iter().copied().collect(),
            seen: row.seen.into(),
            newest: row.newest,
        })
    }

    fn remember(&mut self, hash: u64) {
        self.seen.push_back(hash);
        self.is_seen.insert(hash);
        while self.seen.len() > MOST_SEEN {
            if let Some(gone) = self.seen.pop_front() {
                self.is_seen.remove(&gone);
            }
        }
    }

    /// Takes in those before a time, and the oldest of more than `most`.
    fn release(&mut self, before: TimeMs, most: usize) {
        while let Some(first) = self.waiting.first_entry() {
            let is_due = first.key().0 < before;
            if !is_due && self.waiting.len() <= most {
                return;
            }
            let Some(((time, contact), one)) = self.waiting.pop_first() else { return };
            self.discovery.observe(&Observation {
                contact: &contact,
                customer: one.customer,
                time,
                language: Language::parse(&one.language).unwrap_or(Language::ANY),
                terms: &one.terms,
                reason: one.reason.as_ref(),
            });
        }
    }
}
