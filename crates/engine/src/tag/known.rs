//! A contact as known: every field a register, every message and status kept once.

use std::collections::BTreeMap;
use std::mem::take;

use serde::{Deserialize, Serialize};

use quell_model::TimeMs;
use quell_model::event::{
    Channel, ContactEvent, ContactEventType, ContactPatch, Direction, Kind, Role, Scalar, Source,
    Status, Transcript, Turn,
};
use quell_model::patch::Patch;

use super::register::{Register, Stamp};
use crate::link::Owner;

/// Messages kept per contact: the earliest ones, whatever the order of arrival.
const MAX_MESSAGES: usize = 500;
/// Status changes kept per contact, for counting reopenings.
const MAX_STATUS_CHANGES: usize = 64;

/// The state row of one contact. Merging is associative, commutative and idempotent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Known {
    /// Raised by one with every event that changes the row.
    pub revision: u64,
    /// Where the contact was last routed, also while it is deleted.
    pub owner: Option<Owner>,
    pub source: Source,
    pub id: String,
    pub kind: Kind,
    /// The earliest event's time.
    first_event: TimeMs,
    last_event: TimeMs,
    deleted: Register<bool>,
    pub message_id: Register<String>,
    pub channel: Register<Channel>,
    pub direction: Register<Direction>,
    customer_id: Register<String>,
    pub account_id: Register<String>,
    pub segment: Register<String>,
    pub initial_id: Register<String>,
    pub previous_id: Register<String>,
    pub parent_problem_id: Register<String>,
    pub merged_into_id: Register<String>,
    pub opened_at: Register<TimeMs>,
    pub first_response_at: Register<TimeMs>,
    pub resolved_at: Register<TimeMs>,
    pub closed_at: Register<TimeMs>,
    pub updated_at: Register<TimeMs>,
    pub status: Register<Status>,
    reopen_count: Register<u32>,
    status_changes: BTreeMap<Stamp, Status>,
    pub language: Register<String>,
    pub subject: Register<String>,
    pub body: Register<String>,
    pub agent_code: Register<String>,
    pub disposition: Register<String>,
    pub vendor_categories: Register<Vec<String>>,
    pub tags: Register<Vec<String>>,
    pub queue: Register<String>,
    pub team: Register<String>,
    pub agent_id: Register<String>,
    pub product: Register<String>,
    pub priority: Register<String>,
    pub wait_s: Register<f64>,
    pub handle_s: Register<f64>,
    pub hold_s: Register<f64>,
    pub wrap_up_s: Register<f64>,
    pub resolved: Register<bool>,
    pub transferred: Register<bool>,
    pub abandoned: Register<bool>,
    pub next_contact_avoided: Register<bool>,
    pub disconnect_reason: Register<String>,
    pub csat: Register<f64>,
    pub csat_max: Register<f64>,
    pub nps: Register<i64>,
    pub comment: Register<String>,
    transcript: Register<Transcript>,
    messages: BTreeMap<Stamp, Turn>,
    attributes: BTreeMap<String, Register<Scalar>>,
    attributes_cleared: Option<Stamp>,
}

impl Known {
    /// A contact of which nothing is known but that this event speaks of it.
    pub fn new(event: &ContactEvent) -> Known {
        let mut source = event.source.clone();
        source.native_type = None;
        source.message_id = None;
        blank(source, event)
    }

    /// Merges what the event says. True when anything moved.
    pub fn merge(&mut self, event: ContactEvent) -> bool {
        let stamp = Stamp::of(&event);
        let ContactEvent { event_type, event_time, source, contact: mut patch, .. } = event;
        let mut moved = self.merge_times(event_time);
        moved |= self.deleted.take(stamp, Some(event_type == ContactEventType::Deleted));
        if let Some(message_id) = source.message_id {
            moved |= self.message_id.take(stamp, Some(message_id));
        }
        moved |= self.merge_status(event_type, &patch, stamp);
        let (body, direction) = (take(&mut patch.body), take(&mut patch.direction));
        moved |= if event_type == ContactEventType::Message {
            self.add_message(event_time, body, direction.value(), stamp)
        } else {
            self.body.merge(stamp, body) | self.direction.merge(stamp, direction)
        };
        moved |= self.merge_groups(&mut patch, stamp);
        moved |= self.merge_plain(&mut patch, stamp);
        moved | self.merge_attributes(patch.attributes, stamp)
    }

    /// False once the source deleted it.
    pub fn is_live(&self) -> bool {
        self.deleted.get() != Some(&true)
    }

    /// The customer, where one is known.
    pub fn customer_id(&self) -> Option<&str> {
        self.customer_id.get().map(String::as_str).filter(|id| !id.is_empty())
    }

    /// When the customer made contact.
    pub fn occurred_at(&self) -> TimeMs {
        self.opened_at.get().copied().unwrap_or(self.first_event)
    }

    /// When the source last changed it.
    pub fn last_change(&self) -> TimeMs {
        self.updated_at.get().copied().unwrap_or(self.last_event)
    }

    /// The source's own count, or the steps from solved or closed back to an open status.
    pub fn reopen_count(&self) -> u32 {
        let done = |status: Status| matches!(status, Status::Solved | Status::Closed);
        let statuses: Vec<Status> = self.status_changes.values().copied().collect();
        let steps = statuses.windows(2).filter(|pair| done(pair[0]) && !done(pair[1])).count();
        self.reopen_count.get().copied().unwrap_or(0).max(steps as u32)
    }

    /// Takes out the transcript's turns, then the messages in order of time.
    pub fn take_turns(&mut self) -> Vec<Turn> {
        let mut turns = take(&mut self.transcript).into_value().unwrap_or_default().turns;
        turns.extend(take(&mut self.messages).into_values());
        turns
    }

    /// Takes out the attributes that are set.
    pub fn take_attributes(&mut self) -> BTreeMap<String, Scalar> {
        take(&mut self.attributes)
            .into_iter()
            .filter_map(|(name, register)| Some((name, register.into_value()?)))
            .collect()
    }

    fn merge_times(&mut self, event_time: TimeMs) -> bool {
        let moved = event_time < self.first_event || event_time > self.last_event;
        self.first_event = self.first_event.min(event_time);
        self.last_event = self.last_event.max(event_time);
        moved
    }

    fn merge_status(
        &mut self,
        event_type: ContactEventType,
        patch: &ContactPatch,
        stamp: Stamp,
    ) -> bool {
        let implied = match event_type {
            ContactEventType::Closed => Patch::Set(Status::Closed),
            ContactEventType::Reopened => Patch::Set(Status::Open),
            _ => Patch::Absent,
        };
        let said = if patch.status.is_absent() { implied } else { patch.status.clone() };
        let status = said.value().copied();
        let mut moved = self.status.merge(stamp, said);
        if let Some(status) = status {
            moved |= self.status_changes.insert(stamp, status).is_none();
            if self.status_changes.len() > MAX_STATUS_CHANGES {
                self.status_changes.pop_last();
            }
        }
        moved
    }

    fn add_message(
        &mut self,
        event_time: TimeMs,
        body: Patch<String>,
        direction: Option<&Direction>,
        stamp: Stamp,
    ) -> bool {
        let Patch::Set(text) = body else { return false };
        let role = match direction {
            Some(Direction::Outbound | Direction::Internal) => Role::Agent,
            Some(Direction::Inbound) | None => Role::Customer,
        };
        let turn = Turn { role, text, at: Some(event_time), offset_ms: None, sentiment: None };
        let stamp = Stamp { field_ms: event_time.0, ..stamp };
        let moved = self.messages.insert(stamp, turn).is_none();
        if self.messages.len() > MAX_MESSAGES {
            self.messages.pop_last();
        }
        moved
    }

    fn merge_groups(&mut self, patch: &mut ContactPatch, stamp: Stamp) -> bool {
        let mut moved = false;
        macro_rules! group {
            ($group:ident { $($field:ident <- $part:ident),+ }) => {
                match take(&mut patch.$group) {
                    Patch::Absent => {}
                    Patch::Cleared => { $(moved |= self.$field.take(stamp, None);)+ }
                    Patch::Set(group) => { $(moved |= self.$field.merge(stamp, group.$part);)+ }
                }
            };
        }
        group!(customer { customer_id <- id, account_id <- account_id, segment <- segment });
        group!(links {
            initial_id <- initial_id, previous_id <- previous_id,
            parent_problem_id <- parent_problem_id, merged_into_id <- merged_into_id
        });
        group!(reason {
            agent_code <- agent_code, disposition <- disposition,
            vendor_categories <- vendor_categories
        });
        group!(durations {
            wait_s <- wait, handle_s <- handle, hold_s <- hold, wrap_up_s <- wrap_up
        });
        group!(outcome {
            resolved <- resolved, transferred <- transferred, abandoned <- abandoned,
            next_contact_avoided <- next_contact_avoided, disconnect_reason <- disconnect_reason
        });
        group!(feedback { csat <- csat, csat_max <- csat_max, nps <- nps, comment <- comment });
        moved
    }

    fn merge_plain(&mut self, patch: &mut ContactPatch, stamp: Stamp) -> bool {
        let mut moved = false;
        macro_rules! plain {
            ($($field:ident),+) => {
                $(moved |= self.$field.merge(stamp, take(&mut patch.$field));)+
            };
        }
        plain!(
            channel,
            opened_at,
            first_response_at,
            resolved_at,
            closed_at,
            updated_at,
            reopen_count,
            language,
            subject,
            tags,
            queue,
            team,
            agent_id,
            product,
            priority,
            transcript
        );
        moved
    }

    fn merge_attributes(
        &mut self,
        patch: Patch<BTreeMap<String, Patch<Scalar>>>,
        stamp: Stamp,
    ) -> bool {
        match patch {
            Patch::Absent => false,
            Patch::Cleared => {
                // Attributes named for the first time later may still be older than this.
                let mut moved = self.attributes_cleared < Some(stamp);
                self.attributes_cleared = self.attributes_cleared.max(Some(stamp));
                for register in self.attributes.values_mut() {
                    moved |= register.take(stamp, None);
                }
                moved
            }
            Patch::Set(attributes) => {
                let mut moved = false;
                for (name, value) in attributes {
                    let register = self.attributes.entry(name).or_default();
                    if let Some(cleared) = self.attributes_cleared {
                        register.take(cleared, None);
                    }
                    moved |= register.merge(stamp, value);
                }
                moved
            }
        }
    }
}

fn blank(source: Source, event: &ContactEvent) -> Known {
    Known {
        revision: 0,
        owner: None,
        source,
        id: event.contact.id.clone(),
        kind: event.contact.kind,
        first_event: event.event_time,
        last_event: event.event_time,
        deleted: Register::default(),
        message_id: Register::default(),
        channel: Register::default(),
        direction: Register::default(),
        customer_id: Register::default(),
        account_id: Register::default(),
        segment: Register::default(),
        initial_id: Register::default(),
        previous_id: Register::default(),
        parent_problem_id: Register::default(),
        merged_into_id: Register::default(),
        opened_at: Register::default(),
        first_response_at: Register::default(),
        resolved_at: Register::default(),
        closed_at: Register::default(),
        updated_at: Register::default(),
        status: Register::default(),
        reopen_count: Register::default(),
        status_changes: BTreeMap::new(),
        language: Register::default(),
        subject: Register::default(),
        body: Register::default(),
        agent_code: Register::default(),
        disposition: Register::default(),
        vendor_categories: Register::default(),
        tags: Register::default(),
        queue: Register::default(),
        team: Register::default(),
        agent_id: Register::default(),
        product: Register::default(),
        priority: Register::default(),
        wait_s: Register::default(),
        handle_s: Register::default(),
        hold_s: Register::default(),
        wrap_up_s: Register::default(),
        resolved: Register::default(),
        transferred: Register::default(),
        abandoned: Register::default(),
        next_contact_avoided: Register::default(),
        disconnect_reason: Register::default(),
        csat: Register::default(),
        csat_max: Register::default(),
        nps: Register::default(),
        comment: Register::default(),
        transcript: Register::default(),
        messages: BTreeMap::new(),
        attributes: BTreeMap::new(),
        attributes_cleared: None,
    }
}
