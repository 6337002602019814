//! Means and co-moments, kept as rows come.

use super::MOST_DRIVERS;

/// Values beyond this are faults of the data: their squares would swamp all others.
const MOST: f64 = 1e9;

/// Means and centred cross products of drivers and score.
///
/// A row changes them by a matrix of rank one (Welford 1962; Chan, Golub & LeVeque 1983), so that
/// nothing is lost to the difference of two large sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    drivers: usize,
    rows: u64,
    /// Of the drivers, then of the score.
    means: Vec<f64>,
    /// Square, by rows, of the size of `means`.
    products: Vec<f64>,
}

/// Correlations of the drivers among themselves and with the score.
#[derive(Clone, Debug, PartialEq)]
pub struct Correlations {
    /// Square, by rows; a constant driver is correlated with nothing.
    pub among: Vec<f64>,
    /// One a driver.
    pub with_score: Vec<f64>,
}

impl Moments {
    /// For `drivers` drivers. Above [`MOST_DRIVERS`] no row fits: all are left out.
    pub fn new(drivers: usize) -> Moments {
        let drivers = drivers.min(MOST_DRIVERS);
        let size = drivers + 1;
        Moments { drivers, rows: 0, means: vec![0.0; size], products: vec![0.0; size * size] }
    }

    /// Adds a row: a value for every driver, then the score.
    ///
    /// Returns whether it was taken: rows of another length, or with a value that is not finite or
    /// beyond 1e9, are left out.
    pub fn add(&mut self, row: &[f64]) -> bool {
        let size = self.means.len();
        if row.len() != size || !row.iter().all(|value| value.abs() <= MOST) {
            return false;
        }
        self.rows += 1;
        let count = self.rows as f64;
        let gaps: Vec<f64> =
            row.iter().zip(&self.means).map(|(value, mean)| value - mean).collect();
        let share = (count - 1.0) / count;
        for (index, gap) in gaps.iter().enumerate() {
            self.means[index] += gap / count;
            let line = &mut self.products[index * size..(index + 1) * size];
            for (sum, other) in line.iter_mut().zip(&gaps) {
                *sum += share * gap * other;
            }
        }
        true
    }

    /// Joins the moments of other rows; nothing happens when the numbers of drivers differ.
    pub fn merge(&mut self, other: &Moments) {
        let size = self.means.len();
        if other.means.len() != size || other.rows == 0 {
            return;
        }
        let (left, right) = (self.rows as f64, other.rows as f64);
        let gaps: Vec<f64> = other.means.iter().zip(&self.means).map(|(b, a)| b - a).collect();
        let weight = left * right / (left + right);
        for row in 0..size {
            for col in 0..size {
                let cell = row * size + col;
                self.products[cell] += other.products[cell] + weight * gaps[row] * gaps[col];
            }
        }
        for (mean, gap) in self.means.iter_mut().zip(&gaps) {
            *mean += gap * right / (left + right);
        }
        self.rows += other.rows;
    }

    /// How many drivers there are.
    pub fn drivers(&self) -> usize {
        self.drivers
    }

    /// How many rows were taken.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The correlations; `None` without two rows or with a constant score.
    pub(super) fn correlations(&self) -> Option<Correlations> {
        let (count, size) = (self.drivers, self.means.len());
        let spread = |index: usize| {
            let square = self.products[index * size + index];
            // What rounding leaves of a constant is no spread.
            let scale = self.means[index] * self.means[index] * self.rows as f64;
            if square > 1e-20 * scale && square > 1e-200 { square.sqrt() } else { 0.0 }
        };
        let spreads: Vec<f64> = (0..size).map(spread).collect();
        if self.rows < 2 || spreads[count] <= 0.0 {
            return None;
        }
        let correlation = |row: usize, col: usize| {
            let scale = spreads[row] * spreads[col];
            let raw = if scale > 0.0 { self.products[row * size + col] / scale } else { 0.0 };
            raw.clamp(-1.0, 1.0)
        };
        let mut among = vec![0.0; count * count];
        for row in 0..count {
            for col in 0..count {
                let cell = row * count + col;
                among[cell] = if row == col { 1.0 } else { correlation(row, col) };
            }
        }
        let with_score = (0..count).map(|row| correlation(row, count)).collect();
        Some(Correlations { among, with_score })
    }
}
