//! LINK's rows and their keys.

use serde::{Deserialize, Serialize};

use quell_model::contact::Maturity;
use quell_model::repeat::GapMs;
use quell_model::{ContactKey, Fact, FactWords, RepeatLink, RepeatMode, Standing, TimeMs};

use crate::tag::{TaggedContact, Window};

/// Whose history a contact belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// A known customer's.
    Customer(String),
    /// Nobody's: a contact without a customer is kept under its own id and never linked.
    Alone(ContactKey),
}

impl Owner {
    /// The owner of a contact.
    pub fn of(customer_id: Option<&str>, key: &ContactKey) -> Owner {
        match customer_id {
            Some(id) => Owner::Customer(id.to_owned()),
            None => Owner::Alone(key.clone()),
        }
    }

    /// Bytes that no other owner's bytes begin with.
    pub fn prefix(&self) -> Vec<u8> {
        let (tag, id) = match self {
            Owner::Customer(id) => (b'c', id.as_str()),
            Owner::Alone(key) => (b'k', key.as_str()),
        };
        let mut prefix = Vec::with_capacity(id.len() + 64);
        prefix.push(tag);
        prefix.extend_from_slice(&(id.len() as u32).to_be_bytes());
        prefix.extend_from_slice(id.as_bytes());
        prefix
    }

    /// The inverse of [`Owner::prefix`], and what follows it.
    pub fn split(key: &[u8]) -> Option<(Owner, &[u8])> {
        let (&tag, rest) = key.split_first()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let length = u32::from_be_bytes(*length) as usize;
        let (id, rest) = rest.split_at_checked(length)?;
        let id = String::from_utf8(id.to_vec()).ok()?;
        match tag {
            b'c' => Some((Owner::Customer(id), rest)),
            b'k' => Some((Owner::Alone(ContactKey::from_text(id)), rest)),
            _ => None,
        }
    }

    pub(super) fn row_key(&self, at: TimeMs, contact: &ContactKey) -> Vec<u8> {
        let mut key = self.time_key(at);
        key.extend_from_slice(contact.as_str().as_bytes());
        key
    }

    pub(super) fn time_key(&self, at: TimeMs) -> Vec<u8> {
        let mut key = self.prefix();
        key.extend_from_slice(&at.to_key());
        key
    }

    pub(super) fn held_key(&self, contact: &ContactKey) -> Vec<u8> {
        let mut key = self.prefix();
        key.extend_from_slice(contact.as_str().as_bytes());
        key
    }
}

/// What speaks for a link, seen from the later contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// A level-2 reason in common.
    pub reason: bool,
    /// The same entity.
    pub entity: bool,
    /// Likeness of the texts in thousandths.
    pub likeness_permille: u16,
    /// The customer says that it is not the first time.
    pub says_again: bool,
    /// The earlier contact was transferred.
    pub previous_transferred: bool,
}

/// A contact's place in a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The contact before it.
    pub previous: ContactKey,
    /// When that one occurred.
    pub previous_at: TimeMs,
    /// The chain's first contact.
    pub first: ContactKey,
    /// 2 or more.
    pub position: u32,
    /// What speaks for the link.
    pub basis: Basis,
}

/// Places by mode, as in `RepeatMode::ALL`.
pub type Places = [Option<Place>; 3];

/// The small row per contact and time that chains are computed from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LinkRow {
    /// False for legs, merged, outbound and overflowing contacts: no part of any chain.
    pub linkable: bool,
    pub duplicate: bool,
    pub places: Places,
    pub windows: Vec<Window>,
    pub fingerprint: Option<u64>,
    pub message: Option<u64>,
    pub sketch: Vec<u32>,
    pub entities: Vec<(u64, u64)>,
    pub says_again: bool,
    pub transferred: bool,
}

impl LinkRow {
    pub(super) fn new(held: &Held) -> LinkRow {
        let tagged = &held.tagged;
        LinkRow {
            linkable: super::is_linkable(tagged.contact.standing),
            duplicate: held.duplicate,
            places: held.places.clone(),
            windows: tagged.windows.clone(),
            fingerprint: tagged.fingerprint,
            message: tagged.message,
            sketch: tagged.sketch.clone(),
            entities: tagged.entities.clone(),
            says_again: tagged.contact.cues.iter().any(|cue| cue == "repeat"),
            transferred: tagged.contact.transferred == Some(true),
        }
    }

    /// The contact's id in the chain of one mode: the first of the chain it is in, else itself.
    pub(super) fn first<'a>(&'a self, own: &'a ContactKey, mode: RepeatMode) -> &'a ContactKey {
        self.places[mode as usize].as_ref().map_or(own, |place| &place.first)
    }

    pub(super) fn position(&self, mode: RepeatMode) -> u32 {
        self.places[mode as usize].as_ref().map_or(1, |place| place.position)
    }
}

/// A contact as last put out by LINK, with what its next change is computed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Held {
    pub tagged: TaggedContact,
    pub revision: u64,
    pub duplicate: bool,
    pub places: Places,
    /// What TREND has counted for it, without its words.
    pub counted: Option<Fact>,
    /// The words that were counted, where those of `tagged` are newer. Never stored: what is put
    /// out is counted.
    #[serde(skip)]
    pub counted_words: Option<FactWords>,
    /// Where its [`LinkRow`] stands; none before the first.
    pub row_at: Option<TimeMs>,
    /// When its timer fires: maturity, then expiry.
    pub due: TimeMs,
    /// Links can change no more; the row is gone.
    pub mature: bool,
}

impl Held {
    pub(super) fn new(tagged: TaggedContact, revision: u64) -> Held {
        Held {
            tagged,
            revision,
            duplicate: false,
            places: Places::default(),
            counted: None,
            counted_words: None,
            row_at: None,
            due: TimeMs::MIN,
            mature: false,
        }
    }

    /// Brings the contact to what others see of it: its links, its standing among its customer's
    /// contacts, its maturity.
    pub(super) fn show(&mut self) {
        let contact = &mut self.tagged.contact;
        // Only a contact that counts is compared with others and found a duplicate.
        match (self.duplicate, contact.standing) {
            (true, _) => contact.standing = Standing::Duplicate,
            (false, Standing::Duplicate) => contact.standing = Standing::Counted,
            (false, _) => {}
        }
        let at = contact.occurred_at;
        for mode in RepeatMode::ALL {
            let link = self.places[mode as usize].as_ref().map(|place| RepeatLink {
                previous: place.previous.contact_id(),
                first: place.first.contact_id(),
                position: place.position,
                gap_s: GapMs(at.since_ms(place.previous_at)),
            });
            contact.repeat.set(mode, link);
        }
        contact.maturity = if self.mature { Maturity::Mature } else { Maturity::Provisional };
    }

    /// The tagged contact as it came from TAG.
    pub(super) fn into_tagged(mut self) -> TaggedContact {
        self.places = Places::default();
        self.duplicate = false;
        self.mature = false;
        self.show();
        self.tagged
    }

    /// The links there are.
    pub(super) fn linked(&self) -> impl Iterator<Item = (RepeatMode, &Place)> {
        let places = RepeatMode::ALL.into_iter().zip(&self.places);
        places.filter_map(|(mode, place)| Some((mode, place.as_ref()?)))
    }

    /// What TREND has counted for it, with the words.
    pub(super) fn counted_fact(&self) -> Option<Fact> {
        let words = self.counted_words.as_ref().unwrap_or(&self.tagged.words);
        self.counted.clone().map(|fact| Fact { words: words.clone(), ..fact })
    }

    /// Goes on from what was held of the same contact.
    pub(super) fn take_over(&mut self, before: Held) {
        self.duplicate = before.duplicate;
        self.places = before.places;
        self.counted = before.counted;
        self.counted_words = Some(before.tagged.words);
        self.row_at = before.row_at;
        self.due = before.due;
        self.mature = before.mature;
    }
}

/// What remains of a contact that left, until nothing older can be on its way any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Gone {
    pub revision: u64,
    /// Whose it is since; none where it was removed.
    pub moved_to: Option<Owner>,
    /// When this row is dropped.
    pub due: TimeMs,
}
