//! Timers: when a contact's links can change no more, and when it is forgotten.

use quell_model::{ContactKey, RepeatMode, TimeMs};

use super::row::{Gone, Held, Owner};
use super::{LINK_VERSION, Link};
use crate::Effects;
use crate::settings::Settings;
use crate::state::{
    self, LINK_CLOCK, LINK_GONE, LINK_HELD, LINK_ROWS, LINK_TIMERS, Scan, State, StateError,
};

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
    let due = at.max(last_mark(state)?).plus_ms(settings.max_window_ms);
    state.put(LINK_TIMERS, &timer_key(due, owner, contact), Vec::new());
    Ok(due)
}

fn last_mark(state: &mut dyn State) -> Result<TimeMs, StateError> {
    let row: Option<TimeMs> = state::read(state, LINK_CLOCK, b"mark", LINK_VERSION)?;
    Ok(row.unwrap_or(TimeMs::MIN))
}

fn timer_key(due: TimeMs, owner: &Owner, contact: &ContactKey) -> Vec<u8> {
    let mut key = due.to_key().to_vec();
    key.extend_from_slice(&owner.held_key(contact));
    key
}

impl Link {
    pub(super) fn mature(
        &mut self,
        state: &mut dyn State,
        mark: TimeMs,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        if mark < last_mark(state)? {
            return Ok(());
        }
        state::write(state, LINK_CLOCK, b"mark", LINK_VERSION, &mark);
        // A contact exactly one window later than another still repeats it, so a contact is
        // mature only once the mark has passed its window's end.
        let end = mark.to_key();
        let scan = Scan { table: LINK_TIMERS, from: &[], to: &end, descending: false };
        let due = state::rows(state, scan, MAX_TIMERS_A_MARK)?;
        effects.unfinished |= due.len() == MAX_TIMERS_A_MARK;
        for (timer, _) in due {
            state.delete(LINK_TIMERS, &timer);
            let Some((due, rest)) = timer.split_first_chunk::<8>() else { continue };
            let Some((owner, contact)) = Owner::split(rest) else { continue };
            let contact = ContactKey::from_text(String::from_utf8_lossy(contact));
            self.fire(state, TimeMs::from_key(*due), &owner, &contact, effects)?;
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
        held.due = due.plus_ms(self.settings.retention_ms);
        state.put(LINK_TIMERS, &timer_key(held.due, owner, contact), Vec::new());
        self.emit(owner, &mut held, None, effects);
        state::write(state, LINK_HELD, &held_key, LINK_VERSION, &held);
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
        for (held_key, row) in state::rows(state, scan, usize::MAX)? {
            let mut held: Held = state::decode(LINK_HELD, LINK_VERSION, &row)?;
            let mut row = super::LinkRow::new(&held);
            for mode in RepeatMode::ALL {
                let slot = &mut row.places[mode as usize];
                if slot.as_ref().is_some_and(|p| p.previous == *erased || p.first == *erased) {
                    *slot = None;
                }
            }
            if !held.mature || row.places == held.places {
                continue;
            }
            let counted = held.counted.clone();
            let facts = effects.to_trend.len();
            self.emit(owner, &mut held, Some(&row), effects);
            effects.to_trend.truncate(facts);
            held.counted = counted;
            state::write(state, LINK_HELD, &held_key, LINK_VERSION, &held);
        }
        Ok(())
    }
}
