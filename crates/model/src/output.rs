//! What the core puts out: keyed records with revisions, and removals.

use crate::contact::{Contact, ContactKey};
use crate::issue::SystemicIssue;
use crate::repeat::RepeatReport;
use crate::trend::TrendRow;

/// One record for a derived topic. A lower revision of the same id is to be ignored.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)]
pub enum Output {
    Contact { key: ContactKey, revision: u64, contact: Option<Box<Contact>> },
    Repeat { repeat_id: String, revision: u64, report: Option<Box<RepeatReport>> },
    Trend { key: String, revision: u64, row: Option<Box<TrendRow>> },
    Issue { issue_id: String, revision: u64, issue: Option<Box<SystemicIssue>> },
}

impl Output {
    /// The derived topic's name, without a deployment's prefix.
    pub fn topic(&self) -> &'static str {
        match self {
            Output::Contact { .. } => "contacts",
            Output::Repeat { .. } => "repeats",
            Output::Trend { .. } => "trends",
            Output::Issue { .. } => "issues",
        }
    }

    /// The record's key in that topic: the public id.
    pub fn key(&self) -> &str {
        match self {
            Output::Contact { key, .. } => key.as_str(),
            Output::Repeat { repeat_id, .. } => repeat_id,
            Output::Trend { key, .. } => key,
            Output::Issue { issue_id, .. } => issue_id,
        }
    }

    /// The revision.
    pub fn revision(&self) -> u64 {
        match self {
            Output::Contact { revision, .. }
            | Output::Repeat { revision, .. }
            | Output::Trend { revision, .. }
            | Output::Issue { revision, .. } => *revision,
        }
    }
}
