//! History counted under old ids, read under new ones.

use std::collections::{BTreeMap, BTreeSet};

use quell_model::{ReasonId, Weight};

use super::changes::{Kin, Replaces, Undeclarable};
use super::confusion::{Confusion, Flow};
use crate::catalogue::Taxonomy;

/// A split's shares are measured from at least so many contacts.
const FEWEST_MEASURED: u64 = 30;

/// What stands for an old reason now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Successors {
    /// One reason: itself, where it moved to, or what it merged into.
    One(ReasonId),
    /// Several, with the shares that its contacts had when tagged by both versions; they sum to
    /// one.
    Shared(Vec<(ReasonId, Weight)>),
    /// Several, and too few contacts were tagged by both versions to say in what shares.
    Undivided(Vec<ReasonId>),
    /// None: it was removed.
    None,
}

/// Maps ids of the old version to those of the new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restatement {
    successors: BTreeMap<ReasonId, Successors>,
    declared: BTreeMap<ReasonId, BTreeSet<ReasonId>>,
}

/// One reason in both histories. Amounts are whatever was counted, in whole units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryRow {
    /// The reason, of the old version or of the new one.
    pub reason: ReasonId,
    /// As it was counted.
    pub as_it_was: u64,
    /// As it reads now.
    pub restated: u64,
    /// What of `as_it_was` no reason of the new version can be given: it was removed, or split in
    /// shares nobody measured.
    pub not_restated: u64,
}

/// Both histories side by side, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Every reason that has an amount in either.
    pub rows: Vec<HistoryRow>,
}

impl Restatement {
    /// The mapping. Splits are divided as `measured` shows, over the declared successors only.
    ///
    /// # Errors
    /// Every declaration that names a reason that is not there.
    pub fn of(
        old: &Taxonomy,
        new: &Taxonomy,
        replaces: &Replaces,
        measured: &Confusion,
    ) -> Result<Restatement, Vec<Undeclarable>> {
        let declared = Kin::of(old, new, replaces)?.successors;
        let successors = declared
            .iter()
            .map(|(from, into)| (from.clone(), successors_of(from, into, &declared, measured)))
            .collect();
        Ok(Restatement { successors, declared })
    }

    /// What stands for a reason now. An id that the old version does not list (an agent's code,
    /// unclassified) stands for itself.
    pub fn successors(&self, reason: &ReasonId) -> Successors {
        let known = self.successors.get(reason).cloned();
        known.unwrap_or_else(|| Successors::One(reason.clone()))
    }

    /// Both histories of amounts by reason. Nothing is lost or made: `as_it_was` sums to
    /// `restated` and `not_restated` together. Over several versions, restate step by step.
    pub fn restate(&self, amounts: &BTreeMap<ReasonId, u64>) -> History {
        let mut rows: BTreeMap<ReasonId, [u64; 3]> = BTreeMap::new();
        let mut add = |reason: &ReasonId, column: usize, amount: u64| {
            let row = rows.entry(reason.clone()).or_default();
            if let Some(sum) = row.get_mut(column) {
                *sum = sum.saturating_add(amount);
            }
        };
        for (reason, &amount) in amounts {
            add(reason, 0, amount);
            match self.successors(reason) {
                Successors::One(now) => add(&now, 1, amount),
                Successors::Shared(shares) => {
                    for (now, part) in divided(amount, &shares) {
                        add(now, 1, part);
                    }
                }
                Successors::Undivided(_) | Successors::None => add(reason, 2, amount),
            }
        }
        let row = |(reason, [as_it_was, restated, not_restated]): (_, [u64; 3])| HistoryRow {
            reason,
            as_it_was,
            restated,
            not_restated,
        };
        History { rows: rows.into_iter().map(row).collect() }
    }

    /// The flows that no declaration explains: contacts whose new reason neither is nor replaces
    /// their old one. The largest first. These are what to read before a version goes live.
    pub fn unexpected(&self, measured: &Confusion) -> Vec<Flow> {
        let explained =
            |flow: &Flow| self.declared.get(&flow.from).is_some_and(|into| into.contains(&flow.to));
        measured.moved().into_iter().filter(|flow| !explained(flow)).collect()
    }
}

fn successors_of(
    from: &ReasonId,
    into: &BTreeSet<ReasonId>,
    all: &BTreeMap<ReasonId, BTreeSet<ReasonId>>,
    measured: &Confusion,
) -> Successors {
    let list: Vec<ReasonId> = into.iter().cloned().collect();
    match list.as_slice() {
        // A cause that is gone counts with the reason it was a cause of.
        [] => match all.get(&from.level2()) {
            Some(above) if from.level2() != *from => {
                successors_of(&from.level2(), above, all, measured)
            }
            _ => Successors::None,
        },
        [one] => Successors::One(one.clone()),
        several => {
            let weights: Vec<u64> =
                several.iter().map(|to| measured.weight_micros(from, to)).collect();
            let sum: u64 = weights.iter().sum();
            if sum < FEWEST_MEASURED * u64::from(Weight::ONE.0) {
                return Successors::Undivided(list);
            }
            // In thousandths of a contact: the scores of a split are 32 bits wide.
            let most = weights.iter().max().copied().unwrap_or(0) / u64::from(u32::MAX) + 1;
            let scores: Vec<u32> = weights.iter().map(|weight| (weight / most) as u32).collect();
            let shares = several.iter().cloned().zip(Weight::split(&scores));
            Successors::Shared(shares.filter(|(_, weight)| weight.0 > 0).collect())
        }
    }
}

/// An amount in parts that sum to it: rounded down, and what is left goes to the largest share.
fn divided(amount: u64, shares: &[(ReasonId, Weight)]) -> Vec<(&ReasonId, u64)> {
    let one = u128::from(Weight::ONE.0);
    let part = |weight: Weight| (u128::from(amount) * u128::from(weight.0) / one) as u64;
    let mut parts: Vec<(&ReasonId, u64)> =
        shares.iter().map(|(reason, weight)| (reason, part(*weight))).collect();
    let given: u64 = parts.iter().map(|(_, part)| part).sum();
    let largest = (0..).zip(shares).max_by_key(|(at, (_, weight))| (weight.0, usize::MAX - at));
    if let Some((_, part)) = largest.and_then(|(at, _)| parts.get_mut(at)) {
        *part += amount.saturating_sub(given);
    }
    parts
}
