//! The Shapley value of R².

/// Drivers for which all subsets are looked at: 4096 regressions.
pub const MOST_EXACT_DRIVERS: usize = 12;
/// A driver of which less than this is left beside others adds nothing to them.
const DEPENDENT: f64 = 1e-9;

/// The parts of R² by Lindeman, Merenda & Gold (1980): what a driver adds to R², averaged over all
/// orders of entry.
///
/// `among` are the correlations of the drivers, square by rows; `with_score` those with the score.
/// R² of every subset comes from that of the subset without its last driver, by one more row of
/// a Cholesky factor. Time is `2^p p²`; more than [`MOST_EXACT_DRIVERS`] drivers give zeros.
pub fn lmg(among: &[f64], with_score: &[f64]) -> Vec<f64> {
    let count = with_score.len();
    if count > MOST_EXACT_DRIVERS || among.len() != count * count {
        return vec![0.0; count];
    }
    let mut search = Search { among, with_score, explained: vec![0.0; 1 << count] };
    search.grow(0, 0, &mut Vec::new(), 0.0);
    let mut parts = vec![0.0; count];
    for (subset, explained) in search.explained.iter().enumerate() {
        let weight = order_share(subset.count_ones() as usize, count);
        for (driver, part) in parts.iter_mut().enumerate() {
            if subset & (1 << driver) == 0 {
                *part += weight * (search.explained[subset | (1 << driver)] - explained);
            }
        }
    }
    parts
}

/// The share of all orders in which a given set of `before` drivers comes before a given one.
fn order_share(before: usize, count: usize) -> f64 {
    let ways = (1..=before).fold(1.0, |ways, k| ways * (count - k) as f64 / k as f64);
    1.0 / (count.max(1) as f64 * ways)
}

struct Search<'a> {
    among: &'a [f64],
    with_score: &'a [f64],
    /// R² by subset, a bit a driver.
    explained: Vec<f64>,
}

/// A driver of the subset: its row of the Cholesky factor, the diagonal last, and the score's
/// coordinate along it.
struct Entered {
    driver: usize,
    row: Vec<f64>,
    along: f64,
}

impl Search<'_> {
    /// Adds every driver from `first` on to the subset, and so on.
    fn grow(&mut self, subset: usize, first: usize, entered: &mut Vec<Entered>, explained: f64) {
        let count = self.with_score.len();
        for driver in first..count {
            let larger = subset | (1 << driver);
            match self.enter(driver, entered) {
                Some(next) => {
                    let gain = next.along * next.along;
                    self.explained[larger] = explained + gain;
                    entered.push(next);
                    self.grow(larger, driver + 1, entered, explained + gain);
                    entered.pop();
                }
                None => {
                    self.explained[larger] = explained;
                    self.grow(larger, driver + 1, entered, explained);
                }
            }
        }
    }

    fn enter(&self, driver: usize, entered: &[Entered]) -> Option<Entered> {
        let count = self.with_score.len();
        let mut row: Vec<f64> = Vec::with_capacity(entered.len() + 1);
        let mut left = self.among[driver * count + driver];
        let mut score = self.with_score[driver];
        for other in entered {
            let dot: f64 = row.iter().zip(&other.row).map(|(a, b)| a * b).sum();
            let diagonal = other.row.last().copied().unwrap_or(1.0);
            let value = (self.among[driver * count + other.driver] - dot) / diagonal;
            left -= value * value;
            score -= value * other.along;
            row.push(value);
        }
        if left.is_nan() || left < DEPENDENT {
            return None;
        }
        let diagonal = left.sqrt();
        row.push(diagonal);
        Some(Entered { driver, row, along: score / diagonal })
    }
}
