//! The bridge between Quell's text analysis and the engine's tokenizers.
//!
//! One field value is the language, a unit separator, then the contact's texts with record
//! separators between them. The analysis runs where the engine tokenizes, on its own threads.

use quell_text::{IndexTerm, Language, index_terms, plain_terms};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

pub(crate) use quell_text::ANALYSER_VERSION;

/// The tokenizer of the field with stems.
pub(crate) const STEMS: &str = "quell_stems";
/// The tokenizer of the accent-free twin.
pub(crate) const PLAIN: &str = "quell_plain";

const LANGUAGE_END: char = '\u{1f}';
const PIECE_END: char = '\u{1e}';

/// Positions left free between two texts of one contact, more than any distance a query may ask
/// for: a phrase or a proximity never reaches from the subject into the body.
pub(crate) const PIECE_GAP: u32 = 100;

/// Terms kept of one contact. A longer one is searchable by its beginning.
pub(crate) const MAX_TERMS: usize = 50_000;

/// Longer terms are encoded data, not words.
const MAX_TERM_BYTES: usize = 128;

/// Puts a contact's texts into one field value.
pub(crate) fn field_value<'a>(language: &str, pieces: impl Iterator<Item = &'a str>) -> String {
    let mut value = String::from(language);
    value.push(LANGUAGE_END);
    for (n, piece) in pieces.enumerate() {
        if n > 0 {
            value.push(PIECE_END);
        }
        value.extend(piece.chars().filter(|c| !matches!(*c, PIECE_END | LANGUAGE_END)));
    }
    value
}

/// The stems of a text with their positions, as the index holds them.
pub(crate) fn stems(language: &str, text: &str) -> Vec<(u32, String)> {
    kept(index_terms(Language::parse(language).unwrap_or(Language::ANY), text))
}

/// The accent-free words of a text with their positions, as the index holds them.
pub(crate) fn plain(text: &str) -> Vec<(u32, String)> {
    kept(plain_terms(text))
}

fn kept(terms: Vec<IndexTerm>) -> Vec<(u32, String)> {
    let mut last = 0;
    let mut out: Vec<_> = terms
        .into_iter()
        .filter(|term| !term.term.is_empty() && term.term.len() <= MAX_TERM_BYTES)
        .map(|term| (term.position, term.term))
        .collect();
    for (position, _) in &mut out {
        last = last.max(*position);
        *position = last;
    }
    out
}

/// Analyses a field value made by [`field_value`].
#[derive(Clone)]
pub(crate) struct Analyser {
    pub(crate) stems: bool,
}

impl Analyser {
    /// Every term of a field value with its position.
    pub(crate) fn analyse(&self, value: &str) -> Vec<(u32, String)> {
        let (language, texts) = value.split_once(LANGUAGE_END).unwrap_or(("", value));
        let mut out: Vec<(u32, String)> = Vec::new();
        let mut offset = 0;
        for piece in texts.split(PIECE_END) {
            let terms = if self.stems { stems(language, piece) } else { plain(piece) };
            let room = MAX_TERMS.saturating_sub(out.len());
            out.extend(terms.into_iter().take(room).map(|(at, term)| (at + offset, term)));
            offset = out.last().map_or(offset, |(at, _)| at + 1 + PIECE_GAP);
        }
        out
    }
}

impl Tokenizer for Analyser {
    type TokenStream<'a> = Terms;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Terms {
        Terms { rest: self.analyse(text).into_iter(), token: Token::default() }
    }
}

/// The terms of one field value, handed to the engine one by one.
pub(crate) struct Terms {
    rest: std::vec::IntoIter<(u32, String)>,
    token: Token,
}

impl TokenStream for Terms {
    fn advance(&mut self) -> bool {
        let Some((position, term)) = self.rest.next() else { return false };
        self.token.position = position as usize;
        self.token.text = term;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
