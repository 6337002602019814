//! Languages of one script told apart by their letters and words: for every letter the cost of
//! meeting it after the letters before it, and the words that hold sentences together.
//!
//! A character model with back-off (Dunning 1994, Statistical identification of language),
//! multiplied out beforehand into one row of costs per sequence of letters. It fails on names,
//! which carry their own language's letters into any text.

use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Part;
use super::letters::is_machine_made;
use crate::cues::lexicon;
use crate::hash::hash64;
use crate::language::{Language, Script};

/// Letters looked at: a language shows in its first paragraph.
const MOST_LETTERS: u32 = 1200;
/// What the absence from a language's list costs that language when the word is in another's, in
/// the unit of the rows.
const WORD_COST: u32 = 20;
/// Longer sequences of letters have no rows.
const LONGEST_CONTEXT: u32 = 4;
const LONGEST_WORD_BYTES: usize = 32;
/// The character that stands for no cost in the rows of the data file.
const NO_COST: u8 = b'!';

static ROWS: &str = include_str!("../../data/language_profiles.txt");
static WORDS: &str = include_str!("../../data/function_words.txt");

/// What tells the languages of one script apart.
pub(super) struct Profiles {
    script: Script,
    languages: Vec<Language>,
    /// Letter sequences, 16 bits each, by open addressing; 0 where a place is empty.
    keys: Vec<u64>,
    /// For each place the number of its row.
    row_of: Vec<u32>,
    /// A row holds a cost per language, in tenths of a nat above that of the cheapest.
    rows: Vec<u8>,
    /// Hashes of words, sorted, with the set of languages that list them.
    words: Vec<(u64, u32)>,
}

/// What a text costs in each language of the profiles, in tenths of a nat.
pub(super) struct Costs {
    /// In the order of the profiles' languages.
    pub of_language: Vec<u32>,
    /// How many letters were looked at.
    pub letters: u32,
}

impl Profiles {
    /// The profiles for a script, if its languages have any.
    pub fn of(script: Script) -> Option<&'static Profiles> {
        static ALL: OnceLock<Vec<Profiles>> = OnceLock::new();
        let all = ALL.get_or_init(read_all);
        all.iter().find(|profiles| profiles.script == script)
    }

    /// The languages told apart.
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// What the parts of a text cost in each language.
    pub fn costs(&self, parts: &[Part<'_>]) -> Costs {
        let mut reader = Reader::new(self);
        for part in parts {
            let decomposed = !part.text.is_ascii()
                && part.text.chars().take(MOST_LETTERS as usize).any(is_combining_mark);
            if decomposed {
                let composed: String = part.text.nfc().take(4 * MOST_LETTERS as usize).collect();
                reader.read(&composed);
            } else {
                reader.read(part.text);
            }
        }
        Costs { of_language: reader.costs, letters: reader.letters }
    }

    #[inline]
    fn row(&self, key: u64) -> Option<&[u8]> {
        let mask = self.keys.len() - 1;
        let mut at = place(key) & mask;
        loop {
            match *self.keys.get(at)? {
                0 => return None,
                found if found == key => break,
                _ => at = (at + 1) & mask,
            }
        }
        let width = self.languages.len();
        let first = *self.row_of.get(at)? as usize * width;
        self.rows.get(first..first + width)
    }

    fn listed(&self, word: &[u8]) -> u32 {
        let hash = hash64(word);
        self.words
            .binary_search_by_key(&hash, |(hash, _)| *hash)
            .ok()
            .and_then(|at| self.words.get(at))
            .map_or(0, |(_, languages)| *languages)
    }
}

/// Reads a text letter by letter and adds up the costs.
struct Reader<'p> {
    profiles: &'p Profiles,
    costs: Vec<u32>,
    letters: u32,
    /// The last letters of the word, 16 bits each.
    context: u64,
    in_context: u32,
    word: Vec<u8>,
}

impl<'p> Reader<'p> {
    fn new(profiles: &'p Profiles) -> Self {
        Reader {
            profiles,
            costs: vec![0; profiles.languages.len()],
            letters: 0,
            context: 0,
            in_context: 0,
            word: Vec::with_capacity(LONGEST_WORD_BYTES),
        }
    }

    fn read(&mut self, text: &str) {
        for chunk in text.split(|c: char| c.is_ascii_whitespace()) {
            if self.letters >= MOST_LETTERS {
                return;
            }
            if !is_machine_made(chunk) {
                self.read_words(chunk);
            }
        }
    }

    fn read_words(&mut self, chunk: &str) {
        for c in chunk.chars() {
            let letter = if c.is_ascii() {
                let latin = self.profiles.script == Script::Latin && c.is_ascii_alphabetic();
                latin.then_some(c.to_ascii_lowercase())
            } else {
                let own = Script::of(c) == Some(self.profiles.script);
                own.then(|| c.to_lowercase().next().unwrap_or(c))
            };
            match letter {
                Some(letter) => self.letter(letter),
                None => self.end_word(),
            }
            if self.letters >= MOST_LETTERS {
                break;
            }
        }
        self.end_word();
    }

    #[inline]
    fn letter(&mut self, c: char) {
        self.letters += 1;
        let mut bytes = [0; 4];
        let written = c.encode_utf8(&mut bytes).as_bytes();
        if self.word.len() + written.len() <= LONGEST_WORD_BYTES {
            self.word.extend_from_slice(written);
        }
        self.context = self.context << 16 | u64::from(c as u32 & 0xFFFF);
        self.in_context = (self.in_context + 1).min(LONGEST_CONTEXT);
        for length in (1..=self.in_context).rev() {
            let key = self.context & (u64::MAX >> (64 - 16 * length));
            if let Some(row) = self.profiles.row(key) {
                for (sum, cost) in self.costs.iter_mut().zip(row) {
                    *sum += u32::from(*cost);
                }
                return;
            }
        }
    }

    #[inline]
    fn end_word(&mut self) {
        if self.in_context == 0 {
            return;
        }
        let listed = self.profiles.listed(&self.word);
        if listed != 0 {
            for (n, sum) in self.costs.iter_mut().enumerate() {
                *sum += if listed >> n & 1 == 1 { 0 } else { WORD_COST };
            }
        }
        self.word.clear();
        self.context = 0;
        self.in_context = 0;
    }
}

#[inline]
fn place(key: u64) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize
}

fn read_all() -> Vec<Profiles> {
    let mut all: Vec<Profiles> = Vec::new();
    let mut rows: Vec<(u64, &[u8])> = Vec::new();
    for line in ROWS.lines().filter(|line| !line.starts_with('#')) {
        if let Some(languages) = line.strip_prefix("@ ") {
            finish(&mut all, &mut rows);
            let languages = languages.split(' ').filter_map(Language::parse).collect();
            all.extend(Profiles::empty(languages));
        } else if let Some((letters, costs)) = line.split_once(' ') {
            let key = letters.chars().fold(0, |key, c| key << 16 | u64::from(c as u32 & 0xFFFF));
            rows.push((key, costs.as_bytes()));
        }
    }
    finish(&mut all, &mut rows);
    all
}

/// Gives the rows read so far to the last profiles.
fn finish(all: &mut [Profiles], rows: &mut Vec<(u64, &[u8])>) {
    let Some(profiles) = all.last_mut() else { return };
    let places = (2 * rows.len()).next_power_of_two().max(2);
    profiles.keys = vec![0; places];
    profiles.row_of = vec![0; places];
    for (number, (key, costs)) in rows.drain(..).enumerate() {
        let mut at = place(key) & (places - 1);
        while profiles.keys.get(at).is_some_and(|found| *found != 0) {
            at = (at + 1) & (places - 1);
        }
        if let (Some(slot), Some(row)) = (profiles.keys.get_mut(at), profiles.row_of.get_mut(at)) {
            (*slot, *row) = (key, number as u32);
        }
        profiles.rows.extend(costs.iter().map(|cost| cost.saturating_sub(NO_COST)));
    }
}

impl Profiles {
    /// Profiles without rows. None when the languages have no script in common.
    fn empty(languages: Vec<Language>) -> Option<Profiles> {
        let script = languages.iter().find_map(|language| language.script())?;
        let words = function_words(&languages);
        Some(Profiles {
            script,
            languages,
            keys: Vec::new(),
            row_of: Vec::new(),
            rows: Vec::new(),
            words,
        })
    }
}

/// The words listed for languages: those of the list of function words, and the very common ones
/// of the lexicon.
fn function_words(languages: &[Language]) -> Vec<(u64, u32)> {
    let bit = |language: Language| {
        languages.iter().take(32).position(|known| *known == language).map(|n| 1u32 << n)
    };
    let mut words: Vec<(u64, u32)> = Vec::new();
    for line in WORDS.lines().filter(|line| !line.starts_with('#')) {
        let mut listed = line.split(' ');
        let language = listed.next().and_then(Language::parse).and_then(bit);
        if let Some(bit) = language {
            words.extend(listed.map(|word| (hash64(word.as_bytes()), bit)));
        }
    }
    for (language, hashes) in lexicon().common() {
        if let Some(bit) = bit(language) {
            words.extend(hashes.iter().map(|hash| (*hash, bit)));
        }
    }
    words.sort_unstable();
    let mut merged: Vec<(u64, u32)> = Vec::with_capacity(words.len());
    for (hash, bits) in words {
        match merged.last_mut() {
            Some((last, known)) if *last == hash => *known |= bits,
            _ => merged.push((hash, bits)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_files_read() {
        let mut listed = 0;
        for script in [Script::Latin, Script::Cyrillic] {
            let profiles = Profiles::of(script).expect("a script with profiles");
            let width = profiles.languages.len();
            assert!(width > 1 && width <= 32);
            let rows = profiles.keys.iter().filter(|key| **key != 0).count();
            assert_eq!(profiles.rows.len(), rows * width);
            assert!(profiles.languages.iter().all(|l| l.script().is_none_or(|s| s == script)));
            assert!(profiles.words.is_sorted_by(|a, b| a.0 < b.0));
            listed += width;
        }
        let lines: Vec<&str> = WORDS.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines.len(), listed, "a list of function words for every profile");
        assert!(Profiles::of(Script::Han).is_none());
    }

    #[test]
    fn letters_without_a_row_and_machine_made_words_cost_nothing() {
        let profiles = Profiles::of(Script::Latin).expect("profiles");
        for text in
            ["", "12 345", "日本語", "https://example.org/the/and", "a@b.com C:\\the x_y q=1"]
        {
            let costs = profiles.costs(&[Part { text, split: None }]);
            assert_eq!(costs.of_language.iter().sum::<u32>(), 0, "{text}");
        }
    }
}
