//! What all reasons together should bring in an hour: lagged orders times the hour of the week.
//!
//! Contacts follow orders by hours or days, and by how many is not known. Exponential lags of
//! several half-lives, and one model without orders, each keep their own table of contacts per
//! exposure by hour of the week; each is weighted by how well it has predicted (Vovk's aggregating
//! algorithm, 1990, with forgetting). The elasticity is 1: what is wrong with that after a
//! promotion is the same for all reasons and left to the common factor. It fails where reasons
//! follow orders with different lags.

use serde::{Deserialize, Serialize};

use super::WEEK_H;
use super::calendar::Day;
use super::yearly::{Recurrence, Seen, Year};

/// Half-lives of the lag, in hours.
const HALF_LIVES_H: [f64; 7] = [6.0, 12.0, 18.0, 24.0, 36.0, 60.0, 120.0];
const HOURS: usize = WEEK_H as usize;
/// Part of a table's cell that stays at each visit, a week later.
const CELL_KEEP: f64 = 0.87;
const DAY_KEEP: f64 = 0.98;
const RATE_KEEP: f64 = 0.998;
/// A cell not yet visited is the hour of the day, worth half a visit; that is the mean rate,
/// worth three.
const CELL_WORTH: f64 = 0.5;
const DAY_WORTH: f64 = 3.0;
/// Relative error of an hour's total that no lag can explain away.
const ERROR_SD: f64 = 0.06;
/// Predictions are compared, and odd hours cut, from here on.
const SETTLED_H: u64 = 336;
const SCORE_KEEP: f64 = 0.9995;
const CUT: f64 = 1.5;
const EXPOSURE_MIN: f64 = 1e-6;
/// Hours at no difference that a holiday's factor begins with, and that of the days after: these
/// mostly bring what others do.
const HOLIDAY_WORTH_H: f64 = 1.0;
const AFTER_WORTH_H: f64 = 12.0;
/// Holidays, and days after them, of which none was seen yet: standard deviation of the logarithm.
const SPECIAL_SD: f64 = 0.4;

/// Contacts per exposure for one lag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Lag {
    /// Exponential mean of orders; 1 for the model without orders.
    exposure: f64,
    /// Logarithm of the weight, not normalised.
    score: f64,
    by_week: Vec<Rate>,
    by_day: Vec<Rate>,
    all: Rate,
}

/// Customers and the exposure they came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Rate {
    count: f64,
    exposure: f64,
}

impl Rate {
    fn visit(&mut self, keep: f64, count: f64, exposure: f64) {
        self.count = keep * self.count + count;
        self.exposure = keep * self.exposure + exposure;
    }

    /// The rate with `worth` of exposure at another rate added.
    fn beside(&self, rate: f64, worth: f64) -> f64 {
        (self.count + worth * rate) / (self.exposure + worth)
    }
}

impl Lag {
    fn new() -> Lag {
        Lag {
            exposure: 1.0,
            score: 0.0,
            by_week: vec![Rate::default(); HOURS],
            by_day: vec![Rate::default(); 24],
            all: Rate::default(),
        }
    }

    fn predict(&self, hour: u64) -> f64 {
        let exposure = self.exposure.max(EXPOSURE_MIN);
        let rate = self.all.beside(1.0, 1e-9);
        let day = self.by_day.get((hour % 24) as usize).copied().unwrap_or_default();
        let day_rate = day.beside(rate, DAY_WORTH);
        let cell = self.by_week.get((hour % WEEK_H) as usize).copied().unwrap_or_default();
        cell.beside(day_rate, CELL_WORTH * exposure) * exposure
    }

    fn learn(&mut self, hour: u64, total: f64) {
        let exposure = self.exposure.max(EXPOSURE_MIN);
        if let Some(cell) = self.by_week.get_mut((hour % WEEK_H) as usize) {
            cell.visit(CELL_KEEP, total, exposure);
        }
        if let Some(day) = self.by_day.get_mut((hour % 24) as usize) {
            day.visit(DAY_KEEP, total / exposure, 1.0);
        }
        self.all.visit(RATE_KEEP, total, exposure);
    }
}

/// The expectation of all reasons together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exposure {
    lags: Vec<Lag>,
    hours: u64,
    orders: f64,
    holiday: Special,
    after_holiday: Special,
    year: Year,
    recurrence: Recurrence,
}

/// What the hours of an unusual kind of day bring more than usual ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Special {
    ln: f64,
    hours: f64,
}

impl Special {
    /// Some hours more at no difference: the first are not believed whole.
    fn factor(&self, worth_h: f64) -> f64 {
        self.ln / (self.hours + worth_h)
    }

    fn variance(&self) -> f64 {
        SPECIAL_SD * SPECIAL_SD / (1.0 + self.hours / 24.0)
    }
}

impl Exposure {
    /// Before the first hour.
    pub fn new() -> Exposure {
        let lags = vec![Lag::new(); HALF_LIVES_H.len() + 1];
        let (holiday, after_holiday) = (Special::default(), Special::default());
        let (year, recurrence) = (Year::default(), Recurrence::default());
        Exposure { lags, hours: 0, orders: 0.0, holiday, after_holiday, year, recurrence }
    }

    /// Whether a value read from storage has the shape of this version.
    pub fn is_sound(&self) -> bool {
        let full = |lag: &Lag| lag.by_week.len() == HOURS && lag.by_day.len() == 24;
        let lags = self.lags.len() == HALF_LIVES_H.len() + 1 && self.lags.iter().all(full);
        lags && self.year.is_sound() && self.recurrence.is_sound()
    }

    /// Logarithm of the customers of an hour, over all reasons, from what came before it.
    pub fn ln_expected(&self, hour: u64, day: Day) -> f64 {
        let special = match day {
            Day::Ordinary => 0.0,
            Day::Holiday => self.holiday.factor(HOLIDAY_WORTH_H),
            Day::After => self.after_holiday.factor(AFTER_WORTH_H),
        };
        self.ln_level(hour) + self.recurrence.season(self.year.effect(hour)).ln + special
    }

    /// The same from the level and the hour of the week alone.
    fn ln_level(&self, hour: u64) -> f64 {
        let best = self.lags.iter().map(|lag| lag.score).fold(f64::NEG_INFINITY, f64::max);
        let mut weights = 0.0;
        let mut sum = 0.0;
        for lag in &self.lags {
            let weight = (lag.score - best).exp();
            weights += weight;
            sum += weight * lag.predict(hour);
        }
        (sum / weights).clamp(1e-3, 1e12).ln()
    }

    /// Variance of that logarithm beyond that of an ordinary day: no two holidays are alike, and
    /// the first of a kind is not known at all; nor does a season come again as it was.
    pub fn special_variance(&self, hour: u64, day: Day) -> f64 {
        let season = self.recurrence.season(self.year.effect(hour));
        self.special(day).map_or(0.0, Special::variance) + season.variance
    }

    fn special(&self, day: Day) -> Option<&Special> {
        match day {
            Day::Ordinary => None,
            Day::Holiday => Some(&self.holiday),
            Day::After => Some(&self.after_holiday),
        }
    }

    /// Learns an hour: the customers of all reasons, unless it is unknown, and its orders.
    pub fn learn(&mut self, hour: u64, day: Day, total: Option<f64>, orders: f64) {
        // Before the first orders there is no exposure to divide by.
        if let Some(total) = total.filter(|_| self.hours > 0) {
            let usual = self.ln_expected(hour, Day::Ordinary).exp();
            let special = match day {
                Day::Ordinary => None,
                Day::Holiday => Some(&mut self.holiday),
                Day::After => Some(&mut self.after_holiday),
            };
            if let Some(special) = special {
                special.ln += ((total + 1.0) / (usual + 1.0)).ln();
                special.hours += 1.0;
            }
            // The days after one mostly are as others, and what is not is cut.
            if day != Day::Holiday {
                self.learn_usual(hour, total);
            }
        }
        self.hours += 1;
        self.recurrence.pass_hour();
        self.orders = if orders.is_finite() && orders >= 0.0 { orders } else { self.orders };
        for (lag, half_life_h) in self.lags.iter_mut().zip(HALF_LIVES_H) {
            // At first a plain mean: a half-life cannot be filled faster than it passes.
            let part = (1.0 - (-(std::f64::consts::LN_2) / half_life_h).exp())
                .max(1.0 / self.hours as f64);
            lag.exposure += part * (self.orders.min(1e12) - lag.exposure);
        }
    }

    fn learn_usual(&mut self, hour: u64, total: f64) {
        let mut taken = total;
        if self.hours >= SETTLED_H {
            let ln_level = self.ln_level(hour);
            let effect = self.year.effect(hour);
            let season = self.recurrence.season(effect).ln.exp();
            let mean = ln_level.exp() * season;
            taken = total.clamp(mean / CUT, mean * CUT);
            let seen = Seen { customers: total, mean: ln_level.exp(), dispersion: 1.0 };
            if let Some(again) = self.year.take(hour, seen, effect) {
                self.recurrence.learn(again);
            }
            for lag in &mut self.lags {
                let predicted = lag.predict(hour);
                let miss = ((total / season + 5.0) / (predicted + 5.0)).ln();
                let variance = ERROR_SD * ERROR_SD + 1.0 / (predicted + 5.0);
                let loss = (miss * miss / variance).min(6.0);
                lag.score = SCORE_KEEP * lag.score - 0.5 * loss;
            }
        }
        for lag in &mut self.lags {
            lag.learn(hour, taken);
        }
    }
}
