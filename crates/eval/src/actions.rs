//! Actions: series around an action, and what it did.

use std::io::Write;
use std::path::Path;

use quell_detect::effect::{ActionSeries, ActionSettings, ActionVerdict, action_effect};
use serde::{Deserialize, Serialize};

use crate::{EvalError, rows};

#[derive(Deserialize)]
struct Case {
    case: String,
    action_at: usize,
    contacts: Vec<f64>,
    orders: Vec<f64>,
    controls: Vec<Vec<f64>>,
}

#[derive(Serialize)]
struct Prediction {
    case: String,
    effect: f64,
    lo: f64,
    hi: f64,
    verdict: &'static str,
}

/// One prediction a case. All cases are looked at where their data end.
pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    let settings = ActionSettings::default();
    rows::each(input, |case: Case| {
        let controls: Vec<&[f64]> = case.controls.iter().map(Vec::as_slice).collect();
        let series = ActionSeries {
            counts: &case.contacts,
            exposure: &case.orders,
            controls: &controls,
            action_at: case.action_at,
            issue_open: None,
            horizon: None,
        };
        let found = action_effect(&series, &settings);
        let verdict = match found.verdict {
            ActionVerdict::Reduced => "reduced",
            ActionVerdict::Increased => "increased",
            ActionVerdict::None | ActionVerdict::CannotTell => "none",
        };
        let (lo, hi) = found.interval;
        let row = Prediction { case: case.case, effect: found.effect, lo, hi, verdict };
        rows::write(out, &row)
    })
}
