//! A mixture of normal laws: what is known of an effect when several models may hold.

use statrs::function::erf::erfc;

/// One model's view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Component {
    /// Logarithm of its weight, up to a constant.
    pub ln_weight: f64,
    /// Mean of the effect under it, log rate.
    pub mean: f64,
    /// Variance of the effect under it.
    pub variance: f64,
}

/// Components with weights that sum to one; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Mixture {
    /// Weight, mean, standard deviation.
    parts: Vec<(f64, f64, f64)>,
}

/// Components lighter than this beside the heaviest are dropped.
const LIGHTEST: f64 = -7.0;
/// Halvings of an interval when a bound is searched.
const HALVINGS: usize = 60;

impl Mixture {
    /// From components; `None` when none is left.
    pub fn new(components: &[Component]) -> Option<Mixture> {
        let heaviest = components.iter().map(|c| c.ln_weight).fold(f64::NEG_INFINITY, f64::max);
        if !heaviest.is_finite() {
            return None;
        }
        let mut parts: Vec<(f64, f64, f64)> = components
            .iter()
            .filter(|c| c.ln_weight - heaviest > LIGHTEST)
            .map(|c| ((c.ln_weight - heaviest).exp(), c.mean, c.variance.sqrt()))
            .collect();
        let total: f64 = parts.iter().map(|(weight, _, _)| weight).sum();
        parts.iter_mut().for_each(|(weight, _, _)| *weight /= total);
        Some(Mixture { parts })
    }

    /// The mean.
    pub fn mean(&self) -> f64 {
        self.parts.iter().map(|(weight, mean, _)| weight * mean).sum()
    }

    /// The standard deviation.
    pub fn sd(&self) -> f64 {
        let centre = self.mean();
        let part = |&(w, m, s): &(f64, f64, f64)| w * (s * s + (m - centre) * (m - centre));
        self.parts.iter().map(part).sum::<f64>().sqrt()
    }

    /// The density at a value.
    pub fn density(&self, value: f64) -> f64 {
        self.parts.iter().map(|&(weight, mean, sd)| weight * normal(value, mean, sd)).sum()
    }

    /// The probability of less than a value.
    pub fn below(&self, value: f64) -> f64 {
        let part = |&(w, m, s): &(f64, f64, f64)| {
            w * 0.5 * erfc((m - value) / (s * std::f64::consts::SQRT_2))
        };
        self.parts.iter().map(part).sum()
    }

    /// The value below which lies `share`, in (0, 1).
    pub fn quantile(&self, share: f64) -> f64 {
        let (mut low, mut high) = self.reach();
        for _ in 0..HALVINGS {
            let middle = 0.5 * (low + high);
            if self.below(middle) < share {
                low = middle;
            } else {
                high = middle;
            }
        }
        0.5 * (low + high)
    }

    /// Ten standard deviations beyond every component.
    fn reach(&self) -> (f64, f64) {
        let fold = |(low, high): (f64, f64), &(_, mean, sd): &(f64, f64, f64)| {
            (low.min(mean - 10.0 * sd), high.max(mean + 10.0 * sd))
        };
        self.parts.iter().fold((f64::INFINITY, f64::NEG_INFINITY), fold)
    }

    /// The values that the data have not made `1 / alpha` times less likely than they were under
    /// a normal prior around 0.
    pub fn support(&self, prior_sd: f64, alpha: f64) -> (f64, f64) {
        let held = |value: f64| self.density(value) > alpha * normal(value, 0.0, prior_sd);
        let (low, high) = self.reach();
        let centre = self.quantile(0.5);
        (edge(centre, low, &held), edge(centre, high, &held))
    }
}

/// Where what holds at `inner` ceases to hold on the way to `outer`.
fn edge(inner: f64, outer: f64, held: &impl Fn(f64) -> bool) -> f64 {
    let steps = 400;
    let mut last = inner;
    for step in (1..=steps).rev() {
        let value = inner + (outer - inner) * step as f64 / steps as f64;
        if held(value) {
            last = value;
            break;
        }
    }
    let mut beyond = last + (outer - inner) / steps as f64;
    for _ in 0..HALVINGS {
        let middle = 0.5 * (last + beyond);
        if held(middle) {
            last = middle;
        } else {
            beyond = middle;
        }
    }
    beyond
}

fn normal(value: f64, mean: f64, sd: f64) -> f64 {
    let z = (value - mean) / sd;
    (-0.5 * z * z).exp() / (sd * (2.0 * std::f64::consts::PI).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single(mean: f64, sd: f64) -> Mixture {
        Mixture::new(&[Component { ln_weight: -900.0, mean, variance: sd * sd }]).unwrap()
    }

    #[test]
    fn one_component_is_a_normal_law() {
        let one = single(0.3, 0.2);
        assert!((one.quantile(0.975) - (0.3 + 1.959964 * 0.2)).abs() < 1e-6);
        assert!((one.mean() - 0.3).abs() < 1e-12 && (one.sd() - 0.2).abs() < 1e-12);
    }

    #[test]
    fn what_is_supported_has_the_closed_form() {
        // The estimate m with sd s comes from the prior N(0, p²) and a likelihood; the ratio of the
        // two densities is a normal form whose root can be written down.
        let (mean, sd, prior, alpha) = (-0.2, 0.1, 0.4, 0.05_f64);
        let (low, high) = single(mean, sd).support(prior, alpha);
        let a = 1.0 / (sd * sd) - 1.0 / (prior * prior);
        let b = mean / (sd * sd) / a;
        let c = 2.0 * (prior / sd).ln() - 2.0 * alpha.ln() - mean * mean / (sd * sd);
        let half = (b * b + c / a).sqrt();
        assert!((low - (b - half)).abs() < 1e-6 && (high - (b + half)).abs() < 1e-6);
    }

    #[test]
    fn weights_decide_and_nothing_is_refused() {
        let two = |ln_weight: f64| {
            let far = Component { ln_weight, mean: 1.0, variance: 0.01 };
            Mixture::new(&[Component { ln_weight: 0.0, mean: 0.0, variance: 0.01 }, far]).unwrap()
        };
        assert!((two(0.0).mean() - 0.5).abs() < 1e-12);
        assert!((two(0.0).below(0.5) - 0.5).abs() < 1e-9);
        assert!(two(-50.0).mean() < 1e-9);
        assert!(Mixture::new(&[]).is_none());
        assert!((two(0.0).sd() - (0.25_f64 + 0.01).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn the_whole_way_is_the_reflected_tail() {
        let c = super::super::WHOLE_WAY_95;
        assert!((2.0 * erfc(c / std::f64::consts::SQRT_2) - 0.05).abs() < 1e-5);
    }
}
