//! Texts of customers: themes that are new.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use quell_detect::theme::{Settings, Watch};
use serde::{Deserialize, Serialize};

use crate::{EvalError, rows};

#[derive(Deserialize)]
struct Text {
    id: u64,
    day: f64,
    customer: u64,
    tokens: Vec<String>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    id: u64,
    terms: Vec<&'a str>,
}

/// One pass over the texts, in their order; a line for each theme at the text that shows it.
pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    let mut watch = Watch::new(Settings::default());
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    let mut names: Vec<String> = Vec::new();
    rows::each(input, |text: Text| {
        let mut words = Vec::with_capacity(text.tokens.len());
        for token in text.tokens {
            let next = names.len() as u64;
            words.push(*numbers.entry(token).or_insert_with_key(|token| {
                names.push(token.clone());
                next
            }));
        }
        if let Some(theme) = watch.take(text.day, text.customer, &words) {
            let terms = theme.terms.iter().map(|&word| names[word as usize].as_str()).collect();
            rows::write(out, &Prediction { id: text.id, terms })?;
        }
        Ok(())
    })
}
