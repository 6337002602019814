//! Turns phrases into tables over token hashes, one per language.

use std::collections::BTreeMap;

use super::anchor;
use super::matcher::{Matcher, Table, Variant};
use super::parse::{Element, Join, Phrase, PhraseError};
use crate::analysis::Analyzer;
use crate::cues::lexicon;
use crate::hash::hash64;
use crate::language::{Language, is_han};
use crate::normalise::plain;
use crate::segment::TokenKind;

/// One phrase may stand for at most so many spellings (sets with several words, Chinese variants).
const MOST_VARIANTS: usize = 512;

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

/// One way to write a place in a phrase: alternatives for one token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Item {
    keys: Vec<Key>,
    common: bool,
}

struct Lowered {
    phrase: u32,
    groups: Vec<Vec<Item>>,
    joins: Vec<Join>,
}

/// Collects phrases and builds a [`Matcher`].
pub struct MatcherBuilder {
    sets: WordSets,
    analyzer: Analyzer,
    languages: BTreeMap<Language, Vec<Lowered>>,
    everywhere: Vec<(u32, Phrase)>,
    phrases: u32,
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
        if language == Language::ANY {
            lower(&mut self.analyzer, &self.sets, language, number, &phrase)?;
            self.everywhere.push((number, phrase));
        } else {
            let lowered = lower(&mut self.analyzer, &self.sets, language, number, &phrase)?;
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

/// All ways to write a phrase, as sequences of items.
fn lower(
    analyzer: &mut Analyzer,
    sets: &WordSets,
    language: Language,
    number: u32,
    phrase: &Phrase,
) -> Result<Vec<Lowered>, PhraseError> {
    let mut ways: Vec<Vec<Vec<Item>>> = vec![Vec::new()];
    for group in &phrase.groups {
        let mut group_ways: Vec<Vec<Item>> = vec![Vec::new()];
        for element in group {
            let options = options_of(analyzer, sets, language, element)?;
            group_ways = product(&group_ways, &options, |way, option| {
                [way.as_slice(), option.as_slice()].concat()
            })?;
        }
        ways = product(&ways, &group_ways, |way, group| {
            let mut way = way.clone();
            way.push(group.clone());
            way
        })?;
    }
    let joins = &phrase.joins;
    Ok(ways
        .into_iter()
        .map(|groups| Lowered { phrase: number, groups, joins: joins.clone() })
        .collect())
}

fn product<A, B, C>(
    left: &[A],
    right: &[B],
    join: impl Fn(&A, &B) -> C,
) -> Result<Vec<C>, PhraseError> {
    if left.len() * right.len() > MOST_VARIANTS {
        return Err(PhraseError::new(
            format!("the phrase stands for more than {MOST_VARIANTS} spellings"),
            Some("use fewer sets with several words, or write two phrases"),
        ));
    }
    Ok(left.iter().flat_map(|a| right.iter().map(|b| join(a, b)).collect::<Vec<_>>()).collect())
}

/// The sequences of items that an element can be.
fn options_of(
    analyzer: &mut Analyzer,
    sets: &WordSets,
    language: Language,
    element: &Element,
) -> Result<Vec<Vec<Item>>, PhraseError> {
    let name = match element {
        Element::Set(name) => name,
        Element::Number => return Ok(vec![vec![Item { keys: vec![Key::Number], common: true }]]),
        word => return word_options(analyzer, language, word),
    };
    let Some(set) = sets.get(name) else {
        return Err(PhraseError::new(
            format!("there is no word set `{name}`"),
            Some("define it under `words:`"),
        ));
    };
    let of = |language| set.get(&language).map(Vec::as_slice).unwrap_or_default();
    let mut single = Item { keys: Vec::new(), common: false };
    let mut options = Vec::new();
    let own = if language == Language::ANY { &[] } else { of(language) };
    for word in own.iter().chain(of(Language::ANY)) {
        for option in set_word_options(analyzer, language, word)? {
            match option.as_slice() {
                [item] => {
                    single.keys.extend(item.keys.iter().cloned());
                    single.common |= item.common;
                }
                _ => options.push(option),
            }
        }
    }
    if !single.keys.is_empty() {
        single.keys.sort();
        single.keys.dedup();
        options.insert(0, vec![single]);
    }
    if options.is_empty() {
        return Err(PhraseError::new(
            format!("the word set `{name}` has no words in `{language}`"),
            Some("add them under `words:`"),
        ));
    }
    Ok(options)
}

fn set_word_options(
    analyzer: &mut Analyzer,
    language: Language,
    text: &str,
) -> Result<Vec<Vec<Item>>, PhraseError> {
    let phrase = Phrase::parse(text)?;
    let [group] = phrase.groups.as_slice() else {
        return Err(PhraseError::new(format!("`{text}` in a word set may have no gap"), None));
    };
    let mut ways: Vec<Vec<Item>> = vec![Vec::new()];
    for element in group {
        if matches!(element, Element::Set(_)) {
            return Err(PhraseError::new(format!("`{text}`: a word set may hold no set"), None));
        }
        let options = word_options(analyzer, language, element)?;
        ways =
            product(&ways, &options, |way, option| [way.as_slice(), option.as_slice()].concat())?;
    }
    Ok(ways)
}

fn word_options(
    analyzer: &mut Analyzer,
    language: Language,
    element: &Element,
) -> Result<Vec<Vec<Item>>, PhraseError> {
    let number = || vec![vec![Item { keys: vec![Key::Number], common: true }]];
    let (text, exact, prefix) = match element {
        Element::Plain(text) => (text, false, false),
        Element::Exact(text) => (text, true, false),
        Element::Prefix(text) => (text, false, true),
        Element::Number | Element::Set(_) => return Ok(number()),
    };
    let mut options = Vec::new();
    for spelling in spellings(text) {
        let mut items = word_items(analyzer, language, &spelling, exact);
        if prefix && let Some(last) = items.last_mut() {
            let analysis = analyzer.analyze(language, &spelling);
            let token = analysis.tokens.last();
            if let Some(token) = token.filter(|token| token.kind != TokenKind::Character) {
                let form = analysis.form(token).to_owned();
                let twin = plain(&form).into_owned();
                last.keys = vec![Key::Prefix(form), Key::Prefix(twin)];
                last.keys.dedup();
            }
        }
        if items.is_empty() {
            return Err(PhraseError::new(format!("`{text}` holds no word"), None));
        }
        options.push(items);
    }
    Ok(options)
}

/// The regional spellings of Chinese words.
fn spellings(text: &str) -> Vec<String> {
    let mut ways = vec![text.to_owned()];
    if !text.chars().any(is_han) {
        return ways;
    }
    let folded: String = text.chars().map(crate::chinese::to_simplified).collect();
    ways = vec![folded];
    for group in &lexicon().zh_variants {
        for way in ways.clone() {
            let Some(word) = group.iter().find(|word| way.contains(word.as_str())) else {
                continue;
            };
            for other in group.iter().filter(|other| *other != word) {
                let spelling = way.replace(word.as_str(), other);
                if ways.len() < 16 && !ways.contains(&spelling) {
                    ways.push(spelling);
                }
            }
        }
    }
    ways
}

/// One item per token of a word (`don't` and Chinese words have several).
fn word_items(analyzer: &mut Analyzer, language: Language, text: &str, exact: bool) -> Vec<Item> {
    let analysis = analyzer.analyze(language, text);
    let mut stems = Vec::new();
    analyzer.index_terms(language, text, |term, _, _, _| stems.push(term.to_owned()));
    let mut items = Vec::new();
    for (token, stem) in analysis.tokens.iter().zip(stems) {
        let mut keys = Vec::new();
        let form = analysis.form(token);
        if exact || language == Language::ANY {
            keys.push(Key::Form(token.form));
        } else {
            keys.push(Key::Stem(token.stem));
        }
        let twin = plain(form);
        if twin != form && token.kind == TokenKind::Word {
            if exact || language == Language::ANY {
                keys.push(Key::Form(hash64(twin.as_bytes())));
            } else {
                keys.push(Key::Stem(hash64(plain(&stem).as_bytes())));
                let stem_of_twin = analyzer.analyze(language, &twin);
                keys.extend(stem_of_twin.tokens.first().map(|token| Key::Stem(token.stem)));
            }
        }
        keys.sort();
        keys.dedup();
        items.push(Item { keys, common: token.common });
    }
    items
}

/// Class numbers with a fixed meaning.
pub(super) const NUMBER: u32 = 0;
pub(super) const NEGATOR: u32 = 1;
pub(super) const BREAKER: u32 = 2;
const FIRST_FREE: u32 = 3;

fn build_table(analyzer: &mut Analyzer, language: Language, lowered: &[Lowered]) -> Table {
    let mut classes: BTreeMap<Vec<Key>, u32> = BTreeMap::new();
    let mut class_of = |keys: &[Key]| -> u32 {
        if keys == [Key::Number] {
            return NUMBER;
        }
        let next = FIRST_FREE + classes.len() as u32;
        *classes.entry(keys.to_vec()).or_insert(next)
    };
    let mut variants = Vec::new();
    let mut common = Vec::new();
    for way in lowered {
        let mut groups = Vec::new();
        for group in &way.groups {
            let mut numbers = Vec::new();
            for item in group {
                let class = class_of(&item.keys);
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
        exceptions.push(items.iter().map(|item| class_of(&item.keys)).collect::<Vec<_>>());
    }
    let count = FIRST_FREE as usize + classes.len();
    let mut table = Table::new(count, exceptions);
    anchor::choose(&mut table, &variants, &common);
    table.variants = variants;
    for (keys, class) in &classes {
        for key in keys {
            table.register(key, *class);
        }
    }
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
