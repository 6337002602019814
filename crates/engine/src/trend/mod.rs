//! TREND: owns everything that compares reasons. Counts facts into cells, and judges the series.

mod cell;
mod count;
mod customer;
mod explained;
mod frequent;
mod hours;
mod issues;
mod judge;
mod judged;
mod leaves;
mod located;
mod names;
mod owner;
mod sample;
mod tracked;
mod words;

#[cfg(test)]
mod tests;

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
pub(crate) const TREND_VERSION: u8 = 4;

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
    /// The detector at the last hour judged; what it is can be played again from the state.
    head: Option<judge::Head>,
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
        Trend { settings, taxonomy_version, names: names::Names::default(), head: None }
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
                let FactChange { contact_key, before, after } = change.as_ref();
                let facts = [(before, -1), (after, 1)].into_iter();
                let facts = facts.filter_map(|(fact, sign)| Some((fact.as_ref()?, sign)));
                for (fact, sign) in facts.filter(|_| !change.counts_alike()) {
                    self.count(state, (contact_key, fact), sign, effects)?;
                }
                self.sample_words(state, &change)?;
            }
            TrendInput::Volume(volume) => self.volume_step(state, &volume, effects)?,
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

    /// The newest count of a period wins, whatever the order.
    fn volume_step(
        &mut self,
        state: &mut dyn State,
        volume: &Volume,
        effects: &mut Effects,
    ) -> Result<(), StateError> {
        let key = volume_key(volume);
        let known: Option<VolumeRow> = state::read(state, TREND_VOLUMES, &key, TREND_VERSION)?;
        let stamp = (volume.event_time, volume.event_id.as_str());
        let is_stale = |row: &VolumeRow| (row.taken_at, row.event_id.as_str()) >= stamp;
        if known.as_ref().is_some_and(is_stale) {
            effects.tally.events_stale += 1;
            return Ok(());
        }
        effects.tally.volumes_applied += 1;
        if volume.exposure_unit == self.settings.exposure_unit {
            hours::note_volume(state, volume, known.map(|row| row.count))?;
        }
        let row = VolumeRow {
            taken_at: volume.event_time,
            event_id: volume.event_id.clone(),
            count: volume.count,
        };
        state::write(state, TREND_VOLUMES, &key, TREND_VERSION, &row);
        Ok(())
    }
}

fn volume_key(volume: &Volume) -> Vec<u8> {
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
    key
}
