//! INTAKE on a cluster: reads the inputs, writes `events` and dead letters. No state.

use std::collections::BTreeMap;
use std::sync::Arc;

use quell_codec::{Adapter, Limits, RawRecord, Reject, decode, encode_event};
use quell_engine::{State, intake};
use quell_model::topic::TopicNames;
use quell_model::{Event, TimeMs};
use quell_ports::Record;
use quell_ports::stage::{Partition, StageLog, StageRecord};

use super::refusal::dead_letter;
use super::wire::Wire;
use super::{Stage, StageError, Step, marks, source};
use crate::event_clock::{EventClock, event_time};
use crate::metrics::Metrics;

/// How records come in.
pub struct IntakeSettings {
    /// How source records become events.
    pub adapter: Arc<Adapter>,
    /// Bounds of one record.
    pub limits: Limits,
    /// How long after its time an event is waited for.
    pub lateness_ms: i64,
    /// An input partition without a new record for this long is idle: its event time follows the
    /// clock.
    pub idle_after_ms: i64,
    /// Partitions of `events`.
    pub event_partitions: u32,
    /// The largest record that the cluster takes.
    pub max_record_bytes: usize,
}

/// The stage.
pub struct IntakeStage {
    settings: IntakeSettings,
    names: TopicNames,
    metrics: Arc<Metrics>,
    clocks: BTreeMap<Partition, EventClock>,
    now: TimeMs,
}

impl IntakeStage {
    /// A stage.
    pub fn new(settings: IntakeSettings, names: TopicNames, metrics: Arc<Metrics>) -> Self {
        let clocks = BTreeMap::new();
        IntakeStage { settings, names, metrics, clocks, now: TimeMs::MIN }
    }

    fn reject(&self, record: &Record, reject: &Reject, step: &mut Step) {
        *step.intake.rejected.entry(reject.cause.as_str()).or_default() += 1;
        let topic = self.names.dead_letters(&record.position.input);
        let bound = self.settings.max_record_bytes;
        step.records.push(dead_letter(topic, "intake", record, reject, bound));
    }
}

impl Stage for IntakeStage {
    fn apply(
        &mut self,
        record: &Record,
        _: &mut dyn State,
        step: &mut Step,
    ) -> Result<(), StageError> {
        let raw = RawRecord {
            value: record.value.as_deref(),
            headers: &record.headers,
            key: record.key.as_deref(),
            log_time: record.log_time,
        };
        let decoded = match decode(&raw, &self.settings.adapter, &self.settings.limits) {
            Ok(decoded) => decoded,
            Err(reject) => {
                self.reject(record, &reject, step);
                return Ok(());
            }
        };
        step.intake.accepted += 1;
        let mut newest = TimeMs::MIN;
        for mut event in decoded.events {
            step.intake.redactions += intake::redact(&mut event);
            newest = newest.max(event_time(&event).min(record.log_time));
            step.records.push(StageRecord {
                topic: self.names.events(),
                key: Some(key_of(&event).into_bytes()),
                value: Some(Wire::Input(encode_event(&event)).write()),
                ..StageRecord::default()
            });
        }
        let of = Partition::of(&record.position);
        self.clocks.entry(of).or_default().take(newest, self.now);
        Ok(())
    }

    fn tick(
        &mut self,
        log: &mut dyn StageLog,
        partitions: &[(&Partition, u64)],
        now: TimeMs,
        step: &mut Step,
    ) -> Result<Vec<Partition>, StageError> {
        self.now = now;
        let mut marked = Vec::new();
        for &(partition, next) in partitions {
            let clock = self.clocks.entry(partition.clone()).or_default();
            let is_quiet = clock.quiet_ms(now) >= self.settings.idle_after_ms;
            if !clock.is_due(now) {
                continue;
            }
            // Quiet alone may be a backlog that nobody reads.
            let is_idle = is_quiet && log.is_read(partition, next)?;
            let mark = clock.next_mark(now, self.settings.lateness_ms, is_idle);
            let Some(mark) = mark else { continue };
            let topic = self.names.events();
            let count = self.settings.event_partitions;
            step.records.extend(marks::<Vec<u8>>(topic, count, source(partition), mark));
            self.metrics.event_time_complete_timestamp_seconds.set(mark.0 as f64 / 1e3);
            marked.push(partition.clone());
        }
        Ok(marked)
    }

    fn reset(&mut self) {
        self.clocks.clear();
    }
}

/// What the event is partitioned by: the contact, where it speaks of one.
fn key_of(event: &Event) -> String {
    match event {
        Event::Contact(event) => event.contact_key().as_str().to_owned(),
        Event::Volume(volume) => volume.exposure_unit.clone(),
        Event::IdentityLink(link) => link.event_id.clone(),
        Event::Noted(noted) => noted.event_id.clone(),
    }
}
