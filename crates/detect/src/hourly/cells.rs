//! Cells: a reason's customers with one dimension value, judged beside the reasons.
//!
//! A cell is a share of the same whole as its reason, under the same factor of the hour, and has
//! no part in the factor, the exposure or the total: what it brings is counted in its reason. One
//! cause is one issue, so
//!
//! * reasons are judged first: while an issue of the reason or of all is open, none of its cells
//!   opens, and what came until it cannot come back any more is not judged again;
//! * one cell of a reason has an open issue at most: the one that says most;
//! * a cell must stand out from the *rest* of its reason, and from its value in *other* reasons.
//!   Over the window that says most, what the one or the other brought above its expectation is
//!   expected of the cell as well;
//! * while its issue is open, the cell's customers count in the reason as those expected of it.
//!
//! It fails where a value rises in reasons of which no other has a cell of it. It does not see what
//! a value brings in all reasons alike, nor a rise that begins while an issue of the same reason is
//! open, before that is over.

use serde::{Deserialize, Serialize};

use super::Count;
use super::calendar::TERMS;
use super::issue::{Issue, Subject};
use super::scan::{Evidence, How, Stake};
use super::series::{Seen, Series, Setting};

/// Customers at no difference that a comparison begins with.
const REST_WORTH: f64 = 10.0;

/// The cells that are tracked, in the order in which they came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    next_id: u64,
    cells: Vec<Cell>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Cell {
    id: u64,
    /// The reason's place.
    reason: usize,
    /// A number of the dimension value, the same in all reasons.
    value: u64,
    series: Series,
}

impl Cell {
    fn subject(&self) -> Subject {
        Subject::Cell(self.id)
    }
}

/// What an issue of the reason, of all reasons or of another cell of the reason leaves to a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Everything.
    Free,
    /// The newest hours are part of that issue.
    Shut {
        /// How many of them were not so before.
        hours: u32,
    },
    /// It closed so little ago that what comes back is still part of it: nothing that came so far
    /// is judged again.
    Ended,
}

impl Gate {
    /// From a series that took the hour.
    pub fn of(was_open: bool, series: &Series, at: &Setting) -> Gate {
        let Some(issue) = series.issue else { return Gate::Free };
        match issue.is_open() {
            true if was_open => Gate::Shut { hours: 1 },
            true => Gate::Shut { hours: series.now.hours },
            false if issue.takes_up(at.hour, at.settings) => Gate::Ended,
            false => Gate::Free,
        }
    }

    /// Under both.
    pub fn and(self, other: Gate) -> Gate {
        match (self, other) {
            (Gate::Shut { hours: one }, Gate::Shut { hours: two }) => {
                Gate::Shut { hours: one.max(two) }
            }
            (shut @ Gate::Shut { .. }, _) | (_, shut @ Gate::Shut { .. }) => shut,
            (Gate::Ended, _) | (_, Gate::Ended) => Gate::Ended,
            (Gate::Free, Gate::Free) => Gate::Free,
        }
    }
}

/// An hour as cells see it.
pub struct Around<'a> {
    /// What the hour is, by the reason's place.
    pub setting: &'a dyn Fn(usize) -> Setting<'a>,
    /// The regressors of the hour.
    pub ahead: &'a [f64; TERMS],
    /// By the reason's place.
    pub gates: Vec<Gate>,
}

impl Cells {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Begins a cell of the reason at this place: nothing is known of what came before.
    pub fn track(&mut self, reason: usize, value: u64) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.cells.push(Cell { id, reason, value, series: Series::new() });
        id
    }

    /// Forgets the cells that are not to be kept, but none with an open issue.
    pub fn retain(&mut self, keep: impl Fn(u64) -> bool) {
        self.cells.retain(|cell| cell.series.is_open() || keep(cell.id));
    }

    /// Their ids in order.
    pub fn ids(&self) -> impl Iterator<Item = u64> {
        self.cells.iter().map(|cell| cell.id)
    }

    /// Their series.
    pub fn all(&self) -> impl Iterator<Item = (Subject, &Series)> {
        self.cells.iter().map(|cell| (cell.subject(), &cell.series))
    }

    /// What is watched, as issues: the cell of a reason that says most, where `is_asked` says so
    /// of the reason's place.
    pub fn watches(&self, stake: Stake, is_asked: impl Fn(usize) -> bool) -> Vec<Issue> {
        let mut best: Vec<&Cell> = Vec::new();
        let is_taken = |reason| self.cells.iter().any(|cell| cell.takes(reason));
        let watched = self.cells.iter().filter(|cell| cell.series.watched_from.is_some());
        for cell in watched.filter(|cell| is_asked(cell.reason) && !is_taken(cell.reason)) {
            match best.iter_mut().find(|known| known.reason == cell.reason) {
                Some(known) if cell.series.now.score > known.series.now.score => *known = cell,
                Some(_) => {}
                None => best.push(cell),
            }
        }
        let watch = |cell: &Cell| {
            let from = cell.series.watched_from?;
            Some(cell.series.opened(cell.subject(), from, stake))
        };
        best.into_iter().filter_map(watch).collect()
    }

    /// The cells with an open issue, by their places, and what they brought.
    pub fn open(&self, counts: &[Count]) -> Vec<(usize, Seen)> {
        let open = self.cells.iter().enumerate().filter(|(_, cell)| cell.series.is_open());
        let counts = |place: usize| counts.get(place).copied().unwrap_or_default();
        open.map(|(place, _)| (place, counts(place).into())).collect()
    }

    /// What a reason brought, where customers of its cell with an open issue count as those
    /// expected of it.
    pub fn rest(
        &self,
        open: &[(usize, Seen)],
        (reason, mut seen): (usize, Seen),
        expected: impl Fn(&Series) -> Option<f64>,
    ) -> Seen {
        for (place, own) in open {
            let cell = self.cells.get(*place).filter(|cell| cell.reason == reason);
            let Some(mean) = cell.and_then(|cell| expected(&cell.series)) else { continue };
            seen.customers = (seen.customers - own.customers + mean).max(0.0);
            seen.contacts = (seen.contacts - own.contacts + mean).max(0.0);
        }
        seen
    }

    /// Takes an hour, after the reasons did. Left out counts are zero.
    pub fn step(&mut self, counts: &[Count], around: &Around, reasons: &mut [Series]) {
        let counts = counts.iter().copied().chain(std::iter::repeat(Count::default()));
        let (mut free, mut of_cells) = (Vec::new(), Vec::new());
        for (place, (cell, count)) in self.cells.iter_mut().zip(counts).enumerate() {
            let at = (around.setting)(cell.reason);
            let taken = cell.series.take(count.into(), &at, around.ahead);
            let has_customers = at.known && count.customers > 0;
            let was_open = cell.series.is_open();
            if was_open {
                cell.series.now = cell.scanned(&at, has_customers);
                cell.series.settle(Subject::Cell(cell.id), &taken, &at, false);
            } else {
                free.push((place, taken, has_customers));
            }
            let gate = Gate::of(was_open, &cell.series, &at);
            if gate != Gate::Free {
                of_cells.push((place, cell.reason, gate));
            }
        }
        let mut best: Vec<Option<(usize, f64)>> = vec![None; reasons.len()];
        for &(place, _, has_customers) in &free {
            let Some(cell) = self.cells.get_mut(place) else { continue };
            let mut gate = around.gates.get(cell.reason).copied().unwrap_or(Gate::Free);
            for (other, reason, own) in &of_cells {
                if *reason == cell.reason && *other != place {
                    gate = gate.and(*own);
                }
            }
            cell.heed(gate);
            let at = (around.setting)(cell.reason);
            let now = match gate {
                Gate::Free => self.judged(place, &at, has_customers, reasons),
                _ => Evidence::default(),
            };
            let score = now.score;
            let Some(cell) = self.cells.get_mut(place) else { continue };
            cell.series.now = now;
            if let Some(best) = best.get_mut(cell.reason)
                && score > at.thresholds.0
                && best.is_none_or(|(_, known)| score > known)
            {
                *best = Some((place, score));
            }
        }
        for (place, taken, _) in free {
            let Some(cell) = self.cells.get_mut(place) else { continue };
            let at = (around.setting)(cell.reason);
            let chosen = best.get(cell.reason).copied().flatten();
            let may_open = chosen.is_some_and(|(best, _)| best == place);
            cell.series.settle(Subject::Cell(cell.id), &taken, &at, may_open);
            if may_open && cell.series.is_open() {
                self.opened(place, reasons);
            }
        }
    }

    /// What is said of a cell, less what its reason and its value bring beside it.
    fn judged(
        &self,
        place: usize,
        at: &Setting,
        has_customers: bool,
        reasons: &[Series],
    ) -> Evidence {
        let Some(cell) = self.cells.get(place) else { return Evidence::default() };
        let mut now = cell.scanned(at, has_customers);
        if now.score <= at.thresholds.1 {
            return now;
        }
        let of_reason = reasons.get(cell.reason).map(|reason| reason.recent.newest(now.hours));
        let (customers, mean) = of_reason.unwrap_or((now.observed, now.expected));
        let rest = ratio(customers - now.observed, mean - now.expected);
        let is_same = |other: &&Cell| other.value == cell.value && other.reason != cell.reason;
        let (mut customers, mut mean) = (0.0, 0.0);
        for other in self.cells.iter().filter(is_same) {
            let (own, expected) = other.series.recent.newest(now.hours);
            customers += own;
            mean += expected;
        }
        let raised = rest.max(ratio(customers, mean));
        if raised > 1.0 {
            let how = How { raised, ..at.how() };
            now.score = now.score.min(cell.series.recent.scan(&how, |_| {}).score);
        }
        now
    }

    /// What its issue explains is left out of the reason and of its other cells.
    fn opened(&mut self, place: usize, reasons: &mut [Series]) {
        let Some((reason, id, recent, hours)) = self
            .cells
            .get(place)
            .map(|cell| (cell.reason, cell.id, cell.series.recent.clone(), cell.series.now.hours))
        else {
            return;
        };
        if let Some(series) = reasons.get_mut(reason) {
            series.recent.explain(&recent, hours);
            series.watched_from = None;
        }
        for other in self.cells.iter_mut().filter(|other| other.reason == reason && other.id != id)
        {
            other.series.recent.exclude(hours);
        }
    }
}

impl Cell {
    /// Whether its open issue takes part of this reason's customers.
    fn takes(&self, reason: usize) -> bool {
        self.reason == reason && self.series.is_open()
    }

    fn heed(&mut self, gate: Gate) {
        match gate {
            Gate::Free => {}
            Gate::Shut { hours } => self.series.recent.exclude(hours),
            Gate::Ended => {
                self.series.recent.exclude(1);
                self.series.recent.forget();
            }
        }
    }

    /// What its windows say. Without a customer more than the hour before, hardly more is said than
    /// then, so it is not looked at unless something was said then.
    fn scanned(&self, at: &Setting, has_customers: bool) -> Evidence {
        let is_asked = has_customers || self.series.watched_from.is_some();
        if is_asked && self.series.is_grown(at) {
            return self.series.recent.scan(&at.how(), |_| {});
        }
        Evidence::default()
    }
}

/// What came over what was expected; at least 1.
fn ratio(customers: f64, mean: f64) -> f64 {
    ((customers.max(0.0) + REST_WORTH) / (mean.max(0.0) + REST_WORTH)).max(1.0)
}
