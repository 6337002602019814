//! What a text tells the learned tagger, as hashed keys: words, words in sequence, pieces of
//! words and across their borders, pairs of words near each other.
//!
//! Stems make forms of one word meet; pieces bear with typing errors, compounds and languages
//! without a stemmer; pairs say what neither word says alone, and so do pieces that join the end
//! of a word to the beginning of the next, which bear with endings and slips where a sequence of
//! words does not. Chinese and its like have no words here: single characters stand for words, and
//! pieces run over two and three of them.
//!
//! Words that any text has say nothing alone, which few texts do not show: they count with others
//! and by their pieces only.

use quell_text::{Analysis, Token, TokenKind};

use super::vectors::Said;

/// What a key is about; each family is weighed by itself. Stands in a key's lowest bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Word = 0,
    Sequence = 1,
    Piece = 2,
    Pair = 3,
    Joint = 4,
}

/// How many families there are.
pub(super) const FAMILIES: usize = 5;

const FAMILY_BITS: u64 = 7;

/// Raised when the same text gives other keys; stored in every model.
pub(super) const FEATURES_VERSION: u32 = 2;

/// Tokens read of one text; what a ticket is about stands in its beginning.
const MOST_TOKENS: usize = 512;
/// A pair's words stand at most so far apart.
const PAIR_REACH: usize = 8;
/// Pieces of words have so many characters, the edges of the word counted, or one more.
const SHORT_PIECE: usize = 3;
/// Pieces of text without spaces have at most so many characters, and two at least.
const RUN_PIECES: usize = 3;
/// Longer words are ids or links: their pieces say nothing.
const LONGEST_WORD_CHARS: usize = 32;

const EDGE: char = ' ';
/// Stands for characters that are words: no piece runs over them.
const BREAK: char = '\0';

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
    (key & FAMILY_BITS) as usize
}

/// What was read of a text, or of several.
#[derive(Clone, Debug, Default)]
pub(super) struct Read {
    pub features: Vec<Feature>,
    pub said: Vec<Said>,
}

/// Makes features; keeps its buffers.
#[derive(Default)]
pub(super) struct Extractor {
    /// The words with an edge behind each, and what breaks them.
    chars: Vec<char>,
    /// The token of each of `chars`; an edge belongs to the token before it.
    owners: Vec<u32>,
}

impl Extractor {
    /// Adds the features of one text. Tokens count from `offset`.
    pub fn add(&mut self, analysis: &Analysis, offset: u32, out: &mut Read) {
        let tokens = analysis.tokens.get(..MOST_TOKENS).unwrap_or(&analysis.tokens);
        let Read { features, said } = out;
        let mut push = |family: Family, hash: u64, first: u32, last: u32| {
            let key = key(family, hash);
            features.push(Feature { key, first: offset + first, last: offset + last });
        };
        for (at, token) in (0..).zip(tokens) {
            let word = mix(token.stem, 1);
            if !token.common {
                push(Family::Word, word, at, at);
            }
            let stem = if token.common { 0 } else { key(Family::Word, word) };
            said.push(Said::new(token, stem, offset + at));
            let behind = tokens.get(at as usize + 1..).unwrap_or_default();
            if let Some(next) = behind.first() {
                push(Family::Sequence, mix(mix(token.stem, next.stem), 2), at, at + 1);
            }
            for (other_at, other) in (at + 1..).zip(behind.iter().take(PAIR_REACH)) {
                let (low, high) = (token.stem.min(other.stem), token.stem.max(other.stem));
                push(Family::Pair, mix(mix(low, high), 3), at, other_at);
            }
            if token.kind == TokenKind::Character {
                let run = behind.iter().take(RUN_PIECES - 1);
                let run = run.take_while(|token| token.kind == TokenKind::Character);
                let mut hash = mix(0, token.form);
                for (last, next) in (at + 1..).zip(run) {
                    hash = mix(hash, next.form);
                    push(Family::Piece, mix(hash, 4), at, last);
                }
            }
        }
        self.spell(analysis, tokens);
        self.pieces(&mut push);
    }

    fn spell(&mut self, analysis: &Analysis, tokens: &[Token]) {
        self.chars.clear();
        self.owners.clear();
        self.chars.push(EDGE);
        for (at, token) in (0..).zip(tokens) {
            self.owners.resize(self.chars.len(), at);
            if token.kind != TokenKind::Character {
                self.chars.extend(analysis.form(token).chars().take(LONGEST_WORD_CHARS));
                self.chars.push(EDGE);
            } else if !self.chars.ends_with(&[BREAK, EDGE]) {
                self.chars.extend([BREAK, EDGE]);
            }
            self.owners.resize(self.chars.len(), at);
        }
    }

    fn pieces(&self, push: &mut impl FnMut(Family, u64, u32, u32)) {
        for (at, piece) in self.chars.windows(SHORT_PIECE).enumerate() {
            let [a, b, c] = [piece[0], piece[1], piece[2]];
            if [a, b, c].contains(&BREAK) {
                continue;
            }
            let own = self.owners[at + 1];
            // Characters have 21 bits.
            let hash = mix(u64::from(a) | u64::from(b) << 21 | u64::from(c) << 42, 5);
            if b != EDGE {
                push(Family::Piece, hash, own, own);
            }
            let Some(&next) = self.chars.get(at + SHORT_PIECE).filter(|next| **next != BREAK)
            else {
                continue;
            };
            let longer = mix(hash, u64::from(next));
            if b != EDGE && c != EDGE {
                push(Family::Piece, longer, own, own);
            } else {
                push(Family::Joint, longer, own, self.owners[at + SHORT_PIECE]);
            }
        }
    }
}

fn key(family: Family, hash: u64) -> u64 {
    (hash & !FAMILY_BITS) | family as u64
}

/// Mixes a value into a hash; the models' keys depend on it.
#[inline]
pub(super) fn mix(state: u64, value: u64) -> u64 {
    let wide = u128::from(state.rotate_left(17) ^ value ^ 0x9E37_79B9_7F4A_7C15)
        * u128::from(0xD6E8_FEB8_6659_FD93_u64);
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use quell_text::{Analyzer, Language};

    use super::*;

    fn features(language: Language, text: &str) -> Vec<Feature> {
        let mut read = Read::default();
        let analysis = Analyzer::new().analyze(language, text);
        Extractor::default().add(&analysis, 0, &mut read);
        read.features
    }

    fn of(family: Family, text: &str) -> Vec<Feature> {
        let mut features = features(Language::EN, text);
        features.retain(|feature| feature.family() == family as usize);
        features
    }

    fn joints(text: &str) -> Vec<Feature> {
        of(Family::Joint, text)
    }

    #[test]
    fn joints_run_over_a_border_of_words_and_stand_where_their_words_do() {
        assert_eq!(joints("parcel"), []);
        // Of ` lost my card `: `st m`, `t my`, `my c`, `y ca`.
        assert_eq!(joints("lost my card").len(), 4);
        let keys = |text: &str| -> std::collections::BTreeSet<u64> {
            joints(text).into_iter().map(|feature| feature.key).collect()
        };
        let (right, slip) = (keys("lost my card"), keys("lost my crad"));
        assert_eq!(right.intersection(&slip).count(), 3);
        assert!(right.intersection(&keys("card my lost")).count() < right.len() / 2);
        for joint in joints("lost my card today") {
            assert!(joint.first < 4 && joint.last < 4 && joint.first <= joint.last, "{joint:?}");
            assert!(joint.last - joint.first <= 2, "{joint:?}");
        }
        let of_two = joints("ab cd");
        assert!(of_two.iter().any(|joint| (joint.first, joint.last) == (0, 1)));
    }

    #[test]
    fn pieces_have_three_or_four_characters_of_one_word() {
        // ` ca`, ` car`, `car`, `card`, `ard`, `ard `, `rd `.
        assert_eq!(of(Family::Piece, "card").len(), 7);
        assert_eq!(of(Family::Piece, "card card").len(), 14);
        let second: Vec<_> =
            of(Family::Piece, "my card").into_iter().filter(|p| p.first == 1).collect();
        assert_eq!(second.len(), 7);
        assert!(second.iter().all(|piece| piece.last == 1));
    }

    #[test]
    fn a_common_word_counts_only_with_others() {
        assert_eq!(of(Family::Word, "the").len(), 0);
        assert_eq!(of(Family::Word, "the parcel").len(), 1);
        assert_eq!(of(Family::Sequence, "the parcel").len(), 1);
    }

    #[test]
    fn characters_are_words_and_no_piece_runs_from_them_into_letters() {
        let found = features(Language::ZH, "退款abc什么");
        let pieces = found.iter().filter(|one| one.family() == Family::Piece as usize);
        // Two pairs of characters, and ` ab`, ` abc`, `abc`, `abc `, `bc `.
        assert_eq!(pieces.count(), 2 + 5);
        assert!(found.iter().all(|one| one.family() != Family::Joint as usize));
        assert!(found.iter().all(|one| one.first <= one.last && one.last < 5));
    }
}
