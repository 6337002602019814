//! Which keys a model knows, how rare each is, and texts as vectors over them.

use rustc_hash::FxHashMap;

use super::features::{FAMILIES, Feature, family_of};

/// From so many texts on, a key of a single text is left out: it can only be learnt by heart.
const MANY_TEXTS: usize = 2_000;

/// A known key's place and weight: `1 + ln((1 + texts) / (1 + texts with it))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Known {
    pub row: u32,
    pub rarity: f32,
}

/// Finds what is known of a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lookup(FxHashMap<u64, Known>);

impl Lookup {
    /// Of keys with their rarities, in the order of their rows.
    pub fn of(keys: impl IntoIterator<Item = (u64, f32)>) -> Lookup {
        let known = |(row, (key, rarity)): (u32, (u64, f32))| (key, Known { row, rarity });
        Lookup((0..).zip(keys).map(known).collect())
    }

    /// A text as a vector. A key's count counts by `1 + ln(count)`: said twice is not meant twice.
    /// The features are left in the order of their keys.
    pub fn vector(&self, features: &mut [Feature]) -> Sparse {
        features.sort_unstable_by_key(|feature| feature.key);
        let mut out = Vec::new();
        let mut squares = [0.0_f32; FAMILIES];
        let mut families = Vec::new();
        for (known, same) in self.known(features) {
            let value = (1.0 + (same.len() as f32).ln()) * known.rarity;
            let family = same[0].family();
            squares[family] += value * value;
            families.push(family);
            out.push((known.row, value));
        }
        let scale = squares.map(|square| if square > 0.0 { square.sqrt().recip() } else { 0.0 });
        for ((_, value), family) in out.iter_mut().zip(families) {
            *value *= scale[family];
        }
        Sparse(out)
    }

    /// The known keys of features in the order of their keys, each with all its features.
    pub fn known<'f>(
        &self,
        features: &'f [Feature],
    ) -> impl Iterator<Item = (Known, &'f [Feature])> {
        let same = features.chunk_by(|a, b| a.key == b.key);
        same.filter_map(|same| Some((*self.0.get(&same[0].key)?, same)))
    }
}

/// The keys of the training texts.
pub(super) struct Vocabulary {
    /// The most frequent first: what most texts touch lies together in memory.
    pub keys: Vec<(u64, f32)>,
    pub lookup: Lookup,
}

/// One text: rows, each with its value. Every family has length one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sparse(pub Vec<(u32, f32)>);

impl Vocabulary {
    /// The keys that enough of these texts have.
    pub fn of(texts: &[Vec<Feature>]) -> Vocabulary {
        let mut texts_with: FxHashMap<u64, u32> = FxHashMap::default();
        let mut keys: Vec<u64> = Vec::new();
        for text in texts {
            keys.clear();
            keys.extend(text.iter().map(|feature| feature.key));
            keys.sort_unstable();
            keys.dedup();
            for key in &keys {
                *texts_with.entry(*key).or_default() += 1;
            }
        }
        let pair = super::features::Family::Pair as usize;
        let needed = |key: u64| match family_of(key) == pair {
            true => 2,
            false => 1 + u32::from(texts.len() >= MANY_TEXTS),
        };
        let all = (1 + texts.len()) as f32;
        let mut keys: Vec<(u64, f32)> = texts_with
            .into_iter()
            .filter(|&(key, count)| count >= needed(key))
            .map(|(key, count)| (key, 1.0 + (all / (1 + count) as f32).ln()))
            .collect();
        keys.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let lookup = Lookup::of(keys.iter().copied());
        Vocabulary { keys, lookup }
    }
}
