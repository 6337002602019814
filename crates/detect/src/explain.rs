//! Which cells of one dimension carry the excess of an issue.

use quell_model::issue::Explanation;

use crate::thousandths;

/// One dimension value's people in the hours of an issue, and those expected there.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The dimension's name.
    pub dimension: String,
    /// The value.
    pub value: String,
    /// People in the hours of the issue.
    pub observed: u64,
    /// People expected there.
    pub expected: f64,
}

/// Cells that carry at least a fifth of the excess and rose clearly more than the rest of the
/// reason did, the largest part first, at most `limit`.
///
/// `people` and `excess` are those of the reason as a whole in these hours: all, and those above
/// what was expected. A rise that is alike everywhere has no explanation. Cells with fewer than
/// five people are left out (support); with the same part, the higher ratio comes first, then the
/// name.
pub fn explain(cells: &[Cell], (people, excess): (u64, f64), limit: usize) -> Vec<Explanation> {
    const MIN_PEOPLE: u64 = 5;
    const MIN_SHARE: f64 = 0.2;
    const MIN_LIFT: f64 = 1.5;
    if excess <= 0.0 {
        return Vec::new();
    }
    let expected = people as f64 - excess;
    let rose_more = |cell: &Cell| {
        let rest_observed = people as f64 - cell.observed as f64;
        let rest_expected = expected - cell.expected;
        // A cell that holds nearly all people of the past has no rest to differ from.
        if rest_observed < 1.0 && rest_expected < 0.5 {
            return false;
        }
        // One person more on each side keeps small counts from looking like large ratios.
        let own = (cell.observed as f64 + 1.0) / (cell.expected + 1.0);
        let rest = (rest_observed.max(0.0) + 1.0) / (rest_expected.max(0.0) + 1.0);
        own >= MIN_LIFT * rest
    };
    let mut rows: Vec<Explanation> = cells
        .iter()
        .filter(|cell| cell.observed >= MIN_PEOPLE && rose_more(cell))
        .map(|cell| Explanation {
            dimension: cell.dimension.clone(),
            value: cell.value.clone(),
            observed: cell.observed,
            expected: thousandths(cell.expected),
            risk_ratio: (cell.expected > 0.0)
                .then(|| thousandths(cell.observed as f64 / cell.expected)),
            excess_share: thousandths((cell.observed as f64 - cell.expected) / excess),
        })
        .filter(|row| row.excess_share >= MIN_SHARE)
        .collect();
    rows.sort_by(|a, b| {
        b.excess_share
            .total_cmp(&a.excess_share)
            .then_with(|| ratio(b).total_cmp(&ratio(a)))
            .then_with(|| (&a.dimension, &a.value).cmp(&(&b.dimension, &b.value)))
    });
    rows.truncate(limit);
    rows
}

fn ratio(row: &Explanation) -> f64 {
    row.risk_ratio.unwrap_or(f64::INFINITY)
}
