//! Event time as a stage sees it: its last mark, and the timers that are due by it.

use quell_model::TimeMs;

use crate::state::{self, Scan, State, StateError, Table};

/// Format of clock rows.
const CLOCK_VERSION: u8 = 1;
const MARK: &[u8] = b"mark";
/// Format of the row that says from when on there may be timers.
const FIRST_VERSION: u8 = 1;
/// Its key in a table of timers: above the key of any time, so that no scan up to a mark meets it.
const FIRST: &[u8] = &[u8::MAX; 9];

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

/// No timer is due before this time.
fn first(state: &mut dyn State, timers: Table) -> Result<TimeMs, StateError> {
    let row: Option<TimeMs> = state::read(state, timers, FIRST, FIRST_VERSION)?;
    Ok(row.unwrap_or(TimeMs::MIN))
}

/// Sets a timer; `subject` says what it is for.
///
/// # Errors
/// [`StateError`] where the state cannot be read.
pub(crate) fn set(
    state: &mut dyn State,
    timers: Table,
    due: TimeMs,
    subject: &[u8],
) -> Result<(), StateError> {
    if due < first(state, timers)? {
        state::write(state, timers, FIRST, FIRST_VERSION, &due);
    }
    let mut key = due.to_key().to_vec();
    key.extend_from_slice(subject);
    state.put(timers, &key, Vec::new());
    Ok(())
}

/// When a timer was due, and what it is for.
pub(crate) type DueTimer = (TimeMs, Vec<u8>);

/// Takes the timers due before `mark` out of the table, the earliest first and at most `limit`,
/// so that no turn grows without bound. Also says whether more may be due.
///
/// A store walks over what was deleted until it has merged it away, so a scan that began with the
/// earliest time there ever was would cost more with every timer that ever fired. It begins where
/// the last one ended.
pub(crate) fn take_due(
    state: &mut dyn State,
    timers: Table,
    mark: TimeMs,
    limit: usize,
) -> Result<(Vec<DueTimer>, bool), StateError> {
    let begin = first(state, timers)?;
    if mark <= begin {
        return Ok((Vec::new(), false));
    }
    let (from, end) = (begin.to_key(), mark.to_key());
    let scan = Scan { table: timers, from: &from, to: &end, descending: false };
    let due = state::rows(state, scan, limit)?;
    let more = due.len() == limit;
    let mut taken: Vec<DueTimer> = Vec::with_capacity(due.len());
    for (key, _) in due {
        state.delete(timers, &key);
        let Some((due, subject)) = key.split_first_chunk::<8>() else { continue };
        taken.push((TimeMs::from_key(*due), subject.to_vec()));
    }
    // Others that are due at the time of the last one taken may still be there.
    let left = if more { taken.last().map_or(begin, |(due, _)| *due) } else { mark };
    if left > begin {
        state::write(state, timers, FIRST, FIRST_VERSION, &left);
    }
    Ok((taken, more))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::state::{TAG_TIMERS, VisitRow};

    /// Rows of one table that notes where scans begin.
    #[derive(Default)]
    struct Rows {
        rows: std::collections::BTreeMap<Vec<u8>, Vec<u8>>,
        begun: Vec<Vec<u8>>,
    }

    impl State for Rows {
        fn get(&mut self, _: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
            Ok(self.rows.get(key).cloned())
        }

        fn put(&mut self, _: Table, key: &[u8], row: Vec<u8>) {
            self.rows.insert(key.to_vec(), row);
        }

        fn delete(&mut self, _: Table, key: &[u8]) {
            self.rows.remove(key);
        }

        fn scan(&mut self, scan: Scan<'_>, visit: &mut VisitRow<'_>) -> Result<(), StateError> {
            self.begun.push(scan.from.to_vec());
            for (key, row) in self.rows.range(scan.from.to_vec()..scan.to.to_vec()) {
                if visit(key, row).is_break() {
                    break;
                }
            }
            Ok(())
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Set(i64, u8),
        Take(i64, usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let time = || prop_oneof![20 => 0..40_i64, 1 => Just(i64::MAX), 1 => Just(i64::MIN)];
        let set = (time(), 0..4_u8).prop_map(|(due, subject)| Step::Set(due, subject));
        let take = (time(), 1..5_usize).prop_map(|(mark, limit)| Step::Take(mark, limit));
        proptest::collection::vec(prop_oneof![2 => set, 1 => take], 0..60)
    }

    proptest! {
        #[test]
        fn every_timer_fires_once_in_order_whenever_it_was_set(steps in steps()) {
            let mut state = Rows::default();
            let mut expected: BTreeSet<(i64, u8)> = BTreeSet::new();
            for step in steps {
                match step {
                    Step::Set(due, subject) => {
                        set(&mut state, TAG_TIMERS, TimeMs(due), &[subject]).unwrap();
                        expected.insert((due, subject));
                    }
                    Step::Take(mark, limit) => {
                        let (taken, more) =
                            take_due(&mut state, TAG_TIMERS, TimeMs(mark), limit).unwrap();
                        let due: Vec<(i64, u8)> =
                            expected.range(..(mark, 0)).take(limit).copied().collect();
                        let taken: Vec<(i64, u8)> =
                            taken.into_iter().map(|(due, subject)| (due.0, subject[0])).collect();
                        prop_assert_eq!(&taken, &due);
                        prop_assert_eq!(more, due.len() == limit);
                        due.iter().for_each(|timer| { expected.remove(timer); });
                    }
                }
            }
        }
    }

    #[test]
    fn what_has_fired_is_not_walked_over_again() {
        let mut state = Rows::default();
        for due in 0..100 {
            set(&mut state, TAG_TIMERS, TimeMs(due), b"contact").unwrap();
        }
        for (mark, limit, from) in [(60, 50, i64::MIN), (60, 50, 49), (80, 50, 60)] {
            state.begun.clear();
            take_due(&mut state, TAG_TIMERS, TimeMs(mark), limit).unwrap();
            assert_eq!(state.begun, [TimeMs(from).to_key().to_vec()], "up to {mark}");
        }
        state.begun.clear();
        take_due(&mut state, TAG_TIMERS, TimeMs(80), 50).unwrap();
        assert!(state.begun.is_empty(), "the same mark again");
        set(&mut state, TAG_TIMERS, TimeMs(7), b"late").unwrap();
        let (taken, _) = take_due(&mut state, TAG_TIMERS, TimeMs(80), 50).unwrap();
        assert_eq!(taken, [(TimeMs(7), b"late".to_vec())]);
    }
}
