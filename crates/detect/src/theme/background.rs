//! What the past says of words and pairs: counts that fade, in tables of fixed size.

use crate::draws::mixed;

/// A count-min table (Cormode and Muthukrishnan 2005) with conservative update (Estan and Varghese
/// 2002) and forward decay (Cormode et al. 2009): what is added later weighs more, and what is read
/// is set in relation to the weight of now.
///
/// A count is never read too low; where many keys share the cells it is read too high, which makes
/// a pair look older than it is and hides a weak theme. It makes none up.
#[derive(Clone, Debug)]
pub struct Background {
    rows: Vec<Vec<f32>>,
    /// Days in which a count halves.
    half_life_days: f64,
    /// The day whose weight is 1, once there is one: never after the day of a count.
    origin_day: Option<f64>,
}

/// Rows of the table.
const ROWS: usize = 3;
/// Halvings after which the weights are made small again.
const MOST_HALVINGS: f64 = 32.0;

impl Background {
    /// An empty table of about `width` cells in each row.
    pub fn new(width: usize, half_life_days: f64) -> Background {
        let width = width.clamp(16, 1 << 24).next_power_of_two();
        Background { rows: vec![vec![0.0; width]; ROWS], half_life_days, origin_day: None }
    }

    /// Counts the key once on a day, which is not before the last.
    pub fn add(&mut self, key: u64, day: f64) {
        let weight = self.weight(day);
        let cells = self.cells(key);
        let least = self.read(&cells);
        for (row, cell) in self.rows.iter_mut().zip(cells) {
            row[cell] = row[cell].max(least + weight as f32);
        }
    }

    /// The faded count of the key as of a day, at least its true one.
    pub fn count(&self, key: u64, day: f64) -> f64 {
        f64::from(self.read(&self.cells(key))) * (-self.halvings(day)).exp2()
    }

    fn read(&self, cells: &[usize; ROWS]) -> f32 {
        let counts = self.rows.iter().zip(cells).map(|(row, &cell)| row[cell]);
        counts.fold(f32::INFINITY, f32::min)
    }

    /// The weight of a day; all counts are brought down when it would grow without bound.
    fn weight(&mut self, day: f64) -> f64 {
        self.origin_day.get_or_insert(day);
        let halvings = self.halvings(day);
        if halvings <= MOST_HALVINGS {
            return halvings.exp2();
        }
        let scale = (-halvings).exp2() as f32;
        for count in self.rows.iter_mut().flatten() {
            *count *= scale;
        }
        self.origin_day = Some(day);
        1.0
    }

    /// Half-lives since the origin.
    fn halvings(&self, day: f64) -> f64 {
        self.origin_day.map_or(0.0, |origin| (day - origin).max(0.0) / self.half_life_days)
    }

    fn cells(&self, key: u64) -> [usize; ROWS] {
        let mask = self.rows.first().map_or(1, Vec::len) as u64 - 1;
        let mut hash = key;
        std::array::from_fn(|_| {
            hash = mixed(hash);
            (hash & mask) as usize
        })
    }
}
