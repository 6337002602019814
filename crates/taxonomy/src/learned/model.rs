//! A trained model: what it thinks of a text, how sure it is, and why.

use std::collections::BTreeMap;

use quell_text::Analysis;

use super::calibrate::{highest, probabilities};
use super::features::{Extractor, Feature};
use super::linear::Linear;
use super::vocabulary::{Lookup, Vocabulary};

/// Rows that move no score by more than this share of the widest row are left out.
const FAINT: f32 = 0.01;
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
    /// `labels` weights for each key.
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
    features: Vec<Feature>,
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
        self.features.clear();
        self.tokens = 0;
    }

    pub(super) fn features(&self) -> &[Feature] {
        &self.features
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
        self.extractor.add(analysis, self.tokens, &mut self.features);
        self.tokens += analysis.tokens.len() as u32;
    }
}

impl Learned {
    pub(super) fn new(
        labels: Vec<String>,
        vocabulary: &Vocabulary,
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
            weights: Vec::new(),
            bias: linear.bias.clone(),
            calibration,
            origin,
            lookup: Lookup::default(),
        };
        for ((row, &(key, rarity)), width) in (0..).zip(&vocabulary.keys).zip(widths) {
            if width <= FAINT * widest {
                continue;
            }
            let scale = width / 127.0;
            model.keys.push(key);
            model.rarities.push(rarity);
            model.scales.push(scale);
            model.weights.extend(linear.row(row).iter().map(|w| (w / scale).round() as i8));
        }
        model.look_up();
        model
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
        self.score(reader);
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
        Guess { labels, is_sure: confidence >= self.calibration.threshold }
    }

    /// What in the texts speaks for and against a label, the strongest first.
    pub fn contributions(&self, reader: &mut Reader, label: &str) -> Vec<Contribution> {
        let Some(column) = self.labels.iter().position(|known| known == label) else {
            return Vec::new();
        };
        let vector = self.lookup.vector(&mut reader.features);
        let mut by_stretch: BTreeMap<(u32, u32), f32> = BTreeMap::new();
        let known = self.lookup.known(&reader.features);
        for ((row, value), (_, same)) in vector.0.into_iter().zip(known) {
            let row = row as usize;
            let weight = f32::from(self.weights[row * self.labels.len() + column]);
            let each = value * weight * self.scales[row] / same.len() as f32;
            for feature in same {
                *by_stretch.entry((feature.first, feature.last)).or_default() += each;
            }
        }
        let mut all: Vec<Contribution> = by_stretch
            .into_iter()
            .map(|((first, last), weight)| Contribution { first, last, weight })
            .collect();
        all.sort_by(|a, b| b.weight.abs().total_cmp(&a.weight.abs()));
        all
    }

    fn score(&self, reader: &mut Reader) {
        let vector = self.lookup.vector(&mut reader.features);
        let scores = &mut reader.scores;
        scores.clear();
        scores.extend_from_slice(&self.bias);
        let width = self.labels.len();
        for (row, value) in vector.0 {
            let row = row as usize;
            let by = value * self.scales[row];
            let weights = &self.weights[row * width..][..width];
            for (score, &weight) in scores.iter_mut().zip(weights) {
                *score += by * f32::from(weight);
            }
        }
    }

    /// Makes the keys findable.
    pub(super) fn look_up(&mut self) {
        let keys = self.keys.iter().zip(&self.rarities);
        self.lookup = Lookup::of(keys.map(|(key, rarity)| (*key, *rarity)));
    }
}
