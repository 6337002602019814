//! Chains: contacts of customers by day, and reasons that bring others.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use quell_detect::pairs::{Contact, PairCounts, PairSettings, reason_pairs};
use serde::{Deserialize, Serialize};

use crate::{EvalError, rows};

#[derive(Deserialize)]
struct Row {
    day: f64,
    customer: u64,
    reason: String,
}

#[derive(Serialize)]
struct Prediction<'a> {
    a: &'a str,
    b: &'a str,
    p_caused: f64,
}

/// One prediction a confirmed pair.
pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    let mut customers: BTreeMap<u64, Vec<(f64, String)>> = BTreeMap::new();
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    rows::each(input, |row: Row| {
        numbers.insert(row.reason.clone(), 0);
        customers.entry(row.customer).or_default().push((row.day, row.reason));
        Ok(())
    })?;
    numbers.values_mut().enumerate().for_each(|(number, place)| *place = number);
    let names: Vec<&str> = numbers.keys().map(String::as_str).collect();
    let settings = PairSettings::default();
    let mut counts = PairCounts::new(names.len(), &settings.windows_day);
    for history in customers.values() {
        let contact =
            |(day, reason): &(f64, String)| Contact { day: *day, reason: numbers[reason] };
        counts.add_customer(&history.iter().map(contact).collect::<Vec<_>>());
    }
    for pair in reason_pairs(&counts, &settings).iter().filter(|pair| pair.confirmed) {
        let row = Prediction { a: names[pair.first], b: names[pair.second], p_caused: pair.extra };
        rows::write(out, &row)?;
    }
    Ok(())
}
