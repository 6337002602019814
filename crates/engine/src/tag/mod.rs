//! TAG: owns the contact. Merges what its events say, tags it, and routes it to its customer.

mod known;
mod register;
mod route;

pub use known::Known;
pub use register::{Register, Stamp};
pub use route::{TaggedContact, Window};

use std::sync::Arc;

use quell_model::event::{ContactEvent, ContactEventType, Event, Noted};
use quell_model::{ContactKey, TimeMs};
use quell_taxonomy::{TagSettings, Tagger, Taxonomy};

use crate::Effects;
use crate::link::{LinkInput, Owner, declarations};
use crate::settings::Settings;
use crate::state::{self, NOTED, State, StateError, TAG_CONTACTS, TAG_ERASED, TAG_TIMERS};
use crate::timers;
use crate::trend::TrendInput;

/// Format of [`Known`] rows.
pub(crate) const KNOWN_VERSION: u8 = 1;

/// Bits of a contact's revision that LINK counts within one revision of TAG.
pub(crate) const LINK_REVISION_BITS: u32 = 24;

/// How many timers one mark may fire, so that no turn grows without bound.
const MAX_TIMERS_A_MARK: usize = 10_000;

/// The TAG stage. Partitioned by contact key.
pub struct Tag {
    settings: Arc<Settings>,
    tagger: Tagger,
}

impl Tag {
    /// A stage with this taxonomy.
    pub fn new(settings: Arc<Settings>, taxonomy: Arc<Taxonomy>) -> Self {
        let tag_settings = TagSettings {
            accept_agent_codes: settings.accept_agent_codes,
            default_language: settings.default_language.clone(),
        };
        Tag { settings, tagger: Tagger::new(taxonomy, tag_settings) }
    }

    /// Applies one event of any kind: what speaks of no contact is kept or sent on.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    pub fn event(
        &mut self,
        state: &mut dyn State,
        event: Event,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        match event {
            Event::Contact(event) => self.step(state, *event, effects)?,
            Event::Volume(volume) => effects.to_trend.push(TrendInput::Volume(Box::new(volume))),
            Event::IdentityLink(link) => {
                effects.to_link.extend(declarations(&link.customer_ids));
            }
            Event::Noted(noted) => note(state, noted, effects),
        }
        Ok(())
    }

    /// Applies one event of a contact.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    pub fn step(
        &mut self,
        state: &mut dyn State,
        event: ContactEvent,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let key = event.contact_key();
        if state.get(TAG_ERASED, &erased_key(&key))?.is_some() {
            effects.tally.events_after_erasure += 1;
            return Ok(());
        }
        let row_key = key.as_str().as_bytes();
        let before: Option<Known> = state::read(state, TAG_CONTACTS, row_key, KNOWN_VERSION)?;
        if event.event_type == ContactEventType::Erased {
            erase(state, &key, before, effects);
            return Ok(());
        }
        let is_new = before.is_none();
        let was_live = before.as_ref().is_some_and(Known::is_live);
        let mut known = before.unwrap_or_else(|| Known::new(&event));
        if !known.merge(event) && !is_new {
            effects.tally.events_stale += 1;
            return Ok(());
        }
        effects.tally.events_applied += 1;
        known.revision += 1;
        change_owner(&key, &mut known, was_live, effects);
        if is_new {
            self.arm(state, &known, &key)?;
        }
        state::write(state, TAG_CONTACTS, row_key, KNOWN_VERSION, &known);
        if let Some(owner) = known.owner.clone().filter(|_| known.is_live()) {
            let revision = revision(&known);
            let tagged = Box::new(route::tagged(&key, known, &mut self.tagger, &self.settings));
            effects.to_link.push(LinkInput::Put { owner, revision, tagged });
        }
        Ok(())
    }

    /// Forgets contacts that did not change for the retention time.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    pub fn mark(
        &mut self,
        state: &mut dyn State,
        mark: TimeMs,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let (due, more) = timers::take_due(state, TAG_TIMERS, mark, MAX_TIMERS_A_MARK)?;
        effects.unfinished |= more;
        for (_, contact) in due {
            let known = state::read::<Known>(state, TAG_CONTACTS, &contact, KNOWN_VERSION)?;
            let Some(known) = known else { continue };
            if known.last_change().plus_ms(self.settings.retention_ms) < mark {
                state.delete(TAG_CONTACTS, &contact);
            } else {
                let key = ContactKey::from_text(String::from_utf8_lossy(&contact));
                self.arm(state, &known, &key)?;
            }
        }
        Ok(())
    }

    fn arm(
        &self,
        state: &mut dyn State,
        known: &Known,
        key: &ContactKey,
    ) -> Result<(), StateError> {
        let due = known.last_change().plus_ms(self.settings.retention_ms);
        timers::set(state, TAG_TIMERS, due, key.as_str().as_bytes())
    }
}

/// LINK's revisions of a contact count on from TAG's.
fn revision(known: &Known) -> u64 {
    known.revision << LINK_REVISION_BITS
}

/// Notes whose the contact is now, and tells whose it was. One that was deleted with one owner and
/// lives again with another has moved: else the former owner's removal could come last.
fn change_owner(key: &ContactKey, known: &mut Known, was_live: bool, effects: &mut Effects) {
    let owner = known.is_live().then(|| Owner::of(known.customer_id(), key));
    let former = match &owner {
        Some(owner) => known.owner.replace(owner.clone()).filter(|former| former != owner),
        None => known.owner.clone().filter(|_| was_live),
    };
    if let Some(former) = former {
        effects.to_link.push(LinkInput::Withdraw {
            owner: former,
            contact_key: key.clone(),
            revision: revision(known),
            why: if owner.is_some() { Withdrawal::Moved } else { Withdrawal::Deleted },
            moved_to: owner,
        });
    }
}

/// Why a contact leaves a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Withdrawal {
    /// It belongs to another customer now: nothing is put out here.
    Moved,
    /// The source deleted it: taken out of the counts.
    Deleted,
    /// The person is forgotten: removed everywhere, aggregates stay.
    Erased,
}

fn erase(state: &mut dyn State, key: &ContactKey, before: Option<Known>, effects: &mut Effects) {
    effects.tally.contacts_erased += 1;
    state.put(TAG_ERASED, &erased_key(key), Vec::new());
    let Some(known) = before else { return };
    state.delete(TAG_CONTACTS, key.as_str().as_bytes());
    if let Some(owner) = known.owner {
        effects.to_link.push(LinkInput::Withdraw {
            owner,
            contact_key: key.clone(),
            revision: (known.revision + 1) << LINK_REVISION_BITS,
            why: Withdrawal::Erased,
            moved_to: None,
        });
    }
}

/// Only a hash remains of an erased contact's id.
fn erased_key(key: &ContactKey) -> [u8; 16] {
    let hash = blake3::hash(key.as_str().as_bytes());
    let mut short = [0; 16];
    short.copy_from_slice(&hash.as_bytes()[..16]);
    short
}

/// Keeps an input that no stage acts on yet under its kind and id.
fn note(state: &mut dyn State, noted: Noted, effects: &mut Effects) {
    effects.tally.noted_kept += 1;
    let key = format!("{}/{}", noted.kind.event_type(), noted.event_id);
    state.put(NOTED, key.as_bytes(), noted.json.into_bytes());
}
