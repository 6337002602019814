//! Splits text into words, numbers and single characters of scripts without spaces, and notes
//! what stood between them.

use crate::chinese;
use crate::language::{Script, is_han};
use crate::normalise::{self, Class};

/// What stands between a token and the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Break {
    /// Nothing that matters: a space, a hyphen.
    #[default]
    None,
    /// A comma, a dash, a bracket, a new line.
    Clause,
    /// A full stop, a question mark, an empty line.
    Sentence,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// Letters, or letters and digits.
    Word,
    /// Digits, or an ordinal such as `2nd`.
    Number,
    /// One character of a script without spaces.
    Character,
}

/// One piece of text: where it stands in the original and its folded form in the buffer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    pub start: usize,
    pub end: usize,
    pub folded_start: usize,
    pub before: Break,
    pub kind: TokenKind,
    pub script: Script,
}

/// Walks over a text, appending folded forms to a buffer.
pub(crate) struct Segmenter<'t> {
    text: &'t str,
    at: usize,
    before: Break,
}

impl<'t> Segmenter<'t> {
    pub fn new(text: &'t str) -> Self {
        Segmenter { text, at: 0, before: Break::None }
    }

    /// The next piece; its folded form is what was appended to `folded`.
    #[inline]
    pub fn next(&mut self, folded: &mut String) -> Option<Piece> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if byte < 128 {
                if byte.is_ascii_alphanumeric() {
                    if let Some(piece) = self.word(folded) {
                        return Some(piece);
                    }
                    continue;
                }
                self.before = self.before.max(self.ascii_break(byte));
                self.at += 1;
                continue;
            }
            if let Some(piece) = self.beyond_ascii(folded) {
                return Some(piece);
            }
        }
    }

    fn beyond_ascii(&mut self, folded: &mut String) -> Option<Piece> {
        let c = self.char_at(self.at)?;
        match normalise::classify(c) {
            Class::Simple | Class::Complex => return self.word(folded),
            Class::Alone => return Some(self.alone(c, folded)),
            Class::Sentence => self.before = Break::Sentence,
            Class::Clause => self.before = self.before.max(Break::Clause),
            Class::Dropped | Class::Apostrophe | Class::Other => {}
        }
        self.at += c.len_utf8();
        None
    }

    fn alone(&mut self, c: char, folded: &mut String) -> Piece {
        let (start, folded_start) = (self.at, folded.len());
        self.at += c.len_utf8();
        let han = is_han(c);
        folded.push(if han { chinese::to_simplified(c) } else { c });
        Piece {
            start,
            end: self.at,
            folded_start,
            before: std::mem::take(&mut self.before),
            kind: TokenKind::Character,
            script: if han { Script::Han } else { Script::of(c).unwrap_or(Script::Other) },
        }
    }

    /// A run of letters and digits. None when nothing is left of it after folding.
    #[inline]
    fn word(&mut self, folded: &mut String) -> Option<Piece> {
        let (start, folded_start) = (self.at, folded.len());
        let bytes = self.text.as_bytes();
        let mut digits_only = true;
        while let Some(&byte) = bytes.get(self.at) {
            if byte.is_ascii_alphanumeric() {
                let rest = &bytes[self.at..];
                let run = rest.iter().position(|b| !b.is_ascii_alphanumeric());
                let end = self.at + run.unwrap_or(rest.len());
                let run = self.text.get(self.at..end).unwrap_or("");
                digits_only &= run.bytes().all(|b| b.is_ascii_digit());
                let from = folded.len();
                folded.push_str(run);
                if let Some(added) = folded.get_mut(from..) {
                    added.make_ascii_lowercase();
                }
                self.at = end;
            } else if byte < 128 {
                break;
            } else {
                let Some(c) = self.char_at(self.at) else { break };
                match normalise::classify(c) {
                    Class::Simple => normalise::push_simple(c, folded),
                    Class::Dropped => {}
                    Class::Complex => {
                        folded.truncate(folded_start);
                        self.complex_word(start, folded);
                        break;
                    }
                    _ => break,
                }
                digits_only = false;
                self.at += c.len_utf8();
            }
        }
        self.contraction(folded_start, folded);
        self.finish_word(start, folded_start, digits_only, folded)
    }

    fn finish_word(
        &mut self,
        start: usize,
        folded_start: usize,
        digits_only: bool,
        folded: &str,
    ) -> Option<Piece> {
        let form = folded.get(folded_start..)?;
        let first = form.chars().next()?;
        let number = digits_only || (first.is_ascii_digit() && is_number(form));
        Some(Piece {
            start,
            end: self.at,
            folded_start,
            before: std::mem::take(&mut self.before),
            kind: if number { TokenKind::Number } else { TokenKind::Word },
            script: Script::of(first).unwrap_or(Script::Latin),
        })
    }

    /// The whole word that begins at `start`, normalised as one string.
    #[cold]
    fn complex_word(&mut self, start: usize, folded: &mut String) {
        let rest = self.text.get(start..).unwrap_or("");
        let length = rest
            .char_indices()
            .find(|&(_, c)| {
                !c.is_ascii_alphanumeric()
                    && (c.is_ascii()
                        || !matches!(
                            normalise::classify(c),
                            Class::Simple | Class::Complex | Class::Dropped
                        ))
            })
            .map_or(rest.len(), |(at, _)| at);
        let word: String = rest
            .get(..length)
            .unwrap_or("")
            .chars()
            .filter(|&c| c.is_ascii() || normalise::classify(c) != Class::Dropped)
            .collect();
        normalise::push_word(&word, folded);
        self.at = start + length;
    }

    /// Takes in the `'t` of `don't`, so that `dont` and `don't` are one form.
    #[inline]
    fn contraction(&mut self, folded_start: usize, folded: &mut String) {
        let rest = &self.text.as_bytes()[self.at..];
        let sign = match rest {
            [b'\'', ..] => 1,
            [0xE2, 0x80, 0x98 | 0x99, ..] => 3,
            [0xCA, 0xBC, ..] => 2,
            _ => return,
        };
        let ends = rest.get(sign + 1).is_none_or(|&b| b < 128 && !b.is_ascii_alphanumeric());
        if matches!(rest.get(sign), Some(b't' | b'T'))
            && ends
            && folded.len() > folded_start
            && folded.ends_with('n')
        {
            folded.push('t');
            self.at += sign + 1;
        }
    }

    #[inline]
    fn ascii_break(&self, byte: u8) -> Break {
        let bytes = self.text.as_bytes();
        let next = bytes.get(self.at + 1).copied();
        match byte {
            b' ' => Break::None,
            b'!' | b'?' => Break::Sentence,
            b'.' => match next {
                Some(b) if b > b' ' && b != b'"' && b != b')' && b != b'\'' => Break::None,
                _ => Break::Sentence,
            },
            b'\n' => {
                let blank = bytes[self.at + 1..]
                    .iter()
                    .take(80)
                    .find(|b| !matches!(b, b' ' | b'\t' | b'\r'))
                    .is_none_or(|&b| b == b'\n');
                if blank { Break::Sentence } else { Break::Clause }
            }
            b',' if next.is_some_and(|b| b.is_ascii_digit()) => Break::None,
            b',' | b';' | b'(' | b')' | b'[' | b']' | b'"' | b'|' | b'<' | b'>' => Break::Clause,
            b':' if next.is_some_and(|b| b > b' ') => Break::None,
            b':' => Break::Clause,
            b'-' if next.is_none_or(|b| b == b' ')
                && self.at.checked_sub(1).and_then(|at| bytes.get(at)) == Some(&b' ') =>
            {
                Break::Clause
            }
            _ => Break::None,
        }
    }

    #[inline]
    fn char_at(&self, at: usize) -> Option<char> {
        self.text.get(at..)?.chars().next()
    }
}

/// Digits, with or without the ending of an ordinal.
fn is_number(form: &str) -> bool {
    const ORDINALS: &[&str] = &[
        "st", "nd", "rd", "th", "er", "ère", "e", "ème", "eme", "o", "a", "й", "я", "е", "го", "րդ",
    ];
    let rest = form.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.is_empty() || ORDINALS.contains(&rest)
}
