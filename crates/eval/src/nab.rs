//! Series of the Numenta Anomaly Benchmark: a score a row.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use flate2::read::GzDecoder;
use quell_detect::periods::{BinSeries, BinSettings};
use serde::Serialize;

use crate::{EvalError, rows};

const SUFFIX: &str = ".csv.gz";

/// Scores of one file, a row each.
#[derive(Serialize)]
struct Scores {
    file: String,
    scores: Vec<f64>,
}

pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    let io = |source| EvalError::Io { path: input.to_owned(), source };
    let settings = BinSettings::five_minutes();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(input).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if let Some(name) = name.filter(|name| name.ends_with(SUFFIX)) {
            files.push((name.trim_end_matches(".gz").to_owned(), path));
        }
    }
    files.sort();
    for (file, path) in files {
        let mut series = BinSeries::new();
        let counts = counts(&path)?;
        let scores = counts.iter().map(|count| series.push(&settings, Some(*count)).news);
        let scores = scores.collect();
        rows::write(out, &Scores { file, scores })?;
    }
    Ok(())
}

/// The second column: the counts, a bin a row.
fn counts(path: &Path) -> Result<Vec<u64>, EvalError> {
    let file = File::open(path);
    let file = file.map_err(|source| EvalError::Io { path: path.to_owned(), source })?;
    let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
    let mut counts = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let bad = |detail: String| EvalError::Line { path: path.to_owned(), line: row + 2, detail };
        let record = record.map_err(|error| bad(error.to_string()))?;
        let count = record.get(1).ok_or_else(|| bad("no second column".to_owned()))?;
        counts.push(count.parse().map_err(|_| bad(format!("{count:?} is not a count")))?);
    }
    Ok(counts)
}
