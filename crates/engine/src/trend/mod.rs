//! TREND: owns everything that compares reasons. Counts facts into cells, and judges the series.

mod cell;
mod count;
mod customer;
mod issues;
mod names;

pub use cell::CellCounts;
pub use count::Pending;

use std::sync::Arc;

use quell_model::event::Volume;
use quell_model::{FactChange, TimeMs};
use serde::{Deserialize, Serialize};

use crate::Effects;
use crate::settings::Settings;
use crate::state::{self, State, StateError, TREND_CLOCK, TREND_VOLUMES};
use crate::timers;

/// Format of TREND's rows.
pub(crate) const TREND_VERSION: u8 = 1;

/// What TREND acts on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TrendInput {
    /// One contact's fact changed.
    Fact(Box<FactChange>),
    /// Units of X in a period.
    Volume(Box<Volume>),
    /// Event time is complete up to here.
    Mark(TimeMs),
}

/// The TREND stage. One instance per tenant: verdicts need all reasons in one place.
pub struct Trend {
    settings: Arc<Settings>,
    taxonomy_version: String,
    names: names::Names,
}

/// The bounds of what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ClockRow {
    /// Start of the earliest day with a contact.
    pub first_day: TimeMs,
    /// Start of the latest day with a contact.
    pub last_day: TimeMs,
    /// `first_day` moved since the last verdict: every series got a longer past.
    pub all_dirty: bool,
}

#[derive(Serialize, Deserialize)]
struct VolumeRow {
    taken_at: TimeMs,
    event_id: String,
    count: u64,
}

impl Trend {
    /// A stage with these settings; its rows name the taxonomy's version.
    pub fn new(settings: Arc<Settings>, taxonomy_version: &str) -> Self {
        let taxonomy_version = taxonomy_version.to_owned();
        Trend { settings, taxonomy_version, names: names::Names::default() }
    }

    /// Applies one input. Cells gather in `effects` until [`Trend::finish`].
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    pub fn step(
        &mut self,
        state: &mut dyn State,
        input: TrendInput,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        match input {
            TrendInput::Fact(change) => {
                if let Some(before) = &change.before {
                    self.count(state, before, -1, effects)?;
                }
                if let Some(after) = &change.after {
                    self.count(state, after, 1, effects)?;
                }
            }
            TrendInput::Volume(volume) => volume_step(state, &volume, effects)?,
            TrendInput::Mark(mark) => {
                self.finish(state, effects)?;
                if !timers::advance(state, TREND_CLOCK, mark)? {
                    return Ok(());
                }
                self.freeze(state, mark, effects)?;
                self.judge(state, mark, effects)?;
            }
        }
        Ok(())
    }

    /// Writes the cells of the turn and puts out their rows. Must end every turn.
    ///
    /// # Errors
    /// [`StateError`] where the state cannot be read.
    pub fn finish(
        &mut self,
        state: &mut dyn State,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        self.flush(state, effects)
    }
}

pub(crate) fn read_clock(state: &mut dyn State) -> Result<Option<ClockRow>, StateError> {
    state::read(state, TREND_CLOCK, b"clock", TREND_VERSION)
}

pub(crate) fn write_clock(state: &mut dyn State, clock: &ClockRow) {
    state::write(state, TREND_CLOCK, b"clock", TREND_VERSION, clock);
}

/// The newest count of a period wins, whatever the order.
fn volume_step(
    state: &mut dyn State,
    volume: &Volume,
    effects: &mut Effects,
) -> Result<(), StateError> {
    let mut key = format!("{}\0{}", volume.exposure_unit, volume.source.system).into_bytes();
    for part in volume.source.instance.iter() {
        key.extend_from_slice(part.as_bytes());
    }
    key.push(0);
    key.extend_from_slice(&volume.period_start.to_key());
    key.extend_from_slice(&volume.period_end.to_key());
    for (name, value) in &volume.dimensions {
        key.extend_from_slice(format!("{name}={value}\0").as_bytes());
    }
    let known: Option<VolumeRow> = state::read(state, TREND_VOLUMES, &key, TREND_VERSION)?;
    let stamp = (volume.event_time, volume.event_id.as_str());
    if known.is_some_and(|row| (row.taken_at, row.event_id.as_str()) >= stamp) {
        effects.tally.events_stale += 1;
        return Ok(());
    }
    effects.tally.volumes_applied += 1;
    let row = VolumeRow {
        taken_at: volume.event_time,
        event_id: volume.event_id.clone(),
        count: volume.count,
    };
    state::write(state, TREND_VOLUMES, &key, TREND_VERSION, &row);
    Ok(())
}
