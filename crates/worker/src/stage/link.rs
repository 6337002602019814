//! LINK on a cluster: reads `to-link`, writes `contacts`, `contacts-settled`, `repeats`, `facts`,
//! and `to-link` where a customer is another's.

use std::collections::BTreeSet;
use std::sync::Arc;

use quell_engine::{Link, LinkInput, Settings, State, TrendInput, marks as source_marks};
use quell_index::settled_record;
use quell_model::contact::Maturity;
use quell_model::topic::TopicNames;
use quell_model::{LatestOutputs, Output};
use quell_ports::Record;
use quell_ports::stage::{Partition, StageRecord};

use super::tag::route;
use super::wire::Wire;
use super::{Stage, StageError, Step, marks, source};

/// The stage.
pub struct LinkStage {
    settings: Arc<Settings>,
    names: TopicNames,
    /// Every partition of `events`.
    sources: Vec<String>,
    link: Link,
}

impl LinkStage {
    /// Fed by these partitions of `events`.
    pub fn new(settings: Arc<Settings>, names: TopicNames, sources: Vec<String>) -> Self {
        LinkStage { link: Link::new(settings.clone()), settings, names, sources }
    }
}

impl Stage for LinkStage {
    fn apply(
        &mut self,
        record: &Record,
        state: &mut dyn State,
        step: &mut Step,
    ) -> Result<(), StageError> {
        match Wire::<LinkInput>::read(&record.position, record.value.as_deref())? {
            Wire::Input(input) => self.link.step(state, input, &mut step.effects)?,
            Wire::Mark { source: from, at } => {
                if let Some(mark) = source_marks::take(state, &self.sources, &from, at)? {
                    self.link.step(state, LinkInput::Mark(mark), &mut step.effects)?;
                    route(&self.names, step);
                    if !step.effects.unfinished {
                        let own = source(&Partition::of(&record.position));
                        let one = marks::<TrendInput>(self.names.facts(), 1, own, mark);
                        step.records.extend(one);
                    }
                }
            }
        }
        route(&self.names, step);
        Ok(())
    }

    fn finish(&mut self, _: &mut dyn State, step: &mut Step) -> Result<(), StageError> {
        let latest = LatestOutputs::from_iter(std::mem::take(&mut step.effects.outputs));
        // Once each: readers that cannot update would count a contact twice.
        let settled: BTreeSet<_> = step.effects.settled.drain(..).collect();
        let records = latest.of("contacts").filter_map(|output| match output {
            Output::Contact { key, contact: Some(contact), .. }
                if contact.maturity == Maturity::Mature && settled.contains(key) =>
            {
                Some(StageRecord {
                    topic: self.names.settled(),
                    key: Some(key.as_str().as_bytes().to_vec()),
                    value: Some(settled_record(contact)),
                    ..StageRecord::default()
                })
            }
            _ => None,
        });
        step.records.extend(records);
        step.effects.outputs.extend(latest.into_outputs());
        Ok(())
    }

    fn reset(&mut self) {
        self.link = Link::new(self.settings.clone());
    }
}
