//! TAG on a cluster: reads `events`, writes `to-link` and `facts`.

use std::sync::Arc;

use quell_engine::{LinkInput, Settings, State, Tag, marks as source_marks};
use quell_model::topic::TopicNames;
use quell_ports::Record;
use quell_ports::stage::{Partition, StageRecord};
use quell_taxonomy::Taxonomy;

use super::wire::Wire;
use super::{Stage, StageError, Step, marks, source};
use crate::log_row::LogRows;

/// The stage.
pub struct TagStage {
    settings: Arc<Settings>,
    taxonomy: Arc<Taxonomy>,
    names: TopicNames,
    /// Every partition of every input.
    sources: Vec<String>,
    link_partitions: u32,
    rows: LogRows,
    tag: Tag,
}

impl TagStage {
    /// Fed by these partitions of inputs; feeds so many partitions of LINK.
    pub fn new(
        settings: Arc<Settings>,
        taxonomy: Arc<Taxonomy>,
        names: TopicNames,
        sources: Vec<String>,
        link_partitions: u32,
    ) -> Self {
        let tag = Tag::new(settings.clone(), taxonomy.clone());
        let rows = LogRows::default();
        TagStage { settings, taxonomy, names, sources, link_partitions, rows, tag }
    }
}

impl Stage for TagStage {
    fn apply(
        &mut self,
        record: &Record,
        state: &mut dyn State,
        step: &mut Step,
    ) -> Result<(), StageError> {
        match Wire::<Vec<u8>>::read(&record.position, record.value.as_deref())? {
            Wire::Input(json) => {
                let event = self.rows.event(&json).map_err(|detail| StageError::Record {
                    position: record.position.clone(),
                    detail,
                })?;
                self.tag.event(state, event, &mut step.effects)?;
            }
            Wire::Mark { source: from, at } => {
                if let Some(mark) = source_marks::take(state, &self.sources, &from, at)? {
                    self.tag.mark(state, mark, &mut step.effects)?;
                    if !step.effects.unfinished {
                        let own = source(&Partition::of(&record.position));
                        let topic = self.names.to_link();
                        let all = marks::<LinkInput>(topic, self.link_partitions, own, mark);
                        step.records.extend(all);
                    }
                }
            }
        }
        route(&self.names, step);
        Ok(())
    }

    fn reset(&mut self) {
        self.tag = Tag::new(self.settings.clone(), self.taxonomy.clone());
    }
}

/// Sends on what the core has for LINK and TREND.
pub(super) fn route(names: &TopicNames, step: &mut Step) {
    for input in std::mem::take(&mut step.effects.to_link) {
        step.records.push(StageRecord {
            topic: names.to_link(),
            key: input.owner().map(|owner| owner.prefix()),
            value: Some(Wire::Input(input).write()),
            ..StageRecord::default()
        });
    }
    for input in std::mem::take(&mut step.effects.to_trend) {
        step.records.push(StageRecord {
            topic: names.facts(),
            partition: Some(0),
            value: Some(Wire::Input(input).write()),
            ..StageRecord::default()
        });
    }
}
