//! One analysis of text for tagging and for the search index: words folded and stemmed, Chinese
//! as single simplified characters, offsets into the original.

use std::cell::RefCell;

use crate::hash::hash64;
use crate::language::{Language, Script};
use crate::normalise;
use crate::segment::{Break, Piece, Segmenter, TokenKind};
use crate::stem::{StemRules, Stemmer};

/// Text beyond this many bytes is not analysed: no customer writes it, machines do.
pub const LONGEST_ANALYSED_BYTES: usize = 256 * 1024;

/// One token of a text.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    /// Byte offset in the original where it starts.
    pub start: u32,
    /// Byte offset in the original where it ends.
    pub end: u32,
    /// Hash of the folded form.
    pub form: u64,
    /// Hash of the stem; the form's where the language has no stemmer.
    pub stem: u64,
    folded_start: u32,
    folded_end: u32,
    /// What stands between this token and the one before.
    pub before: Break,
    /// What it is.
    pub kind: TokenKind,
    /// Whether it is one of the language's very common words.
    pub common: bool,
}

/// A text's tokens in order.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The language whose rules were used.
    pub language: Language,
    /// The tokens.
    pub tokens: Vec<Token>,
    folded: String,
}

impl Analysis {
    /// An empty one, to be filled by [`Analyzer::analyze_into`].
    pub fn new() -> Self {
        Analysis { language: Language::ANY, tokens: Vec::new(), folded: String::new() }
    }

    /// A token's folded form.
    pub fn form(&self, token: &Token) -> &str {
        self.folded.get(token.folded_start as usize..token.folded_end as usize).unwrap_or("")
    }

    fn clear(&mut self, language: Language) {
        self.language = language;
        self.tokens.clear();
        self.folded.clear();
    }
}

impl Default for Analysis {
    fn default() -> Self {
        Analysis::new()
    }
}

/// One term for the search index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexTerm {
    /// The term.
    pub term: String,
    /// Its place in the order of terms, from 0.
    pub position: u32,
    /// Byte offset in the original where it starts.
    pub start: u32,
    /// Byte offset in the original where it ends.
    pub end: u32,
}

/// Analyses texts. Its caches make it fast and never show in the result.
pub struct Analyzer {
    stemmer: Stemmer,
    scratch: Analysis,
}

impl Analyzer {
    /// A new one. It takes about 1 MiB on first use.
    pub fn new() -> Self {
        Analyzer { stemmer: Stemmer::new(), scratch: Analysis::new() }
    }

    /// The tokens of a text in a language.
    pub fn analyze(&mut self, language: Language, text: &str) -> Analysis {
        let mut analysis = Analysis::new();
        self.analyze_into(language, text, &mut analysis);
        analysis
    }

    /// The same into an analysis whose memory is used again.
    pub fn analyze_into(&mut self, language: Language, text: &str, out: &mut Analysis) {
        out.clear(language);
        let rules = StemRules::of(language);
        let text = head(text);
        let mut segmenter = Segmenter::new(text);
        while let Some(piece) = segmenter.next(&mut out.folded) {
            if language == Language::EN && self.expand(rules, &piece, out) {
                continue;
            }
            let token = self.token(rules, &piece, &out.folded, piece.folded_start);
            out.tokens.push(token);
        }
    }

    /// Gives every index term of a text to `sink`: term, position, byte offsets.
    pub fn index_terms(
        &mut self,
        language: Language,
        text: &str,
        mut sink: impl FnMut(&str, u32, u32, u32),
    ) {
        let mut analysis = std::mem::take(&mut self.scratch);
        self.analyze_into(language, text, &mut analysis);
        let rules = StemRules::of(language);
        let mut term = String::new();
        for (position, token) in analysis.tokens.iter().enumerate() {
            term.clear();
            let form = analysis.form(token);
            if token.kind == TokenKind::Word {
                let script = form.chars().next().and_then(Script::of).unwrap_or(Script::Latin);
                let rules = rules.for_word(script);
                self.stemmer.append_stem(rules, form, token.form, &mut term);
            } else {
                term.push_str(form);
            }
            sink(&term, position as u32, token.start, token.end);
        }
        self.scratch = analysis;
    }

    #[inline]
    fn token(&mut self, rules: StemRules, piece: &Piece, folded: &str, from: usize) -> Token {
        let form = folded.get(from..).unwrap_or("");
        let hash = hash64(form.as_bytes());
        let (stem, common) = match piece.kind {
            TokenKind::Word => {
                let known = self.stemmer.look_up(rules.for_word(piece.script), form, hash);
                (known.stem, known.common)
            }
            TokenKind::Number | TokenKind::Character => (hash, false),
        };
        Token {
            start: piece.start as u32,
            end: piece.end as u32,
            form: hash,
            stem,
            folded_start: from as u32,
            folded_end: folded.len() as u32,
            before: piece.before,
            kind: piece.kind,
            common,
        }
    }

    /// Splits an English contraction into its two words, both at the contraction's place.
    #[inline]
    fn expand(&mut self, rules: StemRules, piece: &Piece, out: &mut Analysis) -> bool {
        let form = out.folded.get(piece.folded_start..).unwrap_or("");
        if !form.ends_with('t') {
            return false;
        }
        let Some(verb) = verb_of_negation(form) else { return false };
        out.folded.truncate(piece.folded_start);
        out.folded.push_str(verb);
        let first = self.token(rules, piece, &out.folded, piece.folded_start);
        out.tokens.push(first);
        let from = out.folded.len();
        out.folded.push_str("not");
        let piece = Piece { before: Break::None, ..*piece };
        let second = self.token(rules, &piece, &out.folded, from);
        out.tokens.push(second);
        true
    }
}

impl Default for Analyzer {
    fn default() -> Self {
        Analyzer::new()
    }
}

/// The index terms of a text: stems where the language has a stemmer, Chinese as single folded
/// characters.
pub fn index_terms(language: Language, text: &str) -> Vec<IndexTerm> {
    thread_local! {
        static ANALYZER: RefCell<Analyzer> = RefCell::new(Analyzer::new());
    }
    let mut terms = Vec::new();
    let mut keep = |term: &str, position, start, end| {
        terms.push(IndexTerm { term: term.to_owned(), position, start, end });
    };
    ANALYZER.with(|analyzer| match analyzer.try_borrow_mut() {
        Ok(mut analyzer) => analyzer.index_terms(language, text, &mut keep),
        Err(_) => Analyzer::new().index_terms(language, text, &mut keep),
    });
    terms
}

/// The accent-free, unstemmed twin of [`index_terms`]: finds what was typed without accents, and
/// exact words.
pub fn plain_terms(text: &str) -> Vec<IndexTerm> {
    let mut segmenter = Segmenter::new(head(text));
    let mut folded = String::new();
    let mut terms = Vec::new();
    while let Some(piece) = segmenter.next(&mut folded) {
        let form = folded.get(piece.folded_start..).unwrap_or("");
        terms.push(IndexTerm {
            term: normalise::plain(form).into_owned(),
            position: terms.len() as u32,
            start: piece.start as u32,
            end: piece.end as u32,
        });
        folded.clear();
    }
    terms
}

/// The part of a text that is analysed, cut at a character border.
fn head(text: &str) -> &str {
    if text.len() <= LONGEST_ANALYSED_BYTES {
        return text;
    }
    let mut end = LONGEST_ANALYSED_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

fn verb_of_negation(form: &str) -> Option<&'static str> {
    Some(match form {
        "dont" => "do",
        "doesnt" => "does",
        "didnt" => "did",
        "isnt" | "aint" => "is",
        "arent" => "are",
        "wasnt" => "was",
        "werent" => "were",
        "hasnt" => "has",
        "havent" => "have",
        "hadnt" => "had",
        "cant" | "cannot" => "can",
        "couldnt" => "could",
        "wont" => "will",
        "wouldnt" => "would",
        "shouldnt" => "should",
        "mustnt" => "must",
        "neednt" => "need",
        _ => return None,
    })
}
