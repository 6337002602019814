//! Which keys a model knows, how rare each is, and texts as vectors over them.

use rustc_hash::FxHashMap;

use super::features::{FAMILIES, Family, Read, family_of};
use super::vectors::{Met, WordVectors};

/// With more keys those of a single text are left out. They can only be learnt by heart, but what
/// they bear is then not put on others.
const MANY_KEYS: usize = 250_000;

/// The length of each family in a text. Pieces stand for words that no text had; sequences and
/// joints say little that words and pieces do not.
const LENGTHS: [f32; FAMILIES] = [1.0, 0.6, 1.5, 1.0, 0.6];
/// And that of the vector of its words, where there is a table of them.
const VECTOR_LENGTH: f32 = 1.5;

/// These families say how much of a text is known: few pairs and joints of any text are.
const TELLING: [bool; FAMILIES] = [true, true, true, false, false];

/// A known key's place and weight, the square root of `1 + ln((1 + texts) / (1 + texts with it))`:
/// the plain logarithm makes too much of keys that are only rare.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Known {
    row: u32,
    rarity: f32,
}

/// Finds what is known of a key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lookup {
    known: FxHashMap<u64, Known>,
    /// The rarity of a key that only one of the training texts has: that of an unknown one.
    unknown: f32,
}

impl Lookup {
    /// Of keys with their rarities, in the order of their rows.
    pub fn of(keys: impl IntoIterator<Item = (u64, f32)>, unknown: f32) -> Lookup {
        let known = |(row, (key, rarity)): (u32, (u64, f32))| (key, Known { row, rarity });
        Lookup { known: (0..).zip(keys).map(known).collect(), unknown }
    }

    /// The row of a key.
    pub fn row(&self, key: u64) -> Option<u32> {
        Some(self.known.get(&key)?.row)
    }
}

/// A row that a text has.
#[derive(Clone, Copy, Debug)]
struct Counted {
    row: u32,
    rarity: f32,
    family: u8,
    count: u32,
}

/// Makes vectors of what was read; keeps its buffers.
#[derive(Default)]
pub(super) struct Counter {
    met: Vec<Met>,
    sum: Vec<f32>,
    counted: Vec<Counted>,
    /// Where a row stands in `counted`, from 1; else 0.
    places: Vec<u32>,
}

impl Counter {
    /// A text as a vector, and how much of the text is known: the share of its squared length
    /// over the words, sequences and pieces that more than one training text had, or the share of
    /// its words that are in the table if that is more. A key's count counts by `1 + ln(count)`:
    /// said twice is not meant twice.
    ///
    /// A family's length is that of all its keys, the unknown ones as rare as those of a single
    /// text: a text that is mostly strange has a short vector, which moves no score far.
    pub fn count(
        &mut self,
        lookup: &Lookup,
        vectors: Option<&WordVectors>,
        read: &Read,
        out: &mut Sparse,
    ) -> f32 {
        let mut known = self.count_keys(lookup, read, out);
        if let Some(vectors) = vectors {
            let (met, unit) = self.meet(lookup, vectors, read);
            let share = met.iter().map(|met| met.last - met.first + 1).sum::<u32>() as f32;
            let telling = read.said.iter().filter(|said| said.stem != 0).count();
            known = known.max(share / telling.max(1) as f32);
            let first = lookup.known.len() as u32;
            out.0.extend((first..).zip(&self.sum).map(|(row, sum)| (row, sum * unit)));
        }
        known
    }

    /// The words of a text that a table has, and what a word's part counts beside their sum.
    pub fn meet(&mut self, lookup: &Lookup, vectors: &WordVectors, read: &Read) -> (&[Met], f32) {
        let rarity = |stem| lookup.known.get(&stem).map_or(lookup.unknown, |known| known.rarity);
        vectors.meet(&read.said, rarity, &mut self.met);
        let unit = VECTOR_LENGTH * vectors.sum(&self.met, &mut self.sum);
        (&self.met, unit)
    }

    fn count_keys(&mut self, lookup: &Lookup, read: &Read, out: &mut Sparse) -> f32 {
        let Counter { counted, places, .. } = self;
        counted.clear();
        places.resize(lookup.known.len().max(places.len()), 0);
        let mut squares = [0.0_f32; FAMILIES];
        for feature in &read.features {
            let family = feature.family();
            let Some(known) = lookup.known.get(&feature.key) else {
                squares[family] += if TELLING[family] { lookup.unknown.powi(2) } else { 0.0 };
                continue;
            };
            let place = &mut places[known.row as usize];
            if let Some(same) = counted.get_mut((*place as usize).wrapping_sub(1)) {
                same.count += 1;
                continue;
            }
            let Known { row, rarity } = *known;
            counted.push(Counted { row, rarity, family: family as u8, count: 1 });
            *place = counted.len() as u32;
        }
        out.0.clear();
        let mut known = 0.0;
        for one in &*counted {
            places[one.row as usize] = 0;
            let times = if one.count == 1 { 1.0 } else { 1.0 + (one.count as f32).ln() };
            let value = times * one.rarity;
            let family = usize::from(one.family);
            squares[family] += value * value;
            known +=
                if TELLING[family] && one.rarity < lookup.unknown { value * value } else { 0.0 };
            out.0.push((one.row, value));
        }
        let telling = squares.iter().zip(TELLING).filter(|(_, telling)| *telling);
        let known = known / telling.map(|(square, _)| square).sum::<f32>().max(f32::MIN_POSITIVE);
        let mut scale = LENGTHS;
        for (scale, square) in scale.iter_mut().zip(squares) {
            *scale /= square.max(f32::MIN_POSITIVE).sqrt();
        }
        for ((_, value), one) in out.0.iter_mut().zip(counted) {
            *value *= scale[usize::from(one.family)];
        }
        known
    }
}

/// The keys of the training texts.
pub(super) struct Vocabulary {
    /// The most frequent first: what most texts touch lies together in memory.
    pub keys: Vec<(u64, f32)>,
    pub lookup: Lookup,
    /// The rarity of a key that nothing is known of.
    pub unknown: f32,
}

/// One text: its rows, each with its value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sparse(pub Vec<(u32, f32)>);

impl Vocabulary {
    /// The keys that enough of these texts have.
    pub fn of(texts: &[Read]) -> Vocabulary {
        let mut texts_with: FxHashMap<u64, u32> = FxHashMap::default();
        let mut keys: Vec<u64> = Vec::new();
        for text in texts {
            keys.clear();
            keys.extend(text.features.iter().map(|feature| feature.key));
            keys.sort_unstable();
            keys.dedup();
            for key in &keys {
                *texts_with.entry(*key).or_default() += 1;
            }
        }
        // There are so many of these that a single text's are not worth their place.
        let many = [Family::Pair, Family::Joint].map(|family| family as usize);
        texts_with.retain(|&key, count| *count > 1 || !many.contains(&family_of(key)));
        let needed = 1 + u32::from(texts_with.len() > MANY_KEYS);
        let all = (1 + texts.len()) as f32;
        let mut keys: Vec<(u64, f32)> = texts_with
            .into_iter()
            .filter(|&(_, count)| count >= needed)
            .map(|(key, count)| (key, rarity(all, count)))
            .collect();
        keys.sort_unstable_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let unknown = rarity(all, 1);
        let lookup = Lookup::of(keys.iter().copied(), unknown);
        Vocabulary { keys, lookup, unknown }
    }
}

fn rarity(all: f32, texts_with: u32) -> f32 {
    (1.0 + (all / (1 + texts_with) as f32).ln()).sqrt()
}
