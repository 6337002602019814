//! TREND on a cluster: reads `facts`, writes `trends` and `issues`.

use std::sync::Arc;

use quell_engine::{Settings, State, Trend, TrendInput, marks as source_marks};
use quell_ports::Record;

use super::wire::Wire;
use super::{Stage, StageError, Step};

/// The stage.
pub struct TrendStage {
    settings: Arc<Settings>,
    taxonomy_version: String,
    /// Every partition of `to-link`.
    sources: Vec<String>,
    trend: Trend,
}

impl TrendStage {
    /// Fed by these partitions of `to-link`; its rows name the taxonomy's version.
    pub fn new(settings: Arc<Settings>, taxonomy_version: &str, sources: Vec<String>) -> Self {
        let trend = Trend::new(settings.clone(), taxonomy_version);
        TrendStage { settings, taxonomy_version: taxonomy_version.to_owned(), sources, trend }
    }
}

impl Stage for TrendStage {
    fn apply(
        &mut self,
        record: &Record,
        state: &mut dyn State,
        step: &mut Step,
    ) -> Result<(), StageError> {
        let input = match Wire::<TrendInput>::read(&record.position, record.value.as_deref())? {
            Wire::Input(input) => Some(input),
            Wire::Mark { source, at } => {
                source_marks::take(state, &self.sources, &source, at)?.map(TrendInput::Mark)
            }
        };
        if let Some(input) = input {
            self.trend.step(state, input, &mut step.effects)?;
        }
        Ok(())
    }

    fn finish(&mut self, state: &mut dyn State, step: &mut Step) -> Result<(), StageError> {
        Ok(self.trend.finish(state, &mut step.effects)?)
    }

    fn reset(&mut self) {
        self.trend = Trend::new(self.settings.clone(), &self.taxonomy_version);
    }
}
