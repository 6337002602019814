//! Which keys a model knows, how rare each is, and texts as vectors over them.

use rustc_hash::FxHashMap;

use super::features::{FAMILIES, Feature, family_of};

/// From so many texts on, a key of a single text is left out: it can only be learnt by heart.
const MANY_TEXTS: usize = 2_000;

/// A known key's place and weight: `1 + ln((1 + texts) / (1 + texts with it))`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub row: u32,
    pub rarity: f32,
}

/// The keys of the training texts.
pub(super) struct Vocabulary {
    /// The most frequent first: what most texts touch lies together in memory.
    pub keys: Vec<(u64, f32)>,
    rows: FxHashMap<u64, Known>,
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
        let known =
            |(row, &(key, rarity)): (usize, &(u64, f32))| (key, Known { row: row as u32, rarity });
        let rows = keys.iter().enumerate().map(known).collect();
        Vocabulary { keys, rows }
    }

    /// A text as the trainers take it.
    pub fn vector(&self, features: &mut [Feature]) -> Sparse {
        vector(features, |key| self.rows.get(&key).copied())
    }
}

/// Counts, dampens, weighs and scales. `1 + ln(count)`: said twice is not meant twice.
pub(super) fn vector(features: &mut [Feature], known: impl Fn(u64) -> Option<Known>) -> Sparse {
    features.sort_unstable_by_key(|feature| feature.key);
    let mut out = Vec::new();
    let mut squares = [0.0_f32; FAMILIES];
    let mut families = Vec::new();
    for same in features.chunk_by(|a, b| a.key == b.key) {
        let Some(known) = known(same[0].key) else { continue };
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
