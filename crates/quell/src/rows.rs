//! Rows of NDJSON that people give to a command.

use std::path::PathBuf;

use anyhow::bail;
use quell_codec::is_blank;
use quell_worker::lines::Lines;
use serde::de::DeserializeOwned;

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
