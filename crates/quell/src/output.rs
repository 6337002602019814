//! Results to standard output, in the form asked for.

use std::io::{self, IsTerminal, Write};

use anyhow::bail;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::Value;

use crate::args::{Format, OutputArgs};

impl OutputArgs {
    /// The format asked for; a table only where a person reads it.
    pub fn format(&self) -> Format {
        let default = if io::stdout().is_terminal() { Format::Table } else { Format::Ndjson };
        self.output.unwrap_or(default)
    }
}

/// One row of a result, as cells for people and as a value for programs.
pub struct Row {
    /// In the order of the columns.
    pub cells: Vec<String>,
    /// The same and more.
    pub value: serde_json::Value,
}

/// A column's head; numbers stand to the right.
pub struct Column {
    /// The head.
    pub name: &'static str,
    /// True for numbers.
    pub is_number: bool,
}

/// A column of text.
pub const fn text(name: &'static str) -> Column {
    Column { name, is_number: false }
}

/// A column of numbers.
pub const fn number(name: &'static str) -> Column {
    Column { name, is_number: true }
}

/// Writes rows; `whole` is what the JSON form prints.
///
/// # Errors
/// Standard output cannot be written.
pub fn print_rows(
    format: Format,
    columns: &[Column],
    rows: &[Row],
    whole: &impl Serialize,
) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match format {
        Format::Table => writeln!(out, "{}", table(columns, rows))?,
        Format::Json => writeln!(out, "{}", serde_json::to_string_pretty(whole)?)?,
        Format::Ndjson => {
            for row in rows {
                writeln!(out, "{}", row.value)?;
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(&mut out);
            writer.write_record(columns.iter().map(|column| column.name))?;
            for row in rows {
                writer.write_record(&row.cells)?;
            }
            writer.flush()?;
        }
    }
    Ok(())
}

/// One part of a result that has several.
pub struct Part {
    /// Its name for `--only`, and in the JSON form.
    pub name: &'static str,
    /// What it is, for people.
    pub title: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Writes the parts, or `only` one of them. A table for each; for programs rows with the member
/// `part`, and `whole` for the JSON form, whose members have the parts' names. CSV has room for one
/// table: the first, unless another is asked for.
///
/// # Errors
/// There is no such part, or standard output cannot be written.
pub fn print_parts(
    format: Format,
    parts: Vec<Part>,
    only: Option<&str>,
    whole: &Value,
) -> anyhow::Result<()> {
    let names: Vec<&str> = parts.iter().map(|part| part.name).collect();
    if let Some(only) = only.filter(|only| !names.contains(only)) {
        bail!("--only: there is no part `{only}`; there are {}", names.join(", "));
    }
    let others = names.get(1..).unwrap_or(&[]).join(", ");
    let shown = parts.into_iter().filter(|part| only.is_none_or(|only| only == part.name));
    match format {
        Format::Json => {
            let chosen = only.and_then(|only| whole.get(only)).unwrap_or(whole);
            writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(chosen)?)?;
        }
        Format::Csv => {
            for part in shown.take(1) {
                print_rows(format, &part.columns, &part.rows, whole)?;
            }
            if only.is_none() && !others.is_empty() {
                eprintln!("one part of the result; --only gives the others: {others}");
            }
        }
        Format::Table | Format::Ndjson => {
            for mut part in shown {
                if format == Format::Table {
                    if part.rows.is_empty() {
                        continue;
                    }
                    writeln!(io::stdout().lock(), "{}", part.title)?;
                }
                for row in &mut part.rows {
                    if let Some(members) = row.value.as_object_mut() {
                        members.insert("part".to_owned(), part.name.into());
                    }
                }
                print_rows(format, &part.columns, &part.rows, whole)?;
            }
        }
    }
    Ok(())
}

/// The rows as a table for a terminal.
pub fn table(columns: &[Column], rows: &[Row]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(columns.iter().map(|column| column.name));
    for row in rows {
        table.add_row(row.cells.iter().map(|cell| one_line(cell)));
    }
    for (i, column) in columns.iter().enumerate() {
        if let Some(own) = table.column_mut(i).filter(|_| column.is_number) {
            own.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Text of strangers goes to a terminal without line breaks and control characters.
fn one_line(cell: &str) -> String {
    cell.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A whole number with its thousands apart.
pub fn thousands(value: f64) -> String {
    let whole = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 && whole != "0" { format!("-{grouped}") } else { grouped }
}

/// Money in whole units.
pub fn money(micros: i64) -> String {
    thousands(micros as f64 / 1e6)
}

/// True when whoever read our output has gone.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
