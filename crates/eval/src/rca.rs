//! Cubes of observed and expected values: the cells that carry the difference.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use quell_detect::cause::{Cube, Settings, causes};
use serde::Serialize;

use crate::{EvalError, rows};

#[derive(Serialize)]
struct Prediction<'a> {
    case: &'a str,
    causes: Vec<BTreeMap<&'a str, &'a str>>,
    ms: f64,
}

/// A cube with the names of its attributes and of their values.
struct Case {
    attributes: Vec<String>,
    values: Vec<Vec<String>>,
    cube: Cube,
}

/// Every `CASE.csv` or `CASE.csv.gz` of the folder, by name.
pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    let io = |source| EvalError::Io { path: input.to_owned(), source };
    let mut files: Vec<(String, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(input).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let case = name
            .as_deref()
            .and_then(|name| name.strip_suffix(".csv").or_else(|| name.strip_suffix(".csv.gz")));
        if let Some(case) = case {
            files.push((case.to_owned(), path));
        }
    }
    files.sort();
    for (name, path) in &files {
        let case = read(path)?;
        let started = Instant::now();
        let finding = causes(&case.cube, &Settings::default());
        let ms = started.elapsed().as_secs_f64() * 1e3;
        let cells = finding.causes.iter().map(|cause| {
            let part = |&(a, value): &(usize, u32)| {
                (case.attributes[a].as_str(), case.values[a][value as usize].as_str())
            };
            cause.cell.iter().map(part).collect()
        });
        rows::write(out, &Prediction { case: name, causes: cells.collect(), ms })?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Case, EvalError> {
    let file = std::fs::File::open(path)
        .map_err(|source| EvalError::Io { path: path.to_owned(), source })?;
    let bytes: Box<dyn Read> = if path.extension().is_some_and(|end| end == "gz") {
        Box::new(flate2::read::GzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut reader = csv::Reader::from_reader(std::io::BufReader::new(bytes));
    let wrong =
        |line: usize, detail: String| EvalError::Line { path: path.to_owned(), line, detail };
    let head = reader.headers().map_err(|error| wrong(1, error.to_string()))?.clone();
    let column = |name: &str| {
        head.iter()
            .position(|field| field == name)
            .ok_or_else(|| wrong(1, format!("no column {name}")))
    };
    let (real, predict) = (column("real")?, column("predict")?);
    let attributes: Vec<usize> =
        (0..head.len()).filter(|&at| at != real && at != predict).collect();
    let mut codes: Vec<BTreeMap<String, u32>> = vec![BTreeMap::new(); attributes.len()];
    let mut cube = Cube::new(attributes.len());
    let mut leaf = vec![0; attributes.len()];
    for (at, record) in reader.records().enumerate() {
        let line = at + 2;
        let record = record.map_err(|error| wrong(line, error.to_string()))?;
        for ((value, known), &field) in leaf.iter_mut().zip(&mut codes).zip(&attributes) {
            let text = record.get(field).unwrap_or_default();
            let next = known.len() as u32;
            *value = match known.get(text) {
                Some(code) => *code,
                None => *known.entry(text.to_owned()).or_insert(next),
            };
        }
        let amount = |field: usize| record.get(field).and_then(|text| text.parse::<f64>().ok());
        let (Some(observed), Some(expected)) = (amount(real), amount(predict)) else {
            return Err(wrong(line, "no number in real or predict".to_owned()));
        };
        cube.push(&leaf, observed, expected);
    }
    let names = codes.into_iter().map(|known| {
        let mut names = vec![String::new(); known.len()];
        for (name, code) in known {
            names[code as usize] = name;
        }
        names
    });
    Ok(Case {
        attributes: attributes.iter().map(|&at| head[at].to_owned()).collect(),
        values: names.collect(),
        cube,
    })
}
