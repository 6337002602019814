//! Turns phrases into tables over token hashes, one per language.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::anchor;
use super::lower::{Item, Lowered, lower, word_items};
use super::matcher::{Matcher, Table, Variant};
use super::parse::{Phrase, PhraseError};
use crate::analysis::Analyzer;
use crate::cues::lexicon;
use crate::hash::hash64;
use crate::language::Language;
use crate::normalise::plain;

/// All phrases together, and those for all languages, which every language has a copy of.
const MOST_SPELLINGS: usize = 400_000;
const MOST_SPELLINGS_EVERYWHERE: usize = 10_000;

/// Named sets of words: name, then language (`und` for all), then words.
pub type WordSets = BTreeMap<String, BTreeMap<Language, Vec<String>>>;

/// What a token must be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Stem(u64),
    Form(u64),
    Prefix(String),
    Number,
}

/// Collects phrases and builds a [`Matcher`].
pub struct MatcherBuilder {
    sets: WordSets,
    analyzer: Analyzer,
    languages: BTreeMap<Language, Vec<Lowered>>,
    everywhere: Vec<(u32, Phrase)>,
    phrases: u32,
    spellings: usize,
    spellings_everywhere: usize,
}

impl MatcherBuilder {
    /// A builder whose phrases may use these sets.
    pub fn new(sets: WordSets) -> Self {
        MatcherBuilder {
            sets,
            analyzer: Analyzer::new(),
            languages: BTreeMap::new(),
            everywhere: Vec::new(),
            phrases: 0,
            spellings: 0,
            spellings_everywhere: 0,
        }
    }

    /// Makes sure a language has a table of its own, so that its negators are known.
    pub fn language(&mut self, language: Language) {
        self.languages.entry(language).or_default();
    }

    /// Adds a phrase for one language, or for all of them with [`Language::ANY`]. Hits carry the
    /// returned number; numbers count up from 0.
    pub fn add(&mut self, language: Language, text: &str) -> Result<u32, PhraseError> {
        let phrase = Phrase::parse(text)?;
        let number = self.phrases;
        let lowered = lower(&mut self.analyzer, &self.sets, language, number, &phrase)?;
        let (total, most) = if language == Language::ANY {
            (&mut self.spellings_everywhere, MOST_SPELLINGS_EVERYWHERE)
        } else {
            (&mut self.spellings, MOST_SPELLINGS)
        };
        if *total + lowered.len() > most {
            return Err(PhraseError::new(
                format!("all phrases together stand for more than {most} spellings"),
                Some("make sets of words that stand for each other, each of one word"),
            ));
        }
        *total += lowered.len();
        if language == Language::ANY {
            self.everywhere.push((number, phrase));
        } else {
            self.languages.entry(language).or_default().extend(lowered);
        }
        self.phrases += 1;
        Ok(number)
    }

    /// The matcher over all that was added.
    pub fn build(mut self) -> Matcher {
        let mut tables = Vec::new();
        for (language, mut lowered) in std::mem::take(&mut self.languages) {
            for (number, phrase) in &self.everywhere {
                if let Ok(more) = lower(&mut self.analyzer, &self.sets, language, *number, phrase) {
                    lowered.extend(more);
                }
            }
            tables.push((language, build_table(&mut self.analyzer, language, &lowered)));
        }
        let mut rest = Vec::new();
        for (number, phrase) in &self.everywhere {
            if let Ok(more) = lower(&mut self.analyzer, &self.sets, Language::ANY, *number, phrase)
            {
                rest.extend(more);
            }
        }
        let rest = build_table(&mut self.analyzer, Language::ANY, &rest);
        Matcher { tables, rest, phrases: self.phrases as usize }
    }
}

/// Class numbers with a fixed meaning.
pub(super) const NUMBER: u32 = 0;
pub(super) const NEGATOR: u32 = 1;
pub(super) const BREAKER: u32 = 2;
const FIRST_FREE: u32 = 3;

fn build_table(analyzer: &mut Analyzer, language: Language, lowered: &[Lowered]) -> Table {
    let mut classes: BTreeMap<Arc<[Key]>, u32> = BTreeMap::new();
    let mut denials: BTreeMap<u32, Arc<[Key]>> = BTreeMap::new();
    let mut class_of = |item: &Item| -> u32 {
        if *item.keys == [Key::Number] {
            return NUMBER;
        }
        let next = FIRST_FREE + classes.len() as u32;
        let class = *classes.entry(Arc::clone(&item.keys)).or_insert(next);
        if class == next && !item.denials.is_empty() {
            denials.insert(class, Arc::clone(&item.denials));
        }
        class
    };
    let mut variants = Vec::new();
    let mut common = Vec::new();
    for way in lowered {
        let mut groups = Vec::new();
        for group in &way.groups {
            let mut numbers = Vec::new();
            for item in group {
                let class = class_of(item);
                numbers.push(class);
                common.push((class, item.common));
            }
            groups.push(numbers);
        }
        variants.push(Variant { phrase: way.phrase, groups, joins: way.joins.clone() });
    }
    let mut exceptions = Vec::new();
    for text in lexicon().not_negating(language) {
        let items = word_items(analyzer, language, text, false);
        exceptions.push(items.iter().map(&mut class_of).collect::<Vec<_>>());
    }
    let count = FIRST_FREE as usize + classes.len();
    let mut table = Table::new(count, exceptions);
    anchor::choose(&mut table, &variants, &common);
    table.variants = variants;
    for (keys, class) in &classes {
        for key in keys.iter() {
            table.register(key, *class);
        }
    }
    table.denials = denials;
    for (class, words) in [
        (NUMBER, lexicon().numbers(language)),
        (NEGATOR, lexicon().negators(language)),
        (BREAKER, lexicon().breakers(language)),
    ] {
        for word in words {
            register_word(analyzer, &mut table, language, word, class);
        }
    }
    table.finish();
    table
}

fn register_word(
    analyzer: &mut Analyzer,
    table: &mut Table,
    language: Language,
    word: &str,
    class: u32,
) {
    let prefix = word.strip_suffix('*');
    let analysis = analyzer.analyze(language, prefix.unwrap_or(word));
    // Expanded forms ("don't" -> do not) are covered by their last word.
    let Some(token) = analysis.tokens.last() else { return };
    let form = analysis.form(token);
    match prefix {
        Some(_) => table.register(&Key::Prefix(form.to_owned()), class),
        None => {
            table.register(&Key::Form(token.form), class);
            table.register(&Key::Form(hash64(plain(form).as_bytes())), class);
        }
    }
}
