//! Declarative adapters: a YAML file says where a source keeps what the canonical event needs.
//!
//! A rule takes a value (`from` a JSON Pointer, the `first_of` several, `const`, `template`,
//! `find` in a list), may `split`, `pick`, `allow`, `replace`, `map`, read it by `format` or
//! `scale` it, in this order, and falls back to `default`. A pointer that begins with `@` starts
//! at the element of `fan_out` instead of at the document. `schemas/adapter.schema.json` lists
//! every word.

mod compile;
mod evaluate;
mod fields;
mod pointer;
mod spec;
mod time;

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use crate::decode::Unmapped;
use crate::envelope::Change;
use crate::reject::Reject;

/// A fault in an adapter file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, counted from 1.
    pub line: u64,
    /// The column, counted from 1.
    pub column: u64,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)
    }
}

impl std::error::Error for Problem {}

/// An adapter, compiled and ready.
#[derive(Debug)]
pub struct Adapter {
    name: String,
    rules: Option<compile::Rules>,
}

const BUILTIN: &[(&str, &str)] = &[
    ("canonical", include_str!("../../../../adapters/canonical.yaml")),
    ("sumo", include_str!("../../../../adapters/sumo.yaml")),
    ("zendesk", include_str!("../../../../adapters/zendesk.yaml")),
    ("amazon-connect", include_str!("../../../../adapters/amazon-connect.yaml")),
];

impl Adapter {
    /// The names that [`Adapter::builtin`] knows.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name)
    }

    /// An adapter that comes with Quell; none for another name.
    pub fn builtin(name: &str) -> Option<Adapter> {
        let (_, yaml) = BUILTIN.iter().find(|(builtin, _)| *builtin == name)?;
        Adapter::parse(yaml, &format!("adapters/{name}.yaml")).ok()
    }

    /// The adapter for records that are canonical already.
    pub fn canonical() -> Adapter {
        Adapter { name: "canonical".to_owned(), rules: None }
    }

    /// Reads and compiles an adapter file. `file` is only for the messages.
    ///
    /// # Errors
    /// Every problem found, with its line: the adapter's author must mend the file.
    pub fn parse(yaml: &str, file: &str) -> Result<Adapter, Vec<Problem>> {
        compile::adapter(yaml, file)
    }

    /// The adapter's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// True where records are canonical already and nothing is mapped.
    pub fn is_canonical(&self) -> bool {
        self.rules.is_none()
    }

    /// Maps one record to canonical JSON, one value an event.
    pub(crate) fn map(
        &self,
        change: &Change,
        unmapped: &mut Vec<Unmapped>,
    ) -> Result<Vec<Value>, Reject> {
        match &self.rules {
            Some(rules) => evaluate::events(&self.name, rules, change, unmapped),
            None => Ok(vec![change.document.clone()]),
        }
    }
}
