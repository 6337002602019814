//! From an accepted candidate to a reason that can be written into a taxonomy file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use quell_model::ReasonId;
use quell_text::phrase::{Matcher, MatcherBuilder, Scratch, WordSets};
use quell_text::{Analyzer, Language};

use super::candidate::Candidate;

/// Two words of a phrase stand at most so far apart.
const REACH: u8 = 6;
/// Phrases written for one language.
const MOST_PHRASES: usize = 8;
/// A phrase hits this many times as large a share of the candidate's texts as of others.
const LIFT: usize = 10;
/// And so many others for each of the candidate's at most: of a small group even a large lift
/// means mostly other texts. More than one, since a theme that breaks out comes in several groups,
/// whose texts are others here.
const MOST_STRAYS: usize = 3;
/// One word makes a phrase only where so many other texts show how rare it is.
const OTHERS_FOR_ONE_WORD: usize = 50;
/// Texts written as tests, of each kind and language.
const MOST_TESTS: usize = 4;
/// Longer texts are cut for a test.
const LONGEST_TEST_CHARS: usize = 300;

/// A text, redacted, with its language.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The text.
    pub text: &'a str,
    /// Its language.
    pub language: Language,
}

/// What people decide when they accept a candidate.
#[derive(Clone, Copy, Debug)]
pub struct Acceptance<'a> {
    /// The id of the reason to be: `area.reason`.
    pub id: &'a ReasonId,
    /// Its name in English; the candidate's own without it.
    pub name: Option<&'a str>,
    /// The role that can remove its cause.
    pub owner: &'a str,
}

/// A reason as YAML, and what its rule does to the texts it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// An item of the list `reasons:`, indented by two spaces.
    pub yaml: String,
    /// Texts of the candidate that its rule hits.
    pub hit: usize,
    /// Other texts that its rule hits.
    pub strays: usize,
}

/// Phrases of one language and the texts they hit.
struct Options {
    phrases: Vec<(String, bool)>,
    matcher: Matcher,
}

impl Candidate {
    /// Writes the reason: phrases from the candidate's words that hit many of its own texts
    /// (`own`: its exemplars, or more) and few `others`, and texts of both as tests. None when no
    /// phrase does. The rule is a draft for people to read: it knows the words of today.
    pub fn fragment(
        &self,
        acceptance: &Acceptance<'_>,
        own: &[Sample<'_>],
        others: &[Sample<'_>],
    ) -> Option<Fragment> {
        let mut analyzer = Analyzer::new();
        let mut scratch = Scratch::default();
        let mut rules: BTreeMap<Language, Vec<String>> = BTreeMap::new();
        let mut tests = [Vec::new(), Vec::new()];
        let (mut hit, mut strays) = (0, 0);
        let languages: BTreeSet<Language> = own.iter().map(|sample| sample.language).collect();
        for language in languages {
            let of = |all: &[Sample<'_>]| -> Vec<String> {
                let same = all.iter().filter(|sample| sample.language == language);
                same.map(|sample| sample.text.to_owned()).collect()
            };
            let (own, others) = (of(own), of(others));
            let options = Options::of(self, language, others.len() >= OTHERS_FOR_ONE_WORD);
            let mut hits = |text: &str| {
                let analysis = analyzer.analyze(language, text);
                let mut found = Vec::new();
                options.matcher.find(&analysis, &mut scratch, &mut found);
                found.into_iter().map(|found| found.phrase as usize).collect::<BTreeSet<_>>()
            };
            let in_own: Vec<BTreeSet<usize>> = own.iter().map(|text| hits(text)).collect();
            let in_others: Vec<BTreeSet<usize>> = others.iter().map(|text| hits(text)).collect();
            let chosen = choose(&options, &in_own, &in_others);
            if chosen.is_empty() {
                continue;
            }
            let fires = |found: &BTreeSet<usize>| !found.is_disjoint(&chosen);
            hit += in_own.iter().filter(|found| fires(found)).count();
            strays += in_others.iter().filter(|found| fires(found)).count();
            let cut = |text: &str| text.chars().take(LONGEST_TEST_CHARS).collect::<String>();
            let mut seen = BTreeSet::new();
            let matching =
                own.iter().map(|text| cut(text)).filter(|text| seen.insert(text.clone()));
            let matching = matching.filter(|text| fires(&hits(text)));
            tests[0].extend(matching.take(MOST_TESTS).map(|text| (language, text)));
            // The near misses are what a rule widened later should go on leaving alone.
            let near = others.iter().zip(&in_others).filter(|(_, found)| !found.is_empty());
            let near = near.map(|(text, _)| cut(text)).filter(|text| !fires(&hits(text)));
            tests[1].extend(near.take(MOST_TESTS).map(|text| (language, text)));
            let phrase = |&number: &usize| options.phrases.get(number).map(|one| one.0.clone());
            rules.insert(language, chosen.iter().filter_map(phrase).collect());
        }
        let yaml = write(acceptance, acceptance.name.unwrap_or(&self.name), &rules, &tests);
        (!rules.is_empty()).then_some(Fragment { yaml, hit, strays })
    }
}

impl Options {
    /// Pairs of words near each other, and single words. Single words are looked for always: they
    /// show which other texts come near.
    fn of(candidate: &Candidate, language: Language, may_be_single: bool) -> Options {
        let words: Vec<&str> = candidate.words.iter().map(|word| word.form.as_str()).collect();
        let mut written: Vec<(String, bool)> = Vec::new();
        for (at, a) in words.iter().enumerate() {
            for b in words.iter().skip(at + 1) {
                written.push((format!("{a} ~{REACH} {b}"), true));
            }
        }
        written.extend(words.iter().map(|word| ((*word).to_owned(), may_be_single)));
        let mut builder = MatcherBuilder::new(WordSets::new());
        let mut phrases = Vec::new();
        for (phrase, usable) in written {
            if builder.add(language, &phrase).is_ok() {
                phrases.push((phrase, usable));
            }
        }
        Options { phrases, matcher: builder.build() }
    }
}

/// One phrase after the other, each the one that hits most texts not hit so far.
fn choose(
    options: &Options,
    own: &[BTreeSet<usize>],
    others: &[BTreeSet<usize>],
) -> BTreeSet<usize> {
    let count = |texts: &[BTreeSet<usize>], phrase: usize| {
        texts.iter().filter(|found| found.contains(&phrase)).count()
    };
    let usable: Vec<(usize, usize)> = (0..)
        .zip(&options.phrases)
        .filter(|(_, (_, usable))| *usable)
        .map(|(number, _)| (number, count(others, number)))
        .filter(|&(number, strays)| {
            let hit = count(own, number);
            strays <= MOST_STRAYS * hit && strays * LIFT * own.len() <= hit * others.len().max(1)
        })
        .collect();
    let mut left: Vec<&BTreeSet<usize>> = own.iter().collect();
    let mut chosen = BTreeSet::new();
    while chosen.len() < MOST_PHRASES {
        let new = |phrase: usize| left.iter().filter(|found| found.contains(&phrase)).count();
        let best = usable.iter().map(|&(number, strays)| (new(number), strays, number));
        let best = best.filter(|&(new, ..)| new > 0);
        let best = best.max_by_key(|&(new, strays, number)| {
            (new, std::cmp::Reverse(strays), std::cmp::Reverse(number))
        });
        let Some((.., number)) = best else { break };
        chosen.insert(number);
        left.retain(|found| !found.contains(&number));
    }
    chosen
}

fn write(
    acceptance: &Acceptance<'_>,
    name: &str,
    rules: &BTreeMap<Language, Vec<String>>,
    tests: &[Vec<(Language, String)>; 2],
) -> String {
    let mut yaml = String::new();
    let mut line = |indent: usize, text: String| {
        let _ = writeln!(yaml, "{:indent$}{text}", "");
    };
    line(2, format!("- id: {}", quoted(acceptance.id.as_str())));
    line(4, format!("name: {{en: {}}}", quoted(name)));
    line(4, format!("owner: {}", quoted(acceptance.owner)));
    // Customers deny what should work ("does not open"): a theme's words count all the same.
    line(4, "negated: keep".to_owned());
    line(4, "any:".to_owned());
    for (language, phrases) in rules {
        let phrases: Vec<String> = phrases.iter().map(|phrase| quoted(phrase)).collect();
        let key = language_key(*language);
        line(6, format!("{key}: [{}]", phrases.join(", ")));
    }
    if tests.iter().any(|kind| !kind.is_empty()) {
        line(4, "test:".to_owned());
    }
    for (key, kind) in ["match", "skip"].into_iter().zip(tests) {
        if !kind.is_empty() {
            line(6, format!("{key}:"));
        }
        for (language, text) in kind {
            let language = language_key(*language);
            line(8, format!("- {{text: {}, lang: {language}}}", quoted(text)));
        }
    }
    yaml
}

fn language_key(language: Language) -> String {
    if language == Language::ANY { "any".to_owned() } else { quoted(language.as_str()) }
}

/// A YAML scalar in double quotes, on one line.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            // Line ends of other kinds break a scalar as well.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
