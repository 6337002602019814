//! `quell taxonomy check FILE [--on DATA…]`

use std::sync::Arc;

use quell_taxonomy::{Checker, LanguageUse, Overlap, Problem, Report, RuleUse, Severity, Taxonomy};
use serde_json::{Map, Value, json};

use super::texts::{Count, Fields, each_text};
use super::{percent, problem_value, read, severity, values};
use crate::Outcome;
use crate::args::TaxonomyCheck;
use crate::output::{Part, Row, number, print_parts, text, thousands};

pub fn run(args: &TaxonomyCheck) -> anyhow::Result<Outcome> {
    let found = Taxonomy::parse(&read(&args.file)?, &args.file);
    match found {
        Ok(taxonomy) if !args.on.is_empty() => on_texts(args, taxonomy),
        Ok(taxonomy) => Ok(without_texts(Some(&taxonomy), &taxonomy.check())),
        Err(problems) => Ok(without_texts(None, &problems)),
    }
}

fn without_texts(taxonomy: Option<&Taxonomy>, problems: &[Problem]) -> Outcome {
    for problem in problems {
        println!("{problem}");
    }
    if let Some(taxonomy) = taxonomy {
        let level2 = taxonomy.reasons().iter().filter(|reason| reason.level() == 2).count();
        let languages: Vec<&str> = taxonomy.languages().collect();
        println!(
            "{}: {level2} level-2 reasons in {} areas, languages {}",
            taxonomy.version(),
            taxonomy.areas().len(),
            languages.join(" "),
        );
    }
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    println!("{errors} errors, {} warnings", problems.len() - errors);
    if errors > 0 { Outcome::Findings } else { Outcome::Done }
}

fn on_texts(args: &TaxonomyCheck, taxonomy: Taxonomy) -> anyhow::Result<Outcome> {
    let version = taxonomy.version().to_owned();
    let mut checker = Checker::new(Arc::new(taxonomy));
    let fields = Fields { rows: &args.rows, time: None, customer: None };
    let count = each_text(&args.on, &fields, |text| {
        checker.add(text.id.as_str(), &text.input());
        Ok(())
    })?;
    let report = checker.finish();
    let reasons: Vec<Row> = report.rules.iter().map(rule_row).collect();
    let languages: Vec<Row> =
        report.languages.iter().map(|one| language_row(one, report.texts)).collect();
    let overlaps: Vec<Row> = report.overlaps.iter().map(overlap_row).collect();
    let findings: Vec<Row> = report.problems.iter().map(problem_row).collect();
    let whole = json!({
        "taxonomy_version": version,
        "texts": report.texts,
        "unclassified": report.unclassified,
        "reasons": values(&reasons),
        "languages": values(&languages),
        "overlaps": values(&overlaps),
        "findings": values(&findings),
    });
    let parts = parts([reasons, languages, overlaps, findings], args.limit);
    print_parts(args.parts.output.format(), parts, args.parts.only.as_deref(), &whole)?;
    summarise(&version, &report, &count);
    Ok(Outcome::Done)
}

fn summarise(version: &str, report: &Report, count: &Count) {
    eprintln!(
        "{version}: {} texts, {} without a reason ({} %); {} rules fire on none of their texts, {} \
         pairs hardly ever apart{}",
        thousands(report.texts as f64),
        thousands(report.unclassified as f64),
        percent(report.unclassified, report.texts),
        report.rules.iter().filter(|rule| rule.is_dead()).count(),
        report.overlaps.iter().filter(|pair| pair.is_near_whole()).count(),
        count.note(),
    );
}

fn parts([reasons, languages, overlaps, findings]: [Vec<Row>; 4], limit: usize) -> Vec<Part> {
    let pairs = overlaps.len();
    vec![
        Part {
            name: "reasons",
            title: "What each rule fires on, of the texts in its languages".to_owned(),
            columns: vec![
                text("reason"),
                number("matches"),
                number("percent"),
                text("by_language"),
                text("no_phrase_in"),
            ],
            rows: reasons,
        },
        Part {
            name: "languages",
            title: "Languages of the texts".to_owned(),
            columns: vec![
                text("language"),
                number("texts"),
                number("percent"),
                number("reasons_with_phrases"),
                number("without_reason"),
            ],
            rows: languages,
        },
        Part {
            name: "overlaps",
            title: format!("Reasons that fire together: {} of {pairs} pairs", limit.min(pairs)),
            columns: vec![
                text("reason"),
                text("fires_with"),
                number("texts"),
                number("of"),
                number("percent"),
                text("example"),
            ],
            rows: overlaps.into_iter().take(limit).collect(),
        },
        Part {
            name: "findings",
            title: "What to look at".to_owned(),
            columns: vec![number("line"), text("severity"), text("message"), text("hint")],
            rows: findings,
        },
    ]
}

fn rule_value(rule: &RuleUse) -> Value {
    let by_language: Map<String, Value> =
        rule.by_language.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
    json!({
        "reason": rule.reason,
        "matches": rule.fired,
        "texts": rule.texts,
        "by_language": by_language,
        "no_phrase_in": rule.missing,
        "is_dead": rule.is_dead(),
    })
}

fn rule_row(rule: &RuleUse) -> Row {
    let by_language: Vec<String> =
        rule.by_language.iter().map(|(language, count)| format!("{language} {count}")).collect();
    let cells = vec![
        rule.reason.0.clone(),
        thousands(rule.fired as f64),
        percent(rule.fired, rule.texts),
        by_language.join(", "),
        rule.missing.join(" "),
    ];
    Row { cells, value: rule_value(rule) }
}

fn language_value(one: &LanguageUse) -> Value {
    json!({
        "language": one.language,
        "texts": one.texts,
        "reasons_with_phrases": one.reasons,
        "without_reason": one.unclassified,
    })
}

fn language_row(one: &LanguageUse, texts: u64) -> Row {
    let cells = vec![
        one.language.clone(),
        thousands(one.texts as f64),
        percent(one.texts, texts),
        one.reasons.to_string(),
        thousands(one.unclassified as f64),
    ];
    Row { cells, value: language_value(one) }
}

fn overlap_value(pair: &Overlap) -> Value {
    json!({
        "reason": pair.rarer,
        "fires_with": pair.other,
        "texts": pair.shared,
        "of": pair.rarer_fired,
        "is_near_whole": pair.is_near_whole(),
        "example": pair.example,
    })
}

fn overlap_row(pair: &Overlap) -> Row {
    let cells = vec![
        pair.rarer.0.clone(),
        pair.other.0.clone(),
        thousands(pair.shared as f64),
        thousands(pair.rarer_fired as f64),
        percent(pair.shared, pair.rarer_fired),
        pair.example.clone(),
    ];
    Row { cells, value: overlap_value(pair) }
}

fn problem_row(problem: &Problem) -> Row {
    let line = if problem.line > 0 { problem.line.to_string() } else { String::new() };
    let hint = problem.hint.clone().unwrap_or_default();
    let cells = vec![line, severity(problem).to_owned(), problem.message.clone(), hint];
    Row { cells, value: problem_value(problem) }
}
