//! A trained model: what it thinks of a text, how sure it is, and why.

use std::collections::BTreeMap;
use std::sync::Arc;

use quell_text::Analysis;

use super::calibrate::{highest, probabilities};
use super::features::{Extractor, Read};
use super::linear::Linear;
use super::vectors::WordVectors;
use super::vocabulary::{Counter, Lookup, Sparse, Vocabulary};

/// Rows that move no score by more than this share of the widest row are left out.
const FAINT: f32 = 0.01;
/// Unless their keys are less rare than this beside an unknown one.
const RARE: f32 = 0.8;
/// Weights that are added in one step.
const LANES: usize = 8;
/// Tokens after which no further text of a contact is read.
const MOST_READ: u32 = 4_096;
/// A further reason is given when it is at least this likely beside the first.
const BESIDE: f32 = 0.3;

/// How scores become probabilities and decisions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Calibration {
    pub temperature: f32,
    pub threshold: f32,
    pub precision: f64,
    pub other: Option<u32>,
    /// How much must be known of a text for a sure guess.
    pub least_known: f32,
}

/// What a model was trained from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub texts: u64,
    pub seed: u64,
}

/// A trained model. Weights are bytes: a row's greatest weight is 127 of its scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Learned {
    pub(super) labels: Vec<String>,
    /// The most frequent first; a row each.
    pub(super) keys: Vec<u64>,
    pub(super) rarities: Vec<f32>,
    pub(super) scales: Vec<f32>,
    /// The rarity of an unknown key.
    pub(super) unknown: f32,
    /// What the rows behind those of the keys belong to: a row for each dimension.
    pub(super) vectors: Option<Arc<WordVectors>>,
    /// A [`width`] of weights for each key: one per label, then zeroes.
    pub(super) weights: Vec<i8>,
    pub(super) bias: Vec<f32>,
    pub(super) calibration: Calibration,
    pub(super) origin: Origin,
    pub(super) lookup: Lookup,
}

/// What a model thinks of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Guess<'m> {
    /// Labels with their probabilities, the likeliest first: one, or more where others are near
    /// it. Never "something else".
    pub labels: Vec<(&'m str, f32)>,
    /// Whether the model keeps its promise of precision with the first label; else it abstains.
    pub is_sure: bool,
}

/// How much a stretch of a text speaks for a label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// The first token of the stretch, counted over all texts given.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// In units of the score; negative when it speaks against.
    pub weight: f32,
}

/// Reads texts for a model; keeps its buffers.
#[derive(Default)]
pub struct Reader {
    extractor: Extractor,
    read: Read,
    counter: Counter,
    vector: Sparse,
    scores: Vec<f32>,
    shares: Vec<f32>,
    tokens: u32,
}

impl Reader {
    /// A new one.
    pub fn new() -> Self {
        Reader::default()
    }

    /// Forgets the texts.
    pub fn clear(&mut self) {
        self.read.features.clear();
        self.read.said.clear();
        self.tokens = 0;
    }

    pub(super) fn read(&self) -> &Read {
        &self.read
    }

    /// Tokens of the texts given so far.
    pub fn tokens(&self) -> u32 {
        self.tokens
    }

    /// Adds a text of the contact. Behind a few thousand tokens nothing is read any more.
    pub fn add(&mut self, analysis: &Analysis) {
        if self.tokens >= MOST_READ {
            return;
        }
        self.extractor.add(analysis, self.tokens, &mut self.read);
        self.tokens += analysis.tokens.len() as u32;
    }
}

/// Weights of a row in memory.
pub(super) fn width(labels: usize) -> usize {
    labels.next_multiple_of(LANES)
}

impl Learned {
    pub(super) fn new(
        labels: Vec<String>,
        vocabulary: &Vocabulary,
        vectors: Option<Arc<WordVectors>>,
        linear: &Linear,
        calibration: Calibration,
        origin: Origin,
    ) -> Learned {
        let widths: Vec<f32> = (0..vocabulary.keys.len() as u32)
            .map(|row| linear.row(row).iter().fold(0.0, |most: f32, w| most.max(w.abs())))
            .collect();
        let widest = widths.iter().copied().fold(0.0, f32::max);
        let mut model = Learned {
            labels,
            keys: Vec::new(),
            rarities: Vec::new(),
            scales: Vec::new(),
            unknown: vocabulary.unknown,
            vectors,
            weights: Vec::new(),
            bias: linear.bias.clone(),
            calibration,
            origin,
            lookup: Lookup::default(),
        };
        for ((row, &(key, rarity)), widest_of_row) in (0..).zip(&vocabulary.keys).zip(widths) {
            // A frequent key must stay known even if it says nothing.
            if widest_of_row <= FAINT * widest && rarity > RARE * vocabulary.unknown {
                continue;
            }
            model.keys.push(key);
            model.rarities.push(rarity);
            model.add_row(linear.row(row), widest_of_row);
        }
        let dense = model.vectors.as_ref().map_or(0, |vectors| vectors.dimensions());
        for row in (vocabulary.keys.len() as u32..).take(dense) {
            let row = linear.row(row);
            model.add_row(row, row.iter().fold(0.0, |most: f32, w| most.max(w.abs())));
        }
        model.look_up();
        model
    }

    fn add_row(&mut self, row: &[f32], widest: f32) {
        let scale = widest.max(f32::MIN_POSITIVE) / 127.0;
        self.scales.push(scale);
        self.weights.extend(row.iter().map(|weight| (weight / scale).round() as i8));
        self.weights.resize(self.scales.len() * width(self.labels.len()), 0);
    }

    /// All labels, "something else" included.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(String::as_str)
    }

    /// The label of "something else".
    pub fn other(&self) -> Option<&str> {
        Some(self.labels.get(self.calibration.other? as usize)?.as_str())
    }

    /// The precision that was asked for, as a share.
    pub fn precision(&self) -> f64 {
        self.calibration.precision
    }

    /// The least probability with which a label is sure.
    pub fn threshold(&self) -> f32 {
        self.calibration.threshold
    }

    /// How many texts it was trained on.
    pub fn texts(&self) -> u64 {
        self.origin.texts
    }

    /// The hash of the model's bytes, in hexadecimal.
    pub fn hash(&self) -> String {
        blake3::hash(&self.to_bytes()).to_hex().to_string()
    }

    /// What the model thinks of the texts that `reader` was given.
    pub fn guess(&self, reader: &mut Reader) -> Guess<'_> {
        let known = self.score(reader);
        let Reader { scores, shares, .. } = reader;
        probabilities(scores, self.calibration.temperature, shares);
        let other = self.calibration.other;
        let (first, confidence) = highest(shares, other);
        let name = |label: u32| self.labels.get(label as usize).map_or("", String::as_str);
        let mut labels: Vec<(&str, f32)> = (0..)
            .zip(shares.iter())
            .filter(|&(label, &share)| {
                label == first || (Some(label) != other && share >= BESIDE.max(BESIDE * confidence))
            })
            .map(|(label, &share)| (name(label), share))
            .collect();
        labels.sort_by(|a, b| b.1.total_cmp(&a.1));
        let Calibration { threshold, least_known, .. } = self.calibration;
        Guess { labels, is_sure: confidence >= threshold && known >= least_known }
    }

    /// What in the texts speaks for and against a label, the strongest first.
    pub fn contributions(&self, reader: &mut Reader, label: &str) -> Vec<Contribution> {
        let Some(column) = self.labels.iter().position(|known| known == label) else {
            return Vec::new();
        };
        let Reader { read, counter, vector, .. } = reader;
        counter.count(&self.lookup, None, read, vector);
        let moved = |&(row, value): &(u32, f32)| {
            let weight = f32::from(self.row(row)[column]);
            (row, (value * weight * self.scales[row as usize], 0_u32))
        };
        let mut rows: BTreeMap<u32, (f32, u32)> = vector.0.iter().map(moved).collect();
        let known =
            || read.features.iter().filter_map(|one| Some((one, self.lookup.row(one.key)?)));
        for (_, row) in known() {
            rows.entry(row).and_modify(|(_, times)| *times += 1);
        }
        let mut by_stretch: BTreeMap<(u32, u32), f32> = BTreeMap::new();
        for (feature, row) in known() {
            let each = rows.get(&row).map_or(0.0, |&(moved, times)| moved / times as f32);
            *by_stretch.entry((feature.first, feature.last)).or_default() += each;
        }
        if let Some(vectors) = self.vectors.as_deref() {
            let (met, unit) = counter.meet(&self.lookup, vectors, read);
            for met in met {
                let parts = (self.keys.len() as u32..).zip(vectors.part(met));
                let moved = parts.map(|(row, part)| {
                    part * unit * f32::from(self.row(row)[column]) * self.scales[row as usize]
                });
                *by_stretch.entry((met.first, met.last)).or_default() += moved.sum::<f32>();
            }
        }
        let mut all: Vec<Contribution> = by_stretch
            .into_iter()
            .map(|((first, last), weight)| Contribution { first, last, weight })
            .collect();
        all.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        all
    }

    /// Scores the labels, and tells how much of the texts is known.
    fn score(&self, reader: &mut Reader) -> f32 {
        let Reader { read, counter, vector, scores, .. } = reader;
        let known = counter.count(&self.lookup, self.vectors.as_deref(), read, vector);
        scores.clear();
        scores.extend_from_slice(&self.bias);
        scores.resize(width(self.labels.len()), 0.0);
        for &(row, value) in &vector.0 {
            let by = value * self.scales[row as usize];
            for (score, &weight) in scores.iter_mut().zip(self.row(row)) {
                *score += by * f32::from(weight);
            }
        }
        scores.truncate(self.labels.len());
        known
    }

    fn row(&self, row: u32) -> &[i8] {
        let width = width(self.labels.len());
        &self.weights[row as usize * width..][..width]
    }

    /// Makes the keys findable.
    pub(super) fn look_up(&mut self) {
        let keys = self.keys.iter().zip(&self.rarities);
        self.lookup = Lookup::of(keys.map(|(key, rarity)| (*key, *rarity)), self.unknown);
    }
}
