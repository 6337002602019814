//! The season of the year: by how much each of 52 weeks brings more or less than the level that
//! the hours before it lead to expect.
//!
//! A year that comes for the first time knows no season. From the second on, the effect that a
//! week had before is expected again as far as effects have come again so far: the slope of this
//! year's effects on the earlier ones, a Bayesian regression through the origin (Gelman et al.
//! 2013, ch. 14) over all weeks and reasons, which begins at a half. The effect of one week is
//! shrunk towards none by its sampling error (James & Stein 1961). It fails where a season moves
//! by more than a week from year to year (Easter; declare such days as holidays), and for peaks of
//! a reason that last less than two weeks: those are taken for incidents.

use serde::{Deserialize, Serialize};

/// Hours of a year, leap years averaged.
pub const YEAR_H: u64 = 8_766;
const WEEKS: usize = 52;
/// A week with fewer known hours tells nothing.
const TELLING_H: u32 = 84;
/// Customers added on both sides of a ratio.
const WORTH: f64 = 2.0;
/// Error of a week's expectation beside the sampling of its customers, as a standard deviation.
const ERROR_SD: f64 = 0.05;
/// Effects to be expected before anything is seen.
const EFFECT_SD: f64 = 0.25;
/// No larger effect is believed, as a logarithm.
const MOST: f64 = 1.0;
/// An hour counts as this many times the expectation at most.
const HOUR_TIMES: f64 = 4.0;
/// What is believed of the slope before anything is seen: mean and standard deviation.
const SLOPE: f64 = 0.5;
const SLOPE_SD: f64 = 0.35;
/// What is believed of a miss as a part of its effect before anything is seen.
const MISS_SD: f64 = 0.2;
/// Part of the slope's sums that stays each hour: a memory of some years.
const KEEP: f64 = 0.99997;

/// The weeks of a year of one series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Year {
    /// Logarithms of effects; empty until one is known.
    effects: Vec<f32>,
    /// A bit for each week whose effect is known.
    seen: u64,
    now: Week,
}

/// The week that is being filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Week {
    week: u32,
    hours: u32,
    customers: f64,
    mean: f64,
}

/// A week's effect beside the one that it had in earlier years.
#[derive(Clone, Copy, Debug)]
pub struct Again {
    before: f64,
    now: f64,
    variance: f64,
}

/// What the season adds to the logarithm of an expectation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Season {
    /// The addition.
    pub ln: f64,
    /// Its variance.
    pub variance: f64,
}

impl Year {
    /// Whether a value read from storage has the shape of this version.
    pub fn is_sound(&self) -> bool {
        let known = self.effects.iter().all(|effect| effect.is_finite());
        known && (self.effects.is_empty() || self.effects.len() == WEEKS)
    }

    /// The effect that the week of an hour had in earlier years; 0 where none is known.
    pub fn effect(&self, hour: u64) -> f64 {
        self.of_week(week_of(hour))
    }

    /// The same as the median of it and of the weeks around it: what lasted a week alone does not
    /// count.
    pub fn lasting_effect(&self, hour: u64) -> f64 {
        let week = week_of(hour);
        let mut around = [
            self.of_week((week + WEEKS - 1) % WEEKS),
            self.of_week(week),
            self.of_week((week + 1) % WEEKS),
        ];
        around.sort_by(f64::total_cmp);
        around[1]
    }

    fn of_week(&self, week: usize) -> f64 {
        self.effects.get(week).map_or(0.0, |&effect| f64::from(effect))
    }

    /// Takes an hour with the customers that were expected without the season, `expected` being
    /// the effect that was used for its week. At the end of a week that earlier years know, tells
    /// how it was this time.
    pub fn take(&mut self, hour: u64, seen: Seen, expected: f64) -> Option<Again> {
        let week = week_of(hour);
        let again = (self.now.week != week as u32).then(|| self.close(seen.dispersion, expected));
        self.now.week = week as u32;
        self.now.hours += 1;
        self.now.customers += seen.customers.min(HOUR_TIMES * seen.mean + HOUR_TIMES);
        self.now.mean += seen.mean;
        again.flatten()
    }

    fn close(&mut self, dispersion: f64, expected: f64) -> Option<Again> {
        let Week { week, hours, customers, mean } = std::mem::take(&mut self.now);
        let week = week as usize;
        if hours < TELLING_H || week >= WEEKS {
            return None;
        }
        let ratio = (customers + WORTH) / (mean + WORTH);
        let now = ratio.ln().clamp(-MOST, MOST);
        let variance = dispersion / (mean + WORTH) + ERROR_SD * ERROR_SD;
        let shrunk = now * EFFECT_SD * EFFECT_SD / (EFFECT_SD * EFFECT_SD + variance);
        self.effects.resize(WEEKS, 0.0);
        let is_known = self.seen & (1 << week) != 0;
        let kept = if is_known { 0.5 } else { 0.0 };
        self.effects[week] = (kept * self.of_week(week) + (1.0 - kept) * shrunk) as f32;
        self.seen |= 1 << week;
        is_known.then_some(Again { before: expected, now, variance })
    }
}

/// An hour as the season sees it.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Customers that came.
    pub customers: f64,
    /// Customers expected without a season.
    pub mean: f64,
    /// Variance over mean.
    pub dispersion: f64,
}

/// How far the effects of earlier years come again: their slope, and how far they miss it, as a
/// part of themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recurrence {
    squares: f64,
    products: f64,
    misses: f64,
    fourths: f64,
}

impl Recurrence {
    /// Whether a value read from storage holds only finite numbers.
    pub fn is_sound(&self) -> bool {
        let sums = [self.squares, self.products, self.misses, self.fourths];
        sums.iter().all(|sum| sum.is_finite()) && self.squares >= 0.0 && self.fourths >= 0.0
    }

    /// Lets an hour pass.
    pub fn pass_hour(&mut self) {
        for sum in [&mut self.squares, &mut self.products, &mut self.misses, &mut self.fourths] {
            *sum *= KEEP;
        }
    }

    /// Learns from a week that came again.
    pub fn learn(&mut self, again: Again) {
        let Again { before, now, variance } = again;
        let square = before * before;
        let weight = 1.0 / (variance + self.miss_sq() * square);
        let miss_sq = (now - self.slope() * before).powi(2).min(9.0 / weight);
        self.misses += weight * weight * (miss_sq - variance) * square;
        self.fourths += weight * weight * square * square;
        self.squares += weight * square;
        self.products += weight * before * now;
    }

    /// What to expect of a week that had this effect.
    pub fn season(&self, effect: f64) -> Season {
        let error = 1.0 / (self.squares + 1.0 / (SLOPE_SD * SLOPE_SD)) + self.miss_sq();
        Season { ln: self.slope() * effect, variance: effect * effect * error }
    }

    fn slope(&self) -> f64 {
        let prior = 1.0 / (SLOPE_SD * SLOPE_SD);
        ((SLOPE * prior + self.products) / (self.squares + prior)).clamp(0.0, 1.0)
    }

    /// Squared miss of an effect as a part of it.
    fn miss_sq(&self) -> f64 {
        let prior = MISS_SD * MISS_SD;
        let worth = 1.0 / (prior * prior);
        ((self.misses + prior * worth) / (self.fourths + worth)).clamp(0.0, 1.0)
    }
}

fn week_of(hour: u64) -> usize {
    ((hour % YEAR_H) * WEEKS as u64 / YEAR_H) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::Draws;

    fn year(effects: impl Fn(usize) -> f64, draws: &mut Draws) -> impl FnMut(&mut Year, u64) {
        let weeks: Vec<f64> = (0..WEEKS).map(effects).collect();
        let mut noise: Vec<f64> = (0..2_000).map(|_| draws.sum_of_twelve()).collect();
        noise.rotate_left(7);
        move |year, hour| {
            let noise = noise[hour as usize % noise.len()];
            let customers = 20.0 * weeks[week_of(hour)].exp() + 20f64.sqrt() * noise;
            let seen = Seen { customers, mean: 20.0, dispersion: 1.0 };
            year.take(hour, seen, 0.0);
        }
    }

    #[test]
    fn every_hour_has_a_week_and_years_repeat() {
        let weeks: Vec<usize> = (0..YEAR_H).map(week_of).collect();
        assert!(weeks.is_sorted());
        assert_eq!((weeks[0], weeks.last()), (0, Some(&(WEEKS - 1))));
        assert!((0..YEAR_H).all(|hour| week_of(hour) == week_of(hour + 3 * YEAR_H)));
        week_of(u64::MAX);
    }

    #[test]
    fn effects_are_kept_and_what_lasts_a_week_alone_is_left_out() {
        let mut draws = Draws::new(5);
        let mut take = year(
            |week| match week {
                10 => 0.8,
                30..34 => 0.5,
                _ => 0.0,
            },
            &mut draws,
        );
        let mut year = Year::default();
        (0..YEAR_H + 1).for_each(|hour| take(&mut year, hour));
        let hour_of = |week: u64| week * YEAR_H / WEEKS as u64 + 20;
        assert!((year.effect(hour_of(10)) - 0.8).abs() < 0.1, "{year:?}");
        assert!(year.lasting_effect(hour_of(10)).abs() < 0.05, "{year:?}");
        for week in 30..34 {
            let lasting = year.lasting_effect(hour_of(week));
            assert!((0.4..0.55).contains(&lasting), "{week}: {lasting}");
        }
        assert!(year.is_sound());
    }

    #[test]
    fn the_slope_is_that_of_a_regression_and_nothing_is_believed_of_chance() {
        for slope in [0.0, 0.4, 0.9] {
            let mut draws = Draws::new(11);
            let mut recurrence = Recurrence::default();
            let (mut squares, mut products) = (0.0, 0.0);
            for _ in 0..4_000 {
                let before = 0.3 * draws.sum_of_twelve();
                let now = slope * before + 0.1 * draws.sum_of_twelve();
                squares += before * before;
                products += before * now;
                recurrence.learn(Again { before, now, variance: 0.01 });
            }
            let Season { ln, variance } = recurrence.season(0.5);
            assert!((ln / 0.5 - products / squares).abs() < 0.03, "{slope}: {ln}");
            assert!(variance.sqrt() < 0.05, "{slope}: {variance}");
        }
        let unknown = Recurrence::default().season(0.5);
        assert!((unknown.ln - 0.25).abs() < 1e-9 && unknown.variance.sqrt() > 0.15);
        assert_eq!(Recurrence::default().season(0.0), Season::default());
    }

    #[test]
    fn what_misses_the_slope_widens_the_expectation() {
        let error = |miss: f64| {
            let mut draws = Draws::new(13);
            let mut recurrence = Recurrence::default();
            for _ in 0..2_000 {
                let before = if draws.share() < 0.1 { 0.5 } else { 0.02 };
                let now = before * (0.8 + miss * draws.sum_of_twelve());
                let now = now + 0.05 * draws.sum_of_twelve();
                recurrence.learn(Again { before, now, variance: 0.0025 });
            }
            recurrence.season(0.5).variance.sqrt() / 0.5
        };
        assert!(error(0.0) < 0.08, "{}", error(0.0));
        assert!((0.2..0.4).contains(&error(0.3)), "{}", error(0.3));
    }
}
