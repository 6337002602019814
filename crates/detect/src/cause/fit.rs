//! The model of a set of cells, fitted: a common factor and a ratio for each cell.

use super::noise::{MEDIAN_OF_SQUARE, TELLING_MEAN, median};
use super::tables::Sums;

/// Rounds of scaling; cells that do not overlap need one.
const ROUNDS: usize = 4;
/// Information added to both sides of a ratio, so that nothing seen has one.
const PSEUDO: f64 = 1e-3;
/// Leaves that a cell needs to tell how alike they are.
const FEW_LEAVES: usize = 4;

/// A fitted set of cells.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The ratio of observed to expected outside all cells.
    pub common: f64,
    /// The ratio of each cell to the rest.
    pub ratios: Vec<f64>,
    /// How much less alike the leaves of each cell are than noise makes them, at least 1: a rise
    /// may lift some leaves more than others, and that is no further cause.
    pub dispersions: Vec<f64>,
    /// Nats above the model of one factor for all.
    pub likelihood: f64,
    /// The product of the ratios at each leaf.
    pub lift: Vec<f64>,
    /// One over the dispersion of the cells at each leaf.
    pub trust: Vec<f64>,
}

impl Fit {
    /// Fits cells, each given by its leaves, by iterative scaling (Deming and Stephan 1940).
    pub fn new(leaves: &[Sums], all: Sums, cells: &[&[u32]], counts: bool) -> Fit {
        let mut lift = vec![1.0; leaves.len()];
        let mut outside = all;
        let mut covered = vec![false; leaves.len()];
        for &leaf in cells.iter().copied().flatten() {
            let leaf = leaf as usize;
            if !std::mem::replace(&mut covered[leaf], true) {
                outside.observed -= leaves[leaf].observed;
                outside.expected -= leaves[leaf].expected;
            }
        }
        // What is left after subtraction of nearly everything is rounding.
        let rest = outside.observed > 1e-9 * all.observed && outside.expected > 1e-9 * all.expected;
        let outside = if rest { outside } else { Sums::default() };
        let overall = all.observed / all.expected;
        let common = if rest { outside.observed / outside.expected } else { overall };
        let ratios = scale(leaves, cells, common, &mut lift);
        let mut likelihood =
            outside.observed * (common / overall).ln() - outside.expected * (common - overall);
        for (leaf, sums) in leaves.iter().enumerate().filter(|(leaf, _)| covered[*leaf]) {
            let factor = common * lift[leaf];
            likelihood += sums.observed * (factor / overall).ln();
            likelihood -= sums.expected * (factor - overall);
        }
        let dispersion = |cell: &&[u32]| dispersion(leaves, cell, common, &lift, counts);
        let dispersions: Vec<f64> = cells.iter().map(dispersion).collect();
        let mut trust = vec![1.0; leaves.len()];
        for (cell, dispersion) in cells.iter().zip(&dispersions) {
            for &leaf in *cell {
                trust[leaf as usize] = f64::min(trust[leaf as usize], 1.0 / dispersion);
            }
        }
        Fit { common, ratios, dispersions, likelihood, lift, trust }
    }
}

fn scale(leaves: &[Sums], cells: &[&[u32]], common: f64, lift: &mut [f64]) -> Vec<f64> {
    let mut ratios = vec![1.0; cells.len()];
    for _ in 0..ROUNDS {
        let mut largest: f64 = 0.0;
        for (cell, ratio) in cells.iter().zip(&mut ratios) {
            let (mut observed, mut mean) = (0.0, 0.0);
            for &leaf in *cell {
                observed += leaves[leaf as usize].observed;
                mean += common * leaves[leaf as usize].expected * lift[leaf as usize];
            }
            let step = ((observed + PSEUDO) / (mean + PSEUDO)).clamp(1e-4, 1e4);
            for &leaf in *cell {
                lift[leaf as usize] *= step;
            }
            *ratio *= step;
            largest = largest.max(step.ln().abs());
        }
        if largest < 1e-3 {
            break;
        }
    }
    ratios
}

/// The median squared residual of a cell's leaves in units of noise. Small counts tell nothing.
fn dispersion(leaves: &[Sums], cell: &[u32], common: f64, lift: &[f64], counts: bool) -> f64 {
    let least = if counts { TELLING_MEAN } else { 0.0 };
    let squares: Vec<f64> = cell
        .iter()
        .filter_map(|&leaf| {
            let sums = leaves[leaf as usize];
            let mean = common * sums.expected * lift[leaf as usize];
            (mean > least).then(|| (sums.observed - mean).powi(2) / mean)
        })
        .collect();
    if squares.len() < FEW_LEAVES {
        return 1.0;
    }
    (median(squares) / MEDIAN_OF_SQUARE).max(1.0)
}
