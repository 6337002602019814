//! From texts with labels to a model.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use quell_model::UNCLASSIFIED;
use quell_text::{Analyzer, Language};

use super::calibrate::{
    COSTS, Twice, best_cost, best_share, folds_scored, joined, least_known, score_unseen,
    temperature, threshold,
};
use super::features::Read;
use super::linear::{Examples, Linear, margins};
use super::model::{Calibration, Learned, Origin, Reader};
use super::ratios::ratios;
use super::vectors::WordVectors;
use super::vocabulary::{Counter, Sparse, Vocabulary};

/// More labels are refused: a person could not have chosen among them.
const MOST_LABELS: usize = 2_000;

/// A label's name counts as so many texts of it: people chose its words to tell it from others.
const NAME_COUNTS: usize = 3;

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
    /// Whether the words of a label's own name count as texts of it. Names that people
    /// gave help while a label has few texts.
    pub names_count: bool,
    /// Vectors of words, so that words which no example has mean something.
    pub vectors: Option<Arc<WordVectors>>,
}

impl Default for TrainSettings {
    fn default() -> Self {
        TrainSettings { precision: 0.95, other: None, seed: 1, names_count: true, vectors: None }
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
        let Ok(model) = lessons
            .learn(|parts, part| Ok::<_, std::convert::Infallible>((0..parts).map(part).collect()));
        Ok(model)
    }

    /// Reads examples: what is learnt from them may then be learnt in parts at the same time.
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
        let mut read: Vec<Read> =
            examples.iter().map(|example| self.read(&example.texts, example.language)).collect();
        let mut labels: Vec<u32> =
            examples.iter().filter_map(|example| numbers.get(example.label).copied()).collect();
        let said = read.len();
        if settings.names_count {
            for (name, &label) in numbers.iter().filter(|(_, label)| Some(**label) != other) {
                let name = self.read(&[&words_of(name)], Language::EN);
                read.extend(std::iter::repeat_n(name, NAME_COUNTS));
                labels.extend(std::iter::repeat_n(label, NAME_COUNTS));
            }
        }
        let vocabulary = Vocabulary::of(&read);
        let mut counter = Counter::default();
        let texts = read.iter().map(|read| {
            let mut text = Sparse::default();
            let vectors = settings.vectors.as_deref();
            let known = counter.count(&vocabulary.lookup, vectors, read, &mut text);
            // The most frequent keys lie together in memory.
            text.0.sort_unstable_by_key(|(row, _)| *row);
            (text, known)
        });
        let (texts, known): (Vec<Sparse>, Vec<f32>) = texts.unzip();
        let in_scope = known.iter().zip(&labels).take(said).filter(|(_, l)| Some(**l) != other);
        let least_known = least_known(in_scope.map(|(known, _)| *known).collect());
        let names = numbers.keys().map(|name| (*name).to_owned()).collect();
        let settings = settings.clone();
        Ok(Lessons { names, texts, labels, said, vocabulary, other, least_known, settings })
    }

    fn read(&mut self, texts: &[&str], language: Language) -> Read {
        self.reader.clear();
        for text in texts {
            self.reader.add(&self.analyzer.analyze(language, text));
        }
        self.reader.read().clone()
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
    least_known: f32,
    settings: TrainSettings,
}

/// What a part of the work came to.
pub struct Part(Came);

enum Came {
    Model(Linear, Linear),
    /// Of a cost's place or of a fold.
    Scores(usize, Vec<Twice>),
}

impl Lessons {
    /// Learns in two rounds of parts that do not need each other. `run` is told how many parts
    /// there are and how to do one, counted from 0, and gives all back in any order.
    ///
    /// # Errors
    /// That of `run`.
    pub fn learn<E>(
        &self,
        run: impl Fn(usize, &(dyn Fn(usize) -> Part + Sync)) -> Result<Vec<Part>, E>,
    ) -> Result<Learned, E> {
        let unseen = |at: usize, fold: usize, cost: f32| {
            let seed = self.settings.seed;
            Part(Came::Scores(at, score_unseen(self.examples(), self.said, fold, cost, seed)))
        };
        let tried = run(COSTS.len(), &|at| unseen(at, 0, COSTS[at]))?;
        let (_, tried) = came(tried);
        let tried: Vec<Vec<Twice>> = tried.into_values().collect();
        let best = best_cost(&tried);
        let cost = COSTS[best];
        let parts = run(folds_scored(self.said), &|at| match at {
            // The longest first.
            0 => self.whole(cost),
            fold => unseen(fold, fold, cost),
        })?;
        let (model, mut folds) = came(parts);
        folds.extend([0].into_iter().zip(tried.into_iter().nth(best)));
        Ok(self.model(model, folds))
    }

    fn whole(&self, cost: f32) -> Part {
        let all: Vec<u32> = (0..self.texts.len() as u32).collect();
        let margins = margins(self.examples(), &all, cost, self.settings.seed);
        Part(Came::Model(margins, ratios(self.examples(), &all)))
    }

    fn model(
        &self,
        model: Option<(Linear, Linear)>,
        folds: BTreeMap<usize, Vec<Twice>>,
    ) -> Learned {
        let unseen: Vec<Twice> = folds.into_values().flatten().collect();
        let share = best_share(&unseen, self.other, self.said / self.names.len().max(1));
        let unseen = joined(&unseen, share);
        let none = || Linear::zero(self.rows(), self.names.len());
        let (mut linear, ratios) = model.unwrap_or_else(|| (none(), none()));
        linear.add(&ratios, share);
        let (temperature, precision) = (temperature(&unseen), self.settings.precision);
        let calibration = Calibration {
            temperature,
            threshold: threshold(&unseen, temperature, self.other, precision),
            precision,
            other: self.other,
            least_known: self.least_known,
        };
        let origin = Origin { texts: self.said as u64, seed: self.settings.seed };
        Learned::new(
            self.names.clone(),
            &self.vocabulary,
            self.settings.vectors.clone(),
            &linear,
            calibration,
            origin,
        )
    }

    fn examples(&self) -> Examples<'_> {
        Examples {
            texts: &self.texts,
            labels: &self.labels,
            label_count: self.names.len(),
            row_count: self.rows(),
            key_count: self.vocabulary.keys.len(),
        }
    }

    fn rows(&self) -> usize {
        let dimensions = self.settings.vectors.as_ref().map_or(0, |vectors| vectors.dimensions());
        self.vocabulary.keys.len() + dimensions
    }
}

/// The whole model where it is among the parts, and the scores by their places.
type All = (Option<(Linear, Linear)>, BTreeMap<usize, Vec<Twice>>);

fn came(parts: Vec<Part>) -> All {
    let (mut model, mut scores) = (None, BTreeMap::new());
    for part in parts {
        match part.0 {
            Came::Model(margins, ratios) => model = Some((margins, ratios)),
            Came::Scores(at, twice) => drop(scores.insert(at, twice)),
        }
    }
    (model, scores)
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
