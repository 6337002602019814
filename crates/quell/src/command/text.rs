//! `quell text lang|stem|redact|explain`

use std::io::Write;
use std::path::Path;

use anyhow::Context;
use quell_text::redact::Kind;
use quell_text::{Analyzer, Detector, Language, TokenKind, redact};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::Outcome;
use crate::args::{self, TextCommand};
use crate::rows::each_row;

const FORM: &str = "{\"id\": …, \"text\": \"…\"}";

/// A row to read.
#[derive(Deserialize)]
struct Row {
    #[serde(default)]
    id: Value,
    text: String,
    #[serde(default)]
    lang: Option<String>,
}

pub fn run(args: &args::Text) -> anyhow::Result<Outcome> {
    let mut analyzer = Analyzer::new();
    match &args.command {
        TextCommand::Lang { input } => each(input, |_, _, _| ()),
        TextCommand::Stem { input } => each(input, |row, language, out| {
            let mut stems = Vec::new();
            analyzer.index_terms(language, &row.text, |term, _, _, _| stems.push(json!(term)));
            out.insert("stems".to_owned(), Value::Array(stems));
        }),
        TextCommand::Redact { input } => each(input, |row, _, out| {
            let redacted = redact(&row.text);
            let counts: Map<String, Value> = redacted
                .counts
                .iter()
                .filter(|(_, count)| *count > 0)
                .map(|(kind, count): (Kind, u32)| (kind.as_str().to_owned(), json!(count)))
                .collect();
            out.insert("text".to_owned(), json!(redacted.text));
            out.insert("redacted".to_owned(), Value::Object(counts));
        }),
        TextCommand::Explain { input } => each(input, |row, language, out| {
            let tokens = explained(&mut analyzer, language, &row.text);
            out.insert("tokens".to_owned(), Value::Array(tokens));
        }),
    }
}

/// Every token: where it stands, what it was folded to, what it was stemmed to.
fn explained(analyzer: &mut Analyzer, language: Language, text: &str) -> Vec<Value> {
    let analysis = analyzer.analyze(language, text);
    let mut stems = Vec::new();
    analyzer.index_terms(language, text, |stem, _, start, _| stems.push((start, stem.to_owned())));
    let stem_at = |start: u32| stems.iter().find(|(at, _)| *at == start).map(|(_, stem)| stem);
    let shown = |token: &quell_text::Token| {
        json!({
            "start": token.start,
            "end": token.end,
            "form": analysis.form(token),
            "stem": stem_at(token.start),
            "kind": match token.kind {
                TokenKind::Word => "word",
                TokenKind::Number => "number",
                TokenKind::Character => "character",
            },
            "script": format!("{:?}", token.script).to_lowercase(),
            "is_common": token.common,
        })
    };
    analysis.tokens.iter().map(shown).collect()
}

/// Reads rows, finds each one's language, lets `fill` add to it, writes it.
fn each(
    input: &Path,
    mut fill: impl FnMut(&Row, Language, &mut Map<String, Value>),
) -> anyhow::Result<Outcome> {
    let detector = Detector::new(Language::EN);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    each_row(&[input.to_owned()], FORM, |_, row: Row| {
        let found = detector.detect(&row.text, row.lang.as_deref());
        let mut answer = Map::new();
        answer.insert("id".to_owned(), row.id.clone());
        answer.insert("lang".to_owned(), json!(found.language.as_str()));
        answer.insert("lang_source".to_owned(), serde_json::to_value(found.source)?);
        answer.insert("confidence".to_owned(), json!(f64::from(found.confidence) / 1e3));
        fill(&row, found.language, &mut answer);
        serde_json::to_writer(&mut out, &answer).context("cannot write")?;
        Ok(out.write_all(b"\n")?)
    })?;
    out.flush()?;
    Ok(Outcome::Done)
}
