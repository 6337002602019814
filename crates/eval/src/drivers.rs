//! Drivers: scores, what may drive them, and the share of each.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use quell_detect::drivers::{Measure, Moments, driver_shares};
use serde::{Deserialize, Serialize};

use crate::{EvalError, rows};

#[derive(Deserialize)]
struct Case {
    case: String,
    drivers: Vec<String>,
    rows: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    case: &'a str,
    share: BTreeMap<&'a str, f64>,
}

/// One prediction a case, by exact LMG.
pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    rows::each(input, |case: Case| {
        let mut moments = Moments::new(case.drivers.len());
        for row in &case.rows {
            moments.add(row);
        }
        let shares = driver_shares(&moments, Measure::Lmg).shares;
        let share = case.drivers.iter().map(String::as_str).zip(shares).collect();
        rows::write(out, &Prediction { case: &case.case, share })
    })
}
