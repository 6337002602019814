//! The files that the final rows of a replay go to.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use quell_codec::encode_output;
use quell_model::{LatestOutputs, Output, TimeMs};
use quell_taxonomy::discovery::{DiscoverySettings, Watch};

/// The topics of a replay with their files.
const FILES: [(&str, &str); 4] = [
    ("contacts", "contacts.ndjson"),
    ("repeats", "repeats.ndjson"),
    ("trends", "trends.ndjson"),
    ("issues", "issues.ndjson"),
];

/// Writes one file per topic.
///
/// # Errors
/// The system's error with the file's name.
pub fn write_rows(out: &Path, rows: &LatestOutputs) -> io::Result<()> {
    for (topic, name) in FILES {
        let path = out.join(name);
        write_file(&path, &in_order(rows, topic)).map_err(|error| super::at(&path, error))?;
    }
    Ok(())
}

/// Writes the candidates that the contacts make, as of the newest of them, one a line.
///
/// # Errors
/// As [`write_rows`].
pub fn write_candidates(out: &Path, rows: &LatestOutputs) -> io::Result<usize> {
    let mut watch = Watch::new(DiscoverySettings::default());
    for output in in_order(rows, "contacts") {
        if let Output::Contact { contact: Some(contact), .. } = output {
            watch.take(contact);
        }
    }
    watch.settle();
    let found = watch.candidates();
    let path = out.join("candidates.ndjson");
    let write = || -> io::Result<()> {
        let mut file = BufWriter::new(File::create(&path)?);
        for candidate in &found {
            serde_json::to_writer(&mut file, &candidate.row())?;
            file.write_all(b"\n")?;
        }
        file.flush()
    };
    write().map_err(|error| super::at(&path, error))?;
    Ok(found.len())
}

/// The rows that are not removed, by time where they have one, then by id.
fn in_order<'r>(rows: &'r LatestOutputs, topic: &str) -> Vec<&'r Output> {
    let mut rows: Vec<&Output> = rows.of(topic).filter(|output| !output.is_removal()).collect();
    // The sort is stable, and rows come in order of id.
    rows.sort_by_key(|output| time_of(output));
    rows
}

fn time_of(output: &Output) -> TimeMs {
    match output {
        Output::Contact { contact: Some(contact), .. } => contact.occurred_at,
        Output::Issue { issue: Some(issue), .. } => issue.opened_at,
        _ => TimeMs::MIN,
    }
}

fn write_file(path: &Path, rows: &[&Output]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for row in rows {
        file.write_all(&encode_output(row).unwrap_or_default())?;
        file.write_all(b"\n")?;
    }
    file.flush()
}
