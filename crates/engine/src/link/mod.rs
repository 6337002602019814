//! LINK: owns all contacts of a customer. Finds repeats, follows chains, and says what counts.

mod alias;
mod chain;
mod emit;
mod mature;
mod report;
mod row;

pub use alias::declarations;
use chain::{Entry, Touched};
pub use report::{cause_of, repeat_id};
pub use row::{Basis, Gone, Held, LinkRow, Owner, Place};

use std::sync::Arc;

use quell_model::{ContactKey, Output, Standing, TimeMs};
use serde::{Deserialize, Serialize};

use crate::Effects;
use crate::settings::Settings;
use crate::state::{self, LINK_GONE, LINK_HELD, LINK_ROWS, State, StateError};
use crate::tag::{TaggedContact, Withdrawal};

/// Format of [`Held`] rows and of [`LinkRow`] rows.
pub(crate) const LINK_VERSION: u8 = 4;

/// What LINK acts on, keyed by its owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LinkInput {
    /// A contact as tagged now.
    Put {
        /// Whose it is.
        owner: Owner,
        /// Higher than every earlier one of this contact.
        revision: u64,
        /// The contact.
        tagged: Box<TaggedContact>,
    },
    /// A contact that is no longer this owner's.
    Withdraw {
        /// Whose it was.
        owner: Owner,
        /// Which.
        contact_key: ContactKey,
        /// Higher than every earlier one of this contact.
        revision: u64,
        /// Why.
        why: Withdrawal,
        /// Whose it is now, where it moved.
        moved_to: Option<Owner>,
    },
    /// A former owner has put out its last of the contact: say again what holds, so that it is
    /// the last in the topic too and compaction keeps it.
    Confirm {
        /// Whose it is since.
        owner: Owner,
        /// Which.
        contact_key: ContactKey,
        /// With which it left the former owner.
        revision: u64,
    },
    /// The customer `customer` is the customer `into`, whose id is smaller.
    Alias {
        /// The larger id.
        customer: String,
        /// The smaller id.
        into: String,
    },
    /// Event time is complete up to here.
    Mark(TimeMs),
}

impl LinkInput {
    /// Whose history the input belongs to; a mark belongs to all.
    pub fn owner(&self) -> Option<Owner> {
        match self {
            LinkInput::Put { owner, .. }
            | LinkInput::Withdraw { owner, .. }
            | LinkInput::Confirm { owner, .. } => Some(owner.clone()),
            LinkInput::Alias { customer, .. } => Some(Owner::Customer(customer.clone())),
            LinkInput::Mark(_) => None,
        }
    }
}

/// The LINK stage. Partitioned by owner.
pub struct Link {
    settings: Arc<Settings>,
}

impl Link {
    /// A stage with these settings.
    pub fn new(settings: Arc<Settings>) -> Self {
        Link { settings }
    }

    /// Applies one input.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    pub fn step(
        &mut self,
        state: &mut dyn State,
        input: LinkInput,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        match input {
            LinkInput::Put { owner, revision, tagged } => match alias::resolve(state, &owner)? {
                None => self.put(state, &owner, revision, *tagged, effects)?,
                Some(owner) => effects.to_link.push(LinkInput::Put { owner, revision, tagged }),
            },
            LinkInput::Withdraw { owner, contact_key, revision, why, moved_to } => {
                match alias::resolve(state, &owner)? {
                    None => {
                        let gone = Leaving { contact_key, revision, why, moved_to };
                        self.withdraw(state, &owner, gone, effects)?;
                    }
                    Some(owner) => effects.to_link.push(LinkInput::Withdraw {
                        owner,
                        contact_key,
                        revision,
                        why,
                        moved_to,
                    }),
                }
            }
            LinkInput::Confirm { owner, contact_key, revision } => {
                match alias::resolve(state, &owner)? {
                    None => confirm(state, &owner, contact_key, revision, effects)?,
                    Some(owner) => {
                        effects.to_link.push(LinkInput::Confirm { owner, contact_key, revision });
                    }
                }
            }
            LinkInput::Alias { customer, into } => {
                self.alias(state, &customer, &into, effects)?;
            }
            LinkInput::Mark(mark) => self.mature(state, mark, effects)?,
        }
        Ok(())
    }

    fn put(
        &mut self,
        state: &mut dyn State,
        owner: &Owner,
        revision: u64,
        tagged: TaggedContact,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let contact_key = tagged.contact.contact_key.clone();
        let held_key = owner.held_key(&contact_key);
        let before: Option<Held> = state::read(state, LINK_HELD, &held_key, LINK_VERSION)?;
        if before.as_ref().is_some_and(|held| held.revision >= revision) {
            return Ok(());
        }
        // A contact that moves between two ids of one person leaves and arrives with the same
        // revision, in either order; only what is older is out of date.
        let gone: Option<Gone> = state::read(state, LINK_GONE, &held_key, LINK_VERSION)?;
        if gone.is_some_and(|gone| gone.revision > revision) {
            return Ok(());
        }
        let at = tagged.contact.occurred_at;
        let mut held = Held::new(tagged, revision);
        if let Some(before) = before {
            held.take_over(before);
        }
        if held.mature {
            effects.tally.links_frozen += 1;
            self.emit(state, owner, held, None, effects);
            return Ok(());
        }
        let moved_from = held.row_at.filter(|&row_at| row_at != at);
        if let Some(row_at) = moved_from {
            state.delete(LINK_ROWS, &owner.row_key(row_at, &contact_key));
        }
        if held.row_at != Some(at) {
            held.due = mature::arm(state, &self.settings, owner, &contact_key, at)?;
        }
        held.row_at = Some(at);
        let entry = Entry { at, contact: contact_key, row: LinkRow::new(&held) };
        let from = moved_from.map_or(at, |row_at| row_at.min(at));
        let until = moved_from.map_or(at, |row_at| row_at.max(at));
        self.relink(state, owner, from, until, Some(Touched { entry, held }), effects)
    }

    fn withdraw(
        &mut self,
        state: &mut dyn State,
        owner: &Owner,
        Leaving { contact_key, revision, why, moved_to }: Leaving,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let contact_key = &contact_key;
        let held_key = owner.held_key(contact_key);
        let held: Option<Held> = state::read(state, LINK_HELD, &held_key, LINK_VERSION)?;
        if held.as_ref().is_some_and(|held| held.revision >= revision) {
            return Ok(());
        }
        let at = held.as_ref().map_or(TimeMs::MIN, |held| held.tagged.contact.occurred_at);
        let due = mature::arm(state, &self.settings, owner, contact_key, at)?;
        let gone = Gone { revision, moved_to: moved_to.clone(), due };
        state::write(state, LINK_GONE, &held_key, LINK_VERSION, &gone);
        match moved_to {
            Some(to) => {
                let contact_key = contact_key.clone();
                effects.to_link.push(LinkInput::Confirm { owner: to, contact_key, revision });
            }
            // Even when nothing is held here: what is still on its way has a lower revision.
            None => effects.outputs.push(Output::Contact {
                key: contact_key.clone(),
                revision,
                contact: None,
            }),
        }
        let Some(held) = held else { return Ok(()) };
        state.delete(LINK_HELD, &held_key);
        self.emit_withdrawn(&held, revision, why, effects);
        if why == Withdrawal::Erased {
            self.forget_in_frozen_chains(state, owner, contact_key, effects)?;
        }
        if let Some(row_at) = held.row_at.filter(|_| !held.mature) {
            state.delete(LINK_ROWS, &owner.row_key(row_at, contact_key));
            self.relink(state, owner, row_at, row_at, None, effects)?;
        }
        Ok(())
    }
}

/// A contact that leaves its owner.
struct Leaving {
    contact_key: ContactKey,
    revision: u64,
    why: Withdrawal,
    moved_to: Option<Owner>,
}

/// Puts the contact out again as it is here, or sends the question on to where it went. It goes
/// on with a higher revision only, so it ends whatever ways the contact went.
fn confirm(
    state: &mut dyn State,
    owner: &Owner,
    key: ContactKey,
    left_with: u64,
    effects: &mut Effects,
) -> Result<(), StateError> {
    let held_key = owner.held_key(&key);
    let held: Option<Held> = state::read(state, LINK_HELD, &held_key, LINK_VERSION)?;
    if let Some(held) = held {
        let contact = Some(Box::new(held.tagged.contact));
        effects.outputs.push(Output::Contact { key, revision: held.revision, contact });
        return Ok(());
    }
    // Where nothing newer is known, it is still on its way here and will be put out then.
    let gone: Option<Gone> = state::read(state, LINK_GONE, &held_key, LINK_VERSION)?;
    let Some(gone) = gone.filter(|gone| gone.revision > left_with) else { return Ok(()) };
    let revision = gone.revision;
    match gone.moved_to {
        Some(owner) => {
            effects.to_link.push(LinkInput::Confirm { owner, contact_key: key, revision });
        }
        None => effects.outputs.push(Output::Contact { key, revision, contact: None }),
    }
    Ok(())
}

/// Whether a record of this standing can be part of a chain.
pub(crate) fn is_linkable(standing: Standing) -> bool {
    standing == Standing::Counted
}
