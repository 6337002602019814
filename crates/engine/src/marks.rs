//! Event time in a cluster: every partition that feeds a stage says up to when it is complete, and
//! the stage acts on the smallest of what they say.

use quell_model::TimeMs;

use crate::state::{self, SOURCE_MARKS, State, StateError};

/// Format of the rows.
const VERSION: u8 = 1;
/// Key of the mark last acted on. No source has this name: theirs end with a partition's number.
const LAST: &str = "last";

/// Takes the mark of one source. Returns the mark to act on: when the smallest of all sources has
/// moved, or when the very same mark comes again, since its timers may not all have fired. None as
/// long as a source has not spoken, and for a mark behind what the source said before.
///
/// # Errors
/// [`StateError`] where the state cannot be read.
pub fn take(
    state: &mut dyn State,
    sources: &[String],
    source: &str,
    mark: TimeMs,
) -> Result<Option<TimeMs>, StateError> {
    let known = read(state, source)?;
    if known.is_some_and(|known| known > mark) {
        return Ok(None);
    }
    let is_again = known == Some(mark);
    state::write(state, SOURCE_MARKS, source.as_bytes(), VERSION, &mark);
    let mut smallest = mark;
    for other in sources.iter().filter(|other| *other != source) {
        match read(state, other)? {
            None => return Ok(None),
            Some(said) => smallest = smallest.min(said),
        }
    }
    let last = read(state, LAST)?;
    if last.is_some_and(|last| smallest < last || (smallest == last && !is_again)) {
        return Ok(None);
    }
    state::write(state, SOURCE_MARKS, LAST.as_bytes(), VERSION, &smallest);
    Ok(Some(smallest))
}

fn read(state: &mut dyn State, source: &str) -> Result<Option<TimeMs>, StateError> {
    state::read(state, SOURCE_MARKS, source.as_bytes(), VERSION)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::state::{Scan, Table, VisitRow};

    /// Rows of one table; nothing here scans.
    #[derive(Default)]
    struct Rows(BTreeMap<Vec<u8>, Vec<u8>>);

    impl State for Rows {
        fn get(&mut self, _: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
            Ok(self.0.get(key).cloned())
        }

        fn put(&mut self, _: Table, key: &[u8], row: Vec<u8>) {
            self.0.insert(key.to_vec(), row);
        }

        fn delete(&mut self, _: Table, key: &[u8]) {
            self.0.remove(key);
        }

        fn scan(&mut self, _: Scan<'_>, _: &mut VisitRow<'_>) -> Result<(), StateError> {
            Ok(())
        }
    }

    #[test]
    fn the_smallest_of_all_sources_counts() {
        let sources = ["a/0".to_owned(), "a/1".to_owned()];
        let mut state = Rows::default();
        let mut say = |source: &str, at: i64| {
            take(&mut state, &sources, source, TimeMs(at)).unwrap().map(|mark| mark.0)
        };
        assert_eq!(say("a/0", 10), None, "the other one has not spoken");
        assert_eq!(say("a/1", 5), Some(5));
        assert_eq!(say("a/0", 20), None, "the smallest has not moved");
        assert_eq!(say("a/1", 5), Some(5), "the same record, read again");
        assert_eq!(say("a/1", 30), Some(20));
        assert_eq!(say("a/1", 7), None, "its owner began anew");
        assert_eq!(say("a/0", 25), Some(25));
    }
}
