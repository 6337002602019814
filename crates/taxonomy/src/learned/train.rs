//! From texts with labels to a model.

use std::collections::BTreeMap;
use std::fmt;

use quell_model::UNCLASSIFIED;
use quell_text::{Analyzer, Language};

use super::calibrate::{Unseen, folds_scored, score_unseen, temperature, threshold};
use super::features::Feature;
use super::linear::{Examples, Linear, train};
use super::model::{Calibration, Learned, Origin, Reader};
use super::vocabulary::{Sparse, Vocabulary};

/// More labels are refused: a person could not have chosen among them.
const MOST_LABELS: usize = 2_000;

/// A contact that somebody gave a label to.
#[derive(Clone, Debug)]
pub struct Example<'a> {
    /// What the customer wrote, redacted: the subject, the body, each turn.
    pub texts: Vec<&'a str>,
    /// Its language.
    pub language: Language,
    /// The label: a reason's id, or an agent's code. Texts that nobody found a reason for
    /// ([`UNCLASSIFIED`]) teach nothing, unless this is the label of `other`.
    pub label: &'a str,
}

/// How to train.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainSettings {
    /// The share of accepted texts whose label must be right.
    pub precision: f64,
    /// The label of texts that belong to no reason: never given to a contact.
    pub other: Option<String>,
    /// Seeds the order of the texts.
    pub seed: u64,
    /// Whether the words of a label's own name count as one more text of it. Names that people
    /// gave help while a label has few texts.
    pub names_count: bool,
}

impl Default for TrainSettings {
    fn default() -> Self {
        TrainSettings { precision: 0.95, other: None, seed: 1, names_count: true }
    }
}

/// Why no model came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrainError {
    /// Fewer than two labels that are not `other`.
    TooFewLabels(usize),
    /// More labels than a model may have.
    TooManyLabels(usize),
}

impl fmt::Display for TrainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrainError::TooFewLabels(count) => {
                write!(f, "the texts have {count} labels; a choice needs two at least")
            }
            TrainError::TooManyLabels(count) => write!(
                f,
                "the texts have {count} labels, at most {MOST_LABELS} are taken; is the label's \
                 field the right one?"
            ),
        }
    }
}

impl std::error::Error for TrainError {}

/// Makes models. Keeps the caches of the text analysis.
#[derive(Default)]
pub struct Trainer {
    analyzer: Analyzer,
    reader: Reader,
}

impl Trainer {
    /// A new one.
    pub fn new() -> Self {
        Trainer::default()
    }

    /// Learns from examples, one part after the other.
    ///
    /// # Errors
    /// [`TrainError`]
    pub fn train(
        &mut self,
        examples: &[Example<'_>],
        settings: &TrainSettings,
    ) -> Result<Learned, TrainError> {
        let lessons = self.lessons(examples, settings)?;
        let parts: Vec<Part> = (0..lessons.parts()).map(|part| lessons.part(part)).collect();
        Ok(lessons.model(parts))
    }

    /// Reads examples, and cuts the work into parts that may be done at the same time.
    ///
    /// # Errors
    /// [`TrainError`]
    pub fn lessons(
        &mut self,
        examples: &[Example<'_>],
        settings: &TrainSettings,
    ) -> Result<Lessons, TrainError> {
        // A model of them would learn to say "nobody knows" wherever rules end, where it is asked.
        let taught = |example: &&Example<'_>| {
            example.label != UNCLASSIFIED || settings.other.as_deref() == Some(UNCLASSIFIED)
        };
        let examples: Vec<&Example<'_>> = examples.iter().filter(taught).collect();
        let numbers = numbered(&examples);
        let other = settings.other.as_deref().and_then(|other| numbers.get(other).copied());
        let reasons = numbers.len() - usize::from(other.is_some());
        if reasons < 2 {
            return Err(TrainError::TooFewLabels(reasons));
        }
        if numbers.len() > MOST_LABELS {
            return Err(TrainError::TooManyLabels(numbers.len()));
        }
        let mut features: Vec<Vec<Feature>> = examples
            .iter()
            .map(|example| self.features(&example.texts, example.language))
            .collect();
        let mut labels: Vec<u32> =
            examples.iter().filter_map(|example| numbers.get(example.label).copied()).collect();
        let said = features.len();
        if settings.names_count {
            for (name, &label) in numbers.iter().filter(|(_, label)| Some(**label) != other) {
                features.push(self.features(&[&words_of(name)], Language::EN));
                labels.push(label);
            }
        }
        let vocabulary = Vocabulary::of(&features);
        let texts =
            features.iter_mut().map(|features| vocabulary.lookup.vector(features)).collect();
        let names = numbers.keys().map(|name| (*name).to_owned()).collect();
        Ok(Lessons { names, texts, labels, said, vocabulary, other, settings: settings.clone() })
    }

    fn features(&mut self, texts: &[&str], language: Language) -> Vec<Feature> {
        self.reader.clear();
        for text in texts {
            self.reader.add(&self.analyzer.analyze(language, text));
        }
        self.reader.features().to_vec()
    }
}

/// Examples made ready to learn from.
pub struct Lessons {
    /// The labels' names.
    names: Vec<String>,
    texts: Vec<Sparse>,
    labels: Vec<u32>,
    /// Texts that somebody said; behind them stand the labels' names.
    said: usize,
    vocabulary: Vocabulary,
    other: Option<u32>,
    settings: TrainSettings,
}

/// What a part of the work came to.
pub struct Part(Came);

enum Came {
    Model(Linear),
    /// Of one fold.
    Scores(usize, Vec<Unseen>),
}

impl Lessons {
    /// How many parts there are.
    pub fn parts(&self) -> usize {
        1 + folds_scored(self.said)
    }

    /// Does one part, counted from 0. The first is the longest.
    pub fn part(&self, part: usize) -> Part {
        let seed = self.settings.seed;
        Part(match part.checked_sub(1) {
            None => {
                let all: Vec<u32> = (0..self.texts.len() as u32).collect();
                Came::Model(train(self.examples(), &all, seed))
            }
            Some(fold) => Came::Scores(fold, score_unseen(self.examples(), self.said, fold, seed)),
        })
    }

    /// Puts all parts together, in whatever order they come.
    pub fn model(&self, parts: impl IntoIterator<Item = Part>) -> Learned {
        let mut linear = Linear::zero(self.vocabulary.keys.len(), self.names.len());
        let mut folds = BTreeMap::new();
        for part in parts {
            match part.0 {
                Came::Model(model) => linear = model,
                Came::Scores(fold, scores) => drop(folds.insert(fold, scores)),
            }
        }
        let unseen: Vec<Unseen> = folds.into_values().flatten().collect();
        let (temperature, precision) = (temperature(&unseen), self.settings.precision);
        let calibration = Calibration {
            temperature,
            threshold: threshold(&unseen, temperature, self.other, precision),
            precision,
            other: self.other,
        };
        let origin = Origin { texts: self.said as u64, seed: self.settings.seed };
        Learned::new(self.names.clone(), &self.vocabulary, &linear, calibration, origin)
    }

    fn examples(&self) -> Examples<'_> {
        Examples {
            texts: &self.texts,
            labels: &self.labels,
            label_count: self.names.len(),
            row_count: self.vocabulary.keys.len(),
        }
    }
}

/// So many examples of each label, chosen by a seeded hash of the text.
pub fn few_of_each(mut examples: Vec<Example<'_>>, count: usize, seed: u64) -> Vec<Example<'_>> {
    let drawn = |example: &Example<'_>| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_le_bytes());
        for text in &example.texts {
            hasher.update(text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    };
    examples.sort_by_cached_key(drawn);
    let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
    examples.retain(|example| {
        let kept = kept.entry(example.label).or_default();
        *kept += 1;
        *kept <= count
    });
    examples
}

/// Labels in their alphabetical order.
fn numbered<'a>(examples: &[&Example<'a>]) -> BTreeMap<&'a str, u32> {
    let mut numbers: BTreeMap<&str, u32> =
        examples.iter().map(|example| (example.label, 0)).collect();
    for (next, number) in (0..).zip(numbers.values_mut()) {
        *number = next;
    }
    numbers
}

/// `billing.duplicate_charge` reads `billing duplicate charge`.
fn words_of(label: &str) -> String {
    label.replace(|c: char| !c.is_alphanumeric(), " ")
}
