//! Runs the detectors over benchmark files: the same code as the pipeline, one setting for all
//! series of a task. Input is read as a stream of time would give it: what is said of a moment
//! depends on nothing after it.

mod actions;
mod chains;
mod contacts;
mod daily;
mod drivers;
mod nab;
mod rca;
mod rows;
mod themes;
mod weekly;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What is detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Weekly counts: weeks with an alarm.
    Weekly,
    /// Daily counts with closed days: days with an alarm.
    Daily,
    /// Hourly contacts and orders by reason: issues that open and close.
    Contacts,
    /// Cubes of observed and expected values: the cells that carry the difference.
    Rca,
    /// Texts of customers: themes that are new.
    Themes,
    /// Series around an action: its effect.
    Actions,
    /// Contacts of customers by day: reasons that bring others.
    Chains,
    /// Scores and what may drive them: the share of each driver.
    Drivers,
    /// Series of the Numenta Anomaly Benchmark: a score a row.
    Nab,
}

const TASKS: [(&str, Task); 9] = [
    ("weekly", Task::Weekly),
    ("daily", Task::Daily),
    ("contacts", Task::Contacts),
    ("rca", Task::Rca),
    ("themes", Task::Themes),
    ("actions", Task::Actions),
    ("chains", Task::Chains),
    ("drivers", Task::Drivers),
    ("nab", Task::Nab),
];

impl FromStr for Task {
    type Err = String;

    fn from_str(name: &str) -> Result<Task, String> {
        let found = TASKS.iter().find(|(known, _)| *known == name).map(|(_, task)| *task);
        found.ok_or_else(|| {
            let names: Vec<&str> = TASKS.iter().map(|(name, _)| *name).collect();
            format!("no such task; one of {}", names.join(", "))
        })
    }
}

/// Why a benchmark could not be run.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file or folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line that is not what the task's input says.
    #[error("{}, line {line}: {detail}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// The predictions cannot be written.
    #[error("the predictions cannot be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Runs a task over its input (a file, or a folder for [`Task::Rca`] and [`Task::Nab`]) and writes
/// one prediction a line.
///
/// # Errors
/// What cannot be read or written, with its place.
pub fn run(task: Task, input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    match task {
        Task::Weekly => weekly::run(input, out),
        Task::Daily => daily::run(input, out),
        Task::Contacts => contacts::run(input, out),
        Task::Rca => rca::run(input, out),
        Task::Themes => themes::run(input, out),
        Task::Actions => actions::run(input, out),
        Task::Chains => chains::run(input, out),
        Task::Drivers => drivers::run(input, out),
        Task::Nab => nab::run(input, out),
    }
}
