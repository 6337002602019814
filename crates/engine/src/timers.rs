//! Event time as a stage sees it: its last mark, and the timers that are due by it.

use quell_model::TimeMs;

use crate::state::{self, Scan, State, StateError, Table};

/// Format of clock rows.
const CLOCK_VERSION: u8 = 1;
const MARK: &[u8] = b"mark";

/// The last mark that the stage took in.
pub(crate) fn last_mark(state: &mut dyn State, clock: Table) -> Result<TimeMs, StateError> {
    let row: Option<TimeMs> = state::read(state, clock, MARK, CLOCK_VERSION)?;
    Ok(row.unwrap_or(TimeMs::MIN))
}

/// Takes a mark in. False for one older than the last, which must change nothing: whoever writes
/// marks may begin anew behind what it said before.
pub(crate) fn advance(
    state: &mut dyn State,
    clock: Table,
    mark: TimeMs,
) -> Result<bool, StateError> {
    let last = last_mark(state, clock)?;
    if mark > last {
        state::write(state, clock, MARK, CLOCK_VERSION, &mark);
    }
    Ok(mark >= last)
}

/// Sets a timer; `subject` says what it is for.
pub(crate) fn set(state: &mut dyn State, timers: Table, due: TimeMs, subject: &[u8]) {
    let mut key = due.to_key().to_vec();
    key.extend_from_slice(subject);
    state.put(timers, &key, Vec::new());
}

/// When a timer was due, and what it is for.
pub(crate) type DueTimer = (TimeMs, Vec<u8>);

/// Takes the timers due before `mark` out of the table, the earliest first and at most `limit`,
/// so that no turn grows without bound. Also says whether more may be due.
pub(crate) fn take_due(
    state: &mut dyn State,
    timers: Table,
    mark: TimeMs,
    limit: usize,
) -> Result<(Vec<DueTimer>, bool), StateError> {
    let end = mark.to_key();
    let scan = Scan { table: timers, from: &[], to: &end, descending: false };
    let due = state::rows(state, scan, limit)?;
    let more = due.len() == limit;
    let mut taken = Vec::with_capacity(due.len());
    for (key, _) in due {
        state.delete(timers, &key);
        let Some((due, subject)) = key.split_first_chunk::<8>() else { continue };
        taken.push((TimeMs::from_key(*due), subject.to_vec()));
    }
    Ok((taken, more))
}
