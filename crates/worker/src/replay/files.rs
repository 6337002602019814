//! The final rows of a replay, and the files they go to.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use quell_codec::encode_output;
use quell_model::Output;

/// The topics of a replay with their files.
const FILES: [(&str, &str); 4] = [
    ("contacts", "contacts.ndjson"),
    ("repeats", "repeats.ndjson"),
    ("trends", "trends.ndjson"),
    ("issues", "issues.ndjson"),
];

/// A final row: its revision, its time (for the order of contacts and issues), its JSON.
struct Row {
    revision: u64,
    at_ms: i64,
    json: Option<Vec<u8>>,
}

/// One row per public id: the one of the highest revision.
#[derive(Default)]
pub struct FinalRows {
    topics: BTreeMap<&'static str, BTreeMap<String, Row>>,
}

impl FinalRows {
    /// Takes an output in; a lower revision of the same id is ignored.
    pub fn take(&mut self, output: &Output) {
        let rows = self.topics.entry(output.topic()).or_default();
        let revision = output.revision();
        if rows.get(output.key()).is_some_and(|known| known.revision > revision) {
            return;
        }
        let at_ms = match output {
            Output::Contact { contact: Some(contact), .. } => contact.occurred_at.0,
            Output::Issue { issue: Some(issue), .. } => issue.opened_at.0,
            _ => 0,
        };
        let row = Row { revision, at_ms, json: encode_output(output) };
        rows.insert(output.key().to_owned(), row);
    }

    /// The rows of a topic that are not removed, by time where they have one, then by id.
    pub fn of(&self, topic: &str) -> Vec<&[u8]> {
        let Some(rows) = self.topics.get(topic) else { return Vec::new() };
        let mut rows: Vec<(i64, &str, &[u8])> = rows
            .iter()
            .filter_map(|(key, row)| Some((row.at_ms, key.as_str(), row.json.as_deref()?)))
            .collect();
        rows.sort_unstable_by_key(|(at_ms, key, _)| (*at_ms, *key));
        rows.into_iter().map(|(_, _, json)| json).collect()
    }
}

/// Writes one file per topic.
///
/// # Errors
/// The system's error with the file's name.
pub fn write_rows(out: &Path, rows: &FinalRows) -> io::Result<()> {
    for (topic, name) in FILES {
        let path = out.join(name);
        write_file(&path, &rows.of(topic)).map_err(|error| super::at(&path, error))?;
    }
    Ok(())
}

fn write_file(path: &Path, rows: &[&[u8]]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for row in rows {
        file.write_all(row)?;
        file.write_all(b"\n")?;
    }
    file.flush()
}
