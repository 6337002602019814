//! `quell taxonomy check|diff|discover`

mod accept;
mod check;
mod diff;
mod discover;
mod in_order;
mod texts;

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};

use quell_taxonomy::learned::Learned;
use quell_taxonomy::{Problem, Severity, TagSettings, Taxonomy};
use quell_text::Language;
use serde_json::{Value, json};

use crate::Outcome;
use crate::args::{self, DecideArgs, TaxonomyCommand};
use crate::output::Row;
use crate::wiring;

pub fn run(args: &args::Taxonomy) -> anyhow::Result<Outcome> {
    match &args.command {
        TaxonomyCommand::Check(check) => check::run(check),
        TaxonomyCommand::Diff(diff) => diff::run(diff),
        TaxonomyCommand::Discover(discover) => discover::run(discover),
    }
}

/// The text of a catalogue: of one that comes along by its name, else of a file.
fn read(name: &str) -> anyhow::Result<String> {
    match wiring::built_in(name) {
        Some(yaml) => Ok(yaml.to_owned()),
        None => std::fs::read_to_string(name).with_context(|| format!("cannot read {name}")),
    }
}

/// A catalogue without errors.
fn load(yaml: &str, name: &str) -> anyhow::Result<Taxonomy> {
    match Taxonomy::parse(yaml, name) {
        Ok(taxonomy) => Ok(taxonomy),
        Err(problems) => bail!("{name} has errors:{}", lines(&problems)),
    }
}

/// A catalogue that decides as TAG does.
fn deciding(yaml: &str, name: &str, args: &DecideArgs) -> anyhow::Result<Arc<Taxonomy>> {
    let taxonomy = load(yaml, name)?;
    let Some(path) = &args.model else { return Ok(Arc::new(taxonomy)) };
    let taxonomy = taxonomy.with_model(model(path)?);
    wiring::warn_of_unknown_labels(&taxonomy, args.accept_agent_codes);
    Ok(Arc::new(taxonomy))
}

fn model(path: &Path) -> anyhow::Result<Learned> {
    let cannot = || format!("--model: {} cannot be used", path.display());
    let bytes = std::fs::read(path).with_context(cannot)?;
    Learned::from_bytes(&bytes).with_context(cannot)
}

fn tag_settings(args: &DecideArgs) -> anyhow::Result<TagSettings> {
    let language = &args.default_language;
    ensure!(Language::parse(language).is_some(), "--default-language: `{language}` is no language");
    Ok(TagSettings {
        accept_agent_codes: args.accept_agent_codes,
        default_language: language.clone(),
    })
}

/// The errors among problems, each on a line of its own.
fn lines(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
    errors.map(|problem| format!("\n  {problem}")).collect()
}

/// A problem for programs.
fn problem_value(problem: &Problem) -> Value {
    json!({
        "severity": severity(problem),
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "hint": problem.hint,
    })
}

fn severity(problem: &Problem) -> &'static str {
    match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// The rows for programs.
fn values(rows: &[Row]) -> Vec<Value> {
    rows.iter().map(|row| row.value.clone()).collect()
}

/// A share in percent with one decimal; a dash of nothing.
fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    format!("{:.1}", part as f64 * 100.0 / whole as f64)
}
