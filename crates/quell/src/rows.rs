//! Rows of NDJSON that people give to a command.

use std::path::PathBuf;

use anyhow::bail;
use quell_codec::is_blank;
use quell_worker::lines::Lines;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Gives every row of the files with its place, `FILE:LINE`. `form` says what a row is.
///
/// # Errors
/// A file cannot be read, a row is of another form, or the taker's own.
pub fn each_row<T: DeserializeOwned>(
    inputs: &[PathBuf],
    form: &str,
    mut take: impl FnMut(&str, T) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    for path in inputs {
        let mut lines = Lines::open(path)?;
        let name = lines.name().to_owned();
        while let Some((number, line)) = lines.next_line()? {
            if is_blank(line) {
                continue;
            }
            let place = format!("{name}:{number}");
            match serde_json::from_slice(line) {
                Ok(row) => take(&place, row)?,
                Err(error) => bail!("{place}: {error}; a row is {form}"),
            }
        }
    }
    Ok(())
}

/// A field by name, or by JSON Pointer.
pub fn field<'r>(row: &'r Value, name: &str) -> Option<&'r Value> {
    if name.starts_with('/') { row.pointer(name) } else { row.get(name) }
}

/// A text, or the first of several.
pub fn words(value: Option<&Value>) -> Option<&str> {
    match value? {
        Value::String(text) => Some(text),
        Value::Array(items) => items.first()?.as_str(),
        _ => None,
    }
}
