//! How often customers use each word anyway, language by language.

use std::collections::BTreeMap;

use quell_model::TimeMs;
use quell_text::Language;
use serde::{Deserialize, Serialize};

use super::fading::Fading;

/// Contacts in languages beyond so many share one count.
const MOST_LANGUAGES: usize = 64;

/// Shares of contacts that have each word, fading. Words are forgotten from the rarest when there
/// are too many, as in lossy counting (Manku and Motwani, VLDB 2002).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Background {
    fading: Fading,
    most_words: usize,
    /// By word and language mixed.
    with_word: BTreeMap<u64, f32>,
    contacts: BTreeMap<u32, f32>,
}

/// Reads shares at one time in one language.
pub(super) struct Shares<'b> {
    background: &'b Background,
    spread: u64,
    weight: f64,
    contacts: f64,
}

impl Background {
    pub fn new(half_life_ms: i64, most_words: usize) -> Background {
        Background {
            fading: Fading::new(half_life_ms),
            most_words,
            with_word: BTreeMap::new(),
            contacts: BTreeMap::new(),
        }
    }

    /// Counts one contact.
    pub fn add(&mut self, language: Language, keys: impl Iterator<Item = u64>, time: TimeMs) {
        if let Some(scale) = self.fading.rescale(time) {
            let scale = scale as f32;
            self.with_word.values_mut().for_each(|count| *count *= scale);
            self.contacts.values_mut().for_each(|count| *count *= scale);
            self.with_word.retain(|_, count| *count > f32::MIN_POSITIVE);
        }
        let weight = self.fading.weight(time) as f32;
        let spread = spread(language);
        for key in keys {
            *self.with_word.entry(key ^ spread).or_default() += weight;
        }
        *self.contacts.entry(self.counted_as(language)).or_default() += weight;
        if self.with_word.len() > self.most_words {
            self.forget_the_rarest();
        }
    }

    /// For reading shares of `language` as of `now`.
    pub fn shares(&self, language: Language, now: TimeMs) -> Shares<'_> {
        let weight = self.fading.weight(now).max(f64::MIN_POSITIVE);
        let contacts = self.contacts.get(&self.counted_as(language)).copied().unwrap_or(0.0);
        let contacts = (f64::from(contacts) / weight).min(1e12);
        Shares { background: self, spread: spread(language), weight, contacts }
    }

    /// Whether it is one that this code could have made.
    pub fn is_sound(&self) -> bool {
        let mut counts = self.with_word.values().chain(self.contacts.values());
        self.most_words > 0 && counts.all(|count| count.is_finite() && *count >= 0.0)
    }

    fn counted_as(&self, language: Language) -> u32 {
        let code = code(language);
        let known = self.contacts.contains_key(&code) || self.contacts.len() < MOST_LANGUAGES;
        if known { code } else { 0 }
    }

    /// A quarter goes at once, so that the work per contact stays constant on average.
    fn forget_the_rarest(&mut self) {
        let mut ranked: Vec<(f32, u64)> =
            self.with_word.iter().map(|(key, count)| (*count, *key)).collect();
        let gone = ranked.len() - self.most_words * 3 / 4;
        let at = gone.min(ranked.len() - 1);
        ranked.select_nth_unstable_by(at, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (_, key) in ranked.into_iter().take(gone) {
            self.with_word.remove(&key);
        }
    }
}

impl Shares<'_> {
    /// The share of contacts that have a word, between 0 and 1, neither included: one more
    /// contact with it and one without are thought of, so that few contacts tell little.
    pub fn share(&self, key: u64) -> f64 {
        let with = self.background.with_word.get(&(key ^ self.spread)).copied().unwrap_or(0.0);
        let with = f64::from(with) / self.weight;
        ((with + 1.0) / (self.contacts + 2.0)).clamp(1e-9, 1.0 - 1e-9)
    }
}

/// The letters of a language's code.
pub(super) fn code(language: Language) -> u32 {
    language.as_str().bytes().fold(0, |code, byte| (code << 8) | u32::from(byte))
}

/// The inverse of [`code`]; undetermined for a number that is no code.
pub(super) fn language_of(code: u32) -> Language {
    let bytes = code.to_be_bytes();
    let letters: String = bytes.iter().filter(|byte| **byte != 0).map(|&b| char::from(b)).collect();
    Language::parse(&letters).unwrap_or(Language::ANY)
}

fn spread(language: Language) -> u64 {
    u64::from(code(language)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
