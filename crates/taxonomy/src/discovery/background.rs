//! How often customers use each word anyway: language by language, and reason by reason.

use std::collections::BTreeMap;

use quell_model::{ReasonId, TimeMs};
use quell_text::Language;
use serde::{Deserialize, Serialize};

use super::fading::Fading;
use super::hash_of;

/// Contacts of scopes beyond so many share one count.
const MOST_SCOPES: usize = 512;

/// Whose words are counted together: those of a language, or of a reason in a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scope(u64);

impl Scope {
    pub fn of(language: Language) -> Scope {
        Scope(u64::from(code(language)))
    }

    pub fn within(self, reason: &ReasonId) -> Scope {
        Scope(self.0 ^ hash_of(reason.as_str()))
    }

    /// Parts a word's counts from those in other scopes.
    fn spread(self) -> u64 {
        self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }
}

/// Shares of contacts that have each word, fading. Words are forgotten from the rarest when there
/// are too many, as in lossy counting (Manku and Motwani, VLDB 2002).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Background {
    fading: Fading,
    most_words: usize,
    /// By word and scope mixed.
    with_word: BTreeMap<u64, f32>,
    contacts: BTreeMap<u64, f32>,
}

/// Reads shares at one time.
pub(super) struct Shares<'b> {
    anyway: InScope<'b>,
    within: Option<InScope<'b>>,
}

struct InScope<'b> {
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
    pub fn add(&mut self, scope: Scope, keys: impl Iterator<Item = u64>, time: TimeMs) {
        if let Some(scale) = self.fading.rescale(time) {
            let scale = scale as f32;
            self.with_word.values_mut().for_each(|count| *count *= scale);
            self.contacts.values_mut().for_each(|count| *count *= scale);
            self.with_word.retain(|_, count| *count > f32::MIN_POSITIVE);
        }
        let weight = self.fading.weight(time) as f32;
        let spread = scope.spread();
        for key in keys {
            *self.with_word.entry(key ^ spread).or_default() += weight;
        }
        *self.contacts.entry(self.counted_as(scope)).or_default() += weight;
        if self.with_word.len() > self.most_words {
            self.forget_the_rarest();
        }
    }

    /// For reading shares as of `now`.
    pub fn shares(&self, scope: Scope, now: TimeMs) -> Shares<'_> {
        Shares { anyway: self.in_scope(scope, now), within: None }
    }

    fn in_scope(&self, scope: Scope, now: TimeMs) -> InScope<'_> {
        let weight = self.fading.weight(now).max(f64::MIN_POSITIVE);
        let contacts = self.contacts.get(&self.counted_as(scope)).copied().unwrap_or(0.0);
        let contacts = (f64::from(contacts) / weight).min(1e12);
        InScope { background: self, spread: scope.spread(), weight, contacts }
    }

    /// Whether it is one that this code could have made.
    pub fn is_sound(&self) -> bool {
        let mut counts = self.with_word.values().chain(self.contacts.values());
        self.most_words > 0 && counts.all(|count| count.is_finite() && *count >= 0.0)
    }

    fn counted_as(&self, scope: Scope) -> u64 {
        let known = self.contacts.contains_key(&scope.0) || self.contacts.len() < MOST_SCOPES;
        if known { scope.0 } else { 0 }
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

impl<'b> Shares<'b> {
    /// The same, where a word counts as often as in `scope` too if it is more often there.
    pub fn and_in(self, inside: &'b Background, scope: Scope, now: TimeMs) -> Shares<'b> {
        Shares { within: Some(inside.in_scope(scope, now)), ..self }
    }

    /// The share of contacts that have a word, between 0 and 1, neither included.
    pub fn share(&self, key: u64) -> f64 {
        let anyway = self.anyway.share(key);
        self.within.as_ref().map_or(anyway, |within| within.share(key).max(anyway))
    }
}

impl InScope<'_> {
    /// The share of contacts that have a word, between 0 and 1, neither included: one more
    /// contact with it and one without are thought of, so that few contacts tell little.
    fn share(&self, key: u64) -> f64 {
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
