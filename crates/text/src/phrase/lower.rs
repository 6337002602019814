//! From a phrase as written to the sequences of words that it stands for in one language.

use std::sync::Arc;

use super::compile::{Key, WordSets};
use super::parse::{Element, Join, Phrase, PhraseError};
use crate::analysis::Analyzer;
use crate::cues::lexicon;
use crate::hash::hash64;
use crate::language::{Language, is_han};
use crate::normalise::plain;
use crate::segment::TokenKind;

/// One phrase may stand for at most so many spellings (sets with several words, Chinese variants).
const MOST_VARIANTS: usize = 512;
/// One way to write a place in a phrase: alternatives for one token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    /// Shared, since a set of many words may stand in many spellings.
    pub keys: Arc<[Key]>,
    /// Those of the keys that deny what the others say: Armenian verbs with the prefix չ-.
    pub denials: Arc<[Key]>,
    pub common: bool,
}

impl Item {
    fn new(mut keys: Vec<Key>, mut denials: Vec<Key>, common: bool) -> Item {
        keys.extend(denials.iter().cloned());
        for list in [&mut keys, &mut denials] {
            list.sort();
            list.dedup();
        }
        Item { keys: keys.into(), denials: denials.into(), common }
    }

    fn number() -> Item {
        Item::new(vec![Key::Number], Vec::new(), true)
    }
}

/// A phrase in one of its spellings.
pub(super) struct Lowered {
    pub phrase: u32,
    pub groups: Vec<Vec<Item>>,
    pub joins: Vec<Join>,
}

/// All ways to write a phrase, as sequences of items.
pub(super) fn lower(
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
        Element::Number => return Ok(vec![vec![Item::number()]]),
        word => return word_options(analyzer, language, word),
    };
    let Some(set) = sets.get(name) else {
        return Err(PhraseError::new(
            format!("there is no word set `{name}`"),
            Some("define it under `words:`"),
        ));
    };
    let of = |language| set.get(&language).map(Vec::as_slice).unwrap_or_default();
    let (mut keys, mut denials, mut common) = (Vec::new(), Vec::new(), false);
    let mut options = Vec::new();
    let own = if language == Language::ANY { &[] } else { of(language) };
    for word in own.iter().chain(of(Language::ANY)) {
        for option in set_word_options(analyzer, language, word)? {
            match option.as_slice() {
                [item] => {
                    keys.extend(item.keys.iter().cloned());
                    denials.extend(item.denials.iter().cloned());
                    common |= item.common;
                }
                _ => options.push(option),
            }
        }
    }
    // A word that stands in the set itself denies nothing.
    let own_keys: Vec<Key> = keys.iter().filter(|key| !denials.contains(key)).cloned().collect();
    denials.retain(|key| !own_keys.contains(key));
    if !keys.is_empty() {
        options.insert(0, vec![Item::new(keys, denials, common)]);
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
    let (text, exact, prefix) = match element {
        Element::Plain(text) => (text, false, false),
        Element::Exact(text) => (text, true, false),
        Element::Prefix(text) => (text, false, true),
        Element::Number | Element::Set(_) => return Ok(vec![vec![Item::number()]]),
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
                let denied = denied_in(language, &form).map(Key::Prefix);
                let keys = vec![Key::Prefix(form), Key::Prefix(twin)];
                *last = Item::new(keys, denied.into_iter().collect(), last.common);
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
pub(super) fn word_items(
    analyzer: &mut Analyzer,
    language: Language,
    text: &str,
    exact: bool,
) -> Vec<Item> {
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
        let denied = denied_in(language, form).filter(|_| !exact);
        let denied = denied.map(|denied| {
            let stem_of = analyzer.analyze(language, &denied);
            stem_of.tokens.iter().map(|token| Key::Stem(token.stem)).collect()
        });
        items.push(Item::new(keys, denied.unwrap_or_default(), token.common));
    }
    items
}

/// The form of a word that denies it, in languages that deny by a prefix. Auxiliaries such as չի
/// and words that begin like it, such as չորս (four), have none.
fn denied_in(language: Language, form: &str) -> Option<String> {
    let long = form.chars().nth(2).is_some();
    (language == Language::HY && long && !form.starts_with('չ')).then(|| format!("չ{form}"))
}
