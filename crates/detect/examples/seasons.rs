//! Issues by year in simulated businesses with seasons of the year and without any:
//! `cargo run --release -p quell-detect --example seasons`.
//!
//! Twelve reasons over four years. Every December brings more of everything; four of the reasons
//! have a season of their own: a peak, a second peak, a wave and a shorter peak. On day 900 one
//! of the others brings 1.7 times as much for three days, which is to be found.

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use quell_detect::hourly::{Count, Hour, HourlySettings, HourlyState, Subject};

const REASONS: usize = 12;
const YEARS: u64 = 4;
const YEAR_H: u64 = 8_766;
const WORLDS: u64 = 6;
const INCIDENT: (usize, std::ops::Range<u64>) = (5, 900 * 24..903 * 24);

fn main() {
    for (name, has_seasons) in [("without seasons", false), ("with seasons", true)] {
        let mut opened = [0; YEARS as usize];
        let mut found = 0;
        for seed in 1..=WORLDS {
            let (own, is_found) = play(seed, has_seasons);
            found += u32::from(is_found);
            opened.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
        }
        println!("{name}: issues by year {opened:?}, incident found in {found} of {WORLDS}");
    }
    let budget = HourlySettings::default().false_per_week * 52.2 * WORLDS as f64;
    println!("budget: {budget:.0} a year");
}

/// Issues by the year they opened in, without the incident, and whether that was found.
fn play(seed: u64, has_seasons: bool) -> ([u32; YEARS as usize], bool) {
    let mut chance = Chance(seed * 7_919);
    let rates: Vec<f64> = (0..REASONS).map(|_| 3.0 * (0.8 * chance.normal()).exp()).collect();
    let mut state = HourlyState::new(0, HourlySettings::default());
    let mut issues = BTreeMap::new();
    for at in 0..YEARS * YEAR_H {
        let count = |(reason, rate): (usize, &f64)| {
            let season = if has_seasons { season(reason, at as f64 / 24.0) } else { 0.0 };
            let is_incident = reason == INCIDENT.0 && INCIDENT.1.contains(&at);
            let incident = if is_incident { 1.7 } else { 1.0 };
            let noise = (0.1 * chance.normal() + season).exp();
            let customers = chance.poisson(rate * rhythm(at) * noise * incident);
            Count { customers, contacts: customers }
        };
        let counts = rates.iter().enumerate().map(count).collect();
        let hour = Hour { known: true, orders: f64::NAN, counts, ..Hour::default() };
        state.push(at, hour).expect("hours follow each other");
        issues.extend(state.issues().map(|issue| ((issue.opened, issue.subject), ())));
    }
    let mut opened = [0; YEARS as usize];
    let mut is_found = false;
    for (hour, subject) in issues.into_keys() {
        let is_of_it = subject == Subject::Reason(INCIDENT.0) && INCIDENT.1.contains(&hour);
        is_found |= is_of_it;
        opened[(hour / YEAR_H) as usize] += u32::from(!is_of_it);
    }
    (opened, is_found)
}

fn rhythm(hour: u64) -> f64 {
    let clock = TAU * (hour % 24) as f64 / 24.0;
    (-0.8 * clock.cos()).exp() * if hour / 24 % 7 >= 5 { 0.6 } else { 1.0 }
}

/// Logarithm of the season of everything and of the reason.
fn season(reason: usize, day: f64) -> f64 {
    let peak = |middle: f64, width: f64| {
        let away = (day - middle + 182.6).rem_euclid(365.25) - 182.6;
        (-0.5 * (away / width).powi(2)).exp()
    };
    let wave = TAU * day / 365.25;
    let own = match reason {
        0 => 0.6 * peak(350.0, 12.0),
        1 => 0.4 * wave.sin(),
        2 => 0.5 * peak(200.0, 20.0),
        3 => 0.3 * peak(100.0, 15.0),
        _ => 0.0,
    };
    own + 0.5 * peak(345.0, 12.0) + 0.15 * wave.cos()
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Chance(u64);

impl Chance {
    fn part(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.part()).ln()).sqrt() * (TAU * self.part()).cos()
    }

    fn poisson(&mut self, mean: f64) -> u32 {
        if mean > 60.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0) as u32;
        }
        let (mut count, mut left) = (0, self.part());
        let floor = (-mean).exp();
        while left > floor {
            left *= self.part();
            count += 1;
        }
        count
    }
}
