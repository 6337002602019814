//! A table of word vectors that the operator supplies: what a text means where its words are new.
//!
//! A text's vector is the mean of those of its words, each of length one and less what all words
//! of the table have in common (Mu, Viswanath 2018), weighted by how rare the word is in the
//! training texts (after Arora, Liang, Ma 2017). Vectors are kept as bytes. Very common words are
//! left out, and so is everything that the table does not have.

use std::fmt;

use quell_text::{Analysis, Token, TokenKind, split_into};
use rustc_hash::FxHashMap;

use super::features::mix;

/// Words of a table at most.
const MOST_WORDS: usize = 1_000_000;
/// Numbers of a word at most.
const MOST_DIMENSIONS: usize = 1_024;
/// Bytes of a table at most: it is part of every model learnt with it.
const MOST_BYTES: usize = 160 << 20;
/// Words without spaces have at most so many characters.
const LONGEST_RUN: usize = 4;

/// Why a table cannot be used. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VectorsError {
    /// No line has a word with numbers.
    Empty,
    /// A line has another count of numbers than those before.
    Width {
        /// The line.
        line: u64,
        /// How many it has.
        found: usize,
        /// How many the first had.
        expected: usize,
    },
    /// A line has something else where a finite number should stand.
    NotANumber {
        /// The line.
        line: u64,
    },
    /// More numbers for a word than are taken.
    TooWide {
        /// How many there are.
        found: usize,
    },
    /// More words than are taken.
    TooMany {
        /// How many words of this width are taken.
        most: usize,
    },
}

impl fmt::Display for VectorsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VectorsError::Empty => f.write_str(
                "no word vectors; a line has a word and its numbers, separated by spaces, as \
                 word2vec, fastText and GloVe write them as text",
            ),
            VectorsError::Width { line, found, expected } => write!(
                f,
                "line {line}: {found} numbers where the first word has {expected}; is the file \
                 cut off, or in a binary format?"
            ),
            VectorsError::NotANumber { line } => {
                write!(f, "line {line}: a word must be followed by numbers; is this a text format?")
            }
            VectorsError::TooWide { found } => write!(
                f,
                "{found} numbers for each word, at most {MOST_DIMENSIONS} are taken; choose \
                 smaller vectors"
            ),
            VectorsError::TooMany { most } => write!(
                f,
                "more than {most} words of this width; such files begin with the most frequent \
                 words, so `head -n {most}` keeps those that matter"
            ),
        }
    }
}

impl std::error::Error for VectorsError {}

/// Reads a table line by line.
#[derive(Default)]
pub struct VectorsBuilder {
    lines: u64,
    table: WordVectors,
    rows: FxHashMap<u64, u32>,
    analysis: Analysis,
    numbers: Vec<f32>,
}

impl VectorsBuilder {
    /// A new one.
    pub fn new() -> VectorsBuilder {
        VectorsBuilder::default()
    }

    /// Takes a line: a word and its numbers. The first may say how many words and numbers follow.
    /// Of words that are written alike but for case, the first counts.
    ///
    /// # Errors
    /// [`VectorsError`]
    pub fn line(&mut self, line: &str) -> Result<(), VectorsError> {
        self.lines += 1;
        let fields = line.split_ascii_whitespace().count();
        // Some tables begin with how many words they have, and how many numbers each.
        let mut both = line.split_ascii_whitespace().map(str::parse::<u64>);
        if fields == 0 || (self.lines == 1 && fields == 2 && both.all(|number| number.is_ok())) {
            return Ok(());
        }
        if self.table.dimensions == 0 {
            self.table.dimensions = fields - 1;
        }
        let dimensions = self.table.dimensions;
        if dimensions > MOST_DIMENSIONS {
            return Err(VectorsError::TooWide { found: dimensions });
        }
        if fields <= dimensions {
            let found = fields - 1;
            return Err(VectorsError::Width { line: self.lines, found, expected: dimensions });
        }
        // A word may have spaces: the numbers are counted from the end.
        self.numbers.clear();
        let mut word = line.trim_ascii();
        for _ in 0..dimensions {
            let (before, number) = word.rsplit_once([' ', '\t']).unwrap_or_default();
            let number = number.parse().ok().filter(|number: &f32| number.is_finite());
            self.numbers.push(number.ok_or(VectorsError::NotANumber { line: self.lines })?);
            word = before.trim_ascii_end();
        }
        self.numbers.reverse();
        self.keep(word)
    }

    fn keep(&mut self, word: &str) -> Result<(), VectorsError> {
        split_into(word, &mut self.analysis);
        let Some(key) = key_of_word(&self.analysis.tokens) else {
            return Ok(());
        };
        let most = MOST_WORDS.min(MOST_BYTES / self.table.dimensions.max(1));
        let widest = self.numbers.iter().fold(0.0, |most: f32, number| most.max(number.abs()));
        let next = self.table.keys.len();
        if widest <= 0.0 || self.rows.contains_key(&key) {
            return Ok(());
        }
        if next == most {
            return Err(VectorsError::TooMany { most });
        }
        self.rows.insert(key, next as u32);
        self.table.keys.push(key);
        let byte = |number: &f32| (number / widest * 127.0).round() as i8;
        self.table.values.extend(self.numbers.iter().map(byte));
        Ok(())
    }

    /// The table.
    ///
    /// # Errors
    /// [`VectorsError::Empty`]
    pub fn finish(self) -> Result<WordVectors, VectorsError> {
        if self.table.keys.is_empty() {
            return Err(VectorsError::Empty);
        }
        let WordVectors { dimensions, keys, values, .. } = self.table;
        WordVectors::new(dimensions, keys, values).ok_or(VectorsError::Empty)
    }
}

/// Words with their vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordVectors {
    pub(super) dimensions: usize,
    pub(super) keys: Vec<u64>,
    /// `dimensions` for each key.
    pub(super) values: Vec<i8>,
    rows: FxHashMap<u64, u32>,
    /// What makes a key's values a vector of length one.
    units: Vec<f32>,
    /// The mean of all vectors.
    common: Vec<f32>,
}

/// A word of a text, as tables know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said {
    form: u64,
    /// The key of its stem among the features; 0 for a common word.
    pub stem: u64,
    /// Its token.
    pub at: u32,
    is_character: bool,
}

/// A word of a table found in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    row: u32,
    weight: f32,
    /// Its tokens.
    pub first: u32,
    pub last: u32,
}

impl Said {
    pub fn new(token: &Token, stem: u64, at: u32) -> Said {
        let is_character = token.kind == TokenKind::Character;
        Said { form: token.form, stem, at, is_character }
    }
}

impl WordVectors {
    /// Of as many values for each key as there are dimensions; none if they are of another count.
    pub(super) fn new(dimensions: usize, keys: Vec<u64>, values: Vec<i8>) -> Option<WordVectors> {
        let whole = keys.len().checked_mul(dimensions)?;
        if dimensions == 0 || keys.is_empty() || whole != values.len() {
            return None;
        }
        let mut common = vec![0.0_f64; dimensions];
        let mut units = Vec::with_capacity(keys.len());
        for row in values.chunks_exact(dimensions) {
            let square: f32 = row.iter().map(|value| f32::from(*value).powi(2)).sum();
            let unit = square.max(1.0).sqrt().recip();
            for (sum, value) in common.iter_mut().zip(row) {
                *sum += f64::from(f32::from(*value) * unit);
            }
            units.push(unit);
        }
        let common = common.into_iter().map(|sum| (sum / keys.len() as f64) as f32).collect();
        let rows = (0..).zip(&keys).map(|(row, key)| (*key, row)).collect();
        Some(WordVectors { dimensions, keys, values, rows, units, common })
    }

    /// How many words there are.
    pub fn words(&self) -> usize {
        self.keys.len()
    }

    /// How many numbers each word has.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The words of a text that the table has; of characters without spaces the longest words.
    /// `rarity` says how rare a stem's key is.
    pub(super) fn meet(&self, said: &[Said], rarity: impl Fn(u64) -> f32, out: &mut Vec<Met>) {
        out.clear();
        let mut at = 0;
        while let Some(first) = said.get(at) {
            let (length, row) = self.longest(&said[at..]);
            at += length;
            if let (Some(row), true) = (row, first.stem != 0) {
                let last = said[at - 1].at;
                out.push(Met { row, weight: rarity(first.stem), first: first.at, last });
            }
        }
    }

    /// How many of the words at the beginning belong together, and their row.
    fn longest(&self, said: &[Said]) -> (usize, Option<u32>) {
        let run = said.iter().take(LONGEST_RUN).take_while(|one| one.is_character).count();
        let found = (2..=run).rev().find_map(|length| {
            let key = key_of(said.iter().take(length).map(|one| one.form));
            Some((length, Some(*self.rows.get(&key)?)))
        });
        let alone = || (1, said.first().and_then(|one| self.rows.get(&one.form)).copied());
        found.unwrap_or_else(alone)
    }

    /// The sum of the words' vectors, and what makes it one of length one.
    pub(super) fn sum(&self, met: &[Met], out: &mut Vec<f32>) -> f32 {
        out.clear();
        out.resize(self.dimensions, 0.0);
        for one in met {
            for (sum, part) in out.iter_mut().zip(self.part(one)) {
                *sum += part;
            }
        }
        let square: f32 = out.iter().map(|value| value * value).sum();
        if square > 0.0 { square.sqrt().recip() } else { 0.0 }
    }

    /// What a word adds to the sum.
    pub(super) fn part(&self, met: &Met) -> impl Iterator<Item = f32> {
        let row = met.row as usize;
        let values = &self.values[row * self.dimensions..][..self.dimensions];
        let (unit, weight) = (self.units[row], met.weight);
        values
            .iter()
            .zip(&self.common)
            .map(move |(value, common)| weight * (f32::from(*value) * unit - common))
    }
}

/// The key of a word of a table; none of what no word of a text can be.
fn key_of_word(tokens: &[Token]) -> Option<u64> {
    match tokens {
        [one] => Some(one.form),
        several if several.len() > LONGEST_RUN => None,
        several => {
            let is_word = several.iter().all(|token| token.kind == TokenKind::Character);
            (is_word && !several.is_empty()).then(|| key_of(several.iter().map(|token| token.form)))
        }
    }
}

fn key_of(forms: impl Iterator<Item = u64>) -> u64 {
    forms.fold(7, mix)
}

#[cfg(test)]
mod tests {
    use quell_text::{Analyzer, Language};

    use super::super::features::{Extractor, Read};
    use super::*;

    #[test]
    fn of_characters_the_longest_words_are_met() {
        let mut builder = VectorsBuilder::new();
        for line in ["退款 1 0", "退 0 1", "款 1 1", "申请退款 0 2", "card 2 0"] {
            builder.line(line).unwrap();
        }
        let table = builder.finish().unwrap();
        let met = |text: &str| {
            let mut read = Read::default();
            let analysis = Analyzer::new().analyze(Language::ZH, text);
            Extractor::default().add(&analysis, 0, &mut read);
            let mut met = Vec::new();
            table.meet(&read.said, |_| 1.0, &mut met);
            met.iter().map(|met| (met.row, met.first, met.last)).collect::<Vec<_>>()
        };
        assert_eq!(met("退款"), [(0, 0, 1)]);
        assert_eq!(met("退"), [(1, 0, 0)]);
        assert_eq!(met("申请退款card退"), [(3, 0, 3), (4, 4, 4), (1, 5, 5)]);
    }
}
