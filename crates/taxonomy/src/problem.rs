//! What is wrong with a taxonomy file, where, and what to do.

use std::fmt;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file works; somebody should look.
    Warning,
}

/// One finding in a taxonomy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// The file, as named by whoever loaded it.
    pub file: String,
    /// Line from 1; 0 for the file as a whole.
    pub line: u32,
    /// Column from 1, in characters; 0 for the file as a whole.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{}:", self.file)?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        write!(f, " {severity}: {}", self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// Line and column, both from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub line: u32,
    pub column: u32,
}

/// Collects problems of one file.
pub(crate) struct Problems {
    file: String,
    found: Vec<Problem>,
}

/// More than this many are not worth reading.
const MOST_PROBLEMS: usize = 200;

impl Problems {
    pub fn new(file: &str) -> Self {
        Problems { file: file.to_owned(), found: Vec::new() }
    }

    pub fn error(&mut self, place: Place, message: impl Into<String>, hint: Option<&str>) {
        self.add(Severity::Error, place, message.into(), hint);
    }

    pub fn warn(&mut self, place: Place, message: impl Into<String>, hint: Option<&str>) {
        self.add(Severity::Warning, place, message.into(), hint);
    }

    fn add(&mut self, severity: Severity, place: Place, message: String, hint: Option<&str>) {
        if self.found.len() < MOST_PROBLEMS {
            self.found.push(Problem {
                severity,
                file: self.file.clone(),
                line: place.line,
                column: place.column,
                message,
                hint: hint.map(str::to_owned),
            });
        }
    }

    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// All, in the order of the file.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| (problem.line, problem.column));
        self.found
    }
}
