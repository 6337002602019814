//! Declared identity: several customer ids, one person. Every declaration travels towards the
//! smallest id of the set, so any order of declarations ends with the same owner.

use super::row::{Held, Owner};
use super::{LINK_VERSION, Link, LinkInput};
use crate::Effects;
use crate::state::{self, LINK_ALIASES, LINK_HELD, LINK_ROWS, Scan, State, StateError};
use crate::tag::Withdrawal;

/// The declarations that a set of ids stands for, each keyed by its larger id.
pub fn declarations(customer_ids: &[String]) -> Vec<LinkInput> {
    let Some(smallest) = customer_ids.iter().min() else { return Vec::new() };
    customer_ids
        .iter()
        .filter(|id| *id != smallest)
        .map(|id| LinkInput::Alias { customer: id.clone(), into: smallest.clone() })
        .collect()
}

/// The owner that this one was declared to be, if any.
pub(super) fn resolve(state: &mut dyn State, owner: &Owner) -> Result<Option<Owner>, StateError> {
    let Owner::Customer(id) = owner else { return Ok(None) };
    let row = state.get(LINK_ALIASES, id.as_bytes())?;
    Ok(row.map(|into| Owner::Customer(String::from_utf8_lossy(&into).into_owned())))
}

impl Link {
    pub(super) fn alias(
        &mut self,
        state: &mut dyn State,
        customer: &str,
        into: &str,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let owner = Owner::Customer(customer.to_owned());
        match resolve(state, &owner)? {
            Some(Owner::Customer(known)) if known != into => {
                let (small, large) = if known.as_str() < into {
                    (known.as_str(), into)
                } else {
                    (into, known.as_str())
                };
                state.put(LINK_ALIASES, customer.as_bytes(), small.as_bytes().to_vec());
                effects
                    .to_link
                    .push(LinkInput::Alias { customer: large.to_owned(), into: small.to_owned() });
                Ok(())
            }
            Some(_) => Ok(()),
            None => {
                state.put(LINK_ALIASES, customer.as_bytes(), into.as_bytes().to_vec());
                self.hand_over(state, &owner, &Owner::Customer(into.to_owned()), effects)
            }
        }
    }

    /// Moves all contacts of one owner to another. Their later records must win over the removals
    /// put out here, hence the two steps of the revision.
    fn hand_over(
        &mut self,
        state: &mut dyn State,
        from: &Owner,
        to: &Owner,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let prefix = from.prefix();
        let end = state::prefix_end(&prefix);
        let scan = Scan { table: LINK_HELD, from: &prefix, to: &end, descending: false };
        for (held_key, row) in state::rows(state, scan, usize::MAX)? {
            let held: Held = state::decode(LINK_HELD, LINK_VERSION, &row)?;
            state.delete(LINK_HELD, &held_key);
            if let Some(row_at) = held.row_at {
                let key = from.row_key(row_at, &held.tagged.contact.contact_key);
                state.delete(LINK_ROWS, &key);
            }
            let revision = held.revision;
            self.emit_withdrawn(&held, revision + 1, Withdrawal::Moved, effects);
            let contact_key = held.tagged.contact.contact_key.clone();
            let revision = revision + 2;
            effects.to_link.push(LinkInput::Put {
                owner: to.clone(),
                revision,
                tagged: Box::new(held.into_tagged()),
            });
            // The other one may know it newer, by a shorter way, and then says nothing: what was
            // put out here would be the last.
            effects.to_link.push(LinkInput::Confirm { owner: to.clone(), contact_key, revision });
        }
        Ok(())
    }
}
