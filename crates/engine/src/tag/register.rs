//! Registers: a value with the time its source gave it. Merging takes the newest, so any order
//! and any number of deliveries ends in the same value.

use serde::{Deserialize, Serialize};

use quell_model::event::{ContactEvent, ContactEventType};
use quell_model::patch::Patch;

use crate::hash::hash64;

/// When a source said something. Later stamps win; no two events of one source share a stamp
/// unless they share an id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stamp {
    /// The field time: `updated_at`, else the event's time. Milliseconds.
    pub field_ms: i64,
    /// The event's time. Milliseconds.
    pub event_ms: i64,
    /// Breaks ties: how late in a contact's life the event type belongs, then a hash of the id.
    pub tie: u64,
}

impl Stamp {
    /// The stamp of everything that this event says.
    pub fn of(event: &ContactEvent) -> Stamp {
        let field = event.contact.updated_at.value().copied().unwrap_or(event.event_time);
        let tie = (rank(event.event_type) << 56) | (hash64(event.event_id.as_bytes()) >> 8);
        Stamp { field_ms: field.0, event_ms: event.event_time.0, tie }
    }
}

fn rank(event_type: ContactEventType) -> u64 {
    match event_type {
        ContactEventType::Snapshot => 0,
        ContactEventType::Opened => 1,
        ContactEventType::Message | ContactEventType::Transcript => 2,
        ContactEventType::Updated => 3,
        ContactEventType::Reopened => 4,
        ContactEventType::Closed => 5,
        ContactEventType::Feedback => 6,
        ContactEventType::Deleted => 7,
        ContactEventType::Erased => 8,
    }
}

/// One field: the newest value said of it. No stamp: nothing was said yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Register<T> {
    stamp: Option<Stamp>,
    value: Option<T>,
}

impl<T> Default for Register<T> {
    fn default() -> Self {
        Register { stamp: None, value: None }
    }
}

impl<T> Register<T> {
    /// Takes what a patch says, if it is newer. True when the register's value or stamp moved.
    pub fn merge(&mut self, stamp: Stamp, patch: Patch<T>) -> bool {
        match patch {
            Patch::Absent => false,
            Patch::Cleared => self.take(stamp, None),
            Patch::Set(value) => self.take(stamp, Some(value)),
        }
    }

    /// Sets or clears, if newer.
    pub fn take(&mut self, stamp: Stamp, value: Option<T>) -> bool {
        let newer = self.stamp.is_none_or(|own| stamp > own);
        if newer {
            self.stamp = Some(stamp);
            self.value = value;
        }
        newer
    }

    /// The value, if one is set.
    pub fn get(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The value, if one is set.
    pub fn into_value(self) -> Option<T> {
        self.value
    }
}
