//! The factor that an hour puts on every reason: an outage of the channel, the backlog after it,
//! a closure, a promotion whose orders came with another lag.
//!
//! For each reason it is taken from the *others* alone, or a large reason would explain itself.
//! Reasons with an open issue are left out, single reasons are cut at three standard deviations.
//! The logarithm is shrunk towards 0 by its own sampling error, with the variance of the factor
//! taken from the hour itself (James & Stein 1961, positive part): in ordinary hours nearly
//! nothing is left of it, in an outage nearly all. It fails where few reasons carry the rest.

const CUT_SD: f64 = 3.0;
/// Standard deviation of the factor's logarithm in an ordinary hour.
const USUAL_SD: f64 = 0.05;
/// A reason has a ratio of its own from this many expected customers on.
const LARGE_MEAN: f64 = 3.0;
/// Customers added on both sides, so that an empty night gives a factor of 1.
const WORTH: f64 = 2.0;
const WORTH_VARIANCE: f64 = 3.0;

/// One reason's part in the hour.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Customers that came.
    pub count: f64,
    /// Customers expected without the factor.
    pub mean: f64,
    /// Variance over mean.
    pub dispersion: f64,
    /// No issue is open.
    pub quiet: bool,
}

/// The factor as one reason sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor {
    /// Its logarithm.
    pub ln: f64,
    /// Variance of that logarithm.
    pub variance: f64,
}

/// The factor of the hour for each reason, from all others.
pub fn factors(parts: &[Part]) -> Vec<Factor> {
    let rough = rough(parts);
    let cut: Vec<Part> = parts.iter().map(|part| part.cut(rough)).collect();
    let counts: f64 = cut.iter().map(|part| part.count).sum();
    let means: f64 = cut.iter().map(|part| part.mean).sum();
    let spreads: f64 = cut.iter().map(|part| part.dispersion * part.mean).sum();
    cut.iter()
        .map(|own| {
            let spread = spreads - own.dispersion * own.mean;
            shrunk(counts - own.count, means - own.mean, spread)
        })
        .collect()
}

/// Where half of the customers are expected from reasons with a lower ratio: one reason, however
/// far out, does not move it. Ratios of small counts are mostly 0, so where those carry half of
/// the sum it is the ratio of the sums.
fn rough(parts: &[Part]) -> f64 {
    let quiet = || parts.iter().filter(|part| part.quiet);
    let count: f64 = quiet().map(|part| part.count).sum();
    let mean: f64 = quiet().map(|part| part.mean).sum();
    let large = quiet().filter(|part| part.mean >= LARGE_MEAN);
    let mut ratios: Vec<(f64, f64)> =
        large.map(|part| (part.count / part.mean, part.mean)).collect();
    let covered: f64 = ratios.iter().map(|(_, mean)| mean).sum();
    if ratios.len() < 3 || 2.0 * covered < mean {
        return (count + 1.0) / (mean + 1.0);
    }
    ratios.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut below = 0.0;
    let middle = ratios.iter().find(|(_, mean)| {
        below += mean;
        2.0 * below >= covered
    });
    middle.map_or(1.0, |(ratio, _)| *ratio)
}

impl Part {
    /// The part with its count near what the rough factor says; nothing where an issue is open.
    fn cut(&self, rough: f64) -> Part {
        if !self.quiet {
            return Part { count: 0.0, mean: 0.0, ..*self };
        }
        let mean = self.mean * rough;
        let reach = CUT_SD * (self.dispersion * mean).sqrt() + 1.0;
        Part { count: self.count.clamp(mean - reach, mean + reach), ..*self }
    }
}

fn shrunk(count: f64, mean: f64, spread: f64) -> Factor {
    // Sums without one's own part may fall a rounding error below zero.
    let (count, mean) = (count.max(0.0) + WORTH, mean.max(0.0) + WORTH);
    let ln = (count / mean).ln();
    let error = (spread.max(0.0) + WORTH_VARIANCE) / (mean * mean);
    let variance = (ln * ln - error).max(USUAL_SD * USUAL_SD);
    let kept = variance / (variance + error);
    Factor { ln: kept * ln, variance: kept * error }
}
