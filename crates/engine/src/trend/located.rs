//! Which dimension values together carry the excess of an issue: people of its hours by all their
//! values at once, against those of the days before.

use std::collections::{BTreeMap, BTreeSet};

use quell_detect::{Amount, Mix, locate};
use quell_model::issue::{Cause, NO_VALUE};
use quell_model::time::DAY_MS;

use super::Trend;
use super::explained::USUAL_DAYS;
use super::hours::{HourNo, start_of};
use super::leaves::{Leaf, Leaves};
use super::names::{DIMENSIONS, NameId, VALUES};
use super::owner::Owner;
use crate::state::{State, StateError};

/// A reason with fewer people before is compared with how all contacts were mixed.
const FEW_PEOPLE: u64 = 20;

impl Trend {
    /// The cells that carry the excess of the hours from `first` to before `end`, in which
    /// `expected_part` of the people were expected.
    pub(super) fn cause(
        &mut self,
        state: &mut dyn State,
        owner: Owner,
        (first, end): (HourNo, HourNo),
        expected_part: f64,
    ) -> Result<Cause, StateError> {
        let day = start_of(first).day();
        let hours_days = (start_of(end.saturating_sub(1)).day().since_ms(day) / DAY_MS).max(0);
        let days = (0..=hours_days).map(|after| day.plus_ms(after * DAY_MS));
        let now = owned(Leaves::read(state, days, owner.reason())?, owner);
        let days = || (1..=USUAL_DAYS).map(|before| day.plus_ms(-before * DAY_MS));
        let mut usual = owned(Leaves::read(state, days(), owner.reason())?, owner);
        let everywhen = (0, HourNo::MAX);
        let is_few = usual.people(everywhen).values().sum::<u64>() < FEW_PEOPLE;
        if is_few && owner != Owner::All {
            usual = owned(Leaves::read(state, days(), None)?, owner);
        }
        let mut leaves: BTreeMap<&Leaf, Amount> = BTreeMap::new();
        for (leaf, people) in now.people((first, end)) {
            leaves.entry(leaf).or_default().now = people;
        }
        for (leaf, people) in usual.people(everywhen) {
            leaves.entry(leaf).or_default().usual = people;
        }
        let people: u64 = leaves.values().map(|amount| amount.now).sum();
        let mix = self.mix(state, &leaves)?;
        Ok(locate(&mix, people as f64 * expected_part, now.part()))
    }

    /// The leaves in words, dimensions and values by name: numbers tell of the order of arrival.
    fn mix(
        &mut self,
        state: &mut dyn State,
        leaves: &BTreeMap<&Leaf, Amount>,
    ) -> Result<Mix, StateError> {
        let mut seen: BTreeMap<NameId, BTreeSet<NameId>> = BTreeMap::new();
        for &(dimension, value) in leaves.keys().copied().flatten() {
            seen.entry(dimension).or_default().insert(value);
        }
        // By the dimension's name: its number, and the numbers of its values by their names.
        let mut named: BTreeMap<String, (NameId, BTreeMap<String, NameId>)> = BTreeMap::new();
        for (dimension, values) in seen {
            let mut by_name = BTreeMap::new();
            for value in values {
                let name = self.names.name(state, VALUES + dimension, value)?;
                by_name.insert(name.to_owned(), value);
            }
            let name = self.names.name(state, DIMENSIONS, dimension)?;
            named.insert(name.to_owned(), (dimension, by_name));
        }
        let mut mix = Mix::default();
        let mut places: BTreeMap<NameId, (usize, BTreeMap<NameId, u32>)> = BTreeMap::new();
        for (at, (name, (dimension, values))) in named.into_iter().enumerate() {
            mix.dimensions.push(name);
            // The first place is that of people who have no value here.
            let codes = (1..).zip(values.values()).map(|(code, &id)| (id, code)).collect();
            places.insert(dimension, (at, codes));
            let none = std::iter::once(NO_VALUE.to_owned());
            mix.values.push(none.chain(values.into_keys()).collect());
        }
        for (leaf, amount) in leaves {
            let mut codes = vec![0; mix.dimensions.len()];
            for (dimension, value) in leaf.iter() {
                let Some((at, values)) = places.get(dimension) else { continue };
                codes[*at] = values.get(value).copied().unwrap_or(0);
            }
            let sum: &mut Amount = mix.leaves.entry(codes).or_default();
            sum.now += amount.now;
            sum.usual += amount.usual;
        }
        Ok(mix)
    }
}

/// Those of the reason's people who are the owner's.
pub(super) fn owned(leaves: Leaves, owner: Owner) -> Leaves {
    match owner.pair() {
        Some(pair) => leaves.within(pair),
        None => leaves,
    }
}
