//! Timers: when a contact's links can change no more, and when it is forgotten.

use quell_model::{ContactKey, TimeMs};

use super::row::{Gone, Held, Owner};
use super::{LINK_VERSION, Link};
use crate::Effects;
use crate::settings::Settings;
use crate::state::{
    self, LINK_CLOCK, LINK_GONE, LINK_HELD, LINK_ROWS, LINK_TIMERS, Scan, State, StateError,
};
use crate::timers;

/// How many timers one mark may fire, so that no turn grows without bound.
const MAX_TIMERS_A_MARK: usize = 10_000;

/// Sets the timer of a contact that occurred at `at`, and returns when it fires. A backfilled
/// contact stays as long after its arrival as a fresh one, so that a backfill links as the live
/// stream did. A timer that is out of date when it fires does nothing: old ones need no removal.
pub(super) fn arm(
    state: &mut dyn State,
    settings: &Settings,
    owner: &Owner,
    contact: &ContactKey,
    at: TimeMs,
) -> Result<TimeMs, StateError> {
    let due = at.max(timers::last_mark(state, LINK_CLOCK)?).plus_ms(settings.max_window_ms);
    timers::set(state, LINK_TIMERS, due, &owner.held_key(contact))?;
    Ok(due)
}

impl Link {
    pub(super) fn mature(
        &mut self,
        state: &mut dyn State,
        mark: TimeMs,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        if !timers::advance(state, LINK_CLOCK, mark)? {
            return Ok(());
        }
        // A contact exactly one window later than another still repeats it, so a contact is
        // mature only once the mark has passed its window's end.
        let (due, more) = timers::take_due(state, LINK_TIMERS, mark, MAX_TIMERS_A_MARK)?;
        effects.unfinished |= more;
        for (due, held_key) in due {
            let Some((owner, contact)) = Owner::split(&held_key) else { continue };
            let contact = ContactKey::from_text(String::from_utf8_lossy(contact));
            self.fire(state, due, &owner, &contact, effects)?;
        }
        Ok(())
    }

    fn fire(
        &mut self,
        state: &mut dyn State,
        due: TimeMs,
        owner: &Owner,
        contact: &ContactKey,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let held_key = owner.held_key(contact);
        let gone: Option<Gone> = state::read(state, LINK_GONE, &held_key, LINK_VERSION)?;
        if gone.is_some_and(|gone| gone.due == due) {
            state.delete(LINK_GONE, &held_key);
        }
        let held = state::read::<Held>(state, LINK_HELD, &held_key, LINK_VERSION)?;
        let Some(mut held) = held.filter(|held| held.due == due) else { return Ok(()) };
        if held.mature {
            state.delete(LINK_HELD, &held_key);
            return Ok(());
        }
        if let Some(row_at) = held.row_at {
            state.delete(LINK_ROWS, &owner.row_key(row_at, contact));
        }
        held.mature = true;
        effects.settled.push(contact.clone());
        held.due = due.plus_ms(self.settings.retention_ms);
        timers::set(state, LINK_TIMERS, held.due, &held_key)?;
        self.emit(state, owner, held, None, effects);
        Ok(())
    }

    /// Removes an erased contact from chains that are computed no more. What was counted stays.
    pub(super) fn forget_in_frozen_chains(
        &mut self,
        state: &mut dyn State,
        owner: &Owner,
        erased: &ContactKey,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let prefix = owner.prefix();
        let end = state::prefix_end(&prefix);
        let scan = Scan { table: LINK_HELD, from: &prefix, to: &end, descending: false };
        for (_, row) in state::rows(state, scan, usize::MAX)? {
            let held: Held = state::decode(LINK_HELD, LINK_VERSION, &row)?;
            let mut row = super::LinkRow::new(&held);
            for slot in &mut row.places {
                slot.take_if(|place| place.previous == *erased || place.first == *erased);
            }
            if !held.mature || row.places == held.places {
                continue;
            }
            self.emit_uncounted(state, owner, held, &row, effects);
        }
        Ok(())
    }
}
