//! A log and a store in memory that fail at a chosen port call.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quell_model::{Position, TimeMs};
use quell_ports::{Commit, PollLimit, Port, PortError, Record};
use quell_store::MemoryState;

/// What goes wrong at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before anything is done.
    Before,
    /// It is done, and the process dies before it learns of it.
    After,
}

/// Value and revision of every key that was put out.
pub type Outputs = BTreeMap<(&'static str, String), (u64, Option<Vec<u8>>)>;

#[derive(Default)]
struct Inner {
    log: Vec<Vec<u8>>,
    committed: u64,
    outputs: Outputs,
    calls: u64,
    fault: Option<(u64, Fault)>,
}

/// What survives a crash.
#[derive(Clone, Default)]
pub struct SimStore {
    inner: Arc<Mutex<Inner>>,
    state: Arc<MemoryState>,
}

impl SimStore {
    /// A store whose log holds these rows.
    pub fn new(log: Vec<Vec<u8>>) -> Self {
        let store = SimStore::default();
        store.lock().log = log;
        store
    }

    /// Sets the call, counted from the first, at which a fault happens once.
    pub fn fail_at(&self, call: u64, fault: Fault) {
        self.lock().fault = Some((call, fault));
    }

    /// Port calls so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// A port, as a process that has just started would open it.
    pub fn port(&self) -> CrashingPort {
        CrashingPort { store: self.clone() }
    }

    /// The committed state.
    pub fn state(&self) -> &MemoryState {
        &self.state
    }

    /// The values that are not removed. Revisions are no part of them.
    pub fn finals(&self) -> BTreeMap<(&'static str, String), Vec<u8>> {
        let inner = self.lock();
        let live = inner.outputs.iter();
        live.filter_map(|(id, (_, value))| Some((id.clone(), value.clone()?))).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and says which fault is due at it.
    fn fault(&self) -> Option<Fault> {
        let mut inner = self.lock();
        let call = inner.calls;
        inner.calls += 1;
        let due = inner.fault.filter(|(at, _)| *at == call);
        if due.is_some() {
            inner.fault = None;
        }
        due.map(|(_, fault)| fault)
    }
}

/// One process's port. After a fault that process is dead: open another.
pub struct CrashingPort {
    store: SimStore,
}

fn crash(what: &str) -> PortError {
    PortError::Unknown(format!("crashed at {what}"))
}

impl Port for CrashingPort {
    fn poll(&mut self, limit: PollLimit) -> Result<Vec<Record>, PortError> {
        if self.store.fault().is_some() {
            return Err(crash("poll"));
        }
        let inner = self.store.lock();
        let from = inner.committed as usize;
        let rows = inner.log.iter().enumerate().skip(from).take(limit.records);
        Ok(rows
            .map(|(offset, row)| Record {
                position: Position { input: "log".into(), partition: 0, offset: offset as u64 },
                log_time: TimeMs(0),
                key: None,
                headers: Vec::new(),
                value: Some(row.clone()),
            })
            .collect())
    }

    fn commit(&mut self, commit: Commit) -> Result<(), PortError> {
        let fault = self.store.fault();
        if fault == Some(Fault::Before) {
            return Err(crash("commit"));
        }
        let mut inner = self.store.lock();
        for output in commit.outputs {
            let slot = inner.outputs.entry((output.topic, output.key)).or_default();
            if slot.0 <= output.revision {
                *slot = (output.revision, output.value);
            }
        }
        for position in commit.positions {
            inner.committed = position.offset;
        }
        drop(inner);
        self.store.state.apply(commit.changes);
        if fault == Some(Fault::After) { Err(crash("commit")) } else { Ok(()) }
    }
}
