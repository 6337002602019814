//! The bridge between Quell's text analysis and the engine's tokenizers.
//!
//! One field value is the language, a unit separator, then the contact's texts with record
//! separators between them. The analysis runs where the engine tokenizes, on its own threads.

use std::cell::RefCell;

use quell_text::{Analyzer, Language, plain_terms};
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
    let separators = [PIECE_END, LANGUAGE_END];
    let mut value = language.replace(separators, "");
    value.push(LANGUAGE_END);
    for (n, piece) in pieces.enumerate() {
        if n > 0 {
            value.push(PIECE_END);
        }
        for part in piece.split(separators) {
            value.push_str(part);
        }
    }
    value
}

/// Stands for a term that was left out, so that those after it keep their places. No text has it
/// as a term.
const LEFT_OUT: char = '\u{fffc}';

/// The terms of a contact's texts with blanks between, one text each, as the index holds them:
/// stems or plain words. A text without terms is left out.
pub(crate) fn joined<'a>(
    stems: bool,
    language: &str,
    pieces: impl Iterator<Item = &'a str>,
) -> Vec<String> {
    let mut found = Found::default();
    let mut texts = Vec::new();
    for piece in pieces {
        let (first, mut place) = (found.terms.len(), found.next);
        if piece.contains([PIECE_END, LANGUAGE_END]) {
            found.add(stems, language, &piece.replace([PIECE_END, LANGUAGE_END], ""));
        } else {
            found.add(stems, language, piece);
        }
        let mut text = String::new();
        for (position, term) in (first..found.terms.len()).filter_map(|at| found.term(at)) {
            while place < position {
                text.extend([LEFT_OUT, ' ']);
                place += 1;
            }
            text.push_str(term);
            text.push(' ');
            place = position + 1;
        }
        text.pop();
        if !text.is_empty() {
            texts.push(text);
        }
    }
    texts
}

/// The stems of a text with their positions, as the index holds them.
pub(crate) fn stems(language: &str, text: &str) -> Vec<(u32, String)> {
    let mut found = Found::default();
    found.add(true, language, text);
    found.into_terms()
}

/// The accent-free words of a text with their positions, as the index holds them.
pub(crate) fn plain(text: &str) -> Vec<(u32, String)> {
    let mut found = Found::default();
    found.add(false, "", text);
    found.into_terms()
}

/// Terms one after the other in one text, to spare an allocation each.
#[derive(Clone, Default)]
struct Found {
    text: String,
    /// Each term's position and where it ends in the text.
    terms: Vec<(u32, usize)>,
    /// The position that the next piece begins at.
    next: u32,
}

impl Found {
    fn clear(&mut self) {
        self.text.clear();
        self.terms.clear();
        self.next = 0;
    }

    /// Analyses one piece of text behind what is there.
    fn add(&mut self, stems: bool, language: &str, text: &str) {
        let offset = self.next;
        let mut keep = |term: &str, position: u32| {
            let fits = !term.is_empty() && term.len() <= MAX_TERM_BYTES;
            if fits && self.terms.len() < MAX_TERMS {
                // The engine needs positions that never go back.
                let position = self.terms.last().map_or(0, |last| last.0).max(offset + position);
                self.text.push_str(term);
                self.terms.push((position, self.text.len()));
            }
        };
        if stems {
            let language = Language::parse(language).unwrap_or(Language::ANY);
            ANALYZER.with_borrow_mut(|analyzer| {
                analyzer.index_terms(language, text, |term, position, _, _| keep(term, position));
            });
        } else {
            plain_terms(text).iter().for_each(|term| keep(&term.term, term.position));
        }
        self.next = self.terms.last().map_or(offset, |last| last.0 + 1 + PIECE_GAP);
    }

    /// The term at this place in the order of terms.
    fn term(&self, at: usize) -> Option<(u32, &str)> {
        let (position, end) = *self.terms.get(at)?;
        let start = at.checked_sub(1).and_then(|before| self.terms.get(before));
        let start = start.map_or(0, |before| before.1);
        Some((position, self.text.get(start..end)?))
    }

    fn into_terms(self) -> Vec<(u32, String)> {
        let owned = |(position, term): (u32, &str)| (position, term.to_owned());
        (0..self.terms.len()).filter_map(|at| self.term(at).map(owned)).collect()
    }
}

thread_local! {
    /// Each of the engine's threads keeps the stems it has seen.
    static ANALYZER: RefCell<Analyzer> = RefCell::new(Analyzer::new());
}

/// Analyses a field value made by [`field_value`].
#[derive(Clone)]
pub(crate) struct FieldTokenizer {
    stems: bool,
    found: Found,
}

impl FieldTokenizer {
    pub(crate) fn new(stems: bool) -> Self {
        FieldTokenizer { stems, found: Found::default() }
    }
}

impl Tokenizer for FieldTokenizer {
    type TokenStream<'a> = Terms<'a>;

    fn token_stream<'a>(&'a mut self, value: &'a str) -> Terms<'a> {
        let (language, texts) = value.split_once(LANGUAGE_END).unwrap_or(("", value));
        self.found.clear();
        for piece in texts.split(PIECE_END) {
            self.found.add(self.stems, language, piece);
        }
        Terms { found: &self.found, at: 0, token: Token::default() }
    }
}

/// The terms of one field value, handed to the engine one by one.
pub(crate) struct Terms<'a> {
    found: &'a Found,
    at: usize,
    token: Token,
}

impl TokenStream for Terms<'_> {
    fn advance(&mut self) -> bool {
        let Some((position, term)) = self.found.term(self.at) else { return false };
        self.at += 1;
        self.token.position = position as usize;
        self.token.text.clear();
        self.token.text.push_str(term);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
