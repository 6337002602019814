//! Which contact repeats which. A place in a chain depends only on the rows before it, so a
//! change at one time is carried forward until nothing changes any more.

use quell_model::{ContactKey, RepeatMode, TimeMs};
use quell_text::similarity::similarity;

use super::row::{Basis, Held, LinkRow, Owner, Place, Places};
use super::{LINK_VERSION, Link};
use crate::Effects;
use crate::state::{self, LINK_HELD, LINK_ROWS, Scan, State, StateError};

/// Rows read at once while a change is carried forward.
const PAGE: usize = 256;

/// One row with its place in time.
pub(super) struct Entry {
    pub at: TimeMs,
    pub contact: ContactKey,
    pub row: LinkRow,
}

impl Entry {
    fn order(&self) -> (TimeMs, &str) {
        (self.at, self.contact.as_str())
    }
}

/// A contact that arrived or changed, not yet written.
pub(super) struct Touched {
    pub entry: Entry,
    pub held: Held,
}

/// A change being carried forward through a customer's rows.
struct Walk<'a> {
    owner: &'a Owner,
    /// The rows of the longest window before the one at hand, and more, in order.
    before: Vec<Entry>,
    touched: Option<Touched>,
    /// Rows later than this cannot be reached by what changed.
    reach: TimeMs,
}

impl Link {
    /// Recomputes the rows of `owner` from `from` on, as far as a change in `from..=until` reaches.
    /// The contact `touched` is written and put out even when its places stay as they are.
    pub(super) fn relink(
        &mut self,
        state: &mut dyn State,
        owner: &Owner,
        from: TimeMs,
        until: TimeMs,
        touched: Option<Touched>,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let window_ms = self.settings.max_window_ms;
        let reach = until.plus_ms(window_ms);
        let mut walk = Walk { owner, before: Vec::new(), touched, reach };
        let mut next = owner.time_key(from.plus_ms(-window_ms));
        let end = state::prefix_end(&owner.prefix());
        loop {
            let page = read_entries(state, owner, &next, &end, PAGE)?;
            let full = page.len() == PAGE;
            for entry in page {
                next = owner.row_key(entry.at, &entry.contact);
                next.push(0);
                if entry.at < from {
                    walk.before.push(entry);
                    continue;
                }
                if walk.touched.as_ref().is_some_and(|t| t.entry.order() <= entry.order()) {
                    self.settle_touched(state, &mut walk, effects)?;
                }
                if entry.at > walk.reach {
                    return Ok(());
                }
                let is_known = |known: &Entry| known.order() == entry.order();
                if !walk.before.last().is_some_and(is_known) {
                    self.settle(state, &mut walk, entry, effects)?;
                }
            }
            if !full {
                return self.settle_touched(state, &mut walk, effects);
            }
        }
    }

    /// Finds the places of the arrived contact, writes it and puts it out.
    fn settle_touched(
        &mut self,
        state: &mut dyn State,
        walk: &mut Walk<'_>,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let Some(Touched { mut entry, held }) = walk.touched.take() else { return Ok(()) };
        if self.overflows(&walk.before, entry.at) {
            effects.tally.customer_overflow += 1;
            entry.row.linkable = false;
        }
        let (duplicate, places) = self.place(&walk.before, &entry);
        if duplicate != entry.row.duplicate || places != entry.row.places {
            walk.reach = walk.reach.max(entry.at.plus_ms(self.settings.max_window_ms));
        }
        entry.row.duplicate = duplicate;
        entry.row.places = places;
        let key = walk.owner.row_key(entry.at, &entry.contact);
        state::write(state, LINK_ROWS, &key, LINK_VERSION, &entry.row);
        self.emit(state, walk.owner, held, Some(&entry.row), effects);
        walk.before.push(entry);
        Ok(())
    }

    /// Finds the places of a known row again; writes it and puts it out if they changed.
    fn settle(
        &mut self,
        state: &mut dyn State,
        walk: &mut Walk<'_>,
        mut entry: Entry,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let (duplicate, places) = self.place(&walk.before, &entry);
        if duplicate != entry.row.duplicate || places != entry.row.places {
            entry.row.duplicate = duplicate;
            entry.row.places = places;
            walk.reach = walk.reach.max(entry.at.plus_ms(self.settings.max_window_ms));
            let key = walk.owner.row_key(entry.at, &entry.contact);
            state::write(state, LINK_ROWS, &key, LINK_VERSION, &entry.row);
            let held_key = walk.owner.held_key(&entry.contact);
            let held: Option<Held> = state::read(state, LINK_HELD, &held_key, LINK_VERSION)?;
            let Some(held) = held else {
                let detail = "a link row has no contact beside it".to_owned();
                return Err(StateError::Row { table: LINK_ROWS, detail });
            };
            self.emit(state, walk.owner, held, Some(&entry.row), effects);
        }
        walk.before.push(entry);
        Ok(())
    }

    /// True when the customer already has as many active contacts as are linked.
    fn overflows(&self, before: &[Entry], at: TimeMs) -> bool {
        let from = at.plus_ms(-self.settings.max_window_ms);
        let active = before.iter().rev().take_while(|entry| entry.at >= from);
        active.count() >= self.settings.max_active_contacts
    }

    /// Whether the entry is a duplicate, and its places; `before` holds the rows of the longest
    /// window before it (and more), in order.
    fn place(&self, before: &[Entry], entry: &Entry) -> (bool, Places) {
        let mut places = Places::default();
        if !entry.row.linkable {
            return (false, places);
        }
        if self.is_duplicate(before, entry) {
            return (true, places);
        }
        let mut open = RepeatMode::ALL.len();
        for earlier in before.iter().rev() {
            let gap_ms = entry.at.since_ms(earlier.at);
            if gap_ms > self.settings.max_window_ms || open == 0 {
                break;
            }
            if gap_ms == 0 || !earlier.row.linkable || earlier.row.duplicate {
                continue;
            }
            for mode in RepeatMode::ALL {
                let slot = &mut places[mode as usize];
                if slot.is_some() {
                    continue;
                }
                if let Some(basis) = self.matches(mode, earlier, entry, gap_ms) {
                    open -= 1;
                    *slot = Some(Place {
                        previous: earlier.contact.clone(),
                        previous_at: earlier.at,
                        first: earlier.row.first(&earlier.contact, mode).clone(),
                        position: earlier.row.position(mode).saturating_add(1),
                        basis,
                    });
                }
            }
        }
        (false, places)
    }

    /// The same customer's same text, or the same source message, within the duplicate window.
    fn is_duplicate(&self, before: &[Entry], entry: &Entry) -> bool {
        let row = &entry.row;
        before
            .iter()
            .rev()
            .take_while(|e| entry.at.since_ms(e.at) <= self.settings.duplicate_window_ms)
            .filter(|e| e.row.linkable)
            .any(|e| {
                (row.fingerprint.is_some() && row.fingerprint == e.row.fingerprint)
                    || (row.message.is_some() && row.message == e.row.message)
            })
    }

    fn matches(
        &self,
        mode: RepeatMode,
        earlier: &Entry,
        later: &Entry,
        gap_ms: i64,
    ) -> Option<Basis> {
        let window_ms = shared_window_ms(&earlier.row, &later.row);
        let reason = window_ms.is_some_and(|window_ms| gap_ms <= window_ms);
        let in_default = gap_ms <= self.settings.repeat_window_ms;
        let basis = || Basis {
            reason: window_ms.is_some(),
            entity: shared_entity(&earlier.row, &later.row) == Some(true),
            likeness_permille: similarity(&earlier.row.sketch, &later.row.sketch),
            says_again: later.row.says_again,
            previous_transferred: earlier.row.transferred,
        };
        match mode {
            RepeatMode::AnyReason => in_default.then(basis),
            RepeatMode::SameReason => reason.then(basis),
            RepeatMode::SameIssue => match shared_entity(&earlier.row, &later.row) {
                Some(true) => (reason || in_default).then(basis),
                Some(false) => None,
                None if reason => {
                    let basis = basis();
                    let alike = basis.likeness_permille >= self.settings.same_issue_permille;
                    (alike || basis.says_again).then_some(basis)
                }
                None => None,
            },
        }
    }
}

/// The longest window among the reasons in common, as the earlier contact opened it.
fn shared_window_ms(earlier: &LinkRow, later: &LinkRow) -> Option<i64> {
    let shared = |window: &&crate::tag::Window| {
        later.windows.iter().any(|other| other.reason == window.reason)
    };
    earlier.windows.iter().filter(shared).map(|window| window.window_ms).max()
}

/// Some(true): the same thing. Some(false): things of one kind, and none the same. None: nothing
/// to compare.
fn shared_entity(earlier: &LinkRow, later: &LinkRow) -> Option<bool> {
    let mut comparable = None;
    for (kind, value) in &earlier.entities {
        for (_, other) in later.entities.iter().filter(|(other_kind, _)| other_kind == kind) {
            if value == other {
                return Some(true);
            }
            comparable = Some(false);
        }
    }
    comparable
}

fn read_entries(
    state: &mut dyn State,
    owner: &Owner,
    from: &[u8],
    to: &[u8],
    limit: usize,
) -> Result<Vec<Entry>, StateError> {
    let scan = Scan { table: LINK_ROWS, from, to, descending: false };
    let skip = owner.prefix().len();
    let found = state::rows(state, scan, limit)?;
    found
        .into_iter()
        .map(|(key, row)| {
            let rest = key.get(skip..).and_then(|rest| rest.split_first_chunk::<8>());
            let Some((at, contact)) = rest else {
                let detail = "a key is too short".to_owned();
                return Err(StateError::Row { table: LINK_ROWS, detail });
            };
            Ok(Entry {
                at: TimeMs::from_key(*at),
                contact: ContactKey::from_text(String::from_utf8_lossy(contact)),
                row: state::decode(LINK_ROWS, LINK_VERSION, &row)?,
            })
        })
        .collect()
}
