//! The words by which a contact is compared with others: what the customer wrote, in single words.

use std::ops::Range;

use quell_text::redact::Kind;
use quell_text::{Analysis, Token, TokenKind};

use crate::discovery::pasted::pasted;

/// Words taken of one contact; what it is about stands in its beginning.
const MOST_WORDS: usize = 24;
/// Pairs of characters taken of a script without spaces: a word there is two of them or three.
const MOST_PAIRS: usize = 48;
/// Longer words are ids, links or noise.
const LONGEST_CHARS: usize = 24;
/// Of any script.
const LONGEST_BYTES: usize = 48;
/// A word with more digits may be somebody's number.
const MOST_DIGITS: usize = 4;

/// Words that are not among their language's very common ones, each stem once, in the form in which
/// it was written first.
#[derive(Debug, Default)]
pub(super) struct WordsTaken {
    forms: String,
    stems: Vec<u64>,
    pairs: usize,
}

impl WordsTaken {
    /// Adds one of the customer's texts, the weightiest first. Left out is what stands in place of
    /// personal data, what was pasted (links, paths, programs with versions), numbers and single
    /// letters.
    pub fn add(&mut self, text: &str, analysis: &Analysis) {
        let mut foreign = pasted(text);
        foreign.extend(marks(text));
        let is_foreign = |token: &Token| {
            let at = token.start as usize;
            foreign.iter().any(|range| range.contains(&at))
        };
        let follows = |token: &Token, next: &&Token| {
            next.kind == TokenKind::Character && next.start == token.end
        };
        for (at, token) in analysis.tokens.iter().enumerate() {
            if self.stems.len() - self.pairs >= MOST_WORDS || self.pairs >= MOST_PAIRS {
                return;
            }
            match token.kind {
                TokenKind::Word if !token.common && !is_foreign(token) => {
                    let form = analysis.form(token);
                    if is_plain(form) {
                        self.push(token.stem, &[form]);
                    }
                }
                TokenKind::Character if !is_foreign(token) => {
                    let next = analysis.tokens.get(at + 1).filter(|next| follows(token, next));
                    if let Some(next) = next {
                        let key = token.form.rotate_left(23) ^ next.form;
                        let is_new = self.push(key, &[analysis.form(token), analysis.form(next)]);
                        self.pairs += usize::from(is_new);
                    }
                }
                _ => {}
            }
        }
    }

    /// The forms in order, one space between two.
    pub fn into_forms(self) -> String {
        self.forms
    }

    fn push(&mut self, key: u64, parts: &[&str]) -> bool {
        if self.stems.contains(&key) {
            return false;
        }
        self.stems.push(key);
        if !self.forms.is_empty() {
            self.forms.push(' ');
        }
        parts.iter().for_each(|part| self.forms.push_str(part));
        true
    }
}

fn is_plain(form: &str) -> bool {
    let digits = form.chars().filter(char::is_ascii_digit).count();
    form.len() <= LONGEST_BYTES
        && digits <= MOST_DIGITS
        && (2..=LONGEST_CHARS).contains(&form.chars().count())
        && !form.contains(' ')
}

/// Where marks stand that redaction left.
fn marks(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    text.match_indices('⟨').filter_map(|(at, _)| {
        let rest = text.get(at..)?;
        let mark = Kind::ALL.into_iter().map(Kind::mark).find(|mark| rest.starts_with(mark))?;
        Some(at..at + mark.len())
    })
}

#[cfg(test)]
mod tests {
    use quell_text::{Analyzer, Language};

    use super::*;

    fn taken(language: Language, texts: &[&str]) -> String {
        let mut words = WordsTaken::default();
        let mut analyzer = Analyzer::new();
        for text in texts {
            words.add(text, &analyzer.analyze(language, text));
        }
        words.into_forms()
    }

    #[test]
    fn words_are_folded_and_taken_once_a_stem() {
        let words = taken(
            Language::EN,
            &["All add-ons DISABLED", "My Add-Ons were disabled; the addon cannot be disabling x"],
        );
        assert_eq!(words, "add ons disabled addon");
        assert_eq!(taken(Language::EN, &[""]), "");
    }

    #[test]
    fn what_is_not_the_customers_word_is_left_out() {
        let words = taken(
            Language::EN,
            &[
                "refund ⟨NATIONAL_ID⟩ ⟨DIGITS⟩ 1234 ab12345 https://shop.example/refund?order=zebra \
               C:\\Users\\zebra Mozilla/5.0 (Zebra) donaudampfschifffahrtsgesellschaftskapitaen v67",
            ],
        );
        assert_eq!(words, "refund v67");
    }

    #[test]
    fn scripts_without_spaces_give_pairs_of_neighbours() {
        assert_eq!(taken(Language::ZH, &["證書過期，無法"]), "证书 书过 过期 无法");
    }

    #[test]
    fn long_texts_give_so_many_words_and_no_more() {
        let long: String = (0..200).map(|n| format!("wörd{} ", char_word(n))).collect();
        let words = taken(Language::EN, &[&long]);
        assert_eq!(words.split(' ').count(), MOST_WORDS);
        let long: String = (0..400_u32).filter_map(|n| char::from_u32(0x4E00 + n)).collect();
        let words = taken(Language::ZH, &[&long]);
        assert_eq!(words.split(' ').count(), MOST_PAIRS);
        assert!(words.len() <= 7 * MOST_PAIRS);
    }

    fn char_word(n: u8) -> String {
        [n / 20, n % 20].map(|digit| char::from(b'a' + digit)).iter().collect()
    }
}
