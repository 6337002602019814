//! What is said of the cells that were found.

use super::cube::Cube;
use super::fit::Fit;
use super::noise::{self, Noise};
use super::search::Search;
use super::tables::CellId;
use super::{Parts, Settings};

/// Standard errors to either side of a 95 % interval.
const WIDTH: f64 = 1.96;

/// The strongest other cell that could stand in a cause's place.
#[derive(Clone, Debug, PartialEq)]
pub struct Rival {
    /// The cell.
    pub cell: Parts,
    /// Nats by which the cause is ahead of it; below about 3 the data do not tell them apart.
    pub behind_nats: f64,
}

/// A cell that carries an excess, or that lacks what was expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// The cell.
    pub cell: Parts,
    /// The amount observed in it.
    pub observed: f64,
    /// The amount expected in it with the common factor and the other causes.
    pub expected: f64,
    /// Observed less expected.
    pub excess: f64,
    /// The ratio of the cell to the rest, leaves weighted by their information.
    pub ratio: f64,
    /// The lower and upper end of the ratio's 95 % interval. It does not count that the cell was
    /// the best of many, so that a weak cause reads a little too strong.
    pub ratio_interval: (f64, f64),
    /// Nats that the cell is worth beyond its price.
    pub nats: f64,
    /// What else it could be.
    pub rival: Option<Rival>,
}

/// What explains the difference of a cube.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Finding {
    /// The cells, the largest excess first. None when nothing local explains it.
    pub causes: Vec<Cause>,
    /// The ratio of observed to expected outside of them: what happened everywhere.
    pub common: f64,
    /// Its 95 % interval.
    pub common_interval: (f64, f64),
    /// All observed less all expected.
    pub excess: f64,
    /// The part of the excess that is everywhere: `(common - 1) · expected`.
    pub common_excess: f64,
}

impl Finding {
    /// Whether most of the excess is a rise that is alike everywhere.
    pub fn is_everywhere(&self) -> bool {
        self.excess > 0.0 && self.common_interval.0 > 1.0 && self.common_excess > self.excess / 2.0
    }
}

/// Finds the cells that carry the difference of a cube.
///
/// The answer does not depend on the order of leaves or attributes, but for cells that are equally
/// good. A cube without leaves, or with nothing observed or nothing expected, has no causes.
/// Time is in the order of the leaves times the sets of attributes; memory too.
pub fn causes(cube: &Cube, settings: &Settings) -> Finding {
    let all: f64 = cube.observed.iter().sum();
    let planned: f64 = cube.expected.iter().sum();
    let width = cube.columns.len();
    let usable = |sum: f64| sum > 0.0 && sum.is_finite();
    if !usable(all) || !usable(planned) || settings.depth == 0 || width == 0 {
        return Finding::default();
    }
    let counts = noise::is_counts(cube);
    let expected = noise::listed_expectation(cube, counts && !settings.is_complete);
    let typical = noise::typical_ratio(&cube.observed, &expected, counts);
    let common = typical.unwrap_or(all / planned);
    let mean: Vec<f64> = expected.iter().map(|m| m * common).collect();
    let spread = Noise::estimate(&cube.observed, &mean, counts.then_some(settings.count_spread));
    let leaves = spread.weighted(&cube.observed, &expected, common);
    let mut search = Search::new(cube, settings, leaves.clone(), counts, settings.depth);
    let (mut set, mut fit) = search.grow(Vec::new());
    if width > settings.depth && width <= settings.deep_width && search.has_odd_leaf(&fit) {
        let mut deep = Search::new(cube, settings, leaves, counts, width);
        let same = |id: &CellId| deep.tables.find(&search.tables.parts(*id));
        let known: Vec<CellId> = set.iter().filter_map(same).collect();
        let (deeper, deeper_fit) = deep.grow(known);
        if deeper.iter().any(|id| deep.tables.parts(*id).len() > settings.depth) {
            (search, set, fit) = (deep, deeper, deeper_fit);
        }
    }
    search.prune(&mut set, &mut fit);
    finding(cube, &expected, &mut search, &set, &fit)
}

fn finding(
    cube: &Cube,
    expected: &[f64],
    search: &mut Search<'_>,
    set: &[CellId],
    fit: &Fit,
) -> Finding {
    let stray = if set.is_empty() { 0.0 } else { search.heterogeneity() };
    let mut causes: Vec<Cause> = (0..set.len())
        .map(|at| {
            let id = set[at];
            let ratio = fit.ratios[at];
            let leaves = search.leaves_of(id).to_vec();
            let observed = leaves.iter().map(|&leaf| cube.observed[leaf as usize]).sum::<f64>();
            let without = |leaf: &u32| {
                fit.common * expected[*leaf as usize] * fit.lift[*leaf as usize] / ratio
            };
            let planned = leaves.iter().map(without).sum::<f64>();
            // The trust of the leaves is in the tables: uneven leaves make the interval wider.
            search.show(fit);
            let information = search.tables.sums(id).observed + 0.5;
            let error = (1.0 / information + stray).sqrt();
            let (nats, rival) = compare(search, set, at, fit);
            Cause {
                cell: search.tables.parts(id),
                observed,
                expected: planned,
                excess: observed - planned,
                ratio,
                ratio_interval: around(ratio, error),
                nats,
                rival,
            }
        })
        .collect();
    causes.sort_by(|a, b| {
        b.excess.abs().total_cmp(&a.excess.abs()).then_with(|| a.cell.cmp(&b.cell))
    });
    let planned: f64 = expected.iter().sum();
    let information = search.tables.all().observed + 0.5;
    Finding {
        causes,
        common: fit.common,
        common_interval: around(fit.common, (1.0 / information).sqrt()),
        excess: cube.observed.iter().sum::<f64>() - planned,
        common_excess: (fit.common - 1.0) * planned,
    }
}

/// What a cell of the set is worth, and its strongest rival: a cell that shares leaves with it.
fn compare(search: &mut Search<'_>, set: &[CellId], at: usize, fit: &Fit) -> (f64, Option<Rival>) {
    let mut without = set.to_vec();
    let id = without.remove(at);
    let base = search.fit(&without);
    let nats = fit.likelihood - base.likelihood - search.price(id);
    search.show(&base);
    let parts = search.tables.parts(id);
    let tables = &search.tables;
    let shares = |other: CellId| {
        let apart = |(a, value): &(usize, u32)| parts.iter().any(|(b, v)| a == b && value != v);
        other != id && !without.contains(&other) && !tables.parts(other).iter().any(apart)
    };
    let best = search.best(0.0, shares);
    let rival = best
        .map(|(other, gain)| Rival { cell: search.tables.parts(other), behind_nats: nats - gain });
    (nats, rival)
}

fn around(ratio: f64, error: f64) -> (f64, f64) {
    (ratio * (-WIDTH * error).exp(), ratio * (WIDTH * error).exp())
}
