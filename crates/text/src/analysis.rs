//! One analysis of text for tagging and for the search index: words folded and stemmed, Chinese
//! as single simplified characters, offsets into the original.

use crate::chinese;
use crate::hash::{combine, hash64};
use crate::language::{Language, Script};
use crate::normalise;
use crate::segment::{Break, Segmenter, TokenKind};
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
    /// The script of its first letter.
    pub script: Script,
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
    /// Equal for texts that differ only in case, spacing, punctuation and width of characters,
    /// whatever language they are taken for.
    pub fingerprint: u64,
    folded: String,
}

impl Analysis {
    /// An empty one, to be filled by [`split_into`] or [`Analyzer::analyze_into`].
    pub fn new() -> Self {
        Analysis {
            language: Language::ANY,
            tokens: Vec::new(),
            fingerprint: 0,
            folded: String::new(),
        }
    }

    /// A token's folded form.
    pub fn form(&self, token: &Token) -> &str {
        self.folded.get(token.folded_start as usize..token.folded_end as usize).unwrap_or("")
    }

    fn clear(&mut self) {
        self.language = Language::ANY;
        self.tokens.clear();
        self.fingerprint = 0;
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
        split_into(text, out);
        self.stem(language, out);
    }

    /// Completes what [`split_into`] began, once the language is known.
    pub fn stem(&mut self, language: Language, split: &mut Analysis) {
        split.language = language;
        if language == Language::EN {
            take_contractions_apart(split);
        }
        let rules = StemRules::of(language);
        let Analysis { tokens, folded, .. } = split;
        for token in tokens.iter_mut().filter(|token| token.kind == TokenKind::Word) {
            let span = token.folded_start as usize..token.folded_end as usize;
            let form = folded.get(span).unwrap_or("");
            let known = self.stemmer.look_up(rules.for_word(token.script), form, token.form);
            token.stem = known.stem;
            token.common = known.common;
        }
    }

    /// Gives every index term of a text to `sink`: term, position, byte offsets. Stems where the
    /// language has a stemmer, Chinese as single folded characters.
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
                let rules = rules.for_word(token.script);
                self.stemmer.append_stem(rules, form, token.form, &mut term);
            } else {
                term.push_str(form);
            }
            sink(&term, position as u32, token.start, token.end);
        }
        self.scratch = analysis;
    }
}

/// The tokens of a text whose language is not known yet: stems are still the forms.
pub fn split_into(text: &str, out: &mut Analysis) {
    out.clear();
    let mut segmenter = Segmenter::new(head(text));
    while let Some(piece) = segmenter.next(&mut out.folded) {
        let form = out.folded.get(piece.folded_start..).unwrap_or("");
        let hash = hash64(form.as_bytes());
        out.fingerprint = combine(out.fingerprint, hash);
        out.tokens.push(Token {
            start: piece.start as u32,
            end: piece.end as u32,
            form: hash,
            stem: hash,
            folded_start: piece.folded_start as u32,
            folded_end: out.folded.len() as u32,
            before: piece.before,
            kind: piece.kind,
            script: piece.script,
            common: false,
        });
    }
    fold_regional_words(out);
}

/// Gives Chinese words that differ by region one form. Their characters' places are shared out
/// among those of the word that stands for them, which is never longer.
fn fold_regional_words(out: &mut Analysis) {
    let (mut at, mut kept) = (0, 0);
    while let Some(&first) = out.tokens.get(at) {
        let regional = (first.script == Script::Han).then(|| regional_word_at(out, at)).flatten();
        let Some((length, common)) = regional else {
            out.tokens[kept] = first;
            (at, kept) = (at + 1, kept + 1);
            continue;
        };
        for (n, c) in common.iter().enumerate() {
            let (from, to) = (n * length / common.len(), (n + 1) * length / common.len());
            let end = out.tokens[at + to - 1].end;
            let folded_start = out.folded.len() as u32;
            out.folded.push(*c);
            let folded_end = out.folded.len() as u32;
            let form = hash64(out.folded.get(folded_start as usize..).unwrap_or("").as_bytes());
            let place = out.tokens[at + from];
            out.tokens[kept] = Token { end, form, stem: form, folded_start, folded_end, ..place };
            kept += 1;
        }
        at += length;
    }
    out.tokens.truncate(kept);
}

/// The length of the regional word whose characters begin at a token, and what stands for it.
fn regional_word_at(split: &Analysis, at: usize) -> Option<(usize, &'static [char])> {
    let first = split.tokens.get(at)?;
    let together = split.folded.get(first.folded_start as usize..)?;
    let (length, common) = chinese::regional_word(together)?;
    let word = split.tokens.get(at..at + length)?;
    word.windows(2).all(|pair| pair[0].end == pair[1].start).then_some((length, common))
}

/// Splits English contractions into their two words, both at the contraction's place.
fn take_contractions_apart(out: &mut Analysis) {
    let verb_of = |out: &Analysis, token: &Token| {
        let form = out.form(token);
        form.ends_with('t').then(|| verb_of_negation(form)).flatten()
    };
    let Some(first) = out.tokens.iter().position(|token| verb_of(out, token).is_some()) else {
        return;
    };
    let rest = out.tokens.split_off(first);
    for token in rest {
        let Some(verb) = verb_of(out, &token) else {
            out.tokens.push(token);
            continue;
        };
        for (text, before) in [(verb, token.before), ("not", Break::None)] {
            let folded_start = out.folded.len() as u32;
            out.folded.push_str(text);
            let folded_end = out.folded.len() as u32;
            let form = hash64(text.as_bytes());
            out.tokens.push(Token { form, stem: form, folded_start, folded_end, before, ..token });
        }
    }
}

impl Default for Analyzer {
    fn default() -> Self {
        Analyzer::new()
    }
}

/// The accent-free, unstemmed twin of [`Analyzer::index_terms`]: finds what was typed without
/// accents, and exact words.
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
