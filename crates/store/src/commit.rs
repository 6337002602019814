//! One turn as one batch: outputs, state changes, the position and the consumed log rows.

use std::collections::HashMap;
use std::ops::Range;

use fjall::{Keyspace, OwnedWriteBatch};
use quell_model::TimeMs;
use quell_ports::{Change, Commit, OutputRecord, PortError};

use crate::counters::Counters;
use crate::dead_letters::DeadLetter;
use crate::embedded::{EmbeddedStore, Shared};
use crate::error::StoreError;
use crate::port::LOG_INPUT;
use crate::rows::{decode_output, encode_change, encode_output};
use crate::tables::{Kind, LONG_PATIENCE, check_row};

/// Outputs for topics with this ending are dead letters.
const DEAD_LETTER_SUFFIX: &str = ".dlq";

impl EmbeddedStore {
    /// Applies the commit of a turn that started at `base` and returns the committed position.
    pub(crate) fn commit(
        &self,
        base: u64,
        log_time: TimeMs,
        commit: &Commit,
    ) -> Result<u64, PortError> {
        let shared = &self.shared;
        // Before the lock: what comes in meanwhile goes to the log and waits there.
        shared.tables.wait_for_room(LONG_PATIENCE);
        let mut writer = shared.lock();
        let mut counters = *writer;
        let consumed = consumed(&counters, base, commit)?;
        counters.committed = consumed.end;
        let mut batch = shared.batch(commit.changes.len() + 2 * commit.outputs.len() + 64);
        for offset in consumed {
            batch.remove(&shared.tables.log, offset.to_be_bytes());
        }
        put_changes(shared, &mut batch, &commit.changes)?;
        put_outputs(shared, &mut batch, &mut counters, &commit.outputs)?;
        let letters: Vec<DeadLetter> = commit
            .outputs
            .iter()
            .filter(|output| is_dead_letter(output))
            .map(|output| dead_letter(output, log_time))
            .collect();
        shared.put_dead_letters(&mut batch, &mut counters, &letters)?;
        shared.drop_old_changes(&mut batch, &mut counters);
        // Part of the batch may be in the journal when this fails: only reopening can tell.
        shared
            .write(&mut writer, batch, counters)
            .map_err(|error| PortError::Unknown(error.to_string()))?;
        Ok(counters.committed)
    }
}

/// The offsets that the commit consumes.
fn consumed(counters: &Counters, base: u64, commit: &Commit) -> Result<Range<u64>, StoreError> {
    let committed = counters.committed;
    if base != committed {
        return Err(StoreError::Refused(format!(
            "the turn began at {LOG_INPUT}[0]@{base} but {committed} is committed; poll again"
        )));
    }
    let next = match commit.positions.as_slice() {
        [] => committed,
        [position] if position.input == LOG_INPUT && position.partition == 0 => position.offset,
        [.., position] => {
            return Err(StoreError::Refused(format!(
                "{} positions, the last one {position}; the embedded log has only {LOG_INPUT}[0]",
                commit.positions.len()
            )));
        }
    };
    if next < committed || next > counters.log_end {
        return Err(StoreError::Refused(format!(
            "the position {LOG_INPUT}[0]@{next} is not between the committed {committed} and the \
             end {}",
            counters.log_end
        )));
    }
    Ok(committed..next)
}

/// The engine has no order among writes to one key in one batch, so the last one is picked here.
fn put_changes(
    shared: &Shared,
    batch: &mut OwnedWriteBatch,
    changes: &[Change],
) -> Result<(), StoreError> {
    let mut last: HashMap<(&str, &[u8]), usize> = HashMap::with_capacity(changes.len());
    for (index, change) in changes.iter().enumerate() {
        last.insert((change.table, &change.key), index);
    }
    let mut tables: HashMap<&str, Keyspace> = HashMap::new();
    for (index, change) in changes.iter().enumerate() {
        if last.get(&(change.table, change.key.as_slice())) != Some(&index) {
            continue;
        }
        check_row(&change.key, change.value.as_ref().map_or(0, Vec::len))?;
        let table = table_of(shared, &mut tables, Kind::State, change.table)?;
        match &change.value {
            Some(value) => batch.insert(table, change.key.as_slice(), value.as_slice()),
            None => batch.remove(table, change.key.as_slice()),
        }
    }
    Ok(())
}

/// Writes the highest revision per key, unless the table has a higher one, and notes the change.
pub(crate) fn put_outputs(
    shared: &Shared,
    batch: &mut OwnedWriteBatch,
    counters: &mut Counters,
    outputs: &[OutputRecord],
) -> Result<(), StoreError> {
    let mut highest: HashMap<(&str, &str), usize> = HashMap::with_capacity(outputs.len());
    for (index, output) in outputs.iter().enumerate() {
        let best = highest.entry((output.topic, &output.key)).or_insert(index);
        if outputs.get(*best).is_none_or(|other| output.revision >= other.revision) {
            *best = index;
        }
    }
    let mut tables: HashMap<&str, Keyspace> = HashMap::new();
    for (index, output) in outputs.iter().enumerate() {
        if is_dead_letter(output) || highest.get(&(output.topic, &output.key)) != Some(&index) {
            continue;
        }
        let row = encode_output(output.revision, output.value.as_deref());
        check_row(output.key.as_bytes(), row.len())?;
        let table = table_of(shared, &mut tables, Kind::Output, output.topic)?;
        let stored = table.get(&output.key).map_err(StoreError::engine("read an output"))?;
        if let Some(stored) = stored {
            let (revision, _) = decode_output(&stored).ok_or_else(|| {
                shared.folder.damaged(format!("an output row of {} is unreadable", output.topic))
            })?;
            if revision > output.revision {
                continue;
            }
        }
        batch.insert(table, output.key.as_bytes(), row);
        let change = encode_change(output.topic, &output.key);
        batch.insert(&shared.tables.changes, counters.changes_end.to_be_bytes(), change);
        counters.changes_end += 1;
    }
    Ok(())
}

fn table_of<'a, 'b>(
    shared: &Shared,
    tables: &'b mut HashMap<&'a str, Keyspace>,
    kind: Kind,
    name: &'a str,
) -> Result<&'b Keyspace, StoreError> {
    match tables.entry(name) {
        std::collections::hash_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
        std::collections::hash_map::Entry::Vacant(entry) => {
            Ok(entry.insert(shared.tables.get(kind, name)?))
        }
    }
}

fn is_dead_letter(output: &OutputRecord) -> bool {
    output.topic.ends_with(DEAD_LETTER_SUFFIX)
}

fn dead_letter(output: &OutputRecord, log_time: TimeMs) -> DeadLetter {
    DeadLetter {
        log_time,
        topic: output.topic.to_owned(),
        key: output.key.clone(),
        value: output.value.clone().unwrap_or_default(),
    }
}
