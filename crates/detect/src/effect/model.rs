//! The models of a series around an action, weighed by how well they foretold the data.
//!
//! Log rate = level + slope + drift + common factor + peak + step of the action. Drift and factor
//! are autoregressions. Every law of drift, slope and peak is one model; the posterior of the
//! action's step is the mixture over all of them (Bayesian model averaging, Hoeting et al. 1999;
//! a structural time series with controls, Harvey 1989, Brodersen et al. 2015). It fails where a
//! control is touched by the action, or where something else changed on the action's day.

use super::filter::{CrossProducts, Drift, cross_products};
use super::mixture::{Component, Mixture};
use super::peak::{PeakShape, peak_shapes};
use super::rates::LogRates;
use super::solve::{Posterior, Prior, posterior};
use super::{ActionSettings, PEAK_HEIGHT};

/// What may be left of a deviation after one period.
const KEPT: [f64; 4] = [0.8, 0.9, 0.95, 0.98];
/// Standard deviations of a period's step of a drift, log rate.
const OWN_STEPS: [f64; 4] = [0.01, 0.02, 0.035, 0.06];
/// The same of the factor common to subject and controls.
const COMMON_STEPS: [f64; 3] = [0.0, 0.03, 0.06];
/// Standard deviations of a slope, log rate a period: as good as level, or a real trend.
const SLOPES: [f64; 2] = [0.001, 0.004];
/// Standard deviation of a level around the series' mean.
const LEVEL_SD: f64 = 1.0;

/// Subject first, then controls, with their log rates around their own mean.
#[derive(Clone, Debug)]
pub struct Panel {
    /// The series, all of one length.
    pub series: Vec<LogRates>,
    /// The first period with the action.
    pub action_at: usize,
}

/// What the models together say.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The effect, log rate.
    pub effect: Mixture,
    /// Probability that a peak stood before the action.
    pub peak: f64,
    /// The most probable law of the drifts, with the slope's standard deviation and the peak.
    pub best: Model,
}

/// One model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model {
    /// The laws of drift and factor.
    pub drift: Drift,
    /// Standard deviation of the slopes.
    pub slope_sd: f64,
    /// The peak before the action, if any.
    pub peak: Option<PeakShape>,
}

impl Panel {
    /// Columns before the peaks: response, levels, slopes, step.
    fn full(&self) -> usize {
        2 * self.series.len() + 2
    }

    fn products(&self, drift: &Drift, peaks: &[PeakShape]) -> CrossProducts {
        let (count, full) = (self.series.len(), self.full());
        let row = |series: usize, period: usize, row: &mut [f64]| {
            let since = period as f64 - self.action_at as f64;
            row[1 + series] = 1.0;
            row[1 + count + series] = since;
            if series == 0 {
                row[full - 1] = if since >= 0.0 { 1.0 } else { 0.0 };
                for (cell, peak) in row[full..].iter_mut().zip(peaks) {
                    *cell = peak.at(since);
                }
            }
        };
        cross_products(&self.series, full + peaks.len(), full, row, drift)
    }

    /// The effect under one model; `peak` is a column of the products.
    fn effect(
        &self,
        products: &CrossProducts,
        slope_sd: f64,
        peak: Option<usize>,
        effect_sd: f64,
    ) -> Option<Posterior> {
        let (count, full) = (self.series.len(), self.full());
        let mut columns: Vec<usize> = (1..full - 1).collect();
        let mut priors = vec![Prior { mean: 0.0, sd: LEVEL_SD }; count];
        priors.resize(2 * count, Prior { mean: 0.0, sd: slope_sd });
        if let Some(column) = peak {
            columns.push(column);
            priors.push(PEAK_HEIGHT);
        }
        columns.push(full - 1);
        priors.push(Prior { mean: 0.0, sd: effect_sd });
        posterior(products, &columns, &priors)
    }

    /// Variance of the effect under one model.
    pub fn variance(&self, model: &Model, effect_sd: f64) -> Option<f64> {
        let peaks: Vec<PeakShape> = model.peak.into_iter().collect();
        let products = self.products(&model.drift, &peaks);
        let column = model.peak.map(|_| self.full());
        Some(self.effect(&products, model.slope_sd, column, effect_sd)?.variance)
    }

    /// Weighs all models; `None` when none of them can be computed.
    ///
    /// `peak_odds` is the odds, before the data, that a peak stands at the action.
    pub fn fit(
        &self,
        settings: &ActionSettings,
        longest_lead: usize,
        peak_odds: f64,
    ) -> Option<Fit> {
        let peaks = if peak_odds > 0.0 {
            peak_shapes(&settings.half_lives, longest_lead)
        } else {
            Vec::new()
        };
        let ln_each = (peak_odds / peaks.len().max(1) as f64).ln();
        let mut views: Vec<(Component, Model)> = Vec::new();
        for drift in drifts(self.series.len() > 1) {
            let products = self.products(&drift, &peaks);
            for slope_sd in SLOPES {
                let mut take = |peak: Option<usize>| {
                    let column = peak.map(|index| self.full() + index);
                    let found = self.effect(&products, slope_sd, column, settings.effect_sd);
                    let model = Model { drift, slope_sd, peak: peak.map(|index| peaks[index]) };
                    let ln_prior = if peak.is_some() { ln_each } else { 0.0 };
                    views.extend(found.map(|p| (component(&p, ln_prior), model)));
                };
                take(None);
                (0..peaks.len()).for_each(|index| take(Some(index)));
            }
        }
        joined(&views)
    }
}

fn component(found: &Posterior, ln_prior: f64) -> Component {
    Component {
        ln_weight: found.ln_evidence + ln_prior,
        mean: found.mean,
        variance: found.variance,
    }
}

fn joined(views: &[(Component, Model)]) -> Option<Fit> {
    let (top, best) = views.iter().max_by(|a, b| a.0.ln_weight.total_cmp(&b.0.ln_weight))?;
    let weight = |view: &(Component, Model)| (view.0.ln_weight - top.ln_weight).exp();
    let total: f64 = views.iter().map(weight).sum();
    let peak: f64 = views.iter().filter(|view| view.1.peak.is_some()).map(weight).sum();
    let components: Vec<Component> = views.iter().map(|view| view.0).collect();
    Some(Fit { effect: Mixture::new(&components)?, peak: peak / total, best: *best })
}

/// Every law of drift; without controls there is nothing to tell a common factor by.
fn drifts(controls: bool) -> Vec<Drift> {
    let commons = if controls { &COMMON_STEPS[..] } else { &COMMON_STEPS[..1] };
    let mut all = Vec::new();
    for kept in KEPT {
        for own_step in OWN_STEPS {
            for &common_step in commons {
                all.push(Drift { kept, own_step, common_step });
            }
        }
    }
    all
}
