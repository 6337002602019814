//! `quell tagger train|eval|explain`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, anyhow, ensure};
use quell_model::UNCLASSIFIED;
use quell_taxonomy::learned::{
    Evaluation, Example, Learned, Part, Reader, TrainSettings, Trainer, VectorsBuilder,
    WordVectors, evaluate, few_of_each,
};
use quell_text::{Analyzer, Detector, Language, redact};
use quell_worker::lines::Lines;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Outcome;
use crate::args::{self, Labelled, TaggerCommand, TaggerEval};
use crate::rows::{each_row, field, words};

const FORM: &str = "a JSON object";
/// Words shown for and against a label.
const MOST_SHOWN: usize = 8;

pub fn run(args: &args::Tagger) -> anyhow::Result<Outcome> {
    match &args.command {
        TaggerCommand::Train { labelled, model, inputs } => train(labelled, model, inputs),
        TaggerCommand::Eval(eval) => measure(eval),
        TaggerCommand::Explain { model, text, lang, inputs } => {
            explain(model, text, lang.as_deref(), inputs)
        }
    }
}

/// One labelled contact.
struct Coded {
    texts: Vec<String>,
    language: Language,
    label: String,
}

fn train(labelled: &Labelled, path: &Path, inputs: &[PathBuf]) -> anyhow::Result<Outcome> {
    let rows = read(inputs, labelled)?;
    let vectors = word_vectors(labelled)?;
    let model = learn(&examples(&rows), labelled, vectors.as_ref())?;
    let bytes = model.to_bytes();
    std::fs::write(path, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
    eprintln!(
        "{}: {} labels from {} texts, {} bytes; sure from {:.3} on, where {:.0} % were right",
        path.display(),
        model.labels().count(),
        rows.len(),
        bytes.len(),
        model.threshold(),
        model.precision() * 100.0
    );
    Ok(Outcome::Done)
}

fn learn(
    examples: &[Example<'_>],
    labelled: &Labelled,
    vectors: Option<&Arc<WordVectors>>,
) -> anyhow::Result<Learned> {
    let settings = TrainSettings {
        precision: labelled.precision,
        other: labelled.other_label.clone(),
        seed: labelled.seed,
        vectors: vectors.cloned(),
        ..TrainSettings::default()
    };
    Trainer::new().lessons(examples, &settings)?.learn(two_at_a_time)
}

fn word_vectors(labelled: &Labelled) -> anyhow::Result<Option<Arc<WordVectors>>> {
    let Some(path) = &labelled.vectors else {
        return Ok(None);
    };
    let name = || format!("--vectors {}", path.display());
    let mut lines = Lines::open(path).with_context(name)?;
    let mut builder = VectorsBuilder::new();
    while let Some((_, line)) = lines.next_line().with_context(name)? {
        // Some published tables have words that are cut in the middle of a character.
        builder.line(&String::from_utf8_lossy(line)).with_context(name)?;
    }
    Ok(Some(Arc::new(builder.finish().with_context(name)?)))
}

/// Does all parts of a round, two at the same time.
fn two_at_a_time(parts: usize, part: &(dyn Fn(usize) -> Part + Sync)) -> anyhow::Result<Vec<Part>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mine = std::iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        mine.take_while(|&mine| mine < parts).map(part).collect::<Vec<Part>>()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut done = work();
        done.extend(other.join().map_err(|_| anyhow!("a part panicked"))?);
        Ok(done)
    })
}

fn examples(rows: &[Coded]) -> Vec<Example<'_>> {
    rows.iter()
        .map(|row| Example {
            texts: row.texts.iter().map(String::as_str).collect(),
            language: row.language,
            label: &row.label,
        })
        .collect()
}

/// What `eval` prints. Shares are null where nothing was there to take them over.
#[derive(Serialize)]
struct Measured {
    accuracy: Option<f64>,
    macro_f1: Option<f64>,
    coverage_at_95_precision: Option<f64>,
    realised_precision: Option<f64>,
    rejected_out_of_scope: Option<f64>,
    train_seconds: f64,
    texts_per_second_per_core: f64,
    model_bytes: usize,
    /// The precision asked for; 0.95 unless said otherwise.
    precision: f64,
    threshold: f32,
    labels: usize,
    train_texts: usize,
    test_texts_in_scope: u64,
    test_texts_out_of_scope: u64,
}

fn measure(eval: &TaggerEval) -> anyhow::Result<Outcome> {
    let rows = read(&eval.train, &eval.labelled)?;
    let mut train = examples(&rows);
    if let Some(shots) = eval.shots {
        train = few_of_each(train, shots, eval.labelled.seed);
    }
    let test = read(&eval.test, &eval.labelled)?;
    let vectors = word_vectors(&eval.labelled)?;
    let begun = Instant::now();
    let model = learn(&train, &eval.labelled, vectors.as_ref())?;
    let train_seconds = begun.elapsed().as_secs_f64();
    let bytes = model.to_bytes();
    // What is measured is what a reader of the file has.
    let model = Learned::from_bytes(&bytes)?;
    let test = examples(&test);
    let begun = Instant::now();
    let found: Evaluation = evaluate(&model, &test);
    let measured = Measured {
        accuracy: found.accuracy,
        macro_f1: found.macro_f1,
        coverage_at_95_precision: found.coverage,
        realised_precision: found.realised_precision,
        rejected_out_of_scope: found.rejected_out_of_scope,
        train_seconds,
        texts_per_second_per_core: test.len() as f64 / begun.elapsed().as_secs_f64().max(1e-9),
        model_bytes: bytes.len(),
        precision: model.precision(),
        threshold: model.threshold(),
        labels: model.labels().count(),
        train_texts: train.len(),
        test_texts_in_scope: found.in_scope,
        test_texts_out_of_scope: found.out_of_scope,
    };
    let value = serde_json::to_value(&measured)?;
    if eval.json {
        println!("{}", serde_json::to_string_pretty(&measured)?);
    } else if let Value::Object(fields) = value {
        for (name, value) in fields {
            println!("{name:28} {value}");
        }
    }
    Ok(Outcome::Done)
}

fn explain(
    path: &Path,
    text: &str,
    lang: Option<&str>,
    inputs: &[PathBuf],
) -> anyhow::Result<Outcome> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let model = Learned::from_bytes(&bytes).with_context(|| path.display().to_string())?;
    let (detector, mut analyzer) = (Detector::new(Language::EN), Analyzer::new());
    let mut reader = Reader::new();
    let mut out = std::io::stdout().lock();
    each_row(inputs, FORM, |place, row: Value| {
        let text = words(field(&row, text)).with_context(|| missing(place, text))?;
        let language = language(&detector, text, lang.and_then(|lang| words(field(&row, lang))));
        let analysis = analyzer.analyze(language, text);
        reader.clear();
        reader.add(&analysis);
        let guess = model.guess(&mut reader);
        let labels: Vec<Value> = guess
            .labels
            .iter()
            .map(|(label, probability)| {
                let shown = model.contributions(&mut reader, label);
                let shown = shown.iter().take(MOST_SHOWN).filter_map(|part| {
                    let start = analysis.tokens.get(part.first as usize)?.start as usize;
                    let end = analysis.tokens.get(part.last as usize)?.end as usize;
                    let weight = (f64::from(part.weight) * 1e3).round() / 1e3;
                    Some(json!({"matched": text.get(start..end)?, "start": start, "end": end,
                                "weight": weight}))
                });
                let probability = (f64::from(*probability) * 1e3).round() / 1e3;
                json!({"label": label, "probability": probability,
                       "words": shown.collect::<Vec<_>>()})
            })
            .collect();
        let mut answer = json!({"lang": language.as_str(), "is_sure": guess.is_sure,
                                "labels": labels});
        if let Some(id) = row.get("id") {
            answer["id"] = id.clone();
        }
        writeln!(out, "{answer}")?;
        Ok(())
    })?;
    Ok(Outcome::Done)
}

fn read(inputs: &[PathBuf], labelled: &Labelled) -> anyhow::Result<Vec<Coded>> {
    let detector = Detector::new(Language::EN);
    let (mut rows, mut without, mut unclassified) = (Vec::new(), 0_u64, 0_u64);
    each_row(inputs, FORM, |place, row: Value| {
        let texts: Vec<String> = labelled
            .text
            .iter()
            .filter_map(|name| words(field(&row, name)))
            .map(redacted)
            .collect();
        let first = || labelled.text.first().map_or("", String::as_str);
        ensure!(!texts.is_empty(), missing(place, first()));
        let Some(label) = words(field(&row, &labelled.label)) else {
            let given = field(&row, &labelled.label);
            ensure!(given.is_none_or(Value::is_null), missing(place, &labelled.label));
            without += 1;
            return Ok(());
        };
        if label == UNCLASSIFIED && labelled.other_label.as_deref() != Some(UNCLASSIFIED) {
            unclassified += 1;
            return Ok(());
        }
        let lang = labelled.lang.as_deref().and_then(|lang| words(field(&row, lang)));
        let longest = texts.iter().max_by_key(|text| text.len()).map_or("", String::as_str);
        rows.push(Coded {
            language: language(&detector, longest, lang),
            texts,
            label: label.to_owned(),
        });
        Ok(())
    })?;
    ensure!(!rows.is_empty(), "no row of the inputs has a label in `{}`", labelled.label);
    if without > 0 {
        eprintln!("{without} rows have no `{}` and teach nothing", labelled.label);
    }
    if unclassified > 0 {
        eprintln!("{unclassified} rows are `{UNCLASSIFIED}` and teach nothing");
    }
    Ok(rows)
}

/// As the pipeline sees it when it asks the model.
fn redacted(text: &str) -> String {
    redact(text).text.into_owned()
}

fn missing(place: &str, field: &str) -> String {
    format!("{place}: the field `{field}` is no text; --text and --label name fields of each row")
}

fn language(detector: &Detector, text: &str, given: Option<&str>) -> Language {
    given.and_then(Language::parse).unwrap_or_else(|| detector.detect(text, None).language)
}
