//! Task `contacts`: worlds of reasons by the hour, to issues that open and close.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use quell_detect::hourly::{Count, Hour, HourlySettings, HourlyState, Subject};
use serde::{Deserialize, Serialize};

use crate::{EvalError, rows};

#[derive(Deserialize)]
struct World {
    world: String,
    warmup: u32,
    hours: usize,
    orders: Vec<f64>,
    holidays_day: Vec<usize>,
    reasons: BTreeMap<String, Reason>,
}

#[derive(Deserialize)]
struct Reason {
    contacts: Vec<u32>,
    customers: Vec<u32>,
}

#[derive(Serialize)]
struct Prediction<'a> {
    world: &'a str,
    reason: &'a str,
    open: u64,
    close: Option<u64>,
}

/// Plays each world hour by hour; writes its issues as they stand at its end.
pub fn run(input: &Path, out: &mut dyn Write) -> Result<(), EvalError> {
    rows::each(input, |world: World| {
        let names: Vec<&str> = world.reasons.keys().map(String::as_str).collect();
        for ((opened, subject), closed) in play(&world) {
            let reason = match subject {
                Subject::Everything => "everything",
                Subject::Reason(place) => names.get(place).copied().unwrap_or_default(),
                // No world divides its reasons.
                Subject::Cell(_) => continue,
            };
            let line = Prediction { world: &world.world, reason, open: opened, close: closed };
            rows::write(out, &line)?;
        }
        Ok(())
    })
}

/// Issues by the hour they opened in and whose they are, with the hour they closed in.
fn play(world: &World) -> BTreeMap<(u64, Subject), Option<u64>> {
    let settings = HourlySettings { warmup_h: world.warmup, ..HourlySettings::default() };
    let mut state = HourlyState::new(0, settings);
    let mut issues = BTreeMap::new();
    for hour in 0..world.hours {
        let of = |reason: &Reason| Count {
            customers: reason.customers.get(hour).copied().unwrap_or_default(),
            contacts: reason.contacts.get(hour).copied().unwrap_or_default(),
        };
        let seen = Hour {
            known: true,
            orders: world.orders.get(hour).copied().unwrap_or(f64::NAN),
            holiday: world.holidays_day.contains(&(hour / 24)),
            counts: world.reasons.values().map(of).collect(),
            cells: Vec::new(),
        };
        if state.push(hour as u64, seen).is_err() {
            break;
        }
        issues.extend(state.issues().map(|issue| ((issue.opened, issue.subject), issue.closed)));
    }
    issues
}
