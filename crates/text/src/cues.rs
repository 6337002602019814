//! Cues: what in a customer's words speaks of an earlier contact, a broken promise, a defect. They
//! are evidence beside the reason, never the reason itself. Also the home of the word lists.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::analysis::{Analysis, Analyzer};
use crate::hash::hash64;
use crate::language::Language;
use crate::phrase::{Found, Matcher, MatcherBuilder, Scratch, WordSets};

/// The cue classes, the weightiest first.
pub const CUES: [&str; 7] =
    ["promise_missed", "repeat", "unresolved", "defect", "confusion", "status_chase", "valued"];

type WordLists = BTreeMap<Language, Vec<String>>;

/// The word lists as read from the lexicon file.
#[derive(Debug, Default)]
pub(crate) struct Lexicon {
    cues: BTreeMap<String, WordLists>,
    words: BTreeMap<String, WordLists>,
    /// Per cue class, phrases that only look like it.
    traps: BTreeMap<String, WordLists>,
    negators: WordLists,
    breakers: WordLists,
    not_negating: WordLists,
    numbers: WordLists,
    /// Hashes of words, sorted.
    common: BTreeMap<Language, Vec<u64>>,
    /// Groups of Chinese words that mean the same in different regions.
    pub zh_variants: Vec<Vec<String>>,
}

impl Lexicon {
    /// Whether a folded word is one of the language's very common ones.
    pub fn is_common(&self, language: Language, form_hash: u64) -> bool {
        self.common.get(&language).is_some_and(|words| words.binary_search(&form_hash).is_ok())
    }

    /// The very common words of each language that has a list, as sorted hashes.
    pub fn common(&self) -> impl Iterator<Item = (Language, &[u64])> {
        self.common.iter().map(|(language, words)| (*language, words.as_slice()))
    }

    /// Words that deny what follows.
    pub fn negators(&self, language: Language) -> &[String] {
        of(&self.negators, language)
    }

    /// Words that a denial does not reach across.
    pub fn breakers(&self, language: Language) -> &[String] {
        of(&self.breakers, language)
    }

    /// Sequences whose negator denies nothing.
    pub fn not_negating(&self, language: Language) -> &[String] {
        of(&self.not_negating, language)
    }

    /// Number words.
    pub fn numbers(&self, language: Language) -> &[String] {
        of(&self.numbers, language)
    }
}

fn of(lists: &WordLists, language: Language) -> &[String] {
    lists.get(&language).map(Vec::as_slice).unwrap_or_default()
}

/// The lexicon shipped with the crate.
pub(crate) fn lexicon() -> &'static Lexicon {
    static LEXICON: OnceLock<Lexicon> = OnceLock::new();
    LEXICON.get_or_init(|| read(include_str!("../data/lexicon.yaml")).unwrap_or_default())
}

type RawLists = BTreeMap<String, Vec<String>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLexicon {
    cues: BTreeMap<String, RawLists>,
    words: BTreeMap<String, RawLists>,
    traps: BTreeMap<String, RawLists>,
    negators: RawLists,
    breakers: RawLists,
    not_negating: RawLists,
    numbers: RawLists,
    common: RawLists,
    zh_variants: Vec<Vec<String>>,
}

fn read(yaml: &str) -> Result<Lexicon, String> {
    let raw: RawLexicon = serde_saphyr::from_str(yaml).map_err(|error| error.to_string())?;
    let lists = |raw: RawLists| -> Result<WordLists, String> {
        raw.into_iter()
            .map(|(code, words)| match Language::parse(&code) {
                Some(language) => Ok((language, words)),
                None => Err(format!("`{code}` is no language")),
            })
            .collect()
    };
    let named = |raw: BTreeMap<String, RawLists>| -> Result<BTreeMap<String, WordLists>, String> {
        raw.into_iter().map(|(name, raw)| Ok((name, lists(raw)?))).collect()
    };
    let common = lists(raw.common)?;
    Ok(Lexicon {
        cues: named(raw.cues)?,
        words: named(raw.words)?,
        traps: named(raw.traps)?,
        negators: lists(raw.negators)?,
        breakers: lists(raw.breakers)?,
        not_negating: lists(raw.not_negating)?,
        numbers: lists(raw.numbers)?,
        common: common.into_iter().map(|(l, words)| (l, hashes(&words))).collect(),
        zh_variants: raw.zh_variants,
    })
}

fn hashes(words: &[String]) -> Vec<u64> {
    let mut hashes: Vec<u64> = words.iter().map(|word| hash64(word.as_bytes())).collect();
    hashes.sort_unstable();
    hashes
}

/// The word sets that the lexicon offers to any phrase, named `cue.…`.
pub fn word_sets() -> WordSets {
    lexicon().words.iter().map(|(name, lists)| (format!("cue.{name}"), lists.clone())).collect()
}

/// What a phrase of the lexicon is to the class of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Cue(u8),
    Trap(u8),
}

/// The cue phrases inside a matcher.
pub struct CueSet {
    first: u32,
    meanings: Vec<(Meaning, &'static str)>,
}

/// A cue in a text, with what shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CueHit {
    /// One of [`CUES`].
    pub cue: &'static str,
    /// The phrase, as the lexicon writes it.
    pub phrase: &'static str,
    /// Byte offset in the text where it starts.
    pub start: u32,
    /// Byte offset in the text where it ends.
    pub end: u32,
}

impl CueSet {
    /// No cues: nothing is one.
    pub fn none() -> CueSet {
        CueSet { first: u32::MAX, meanings: Vec::new() }
    }

    /// Adds the lexicon's cue phrases to a builder made with [`word_sets`].
    pub fn register(builder: &mut MatcherBuilder) -> CueSet {
        let mut set = CueSet::none();
        let lexicon = lexicon();
        for (class, name) in CUES.iter().enumerate() {
            set.add_all(builder, lexicon.cues.get(*name), Meaning::Cue(class as u8));
            set.add_all(builder, lexicon.traps.get(*name), Meaning::Trap(class as u8));
        }
        set
    }

    fn add_all(
        &mut self,
        builder: &mut MatcherBuilder,
        lists: Option<&'static WordLists>,
        is: Meaning,
    ) {
        for (language, phrases) in lists.into_iter().flatten() {
            for phrase in phrases {
                // The lexicon is ours and a test compiles every phrase of it.
                if let Ok(number) = builder.add(*language, phrase) {
                    self.first = self.first.min(number);
                    self.meanings.push((is, phrase));
                }
            }
        }
    }

    /// Whether a phrase number is one of the cues'.
    pub fn holds(&self, phrase: u32) -> bool {
        self.meaning(phrase).is_some()
    }

    /// The cues among what was found in one text: the weightiest class first, then by place.
    /// Denied hits do not count, nor do hits that overlap a phrase which only looks like their
    /// class.
    pub fn hits(&self, found: &[Found]) -> Vec<CueHit> {
        let mut hits: Vec<(u8, CueHit)> = self
            .counting(found)
            .map(|(class, phrase, hit)| {
                let cue = CUES.get(class as usize).copied().unwrap_or_default();
                (class, CueHit { cue, phrase, start: hit.start, end: hit.end })
            })
            .collect();
        hits.sort_by_key(|(class, hit)| (*class, hit.start, hit.end, hit.phrase));
        hits.into_iter().map(|(_, hit)| hit).collect()
    }

    fn counting<'a>(
        &'a self,
        found: &'a [Found],
    ) -> impl Iterator<Item = (u8, &'static str, &'a Found)> {
        found.iter().filter(|hit| !hit.negated).filter_map(|hit| {
            let (Meaning::Cue(class), phrase) = self.meaning(hit.phrase)? else { return None };
            let trapped = found.iter().any(|trap| {
                let overlaps = trap.start < hit.end && hit.start < trap.end;
                overlaps
                    && self.meaning(trap.phrase).is_some_and(|(is, _)| is == Meaning::Trap(class))
            });
            (!trapped).then_some((class, phrase, hit))
        })
    }

    fn meaning(&self, phrase: u32) -> Option<(Meaning, &'static str)> {
        self.meanings.get(phrase.checked_sub(self.first)? as usize).copied()
    }
}

/// Finds the cues of single texts, without a taxonomy. Keeps caches that never show.
pub struct CueReader {
    matcher: Matcher,
    set: CueSet,
    analyzer: Analyzer,
    analysis: Analysis,
    scratch: Scratch,
    found: Vec<Found>,
}

impl CueReader {
    /// A reader of the lexicon's cues in all of its languages.
    pub fn new() -> CueReader {
        let mut builder = MatcherBuilder::new(word_sets());
        let set = CueSet::register(&mut builder);
        CueReader {
            matcher: builder.build(),
            set,
            analyzer: Analyzer::new(),
            analysis: Analysis::new(),
            scratch: Scratch::default(),
            found: Vec::new(),
        }
    }

    /// The cues of a text in a language: the weightiest class first, then by place.
    pub fn read(&mut self, language: Language, text: &str) -> Vec<CueHit> {
        self.analyzer.analyze_into(language, text, &mut self.analysis);
        self.found.clear();
        self.matcher.find(&self.analysis, &mut self.scratch, &mut self.found);
        self.set.hits(&self.found)
    }
}

impl Default for CueReader {
    fn default() -> Self {
        CueReader::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lexicon_reads_and_every_phrase_compiles() {
        let lexicon = read(include_str!("../data/lexicon.yaml")).expect("lexicon.yaml is valid");
        let mut builder = MatcherBuilder::new(word_sets());
        let mut wrong = Vec::new();
        for (name, lists) in lexicon.cues.iter().chain(&lexicon.traps) {
            assert!(CUES.contains(&name.as_str()), "{name} has no place in the precedence");
            for (language, phrases) in lists {
                for phrase in phrases {
                    if let Err(error) = builder.add(*language, phrase) {
                        wrong.push(format!("{name}.{language}: {phrase}: {error}"));
                    }
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }
}
