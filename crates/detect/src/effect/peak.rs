//! How a peak comes and goes when nothing is done about it.

/// Periods in which a peak may rise from one half to its height.
const RISES: [f64; 2] = [2.5, 6.0];
/// How it may fall: as an exponential (1), or slowly first and then fast, as a bell does (2).
const POWERS: [f64; 2] = [1.0, 2.0];
/// Periods between the heights that are tried.
const LEAD_STEP: usize = 2;
/// Half-lives beyond this many are not tried.
const MOST_HALF_LIVES: usize = 8;
/// A peak's height is not searched further back than this many periods.
const LONGEST_LEAD: usize = 42;

/// One way for a peak to rise and fall, 1 at its height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeakShape {
    /// Periods from the height to the action.
    pub lead: f64,
    /// Periods in which it rose from one half to its height.
    pub rise: f64,
    /// Periods in which it falls to one half without an action.
    pub half_life: f64,
    /// The power of time in the exponent of the fall.
    pub power: f64,
}

impl PeakShape {
    /// Its value at a period counted from the action, in [0, 1].
    pub fn at(&self, period: f64) -> f64 {
        let since = period + self.lead;
        let (width, power) =
            if since < 0.0 { (self.rise, 2.0) } else { (self.half_life, self.power) };
        (-(since.abs() / width).powf(power)).exp2()
    }
}

/// The peaks that are held possible, the height at most `longest_lead` periods before the action.
///
/// Half-lives that are not positive are passed over.
pub fn peak_shapes(half_lives: &[f64], longest_lead: usize) -> Vec<PeakShape> {
    let lives = half_lives.iter().copied().filter(|life| life.is_finite() && *life > 0.0);
    let lives: Vec<f64> = lives.take(MOST_HALF_LIVES).collect();
    let mut shapes = Vec::new();
    for lead in (0..=longest_lead.min(LONGEST_LEAD)).step_by(LEAD_STEP) {
        for rise in RISES {
            for &half_life in &lives {
                for power in POWERS {
                    shapes.push(PeakShape { lead: lead as f64, rise, half_life, power });
                }
            }
        }
    }
    shapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_one_at_its_height_and_half_after_its_half_life() {
        for shape in peak_shapes(&[1.5, 3.0, 12.0], 14) {
            assert_eq!(shape.at(-shape.lead), 1.0);
            assert!((shape.at(-shape.lead + shape.half_life) - 0.5).abs() < 1e-12);
            assert!((shape.at(-shape.lead - shape.rise) - 0.5).abs() < 1e-12);
            assert!(shape.at(1e6) < 1e-9 && shape.at(-1e6) < 1e-9);
        }
    }

    #[test]
    fn the_number_of_shapes_has_a_bound() {
        let many = vec![1.0; 1000];
        assert!(peak_shapes(&many, usize::MAX).len() <= 22 * 2 * 8 * 2);
        assert!(peak_shapes(&[0.0, -1.0, f64::NAN, f64::INFINITY], 14).is_empty());
    }
}
