//! Rows in the order of their times, as far as a bounded number of them can tell.

use std::collections::BTreeMap;

use quell_model::{ContactKey, TimeMs};

/// Rows that wait for others to come before them. Their words are some 2 KiB each.
const MOST_WAITING: usize = 32_768;

/// Gives rows back by time, then by id. A row that comes later than so many newer ones is given at
/// once and counted.
pub struct InOrder<T> {
    most: usize,
    waiting: BTreeMap<(TimeMs, ContactKey, u64), T>,
    rows: u64,
    given: TimeMs,
    late: u64,
}

impl<T> InOrder<T> {
    /// Nothing waits.
    pub fn new() -> InOrder<T> {
        InOrder::of(MOST_WAITING)
    }

    fn of(most: usize) -> InOrder<T> {
        InOrder { most, waiting: BTreeMap::new(), rows: 0, given: TimeMs::MIN, late: 0 }
    }

    /// Takes a row; gives one when enough wait.
    pub fn push(&mut self, time: TimeMs, id: ContactKey, row: T) -> Option<T> {
        self.rows += 1;
        if time < self.given {
            self.late += 1;
        }
        self.waiting.insert((time, id, self.rows), row);
        if self.waiting.len() > self.most { self.pop() } else { None }
    }

    /// The next row of those that wait.
    pub fn pop(&mut self) -> Option<T> {
        let ((time, ..), row) = self.waiting.pop_first()?;
        self.given = self.given.max(time);
        Some(row)
    }

    /// Rows that came too late for their place.
    pub fn late(&self) -> u64 {
        self.late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_order(most: usize, times: &[i64]) -> (Vec<i64>, u64) {
        let mut order = InOrder::of(most);
        let id = |time: i64| ContactKey::new("desk", None, &time.to_string());
        let mut given: Vec<i64> =
            times.iter().filter_map(|&t| order.push(TimeMs(t), id(t), t)).collect();
        given.extend(std::iter::from_fn(|| order.pop()));
        (given, order.late())
    }

    #[test]
    fn rows_come_by_time_where_few_enough_are_out_of_place() {
        assert_eq!(in_order(3, &[3, 1, 2, 5, 4, 4]), (vec![1, 2, 3, 4, 4, 5], 0));
        assert_eq!(in_order(2, &[5, 6, 7, 8, 1, 9]), (vec![5, 6, 1, 7, 8, 9], 1));
        assert_eq!(in_order(2, &[]), (vec![], 0));
    }
}
