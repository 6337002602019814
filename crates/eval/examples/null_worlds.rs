//! What is said where nothing happened:
//! `cargo run --release -p quell-eval --example null_worlds -- CONTACTS.ndjson ACTIONS.ndjson
//! [TRENDS.ndjson]`, the first two in the form of `quell eval detect`, the third as a replay
//! writes it.
//!
//! * Contacts: the weeks are shuffled anew for each hour of the week, alike for all reasons. Level,
//!   week, noise and what moves all reasons in an hour stay; rises are scattered over single hours.
//!   What opens is false.
//! * Actions: the same series before the action, with nothing done 42 days before it and 28 days
//!   to look, every second day.

use std::collections::BTreeMap;
use std::error::Error;

use quell_detect::effect::{ActionSeries, ActionSettings, ActionVerdict, action_effect};
use quell_detect::hourly::{Count, Hour, HourlySettings, HourlyState};
use serde::Deserialize;

const WEEK_H: usize = 168;
const SHUFFLES: u64 = 10;
const BEFORE_ACTION: usize = 42;
const HORIZON: usize = 28;

#[derive(Deserialize)]
struct World {
    warmup: u32,
    hours: usize,
    reasons: BTreeMap<String, Customers>,
}

#[derive(Deserialize)]
struct Customers {
    customers: Vec<u32>,
}

#[derive(Deserialize)]
struct Case {
    action_at: usize,
    contacts: Vec<f64>,
    orders: Vec<f64>,
    controls: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Trend {
    reason: String,
    dimension: String,
    granularity: String,
    window_start: String,
    customers: u32,
}

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [contacts, actions, rest @ ..] = files.as_slice() else {
        return Err("two files: contacts and actions".into());
    };
    let budget = HourlySettings::default().false_per_week;
    let mut all = vec![("contacts", lines(contacts)?)];
    if let Some(file) = rest.first() {
        all.push(("trends", vec![counted(file)?]));
    }
    for (name, worlds) in all {
        let (mut opened, mut weeks) = (0, 0.0);
        for world in &worlds {
            let own = (1..=SHUFFLES).map(|seed| issues(world, seed)).sum::<usize>();
            opened += own;
            weeks += SHUFFLES as f64 * (world.hours - world.warmup as usize) as f64 / 168.0;
        }
        let rate = opened as f64 / weeks;
        println!("{name}: {opened} issues in {weeks:.0} weeks, {rate:.3} a week; budget {budget}");
    }
    act(actions)
}

fn lines<T: for<'de> Deserialize<'de>>(file: &str) -> Result<Vec<T>, Box<dyn Error>> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let rows = text.lines().map(serde_json::from_str);
    rows.collect::<Result<_, _>>().map_err(|error| format!("{file}: {error}").into())
}

/// The hourly counts of a replay as a world.
fn counted(file: &str) -> Result<World, Box<dyn Error>> {
    let mut hours: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
    for row in lines::<Trend>(file)? {
        let is_hour = row.granularity == "hour" && row.dimension == "all";
        if is_hour && row.reason != quell_model::UNCLASSIFIED {
            hours.entry(row.window_start).or_default().insert(row.reason, row.customers);
        }
    }
    let at = |start: &str| -> Result<usize, Box<dyn Error>> {
        let start: quell_model::TimeMs = start.parse().map_err(|error| format!("{error:?}"))?;
        Ok(start.0.div_euclid(3_600_000) as usize + 72)
    };
    let ends = (hours.keys().next(), hours.keys().next_back());
    let (Some(first), Some(last)) = ends else { return Err(format!("{file}: no hours").into()) };
    let (first, last) = (at(first)?.div_ceil(WEEK_H) * WEEK_H, at(last)?);
    let mut reasons: BTreeMap<String, Customers> = BTreeMap::new();
    for (start, counts) in &hours {
        let Some(hour) = at(start)?.checked_sub(first) else { continue };
        for (reason, customers) in counts {
            let empty = || Customers { customers: vec![0; last - first + 1] };
            reasons.entry(reason.clone()).or_insert_with(empty).customers[hour] = *customers;
        }
    }
    let warmup = HourlySettings::default().warmup_h;
    Ok(World { warmup, hours: last - first + 1, reasons })
}

fn issues(world: &World, seed: u64) -> usize {
    let order = Chance(seed).shuffled(world.hours);
    let settings = HourlySettings { warmup_h: world.warmup, ..HourlySettings::default() };
    let mut state = HourlyState::new(0, settings);
    let mut issues = BTreeMap::new();
    for (at, &from) in order.iter().enumerate() {
        let count = |reason: &Customers| {
            let customers = reason.customers.get(from).copied().unwrap_or_default();
            Count { customers, contacts: customers }
        };
        let counts = world.reasons.values().map(count).collect();
        let hour = Hour { known: true, orders: f64::NAN, counts, ..Hour::default() };
        if state.push(at as u64, hour).is_err() {
            break;
        }
        issues.extend(state.issues().map(|issue| ((issue.opened, issue.subject), ())));
    }
    issues.len()
}

fn act(file: &str) -> Result<(), Box<dyn Error>> {
    let settings = ActionSettings::default();
    let (mut cases, mut looks) = (0, 0);
    let (mut reduced, mut increased, mut missed, mut missed_looks) = (0, 0, 0, 0);
    for case in lines::<Case>(file)? {
        let Some(action_at) = case.action_at.checked_sub(BEFORE_ACTION) else { continue };
        let mut said = Vec::new();
        for days in (2..=HORIZON).step_by(2) {
            let until = action_at + days;
            let controls: Vec<&[f64]> =
                case.controls.iter().filter_map(|control| control.get(..until)).collect();
            let series = ActionSeries {
                counts: &case.contacts[..until],
                exposure: &case.orders[..until],
                controls: &controls,
                action_at,
                issue_open: None,
                horizon: Some(HORIZON),
            };
            said.push(action_effect(&series, &settings));
        }
        let is_missed = |found: &&quell_detect::effect::ActionEffect| {
            found.interval.0 > 0.0 || found.interval.1 < 0.0
        };
        let is = |verdict| said.iter().any(|found| found.verdict == verdict);
        cases += 1;
        looks += said.len();
        reduced += usize::from(is(ActionVerdict::Reduced));
        increased += usize::from(is(ActionVerdict::Increased));
        let outside = said.iter().filter(is_missed).count();
        missed += usize::from(outside > 0);
        missed_looks += outside;
    }
    println!(
        "actions: of {cases} with {looks} looks, reduced at any look {reduced}, increased \
         {increased}; intervals without 0 at any look {missed} (2 to 3 % a side are stated), of \
         all looks {missed_looks}"
    );
    Ok(())
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * limit as u128) >> 64) as usize
    }

    /// Hours, each hour of the week in another order of the weeks.
    fn shuffled(&mut self, hours: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..hours).collect();
        for slot in 0..WEEK_H {
            let weeks = hours.saturating_sub(slot).div_ceil(WEEK_H);
            for week in (1..weeks).rev() {
                let other = self.below(week + 1);
                order.swap(slot + week * WEEK_H, slot + other * WEEK_H);
            }
        }
        order
    }
}
