//! What it takes to tell an issue of a reason with many contacts: the time of the look that opens
//! it, and the bytes of state a contact.
//!
//! `cargo run --release -p quell-engine --example issue_cost -- [CONTACTS_A_DAY]`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use quell_engine::{
    Effects, Scan, Settings, State, StateError, Table, Trend, TrendInput, VisitRow,
};
use quell_model::fact::FactReason;
use quell_model::time::HOUR_MS;
use quell_model::{ContactKey, Fact, FactChange, FactWords, Output, TimeMs, Weight};

const START: TimeMs = TimeMs(1_767_571_200_000);
const DAYS: u64 = 30;

/// All tables in memory.
#[derive(Default)]
struct Rows(BTreeMap<Table, BTreeMap<Vec<u8>, Vec<u8>>>);

impl State for Rows {
    fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(self.0.get(table).and_then(|rows| rows.get(key)).cloned())
    }

    fn put(&mut self, table: Table, key: &[u8], row: Vec<u8>) {
        self.0.entry(table).or_default().insert(key.to_vec(), row);
    }

    fn delete(&mut self, table: Table, key: &[u8]) {
        self.0.entry(table).or_default().remove(key);
    }

    fn scan(&mut self, scan: Scan<'_>, visit: &mut VisitRow<'_>) -> Result<(), StateError> {
        let rows = self.0.entry(scan.table).or_default();
        let mut found: Vec<_> = rows.range(scan.from.to_vec()..scan.to.to_vec()).collect();
        if scan.descending {
            found.reverse();
        }
        for (key, row) in found {
            if visit(key, row).is_break() {
                break;
            }
        }
        Ok(())
    }
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        (self.0 >> 33) % bound
    }
}

/// What the contacts of a run have beside their reason.
struct Run {
    name: &'static str,
    /// Values of each of six dimensions.
    values: u64,
    words: u64,
}

fn fact(dice: &mut Dice, run: &Run, hour: u64, person: u64) -> Fact {
    let reason = if person.is_multiple_of(4) { "app.login" } else { "app.crash" };
    let forms: Vec<String> = (0..run.words)
        .map(|_| format!("w{:x}rd", dice.below(3_000) * dice.below(3_000) / 3_000))
        .collect();
    Fact {
        hour: START.plus_ms(hour as i64 * HOUR_MS),
        reasons: vec![FactReason { reason: reason.into(), weight: Weight::ONE, cost_micros: 1 }],
        dimensions: (0..6)
            .map(|dimension| (format!("d{dimension}"), format!("v{}", dice.below(run.values))))
            .collect(),
        customer: Some(hour * 1_000_000 + person),
        repeats: [false; 3],
        words: FactWords::new("en", forms.join(" ")),
    }
}

fn main() -> Result<(), StateError> {
    let a_day = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(4_000_u64);
    println!("{a_day} contacts a day, {DAYS} days, then twice as many for a day");
    for run in [
        Run { name: "few values, no words", values: 2, words: 0 },
        Run { name: "many values, no words", values: 20, words: 0 },
        Run { name: "few values, 24 words", values: 2, words: 24 },
        Run { name: "many values, 24 words", values: 20, words: 24 },
    ] {
        measure(&run, a_day / 24)?;
    }
    Ok(())
}

fn measure(run: &Run, an_hour: u64) -> Result<(), StateError> {
    let (mut state, mut dice) = (Rows::default(), Dice(1));
    let mut trend = Trend::new(Arc::new(Settings::default()), "none");
    let mut contacts = 0_u64;
    let mut told = Vec::new();
    let mut slowest_s = 0.0_f64;
    for hour in 0..(DAYS + 1) * 24 {
        let rises = if hour >= DAYS * 24 { 2 } else { 1 };
        let mut effects = Effects::default();
        for person in 0..an_hour * rises {
            let after = Some(fact(&mut dice, run, hour, person));
            let contact_key = ContactKey::new("shop", None, &format!("{hour}-{person}"));
            let change = FactChange { contact_key, before: None, after };
            trend.step(&mut state, TrendInput::Fact(Box::new(change)), &mut effects)?;
            contacts += 1;
        }
        trend.finish(&mut state, &mut effects)?;
        let mark = START.plus_ms((hour as i64 + 1) * HOUR_MS);
        let is_looked_at = hour % 24 == 23 || rises > 1;
        if is_looked_at {
            let mut effects = Effects::default();
            let began = Instant::now();
            trend.step(&mut state, TrendInput::Mark(mark), &mut effects)?;
            let took_s = began.elapsed().as_secs_f64();
            let issues = effects.outputs.into_iter().filter_map(|output| match output {
                Output::Issue { issue: Some(issue), .. } => Some(issue),
                _ => None,
            });
            let before = told.len();
            told.extend(issues);
            if told.len() > before {
                slowest_s = slowest_s.max(took_s / (told.len() - before) as f64);
            }
        }
    }
    let bytes = |table: Table| {
        let rows = state.0.get(table).into_iter().flatten();
        rows.map(|(key, row)| key.len() + row.len()).sum::<usize>() as f64 / contacts as f64
    };
    let rows = |table: Table| state.0.get(table).map_or(0, BTreeMap::len);
    println!(
        "{:<24} {:>7} leaves, {:>7} writings; bytes a contact: leaves {:>5.1}, words {:>6.1}; \
         an issue told in {:>6.1} ms at most ({} told)",
        run.name,
        rows("trend_leaves"),
        rows("trend_words"),
        bytes("trend_leaves"),
        bytes("trend_words"),
        slowest_s * 1e3,
        told.len(),
    );
    Ok(())
}
