//! What the core puts out: keyed records with revisions, and removals.

use std::collections::BTreeMap;

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

/// The derived topics that hold the latest value of each key, without a deployment's prefix.
pub const DERIVED_TOPICS: [&str; 4] = ["contacts", "repeats", "trends", "issues"];

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

    /// True when it says that the id stands for nothing any more.
    pub fn is_removal(&self) -> bool {
        match self {
            Output::Contact { contact, .. } => contact.is_none(),
            Output::Repeat { report, .. } => report.is_none(),
            Output::Trend { row, .. } => row.is_none(),
            Output::Issue { issue, .. } => issue.is_none(),
        }
    }
}

/// The output of the highest revision per topic and key: what a reader of the topics ends with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatestOutputs {
    topics: BTreeMap<&'static str, BTreeMap<String, Output>>,
}

impl LatestOutputs {
    /// Takes an output in; one of a lower revision than the known one is ignored.
    pub fn take(&mut self, output: Output) {
        let keys = self.topics.entry(output.topic()).or_default();
        match keys.get_mut(output.key()) {
            None => {
                keys.insert(output.key().to_owned(), output);
            }
            Some(known) if output.revision() >= known.revision() => *known = output,
            Some(_) => {}
        }
    }

    /// The outputs of a topic in order of key, removals included.
    pub fn of(&self, topic: &str) -> impl Iterator<Item = &Output> {
        self.topics.get(topic).into_iter().flat_map(BTreeMap::values)
    }

    /// All outputs in order of topic and key, removals included.
    pub fn into_outputs(self) -> impl Iterator<Item = Output> {
        self.topics.into_values().flat_map(BTreeMap::into_values)
    }

    /// As [`LatestOutputs::into_outputs`], and keeps them.
    pub fn iter(&self) -> impl Iterator<Item = &Output> {
        self.topics.values().flat_map(BTreeMap::values)
    }
}

impl FromIterator<Output> for LatestOutputs {
    fn from_iter<I: IntoIterator<Item = Output>>(outputs: I) -> Self {
        let mut latest = LatestOutputs::default();
        outputs.into_iter().for_each(|output| latest.take(output));
        latest
    }
}
