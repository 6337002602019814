//! Where the search for a phrase begins.

use rustc_hash::FxHashMap;

use super::matcher::{Anchor, Table, Variant};

/// A phrase is looked at only where its rarest word stands.
pub(super) fn choose(table: &mut Table, variants: &[Variant], common: &[(u32, bool)]) {
    let mut uses: FxHashMap<u32, u32> = FxHashMap::default();
    for class in variants.iter().flat_map(|variant| variant.groups.iter().flatten()) {
        *uses.entry(*class).or_default() += 1;
    }
    let mut is_common = vec![false; table.anchors.len()];
    for &(class, common) in common {
        is_common[class as usize] |= common;
    }
    for (number, variant) in variants.iter().enumerate() {
        let places = variant.groups.iter().enumerate().flat_map(|(group, items)| {
            items.iter().enumerate().map(move |(item, class)| (group, item, *class))
        });
        let mut places: Vec<(usize, usize, u32)> = places.collect();
        places.sort_by_key(|&(_, _, class)| {
            (is_common[class as usize], uses.get(&class).copied().unwrap_or(0))
        });
        if let Some(&(group, item, class)) = places.first() {
            table.anchors[class as usize].push(Anchor {
                variant: number as u32,
                phrase: variant.phrase,
                also: places.get(1).map_or(class, |&(_, _, other)| other),
                group: group as u8,
                item: item as u8,
            });
        }
    }
}
