//! What a text tells the learned tagger, as hashed keys: words, words in sequence, pieces of
//! words, pairs of words near each other.
//!
//! Stems make forms of one word meet; pieces bear with typing errors, compounds and languages
//! without a stemmer; pairs say what neither word says alone. Chinese and its like have no words
//! here: single characters stand for words, and pieces run over two and three of them.

use quell_text::{Analysis, Token, TokenKind};

/// What a key is about; each family is weighed by itself. Stands in a key's two lowest bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Word = 0,
    Sequence = 1,
    Piece = 2,
    Pair = 3,
}

/// How many families there are.
pub(super) const FAMILIES: usize = 4;

/// Raised when the same text gives other keys; stored in every model.
pub(super) const FEATURES_VERSION: u32 = 1;

/// Tokens read of one text; what a ticket is about stands in its beginning.
const MOST_TOKENS: usize = 512;
/// A pair's words stand at most so far apart.
const PAIR_REACH: usize = 12;
/// Pieces of words have so many characters, the edges of the word counted.
const PIECES: std::ops::RangeInclusive<usize> = 3..=5;
/// Pieces of text without spaces have so many characters.
const RUN_PIECES: std::ops::RangeInclusive<usize> = 2..=3;
/// Longer words are ids or links: their pieces say nothing.
const LONGEST_WORD_CHARS: usize = 32;

const EDGE: char = ' ';

/// A key and the tokens it was made of, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Feature {
    pub key: u64,
    pub first: u32,
    pub last: u32,
}

impl Feature {
    pub fn family(&self) -> usize {
        family_of(self.key)
    }
}

/// The family of a key.
pub(super) fn family_of(key: u64) -> usize {
    (key & 3) as usize
}

/// Makes features; keeps its buffers.
#[derive(Default)]
pub(super) struct Extractor {
    chars: Vec<char>,
}

impl Extractor {
    /// Adds the features of one text. Tokens count from `offset`.
    pub fn add(&mut self, analysis: &Analysis, offset: u32, out: &mut Vec<Feature>) {
        let tokens = analysis.tokens.get(..MOST_TOKENS).unwrap_or(&analysis.tokens);
        let mut push = |family: Family, hash: u64, first: usize, last: usize| {
            let key = (hash & !3) | family as u64;
            out.push(Feature { key, first: offset + first as u32, last: offset + last as u32 });
        };
        for (at, token) in tokens.iter().enumerate() {
            push(Family::Word, mix(token.stem, 1), at, at);
            if let Some(next) = tokens.get(at + 1) {
                push(Family::Sequence, mix(mix(token.stem, next.stem), 2), at, at + 1);
            }
            let reach = tokens.iter().enumerate().skip(at + 1).take(PAIR_REACH);
            for (other_at, other) in reach {
                let (low, high) = (token.stem.min(other.stem), token.stem.max(other.stem));
                push(Family::Pair, mix(mix(low, high), 3), at, other_at);
            }
        }
        self.pieces(analysis, tokens, &mut push);
    }

    fn pieces(
        &mut self,
        analysis: &Analysis,
        tokens: &[Token],
        push: &mut impl FnMut(Family, u64, usize, usize),
    ) {
        for (at, token) in tokens.iter().enumerate() {
            if token.kind == TokenKind::Character {
                let run = tokens[at..].iter().take(*RUN_PIECES.end());
                let run = run.take_while(|token| token.kind == TokenKind::Character).count();
                let mut hash = 0;
                for length in 1..=run {
                    hash = mix(hash, tokens[at + length - 1].form);
                    if RUN_PIECES.contains(&length) {
                        push(Family::Piece, mix(hash, 4), at, at + length - 1);
                    }
                }
                continue;
            }
            self.chars.clear();
            self.chars.push(EDGE);
            self.chars.extend(analysis.form(token).chars().take(LONGEST_WORD_CHARS));
            self.chars.push(EDGE);
            for start in 0..self.chars.len() {
                let mut hash = 0;
                for (length, &c) in (1..).zip(self.chars[start..].iter().take(*PIECES.end())) {
                    hash = mix(hash, u64::from(c));
                    if PIECES.contains(&length) {
                        push(Family::Piece, mix(hash, 5), at, at);
                    }
                }
            }
        }
    }
}

/// Mixes a value into a hash; the models' keys depend on it.
#[inline]
fn mix(state: u64, value: u64) -> u64 {
    let wide = u128::from(state.rotate_left(17) ^ value ^ 0x9E37_79B9_7F4A_7C15)
        * u128::from(0xD6E8_FEB8_6659_FD93_u64);
    (wide as u64) ^ ((wide >> 64) as u64)
}
