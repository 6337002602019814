//! A candidate as a record, for files and answers.

use std::collections::BTreeMap;

use quell_model::{ContactKey, ReasonId, TimeMs};
use serde::Serialize;

use super::{Candidate, CandidateId};

/// A candidate for programs; `schemas/candidate.schema.json` says what its fields mean.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct CandidateRow {
    pub candidate: String,
    pub name: String,
    pub words: Vec<WordRow>,
    pub within: Option<ReasonId>,
    pub reasons: BTreeMap<ReasonId, u32>,
    pub customers: u64,
    pub contacts: u64,
    pub evidence_nats: f64,
    pub languages: BTreeMap<String, u32>,
    pub absorbed: Vec<String>,
    pub examples: Vec<ContactKey>,
    /// None where nothing is known of times.
    #[serde(flatten)]
    pub course: Option<Course>,
}

/// A word of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct WordRow {
    pub word: String,
    pub share: f64,
    pub lift: f64,
}

/// How a candidate goes on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Course {
    #[serde(rename = "last_7_days")]
    pub last_week: u64,
    #[serde(rename = "21_days_before")]
    pub three_weeks_before: u64,
    pub growth: f64,
    pub first_seen: TimeMs,
    pub last_seen: TimeMs,
}

impl Candidate {
    /// As a record.
    pub fn row(&self) -> CandidateRow {
        let word = |word: &super::CandidateWord| WordRow {
            word: word.form.clone(),
            share: word.share,
            lift: word.lift,
        };
        let languages = self.languages.iter();
        CandidateRow {
            candidate: self.id.to_string(),
            name: self.name.clone(),
            words: self.words.iter().map(word).collect(),
            within: self.within.clone(),
            reasons: self.reasons.iter().cloned().collect(),
            customers: self.customers,
            contacts: self.contacts,
            evidence_nats: self.evidence_nats,
            languages: languages.map(|(one, count)| (one.as_str().to_owned(), *count)).collect(),
            absorbed: self.absorbed.iter().map(CandidateId::to_string).collect(),
            examples: self.exemplars.iter().map(|one| one.contact.clone()).collect(),
            course: Some(Course {
                last_week: self.last_week,
                three_weeks_before: self.three_weeks_before,
                growth: self.growth(),
                first_seen: self.first,
                last_seen: self.last,
            }),
        }
    }
}
