//! TAG on a cluster: reads `events`, writes `to-link` and `facts`.

use std::sync::Arc;

use quell_codec::adapter::Adapter;
use quell_codec::{Limits, RawRecord, decode};
use quell_engine::link::declarations;
use quell_engine::{LinkInput, Settings, State, Tag, TrendInput, marks as source_marks, note};
use quell_model::topic::TopicNames;
use quell_model::{Event, Position, TimeMs};
use quell_ports::Record;
use quell_ports::stage::StageRecord;
use quell_taxonomy::Taxonomy;

use super::wire::Wire;
use super::{Stage, StageError, Step, marks, source};

/// The stage.
pub struct TagStage {
    settings: Arc<Settings>,
    taxonomy: Arc<Taxonomy>,
    names: TopicNames,
    /// Every partition of every input.
    sources: Vec<String>,
    link_partitions: u32,
    canonical: Adapter,
    limits: Limits,
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
        // Times and sizes were checked on the way in; by now the clock has moved on.
        let limits = Limits { max_bytes: usize::MAX, max_future_ms: i64::MAX, ..Limits::default() };
        let canonical = Adapter::canonical();
        TagStage { settings, taxonomy, names, sources, link_partitions, canonical, limits, tag }
    }

    fn event(
        &mut self,
        position: &Position,
        json: &[u8],
        state: &mut dyn State,
        step: &mut Step,
    ) -> Result<(), StageError> {
        let record =
            RawRecord { value: Some(json), headers: &[], key: None, log_time: TimeMs::MAX };
        let decoded = decode(&record, &self.canonical, &self.limits).map_err(|reject| {
            StageError::Record { position: position.clone(), detail: reject.to_string() }
        })?;
        for event in decoded.events {
            let effects = &mut step.effects;
            match event {
                Event::Contact(event) => self.tag.step(state, *event, effects)?,
                Event::Volume(volume) => {
                    effects.to_trend.push(TrendInput::Volume(Box::new(volume)));
                }
                Event::IdentityLink(link) => {
                    effects.to_link.extend(declarations(&link.customer_ids));
                }
                Event::Noted(noted) => note(state, noted, effects),
            }
        }
        Ok(())
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
            Wire::Input(json) => self.event(&record.position, &json, state, step)?,
            Wire::Mark { source: from, at } => {
                if let Some(mark) = source_marks::take(state, &self.sources, &from, at)? {
                    self.tag.mark(state, mark, &mut step.effects)?;
                    if !step.effects.unfinished {
                        let own = source(&record.position);
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
