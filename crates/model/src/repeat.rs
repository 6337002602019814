//! Repeat contacts: the links of a chain, and the report that every link owes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::contact::ContactKey;

/// How a contact and an earlier one are matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepeatMode {
    /// The same customer, whatever the reason: the upper bound.
    AnyReason,
    /// A level-2 reason in common.
    SameReason,
    /// The same entity (an order), or the same reason and alike words.
    SameIssue,
}

impl RepeatMode {
    /// Every mode, in order.
    pub const ALL: [RepeatMode; 3] =
        [RepeatMode::AnyReason, RepeatMode::SameReason, RepeatMode::SameIssue];

    /// The word used in ids, JSON and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            RepeatMode::AnyReason => "any_reason",
            RepeatMode::SameReason => "same_reason",
            RepeatMode::SameIssue => "same_issue",
        }
    }
}

impl fmt::Display for RepeatMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A length of time in milliseconds, written as seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GapMs(pub i64);

impl Serialize for GapMs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (serializer.is_human_readable(), self.0 % 1000) {
            (false, _) => serializer.serialize_i64(self.0),
            (true, 0) => serializer.serialize_i64(self.0 / 1000),
            (true, _) => serializer.serialize_f64(self.0 as f64 / 1e3),
        }
    }
}

impl<'de> Deserialize<'de> for GapMs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Ok(GapMs((f64::deserialize(deserializer)? * 1e3).round() as i64))
        } else {
            i64::deserialize(deserializer).map(GapMs)
        }
    }
}

/// One contact's place in a chain of repeats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepeatLink {
    /// The source's id of the contact before it.
    pub previous: String,
    /// The source's id of the chain's first contact.
    pub first: String,
    /// Place in the chain, the first being 1; so at least 2 here.
    pub position: u32,
    /// From the previous contact to this one, in seconds.
    pub gap_s: GapMs,
}

/// A contact's link in each mode; null where it repeats nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RepeatLinks {
    pub any_reason: Option<RepeatLink>,
    pub same_reason: Option<RepeatLink>,
    pub same_issue: Option<RepeatLink>,
}

impl RepeatLinks {
    /// The link in one mode.
    pub fn get(&self, mode: RepeatMode) -> Option<&RepeatLink> {
        match mode {
            RepeatMode::AnyReason => self.any_reason.as_ref(),
            RepeatMode::SameReason => self.same_reason.as_ref(),
            RepeatMode::SameIssue => self.same_issue.as_ref(),
        }
    }

    /// Sets the link in one mode.
    pub fn set(&mut self, mode: RepeatMode, link: Option<RepeatLink>) {
        match mode {
            RepeatMode::AnyReason => self.any_reason = link,
            RepeatMode::SameReason => self.same_reason = link,
            RepeatMode::SameIssue => self.same_issue = link,
        }
    }
}

/// The report owed for every repeat link: why was it not solved the first time?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct RepeatReport {
    /// `mode:earlier contact key:later contact key`
    pub repeat_id: String,
    /// The source's id of the later contact.
    pub contact_id: String,
    pub contact_key: ContactKey,
    /// The source's id of the earlier contact: the one that could have solved it.
    pub previous: String,
    pub previous_key: ContactKey,
    pub mode: RepeatMode,
    pub gap_s: GapMs,
    /// A code of the non-resolution list, `unknown` where nothing speaks for one.
    pub cause: String,
    /// What speaks for the link and for the cause, as `kind: detail`. Never text of the customer.
    pub evidence: Vec<String>,
    pub definition_version: String,
}
