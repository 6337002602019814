//! The filters that commands and pages offer beside the query.

use std::collections::BTreeMap;

use quell_model::{RepeatMode, Standing, TimeMs};
use serde::{Deserialize, Serialize};

use crate::compile::Compiler;
use crate::condition::{Condition, Occur, Typed};
use crate::document::word;
use crate::error::{IndexError, Result};

/// More values in one filter are refused.
const MAX_VALUES: usize = 256;

/// What a contact must have. Several values of one filter are alternatives, several filters are
/// all required; an empty one asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Reasons of any level, `*` standing for any characters: `billing.*`.
    pub reasons: Vec<String>,
    /// Channels by their word: `email`.
    pub channels: Vec<String>,
    /// Language codes: `hu`. Words are then analysed in these languages only.
    pub languages: Vec<String>,
    /// The earliest time, inclusive.
    pub from: Option<TimeMs>,
    /// The latest time, exclusive.
    pub to: Option<TimeMs>,
    /// Only contacts that repeat an earlier one in this mode.
    pub repeat: Option<RepeatMode>,
    /// Only contacts of this standing.
    pub standing: Option<Standing>,
    /// Attributes by name, each with its value; a value may have stars.
    pub attributes: BTreeMap<String, String>,
}

impl Filters {
    /// The clauses of the filters; none when nothing is asked.
    pub(crate) fn clauses(&self, compiler: &Compiler<'_>) -> Result<Vec<(Occur, Condition)>> {
        let mut clauses = Vec::new();
        let lists =
            [("reason", &self.reasons), ("channel", &self.channels), ("language", &self.languages)];
        for (name, patterns) in lists {
            if patterns.len() > MAX_VALUES {
                return Err(IndexError::request(name, format!("at most {MAX_VALUES} values")));
            }
            if !patterns.is_empty() {
                let each: Result<Vec<_>> =
                    patterns.iter().map(|pattern| one(compiler, name, pattern)).collect();
                clauses.push((Occur::Must, Condition::any_of(each?)));
            }
        }
        if self.attributes.len() > MAX_VALUES {
            return Err(IndexError::request("attributes", format!("at most {MAX_VALUES} values")));
        }
        for (name, pattern) in &self.attributes {
            clauses.push((Occur::Must, one(compiler, &format!("attributes.{name}"), pattern)?));
        }
        if let Some(mode) = self.repeat {
            let name = format!("repeat_{}", mode.as_str());
            clauses.push((Occur::Must, one(compiler, &name, "true")?));
        }
        if let Some(standing) = &self.standing {
            clauses.push((Occur::Must, one(compiler, "standing", &word(standing))?));
        }
        clauses.extend(self.times(compiler).map(|times| (Occur::Must, times)));
        Ok(clauses)
    }

    fn times(&self, compiler: &Compiler<'_>) -> Option<Condition> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        if self.from.is_none() && self.to.is_none() {
            return None;
        }
        let asked = compiler.fields.asked("occurred_at")?;
        let low = self.from.map_or(Unbounded, |time| Included(Typed::Time(time)));
        let high = self.to.map_or(Unbounded, |time| Excluded(Typed::Time(time)));
        Some(Condition::Range(asked, low, high).silent())
    }
}

fn one(compiler: &Compiler<'_>, name: &str, pattern: &str) -> Result<Condition> {
    let asked = compiler
        .fields
        .asked(name)
        .ok_or_else(|| IndexError::request(name, "there is no such field"))?;
    compiler.pattern(&asked, pattern).map_err(|problem| IndexError::request(name, problem))
}
