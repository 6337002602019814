//! The search for the set of cells.

use std::collections::BTreeMap;

use super::Settings;
use super::cube::Cube;
use super::fit::Fit;
use super::noise::{MEDIAN_OF_SQUARE, median};
use super::tables::{CellId, Sums, Tables};

/// Rounds in which every cell of the set is put to the test.
const REFINE_ROUNDS: usize = 3;
/// Information a cell needs to tell how far whole cells stray.
const TELLING_SUM: f64 = 50.0;
/// The largest squared relative error of whole cells.
const MOST_HETEROGENEITY: f64 = 0.25;
/// Halvings of that range.
const BISECTIONS: usize = 12;

/// The search over one cube.
pub struct Search<'a> {
    cube: &'a Cube,
    settings: &'a Settings,
    counts: bool,
    leaves: Vec<Sums>,
    all: Sums,
    /// Sums of the leaves, the expected with the lift of the set as last set, both by its trust.
    pub tables: Tables,
    lift: Vec<f64>,
    trust: Vec<f64>,
    /// Nats a cell of so many attributes costs.
    prices: Vec<f64>,
    /// The leaves of the cells that were in any set.
    cells: BTreeMap<CellId, Vec<u32>>,
}

impl<'a> Search<'a> {
    /// A search over cells of up to `depth` attributes.
    pub fn new(
        cube: &'a Cube,
        settings: &'a Settings,
        leaves: Vec<Sums>,
        counts: bool,
        depth: usize,
    ) -> Search<'a> {
        let tables = Tables::new(cube, depth, &leaves);
        let depth = tables.tables.first().map_or(0, |table| table.attributes.len());
        let price = |order| {
            (tables.filled(order).max(1) as f64).ln() + (depth as f64).ln() + settings.price_nats
        };
        Search {
            prices: (0..=depth).map(price).collect(),
            all: tables.all(),
            lift: vec![1.0; leaves.len()],
            trust: vec![1.0; leaves.len()],
            cells: BTreeMap::new(),
            cube,
            settings,
            counts,
            leaves,
            tables,
        }
    }

    /// Grows the set by the best cell for as long as one is worth its price.
    pub fn grow(&mut self, mut set: Vec<CellId>) -> (Vec<CellId>, Fit) {
        let mut fit = self.fit(&set);
        // Some additions are taken back in refinement: the rounds are bounded on their own.
        for _ in 0..2 * self.settings.most_causes {
            self.show(&fit);
            if set.len() >= self.settings.most_causes {
                break;
            }
            let Some((found, _)) = self.best(0.0, |id| !set.contains(&id)) else { break };
            set.push(found);
            fit = self.fit(&set);
            self.refine(&mut set, &mut fit);
        }
        (set, fit)
    }

    /// Puts each cell of the set to the test: without it, with the best other cell in its place,
    /// or with some of its parts.
    fn refine(&mut self, set: &mut Vec<CellId>, fit: &mut Fit) {
        for _ in 0..REFINE_ROUNDS {
            let mut changed = false;
            for at in (0..set.len()).rev() {
                if at < set.len() && self.refine_at(at, set, fit) {
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    fn refine_at(&mut self, at: usize, set: &mut Vec<CellId>, fit: &mut Fit) -> bool {
        let mut without = set.clone();
        let gone = without.remove(at);
        let base = self.fit(&without);
        self.show(&base);
        let mut options = vec![without.clone()];
        // The last cell of a set of one was the best of all just before.
        if !without.is_empty() {
            let other = self.best(0.0, |id| id != gone && !without.contains(&id));
            options.extend(other.map(|(other, _)| with(&without, &[other])));
        }
        options.extend(self.splits(gone).iter().map(|parts| with(&without, parts)));
        let mut chosen: Option<(Vec<CellId>, Fit)> = None;
        let mut most = 1e-6;
        let most_causes = self.settings.most_causes;
        for option in options.into_iter().filter(|option| option.len() <= most_causes) {
            let other = self.fit(&option);
            let gain = other.likelihood - fit.likelihood;
            // A cause may lift its leaves unevenly. What tells its parts apart is then measured by
            // how uneven they are within.
            let uneven =
                other.dispersions[without.len()..].iter().fold(1.0, |a, b| f64::max(a, *b));
            let gain = if gain > 0.0 { gain / uneven } else { gain };
            let worth = gain + self.price_of(set) - self.price_of(&option);
            if worth > most && other.ratios.iter().all(|&ratio| self.matters(ratio)) {
                most = worth;
                chosen = Some((option, other));
            }
        }
        let changed = chosen.is_some();
        if let Some((option, other)) = chosen {
            *set = option;
            *fit = other;
        }
        changed
    }

    /// Takes out, the weakest first, cells that do not beat how far whole cells stray.
    pub fn prune(&mut self, set: &mut Vec<CellId>, fit: &mut Fit) {
        while !set.is_empty() {
            self.show(fit);
            let stray = self.heterogeneity();
            let mut weakest: Option<(f64, usize, Fit)> = None;
            for at in 0..set.len() {
                let mut without = set.clone();
                let gone = without.remove(at);
                let other = self.fit(&without);
                let mean = fit.common * self.tables.sums(gone).expected / fit.ratios[at];
                let nats = (fit.likelihood - other.likelihood) / (1.0 + stray * mean);
                let worth = nats - self.price(gone);
                if worth < weakest.as_ref().map_or(0.0, |(least, ..)| *least) {
                    weakest = Some((worth, at, other));
                }
            }
            let Some((_, at, other)) = weakest else { return };
            set.remove(at);
            *fit = other;
        }
        self.show(fit);
    }

    /// The squared relative error of whole cells beyond that of their leaves: with it, the median
    /// cell of one or two attributes is as far off as chance would have it.
    pub fn heterogeneity(&self) -> f64 {
        let all = self.tables.all();
        let common = all.observed / all.expected;
        let small = self.tables.tables.iter().filter(|table| table.attributes.len() <= 2);
        let cells: Vec<(f64, f64)> = small
            .flat_map(|table| &table.sums)
            .map(|sums| (sums.observed, common * sums.expected))
            .filter(|(_, mean)| *mean > TELLING_SUM)
            .map(|(observed, mean)| ((observed - mean).powi(2) / mean, mean))
            .collect();
        let strays = |stray: f64| {
            let squares = cells.iter().map(|(square, mean)| square / (1.0 + stray * mean));
            median(squares.collect()) > MEDIAN_OF_SQUARE
        };
        if !strays(0.0) {
            return 0.0;
        }
        let (mut low, mut high) = (0.0, MOST_HETEROGENEITY);
        for _ in 0..BISECTIONS {
            let middle = (low + high) / 2.0;
            if strays(middle) { low = middle } else { high = middle }
        }
        low
    }

    /// Whether a leaf alone stands out more than chance makes the oddest of so many: cells deeper
    /// than the search hold so few leaves that one of them does.
    pub fn has_odd_leaf(&self, fit: &Fit) -> bool {
        let least = (self.leaves.len() as f64).ln() + self.settings.price_nats;
        self.leaves.iter().zip(fit.lift.iter().zip(&fit.trust)).any(|(sums, (lift, trust))| {
            let mean = fit.common * sums.expected * lift;
            let nats = part(sums.observed, mean) + mean - sums.observed;
            trust * nats > least || (mean <= 0.0 && sums.observed > least)
        })
    }

    /// The allowed cell that gains most beyond its price, and that gain, if above `least`.
    pub fn best(&self, least: f64, allowed: impl Fn(CellId) -> bool) -> Option<(CellId, f64)> {
        let all = self.tables.all();
        let mut best = None;
        let mut most = least;
        for (at, table) in self.tables.tables.iter().enumerate().rev() {
            let price = self.prices[table.attributes.len()];
            for (cell, sums) in table.sums.iter().enumerate() {
                let id = CellId { table: at, cell };
                // Of cells of the same leaves the first is taken, whatever the rounding.
                let least = price + most + 1e-9 * most.abs();
                if let Some(gain) = self.gain(*sums, all, least)
                    && allowed(id)
                {
                    most = gain - price;
                    best = Some((id, most));
                }
            }
        }
        best
    }

    /// Nats of a cell against the rest, if more than `least` and its ratio matters.
    fn gain(&self, sums: Sums, all: Sums, least: f64) -> Option<f64> {
        let mean = all.observed / all.expected * sums.expected;
        let (rest, rest_mean) = (all.observed - sums.observed, all.observed - mean);
        if mean <= 0.0 || rest_mean <= 0.0 {
            return None;
        }
        // As ln x <= x - 1, the gain is at most this; most cells end here, without a logarithm.
        let square = (sums.observed - mean).powi(2);
        if square * all.observed < least * mean * rest_mean {
            return None;
        }
        let ratio = (sums.observed * rest_mean) / (mean * rest);
        let gain = part(sums.observed, mean) + part(rest, rest_mean);
        (gain > least && self.matters(ratio)).then_some(gain)
    }

    /// Sets of parts of the cell, by one attribute more, each worth its price.
    fn splits(&self, id: CellId) -> Vec<Vec<CellId>> {
        let parts = self.tables.parts(id);
        let all = self.tables.all();
        let mut found = Vec::new();
        for (at, table) in self.tables.tables.iter().enumerate() {
            let below = table.attributes.len() == parts.len() + 1
                && parts.iter().all(|(a, _)| table.attributes.contains(a));
            if !below {
                continue;
            }
            let price = self.prices[table.attributes.len()];
            let worth = |cell: &usize| {
                self.gain(table.sums[*cell], all, price).is_some() && {
                    let own = table.attributes.iter().copied().zip(table.values(*cell));
                    own.filter(|part| parts.contains(part)).count() == parts.len()
                }
            };
            let cells = (0..table.sums.len()).filter(worth);
            let cells: Vec<CellId> = cells.map(|cell| CellId { table: at, cell }).collect();
            if (2..=self.settings.most_causes).contains(&cells.len()) {
                found.push(cells);
            }
        }
        found
    }

    /// Whether a ratio is far enough from one to be told.
    fn matters(&self, ratio: f64) -> bool {
        ratio >= self.settings.least_ratio || ratio <= 1.0 / self.settings.least_ratio
    }

    /// Nats the cell costs.
    pub fn price(&self, id: CellId) -> f64 {
        self.prices[self.tables.tables[id.table].attributes.len()]
    }

    fn price_of(&self, set: &[CellId]) -> f64 {
        set.iter().map(|id| self.price(*id)).sum()
    }

    /// The leaves of a cell.
    pub fn leaves_of(&mut self, id: CellId) -> &[u32] {
        let (tables, cube) = (&self.tables, self.cube);
        self.cells.entry(id).or_insert_with(|| {
            let parts = tables.parts(id);
            let inside = |leaf: usize| parts.iter().all(|&(a, v)| cube.columns[a][leaf] == v);
            (0..cube.len()).filter(|&leaf| inside(leaf)).map(|leaf| leaf as u32).collect()
        })
    }

    /// Fits the model of a set.
    pub fn fit(&mut self, set: &[CellId]) -> Fit {
        for id in set {
            self.leaves_of(*id);
        }
        let cells: Vec<&[u32]> = set.iter().map(|id| self.cells[id].as_slice()).collect();
        Fit::new(&self.leaves, self.all, &cells, self.counts)
    }

    /// Brings the tables to a fit.
    pub fn show(&mut self, fit: &Fit) {
        let changes: Vec<(usize, Sums)> = (0..self.lift.len())
            .filter(|&at| self.lift[at] != fit.lift[at] || self.trust[at] != fit.trust[at])
            .map(|at| {
                let sums = self.leaves[at];
                let expected = fit.trust[at] * fit.lift[at] - self.trust[at] * self.lift[at];
                let change = Sums {
                    observed: sums.observed * (fit.trust[at] - self.trust[at]),
                    expected: sums.expected * expected,
                };
                (at, change)
            })
            .collect();
        if !changes.is_empty() {
            self.tables.add(changes.iter().copied());
            self.lift.clone_from(&fit.lift);
            self.trust.clone_from(&fit.trust);
        }
    }
}

fn part(observed: f64, mean: f64) -> f64 {
    if observed > 0.0 && mean > 0.0 { observed * (observed / mean).ln() } else { 0.0 }
}

fn with(set: &[CellId], more: &[CellId]) -> Vec<CellId> {
    let new = more.iter().filter(|id| !set.contains(id));
    set.iter().chain(new).copied().collect()
}
