//! How well a model does on texts that it has not seen.

use std::collections::BTreeMap;

use quell_text::Analyzer;
use serde::Serialize;

use super::model::{Learned, Reader};
use super::train::Example;

/// What came out, each share with what it was taken over; none over nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluation {
    /// Texts whose label is not "something else".
    pub in_scope: u64,
    /// Texts of "something else".
    pub out_of_scope: u64,
    /// Share of the texts in scope whose likeliest label is right, sure or not.
    pub accuracy: Option<f64>,
    /// The mean over the labels in scope of the harmonic mean of precision and recall.
    pub macro_f1: Option<f64>,
    /// Share of the texts in scope that the model is sure of.
    pub coverage: Option<f64>,
    /// Of those, the share whose label is right.
    pub realised_precision: Option<f64>,
    /// Share of the texts out of scope that the model is not sure of.
    pub rejected_out_of_scope: Option<f64>,
}

#[derive(Default)]
struct Counts {
    right: u64,
    given: u64,
    there: u64,
}

/// Asks the model about every example.
pub fn evaluate(model: &Learned, examples: &[Example<'_>]) -> Evaluation {
    let (mut analyzer, mut reader) = (Analyzer::new(), Reader::new());
    let mut found = Evaluation::default();
    let mut labels: BTreeMap<&str, Counts> = BTreeMap::new();
    let (mut right, mut sure, mut sure_right, mut rejected) = (0, 0, 0, 0);
    for example in examples {
        reader.clear();
        for text in &example.texts {
            reader.add(&analyzer.analyze(example.language, text));
        }
        let guess = model.guess(&mut reader);
        if model.other() == Some(example.label) {
            found.out_of_scope += 1;
            rejected += u64::from(!guess.is_sure);
            continue;
        }
        let given = guess.labels.first().map_or("", |(label, _)| *label);
        let is_right = given == example.label;
        found.in_scope += 1;
        right += u64::from(is_right);
        sure += u64::from(guess.is_sure);
        sure_right += u64::from(guess.is_sure && is_right);
        labels.entry(example.label).or_default().there += 1;
        let given = labels.entry(given).or_default();
        given.given += 1;
        given.right += u64::from(is_right);
    }
    let there = || labels.values().filter(|counts| counts.there > 0);
    let f1 = |counts: &Counts| 2.0 * counts.right as f64 / (counts.given + counts.there) as f64;
    found.accuracy = share(right, found.in_scope);
    found.macro_f1 =
        (there().count() > 0).then(|| there().map(f1).sum::<f64>() / there().count() as f64);
    found.coverage = share(sure, found.in_scope);
    found.realised_precision = share(sure_right, sure);
    found.rejected_out_of_scope = share(rejected, found.out_of_scope);
    found
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
