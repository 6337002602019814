//! Counts as log rates with a known variance: what a linear filter can read.
//!
//! The working response of a generalised linear model (McCullagh & Nelder 1989, ch. 2.5): around a
//! local mean `m`, `ln y` is taken as `ln m + (y - m) / m`, with variance `dispersion / m`. It has
//! no trouble with zeros and no bias from taking logarithms of small counts. It fails where the
//! mean moves by a large factor within the window of the local mean.

/// Half the width of the local mean, in periods: the weight falls linearly to nothing there.
const REACH: usize = 10;
/// Contacts added to both sides of a ratio, so that zeros stay finite.
const PRIOR_COUNT: f64 = 0.5;
/// How often season and level are taken in turn.
const ROUNDS: usize = 3;
/// Counts above this, and exposures outside of the two, are faults of the data.
const MOST: f64 = 1e12;
const LEAST: f64 = 1e-6;
/// What short series are held to: this dispersion, worth this many periods.
const PRIOR_DISPERSION: f64 = 1.5;
const PRIOR_DEGREES: f64 = 10.0;
/// Beyond this a dispersion says nothing but that the counts say nothing.
const MOST_DISPERSION: f64 = 1e15;

/// The log rates of one series.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRates {
    /// Working log rate per unit of exposure, season taken out; one a period.
    pub values: Vec<f64>,
    /// Its variance; infinite where nothing was exposed.
    pub variances: Vec<f64>,
    /// Variance over mean of the counts, 1 or more.
    pub dispersion: f64,
}

impl LogRates {
    /// Takes the mean out of the values that were seen.
    pub fn centre(&mut self) {
        let seen = |variance: &f64| variance.is_finite();
        let count = self.variances.iter().filter(|variance| seen(variance)).count();
        let pairs = self.values.iter().zip(&self.variances);
        let sum: f64 = pairs.filter(|(_, variance)| seen(variance)).map(|(value, _)| value).sum();
        let mean = sum / count.max(1) as f64;
        self.values.iter_mut().for_each(|value| *value -= mean);
    }

    /// Adds periods that are as well seen as the last ones were, their values unknown.
    pub fn extend(&mut self, periods: usize) {
        let recent = self.variances.iter().rev().filter(|variance| variance.is_finite());
        let last: Vec<f64> = recent.take(REACH).copied().collect();
        let variance = if last.is_empty() {
            f64::INFINITY
        } else {
            last.iter().sum::<f64>() / last.len() as f64
        };
        self.values.resize(self.values.len() + periods, 0.0);
        self.variances.resize(self.variances.len() + periods, variance);
    }

    /// Keeps the first periods.
    pub fn truncate(&mut self, periods: usize) {
        self.values.truncate(periods);
        self.variances.truncate(periods);
    }
}

/// Log rates of `counts` over `exposure` with a season of `season` periods (0 or 1: none).
///
/// `breaks` are periods at which the level may jump: the local mean does not look across them.
/// Counts that are negative or not finite, and exposures that are not positive, are left out.
pub fn log_rates(counts: &[f64], exposure: &[f64], season: usize, breaks: &[usize]) -> LogRates {
    let length = counts.len().min(exposure.len());
    let seen: Vec<(f64, f64)> = (0..length).map(|t| usable(counts[t], exposure[t])).collect();
    let parts = parts(length, breaks);
    let season = season.max(1);
    let mut profile = vec![1.0; season];
    let mut level = vec![0.0; length];
    let total_exposure: f64 = seen.iter().map(|(_, exposure)| exposure).sum();
    let total: f64 = seen.iter().map(|(count, _)| count).sum();
    let overall = (total + PRIOR_COUNT) / total_exposure.max(f64::MIN_POSITIVE);
    for round in 0..ROUNDS {
        for &(from, to) in &parts {
            smooth(&seen, &profile, overall, from, to, &mut level);
        }
        if round + 1 < ROUNDS {
            profile = seasonal(&seen, &level, season);
        }
    }
    working(&seen, &profile, &level)
}

/// The pair, or nothing exposed when it cannot be used.
fn usable(count: f64, exposure: f64) -> (f64, f64) {
    let good = (0.0..=MOST).contains(&count) && (LEAST..=MOST).contains(&exposure);
    if good { (count, exposure) } else { (0.0, 0.0) }
}

/// The stretches between breaks, each as from and to (exclusive).
fn parts(length: usize, breaks: &[usize]) -> Vec<(usize, usize)> {
    let mut cuts: Vec<usize> = breaks.iter().copied().filter(|&at| at > 0 && at < length).collect();
    cuts.sort_unstable();
    cuts.dedup();
    cuts.push(length);
    let mut from = 0;
    let mut parts = Vec::with_capacity(cuts.len());
    for to in cuts {
        parts.push((from, to));
        from = to;
    }
    parts
}

/// Local rate by a triangular window, held near the overall rate where little was exposed.
fn smooth(
    seen: &[(f64, f64)],
    profile: &[f64],
    overall: f64,
    from: usize,
    to: usize,
    level: &mut [f64],
) {
    for (t, rate) in level.iter_mut().enumerate().take(to).skip(from) {
        let mut count = PRIOR_COUNT;
        let mut exposed = PRIOR_COUNT / overall;
        let last = (t + REACH).min(to);
        for near in (t + 1).saturating_sub(REACH).max(from)..last {
            let weight = 1.0 - near.abs_diff(t) as f64 / REACH as f64;
            count += weight * seen[near].0;
            exposed += weight * seen[near].1 * profile[near % profile.len()];
        }
        *rate = count / exposed;
    }
}

/// The season's factors: counts over what the level alone would give, with mean 1.
fn seasonal(seen: &[(f64, f64)], level: &[f64], season: usize) -> Vec<f64> {
    let mut counted = vec![PRIOR_COUNT; season];
    let mut expected = vec![PRIOR_COUNT; season];
    for (t, &(count, exposure)) in seen.iter().enumerate() {
        counted[t % season] += count;
        expected[t % season] += exposure * level[t];
    }
    let factors: Vec<f64> = counted.iter().zip(&expected).map(|(c, e)| c / e).collect();
    let mean = factors.iter().sum::<f64>() / season as f64;
    factors.iter().map(|factor| factor / mean).collect()
}

/// Working log rates around the local mean, with the dispersion that the counts show around it.
fn working(seen: &[(f64, f64)], profile: &[f64], level: &[f64]) -> LogRates {
    let mut squares = 0.0;
    let mut degrees = 0.0;
    let mut values = Vec::with_capacity(seen.len());
    let mut means = Vec::with_capacity(seen.len());
    for (t, &(count, exposure)) in seen.iter().enumerate() {
        let mean = exposure * level[t] * profile[t % profile.len()];
        means.push(mean);
        if mean > 0.0 {
            values.push(level[t].ln() + (count - mean) / mean);
            squares += (count - mean) * (count - mean) / mean;
            // A triangular window takes up 1 / REACH of a degree at each of its centres.
            degrees += 1.0 - 1.0 / REACH as f64;
        } else {
            values.push(0.0);
        }
    }
    let degrees: f64 = degrees - profile.len() as f64;
    let ratio = (squares + PRIOR_DEGREES * PRIOR_DISPERSION) / (degrees.max(0.0) + PRIOR_DEGREES);
    let dispersion = if ratio.is_finite() { ratio.clamp(1.0, MOST_DISPERSION) } else { 1.0 };
    let spread = |mean: &f64| if *mean > 0.0 { dispersion / mean } else { f64::INFINITY };
    LogRates { values, variances: means.iter().map(spread).collect(), dispersion }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn season_and_exposure_are_taken_out() {
        let exposure: Vec<f64> = (0..140).map(|day| 500.0 + 5.0 * f64::from(day)).collect();
        let season = [1.4, 1.0, 0.8, 0.9, 1.1, 1.0, 0.8];
        let counts: Vec<f64> =
            exposure.iter().enumerate().map(|(day, x)| 0.2 * x * season[day % 7]).collect();
        let rates = log_rates(&counts, &exposure, 7, &[]);
        for value in &rates.values {
            assert!((value - 0.2_f64.ln()).abs() < 0.02, "{value}");
        }
        assert!((1.0..1.2).contains(&rates.dispersion));
    }

    #[test]
    fn a_break_is_not_smoothed_over() {
        let exposure = [1_000.0; 60];
        let counts: Vec<f64> = (0..60).map(|day| if day < 30 { 100.0 } else { 50.0 }).collect();
        let rates = log_rates(&counts, &exposure, 7, &[30]);
        assert!((rates.values[29] - 0.1_f64.ln()).abs() < 0.02);
        assert!((rates.values[30] - 0.05_f64.ln()).abs() < 0.02);
    }

    #[test]
    fn one_enormous_count_leaves_little_said() {
        let exposure = [1_000.0; 60];
        let mut counts = [40.0; 60];
        counts[20] = 1e9;
        let rates = log_rates(&counts, &exposure, 7, &[]);
        assert!(rates.dispersion > 1e6 && rates.values.iter().all(|value| value.is_finite()));
        counts[20] = f64::NAN;
        let rates = log_rates(&counts, &exposure, 7, &[]);
        assert!(rates.dispersion < 2.0 && rates.variances[20].is_infinite());
    }
}
