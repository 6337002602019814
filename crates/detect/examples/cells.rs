//! What cells cost beside reasons, and how many issues chance opens with and without them.
//!
//! `cargo run --release -p quell-detect --example cells -- WORLDS WEEKS SD`: so many worlds of 20
//! reasons without any incident, each customer with a value of two dimensions (140 cells). Reasons
//! stray by the logarithmic standard deviation SD for about a day at a time; 0 for not at all.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use quell_detect::hourly::{Count, Hour, HourlySettings, HourlyState, Subject, WEEK_H};

const REASONS: usize = 20;
const PARTS: [&[f64]; 2] = [&[0.5, 0.35, 0.15], &[0.4, 0.3, 0.2, 0.1]];
const VALUES: usize = 7;
/// Weeks in which a stray is learned, and nothing counted.
const LEARNED_WEEKS: u64 = 10;

/// SplitMix64 (Steele, Lea & Flood 2014).
struct Chance(u64);

impl Chance {
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut hash = self.0;
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((hash ^ (hash >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.part()).ln()).sqrt() * (std::f64::consts::TAU * self.part()).cos()
    }

    /// For means up to some hundred.
    fn poisson(&mut self, mean: f64) -> u32 {
        let (mut count, mut left) = (0, self.part());
        let floor = (-mean).exp();
        while left > floor {
            left *= self.part();
            count += 1;
        }
        count
    }
}

fn world(seed: u64, hours: u64, sd: f64) -> Vec<Hour> {
    let mut chance = Chance(seed << 32);
    let rates: Vec<f64> = (0..REASONS).map(|_| 2.0 * (0.7 * chance.normal()).exp()).collect();
    let mut strays = [0.0; REASONS];
    let mut world = Vec::new();
    for at in 0..hours {
        let clock = std::f64::consts::TAU * (at % 24) as f64 / 24.0;
        let rhythm = (-0.8 * clock.cos()).exp() * if at / 24 % 7 >= 5 { 0.6 } else { 1.0 };
        let mut hour = Hour { known: true, orders: f64::NAN, ..Hour::default() };
        for (rate, stray) in rates.iter().zip(&mut strays) {
            *stray = 0.96 * *stray + sd * (1.0_f64 - 0.96 * 0.96).sqrt() * chance.normal();
            let customers = chance.poisson(rate * rhythm * f64::exp(*stray));
            hour.counts.push(Count { customers, contacts: customers });
            let mut cells = [Count::default(); VALUES];
            for _ in 0..customers {
                for (first, parts) in [0, 3].into_iter().zip(PARTS) {
                    let mut left = chance.part();
                    let value = parts.iter().position(|part| {
                        left -= part;
                        left <= 0.0
                    });
                    let cell = &mut cells[first + value.unwrap_or(0)];
                    *cell = Count { customers: cell.customers + 1, contacts: cell.contacts + 1 };
                }
            }
            hour.cells.extend(cells);
        }
        world.push(hour);
    }
    world
}

/// Issues of reasons and of all, issues of cells, and how long it took.
fn play(world: &[Hour], tracks: bool) -> ([usize; 2], Duration) {
    let begun = Instant::now();
    let mut state = HourlyState::new(0, HourlySettings::default());
    for place in 0..REASONS * VALUES * usize::from(tracks) {
        state.track(place / VALUES, (place % VALUES) as u64);
    }
    let mut issues = BTreeSet::new();
    for (at, hour) in (0..).zip(world) {
        let cells = if tracks { hour.cells.clone() } else { Vec::new() };
        state.push(at, Hour { cells, ..hour.clone() }).expect("hours follow each other");
        let open = state.issues().filter(|issue| issue.opened == at);
        issues.extend(open.map(|issue| (issue.opened, issue.subject)));
    }
    let mut opened = [0, 0];
    for (_, subject) in issues.iter().filter(|(at, _)| *at >= LEARNED_WEEKS * WEEK_H) {
        opened[usize::from(matches!(subject, Subject::Cell(_)))] += 1;
    }
    (opened, begun.elapsed())
}

fn main() {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<f64>().expect("a number"));
    let mut next = |or: f64| args.next().unwrap_or(or);
    let (worlds, weeks, sd) = (next(10.0) as u64, next(50.0) as u64, next(0.0));
    let mut sums = [([0, 0], Duration::ZERO); 2];
    for seed in 1..=worlds {
        let world = world(seed, weeks * WEEK_H, sd);
        for (sum, tracks) in sums.iter_mut().zip([false, true]) {
            let (opened, time) = play(&world, tracks);
            sum.0 = [sum.0[0] + opened[0], sum.0[1] + opened[1]];
            sum.1 += time;
        }
    }
    let seen = (worlds * (weeks - LEARNED_WEEKS)) as f64;
    let hours = (worlds * weeks * WEEK_H) as f64;
    let [(alone, time), (beside, longer)] = sums;
    let each_ns = |time: Duration, series: usize| time.as_nanos() as f64 / hours / series as f64;
    println!("{seen} weeks, at a budget of {}:", HourlySettings::default().false_per_week);
    println!("  without cells {:.3} issues a week", alone[0] as f64 / seen);
    let (reasons, cells) = (beside[0] as f64 / seen, beside[1] as f64 / seen);
    println!("  with cells {reasons:.3} of reasons and {cells:.3} of cells");
    println!("  {:.0} ns an hour and reason", each_ns(time, REASONS));
    let more = longer.saturating_sub(time);
    println!("  {:.0} ns more an hour and cell", each_ns(more, REASONS * VALUES));
}
