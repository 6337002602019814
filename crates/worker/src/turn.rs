//! The turn: poll, apply, commit. Everything that a turn changes is committed as a whole; when
//! anything fails nothing of it was done.

use std::collections::BTreeMap;

use quell_codec::encode_output;
use quell_engine::{Core, CoreInput, Effects, State, StateError, Tally};
use quell_model::{LatestOutputs, Output};
use quell_ports::{Commit, OutputRecord, PollLimit, Port, PortError, StateReader};

use crate::log_row::{LogRowError, LogRows};
use crate::overlay::Overlay;

/// Why a turn could not be done.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// The log or the store.
    #[error(transparent)]
    Port(#[from] PortError),
    /// The state.
    #[error("{0}")]
    State(StateError),
    /// A row of the log.
    #[error(transparent)]
    LogRow(#[from] LogRowError),
}

impl From<StateError> for TurnError {
    fn from(error: StateError) -> Self {
        TurnError::State(error)
    }
}

/// What a turn did.
#[derive(Clone, Debug, Default)]
pub struct TurnReport {
    /// Records read.
    pub records: usize,
    /// What the stages counted.
    pub tally: Tally,
    /// Outputs committed, by topic.
    pub outputs: BTreeMap<&'static str, u64>,
    /// New or changed contacts by level-2 reason, in the order they were put out.
    pub reasons: Vec<String>,
}

/// The chained core over one port.
pub struct Turns<P> {
    core: Core,
    port: P,
    rows: LogRows,
    limit: PollLimit,
    /// A mark whose timers did not all fire.
    unfinished: Option<CoreInput>,
}

impl<P: Port> Turns<P> {
    /// Turns of at most `limit`.
    pub fn new(core: Core, port: P, limit: PollLimit) -> Self {
        Turns { core, port, rows: LogRows::default(), limit, unfinished: None }
    }

    /// Does one turn. A report without records means that nothing was there to do.
    ///
    /// # Errors
    /// [`TurnError`]; after one, these turns must be thrown away and made anew.
    pub fn turn(&mut self, state: &dyn StateReader) -> Result<TurnReport, TurnError> {
        let mut overlay = Overlay::over(state);
        let mut effects = Effects::default();
        let mut report = TurnReport::default();
        let mut positions = Vec::new();
        if let Some(mark) = self.unfinished.take() {
            report.records = 1;
            self.apply(&mut overlay, mark, &mut effects)?;
        } else {
            for record in self.port.poll(self.limit)? {
                let offset = record.position.offset;
                let input = self.rows.read(offset, record.value.as_deref().unwrap_or_default())?;
                self.apply(&mut overlay, input, &mut effects)?;
                let mut next = record.position;
                next.offset += 1;
                positions = vec![next];
                report.records += 1;
            }
        }
        if report.records == 0 {
            return Ok(report);
        }
        self.core.finish(&mut overlay, &mut effects)?;
        report.tally = effects.tally;
        let latest = LatestOutputs::from_iter(effects.outputs);
        for output in latest.iter() {
            *report.outputs.entry(output.topic()).or_default() += 1;
            note_reasons(output, &mut report.reasons);
        }
        let outputs = latest.iter().map(record_of).collect();
        self.port.commit(Commit { outputs, changes: overlay.into_changes(), positions })?;
        Ok(report)
    }

    fn apply(
        &mut self,
        state: &mut dyn State,
        input: CoreInput,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let mark = matches!(input, CoreInput::Mark(_)).then(|| input.clone());
        effects.unfinished = false;
        self.core.apply(state, input, effects)?;
        if effects.unfinished {
            self.unfinished = mark;
        }
        Ok(())
    }
}

/// Adds the level-2 reasons of a contact that is put out.
pub(crate) fn note_reasons(output: &Output, reasons: &mut Vec<String>) {
    if let Output::Contact { contact: Some(contact), .. } = output {
        reasons.extend(contact.reasons.iter().map(|tag| tag.reason.level2().0));
    }
}

fn record_of(output: &Output) -> OutputRecord {
    OutputRecord {
        topic: output.topic(),
        key: output.key().to_owned(),
        revision: output.revision(),
        value: encode_output(output),
    }
}
