//! Short numbers for reasons, dimensions and their values, so that a cell's key is a few bytes.
//! Numbers are given in the order of arrival and never leave TREND: what is put out has names.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::state::{self, State, StateError, TREND_NAMES};

use super::TREND_VERSION;

/// The number of a name; [`OTHER_ID`] stands for all that found no room.
pub type NameId = u32;

/// What values beyond a dimension's bound are counted under.
pub const OTHER: &str = "_other";
/// Its number.
pub const OTHER_ID: NameId = 0;
/// The kind of the names of reasons.
pub const REASONS: u32 = 0;
/// The kind of the names of dimensions.
pub const DIMENSIONS: u32 = 1;
/// The kind of the values of a dimension: this plus the dimension's number.
pub const VALUES: u32 = 2;

/// A cache over the table of names. What is in it is in the table, so it never shows.
#[derive(Debug, Default)]
pub struct Names {
    ids: BTreeMap<u32, BTreeMap<String, NameId>>,
    names: BTreeMap<(u32, NameId), String>,
}

impl Names {
    /// The number of a name, given now if it is new and the kind has room for it.
    pub fn id(
        &mut self,
        state: &mut dyn State,
        kind: u32,
        name: &str,
        max: u32,
    ) -> Result<NameId, StateError> {
        if let Some(id) = self.ids.get(&kind).and_then(|ids| ids.get(name)) {
            return Ok(*id);
        }
        let key = key(b'n', kind, name.as_bytes());
        let known: Option<NameId> = state::read(state, TREND_NAMES, &key, TREND_VERSION)?;
        let id = match known {
            Some(id) => id,
            None => {
                let count_key = self::key(b'c', kind, &[]);
                let count: Option<u32> =
                    state::read(state, TREND_NAMES, &count_key, TREND_VERSION)?;
                let id = count.unwrap_or(0) + 1;
                if id > max {
                    return Ok(OTHER_ID);
                }
                state::write(state, TREND_NAMES, &count_key, TREND_VERSION, &id);
                state::write(state, TREND_NAMES, &key, TREND_VERSION, &id);
                let back = self::key(b'i', kind, &id.to_be_bytes());
                state.put(TREND_NAMES, &back, name.as_bytes().to_vec());
                id
            }
        };
        self.ids.entry(kind).or_default().insert(name.to_owned(), id);
        self.names.insert((kind, id), name.to_owned());
        Ok(id)
    }

    /// The name of a number.
    pub fn name(
        &mut self,
        state: &mut dyn State,
        kind: u32,
        id: NameId,
    ) -> Result<&str, StateError> {
        if id == OTHER_ID {
            return Ok(OTHER);
        }
        match self.names.entry((kind, id)) {
            Entry::Occupied(slot) => Ok(slot.into_mut()),
            Entry::Vacant(slot) => {
                let row = state.get(TREND_NAMES, &key(b'i', kind, &id.to_be_bytes()))?;
                let name = row.and_then(|row| String::from_utf8(row).ok());
                let detail = format!("no name for {kind}/{id}");
                Ok(slot.insert(name.ok_or(StateError::Row { table: TREND_NAMES, detail })?))
            }
        }
    }
}

fn key(tag: u8, kind: u32, rest: &[u8]) -> Vec<u8> {
    let mut key = vec![tag];
    key.extend_from_slice(&kind.to_be_bytes());
    key.extend_from_slice(rest);
    key
}
