//! What the rules of a taxonomy do with real texts: which never fire, which fire on too much,
//! which pairs go together, which languages nobody wrote phrases for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quell_model::{ReasonId, UNCLASSIFIED};
use quell_text::Language;

use crate::catalogue::Taxonomy;
use crate::problem::{Place, Problem, Problems};
use crate::tag::{TagInput, TagSettings, Tagger};

/// Fewer texts than this say nothing of how often a rule fires.
const FEWEST_TEXTS: u64 = 20;
/// Texts that two rules must share before their overlap is worth a word.
const FEWEST_SHARED: u64 = 5;
/// Rules looked at for pairs in one text; only a broken taxonomy has more that fire at once.
const MOST_FIRED: usize = 64;
/// Pairs counted one by one.
const MOST_PAIRS: usize = 100_000;
/// Languages counted one by one; sources that name more name them wrongly.
const MOST_LANGUAGES: usize = 64;

/// What [`check`] and [`Checker`] found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Texts read.
    pub texts: u64,
    /// Texts that got no reason.
    pub unclassified: u64,
    /// By reason that has a rule, in the order of the file.
    pub rules: Vec<RuleUse>,
    /// Pairs of reasons that fire together, the pair with most shared texts first. A reason and a
    /// cause of it are no pair: they should.
    pub overlaps: Vec<Overlap>,
    /// Languages of the texts, the most frequent first.
    pub languages: Vec<LanguageUse>,
    /// The findings of [`Taxonomy::check`] and those on the texts, in the order of the file.
    pub problems: Vec<Problem>,
}

/// How often one reason's rule fired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleUse {
    /// The reason.
    pub reason: ReasonId,
    /// Texts it fired on.
    pub fired: u64,
    /// Texts in languages that it has a phrase for.
    pub texts: u64,
    /// Texts it fired on by language, the most frequent first.
    pub by_language: Vec<(String, u64)>,
    /// Languages that a hundredth of the texts is in and it has no phrase for, the most frequent
    /// first.
    pub missing: Vec<String>,
}

impl RuleUse {
    /// Whether there are texts that it should have fired on, and it never did.
    pub fn is_dead(&self) -> bool {
        self.texts >= FEWEST_TEXTS && self.fired == 0
    }
}

/// Two rules that fire on the same texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The one that fired less often; of two equals the earlier in the file.
    pub rarer: ReasonId,
    /// The other.
    pub other: ReasonId,
    /// Texts that both fired on.
    pub shared: u64,
    /// Texts that the rarer one fired on.
    pub rarer_fired: u64,
    /// The smallest id of a text that both fired on; empty where texts have none.
    pub example: String,
}

impl Overlap {
    /// Whether the rarer one hardly ever fires without the other: people should draw the line
    /// between them, or merge them.
    pub fn is_near_whole(&self) -> bool {
        self.shared >= FEWEST_SHARED && self.shared * 5 > self.rarer_fired * 4
    }
}

/// How many texts are in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanguageUse {
    /// Its primary subtag.
    pub language: String,
    /// Texts in it.
    pub texts: u64,
    /// Reasons with a phrase in it, or in all languages.
    pub reasons: u64,
    /// Texts in it that got no reason.
    pub unclassified: u64,
}

/// Runs the rules over texts, beside the checks that need none; [`Checker`] for texts with ids.
pub fn check<'t>(taxonomy: &Taxonomy, texts: impl IntoIterator<Item = TagInput<'t>>) -> Report {
    let mut checker = Checker::new(Arc::new(taxonomy.clone()));
    for input in texts {
        checker.add("", &input);
    }
    checker.finish()
}

/// Runs the rules over texts one by one. Memory grows with the rules and the pairs of them that
/// fire together (100,000 pairs and 64 languages are counted one by one), not with the texts. The
/// same texts in another order give the same report, as long as these bounds are not met.
pub struct Checker {
    taxonomy: Arc<Taxonomy>,
    tagger: Tagger,
    counts: Counts,
}

impl Checker {
    /// One that has seen no text.
    pub fn new(taxonomy: Arc<Taxonomy>) -> Checker {
        let fired_in = vec![BTreeMap::new(); taxonomy.reasons.len()];
        let counts = Counts { fired_in, ..Counts::default() };
        let tagger = Tagger::new(Arc::clone(&taxonomy), TagSettings::default());
        Checker { taxonomy, tagger, counts }
    }

    /// Takes one text, and its id where it has one.
    pub fn add(&mut self, id: &str, input: &TagInput<'_>) {
        let tagging = self.tagger.tag(input);
        let is_unclassified = tagging.reasons.iter().all(|tag| tag.reason.0 == UNCLASSIFIED);
        let (language, fired) = self.tagger.fired_last();
        self.counts.add(id, language, &fired, is_unclassified);
    }

    /// What came of it.
    pub fn finish(self) -> Report {
        self.counts.report(&self.taxonomy)
    }
}

#[derive(Default)]
struct Counts {
    texts: u64,
    unclassified: u64,
    /// Texts, and those of them without a reason.
    languages: BTreeMap<Language, (u64, u64)>,
    /// By the number of a rule: texts it fired on.
    fired_in: Vec<BTreeMap<Language, u64>>,
    /// By the numbers of two rules, the smaller first: how often, and the smallest id.
    pairs: BTreeMap<(usize, usize), (u64, String)>,
    has_more_pairs: bool,
}

impl Counts {
    fn add(&mut self, id: &str, language: Language, fired: &[usize], is_unclassified: bool) {
        let is_known = self.languages.contains_key(&language);
        let language = match is_known || self.languages.len() < MOST_LANGUAGES {
            true => language,
            false => Language::ANY,
        };
        self.texts += 1;
        self.unclassified += u64::from(is_unclassified);
        let (texts, unclassified) = self.languages.entry(language).or_default();
        *texts += 1;
        *unclassified += u64::from(is_unclassified);
        for &rule in fired {
            if let Some(counts) = self.fired_in.get_mut(rule) {
                *counts.entry(language).or_default() += 1;
            }
        }
        let fired = fired.get(..MOST_FIRED).unwrap_or(fired);
        for (n, &a) in fired.iter().enumerate() {
            for &b in fired.iter().skip(n + 1) {
                self.add_pair((a.min(b), a.max(b)), id);
            }
        }
    }

    fn add_pair(&mut self, pair: (usize, usize), id: &str) {
        if self.pairs.len() >= MOST_PAIRS && !self.pairs.contains_key(&pair) {
            self.has_more_pairs = true;
            return;
        }
        let (count, example) = self.pairs.entry(pair).or_default();
        if *count == 0 || id < example.as_str() {
            id.clone_into(example);
        }
        *count += 1;
    }

    fn fired(&self, rule: usize) -> u64 {
        self.fired_in.get(rule).into_iter().flatten().map(|(_, count)| count).sum()
    }

    fn report(&self, taxonomy: &Taxonomy) -> Report {
        let spoken = taxonomy.rules.spoken();
        let mut problems = Problems::new(&taxonomy.file);
        let rules = self.rules(taxonomy, &spoken, &mut problems);
        let overlaps = self.overlaps(taxonomy, &mut problems);
        let languages = self.languages(&spoken, &mut problems);
        let mut all = taxonomy.check();
        all.extend(problems.into_sorted());
        all.sort_by_key(|problem| (problem.line, problem.column));
        Report {
            texts: self.texts,
            unclassified: self.unclassified,
            rules,
            overlaps,
            languages,
            problems: all,
        }
    }

    fn rules(
        &self,
        taxonomy: &Taxonomy,
        spoken: &BTreeMap<usize, BTreeSet<Language>>,
        problems: &mut Problems,
    ) -> Vec<RuleUse> {
        let mut rules = Vec::new();
        for (&number, languages) in spoken {
            let Some(reason) = taxonomy.reasons.get(number) else { continue };
            let fired = self.fired(number);
            let everywhere = languages.contains(&Language::ANY);
            let texts = self.languages.iter();
            let texts = texts.filter(|(known, _)| everywhere || languages.contains(known));
            let texts: u64 = texts.map(|(_, (count, _))| count).sum();
            let used = RuleUse {
                reason: reason.id.clone(),
                fired,
                texts,
                by_language: self.fired_by_language(number),
                missing: if everywhere { Vec::new() } else { self.missing(languages) },
            };
            if used.is_dead() {
                let message =
                    format!("`{}` fires on none of {texts} texts in its languages", reason.id);
                let hint = Some("add phrases as these customers write, or drop the reason");
                problems.warn(reason.place, message, hint);
            } else if texts >= FEWEST_TEXTS && fired * 20 > texts {
                let message =
                    format!("`{}` fires on {fired} of {texts} texts in its languages", reason.id);
                let hint = Some("more than 5 % is rarely one reason: split it, or say it narrower");
                problems.warn(reason.place, message, hint);
            }
            rules.push(used);
        }
        rules
    }

    fn fired_by_language(&self, rule: usize) -> Vec<(String, u64)> {
        let own = self.fired_in.get(rule).into_iter().flatten();
        let mut all: Vec<(String, u64)> =
            own.map(|(language, count)| (language.as_str().to_owned(), *count)).collect();
        // Stable: equal counts stay in the order of the codes.
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all
    }

    /// A text in a hundred may just have been taken for another language.
    fn is_spoken(&self, texts: u64) -> bool {
        texts * 100 >= self.texts
    }

    fn missing(&self, languages: &BTreeSet<Language>) -> Vec<String> {
        let mut all: Vec<(u64, &Language)> = self
            .languages
            .iter()
            .filter(|(language, (texts, _))| {
                self.is_spoken(*texts) && !languages.contains(language)
            })
            .map(|(language, (texts, _))| (*texts, language))
            .collect();
        all.sort_by_key(|(texts, _)| std::cmp::Reverse(*texts));
        all.into_iter().map(|(_, language)| language.as_str().to_owned()).collect()
    }

    fn overlaps(&self, taxonomy: &Taxonomy, problems: &mut Problems) -> Vec<Overlap> {
        let mut overlaps = Vec::new();
        for (&(a, b), (shared, example)) in &self.pairs {
            let (fired_a, fired_b) = (self.fired(a), self.fired(b));
            let (rarer, other) = if fired_b < fired_a { (b, a) } else { (a, b) };
            let (Some(first), Some(second)) =
                (taxonomy.reasons.get(rarer), taxonomy.reasons.get(other))
            else {
                continue;
            };
            // A level-3 reason fires with the level-2 reason it belongs to, and should.
            if first.id.level2() == second.id.level2() {
                continue;
            }
            let overlap = Overlap {
                rarer: first.id.clone(),
                other: second.id.clone(),
                shared: *shared,
                rarer_fired: fired_a.min(fired_b),
                example: example.clone(),
            };
            if overlap.is_near_whole() {
                let Overlap { rarer, other, shared, rarer_fired, .. } = &overlap;
                let message = format!(
                    "`{rarer}` and `{other}` fire together on {shared} of {rarer_fired} texts"
                );
                let hint = Some("draw the line between them, or merge them");
                problems.warn(first.place, message, hint);
            }
            overlaps.push(overlap);
        }
        if self.has_more_pairs {
            let message = format!("more than {MOST_PAIRS} pairs of rules fire together");
            let hint = Some("only the first are counted: most rules are too wide");
            problems.warn(Place::default(), message, hint);
        }
        overlaps.sort_by_key(|overlap| std::cmp::Reverse(overlap.shared));
        overlaps
    }

    fn languages(
        &self,
        spoken: &BTreeMap<usize, BTreeSet<Language>>,
        problems: &mut Problems,
    ) -> Vec<LanguageUse> {
        let mut languages = Vec::new();
        for (&language, &(texts, unclassified)) in &self.languages {
            let known =
                |own: &&BTreeSet<Language>| own.contains(&language) || own.contains(&Language::ANY);
            let reasons = spoken.values().filter(known).count() as u64;
            if reasons == 0 && !spoken.is_empty() && self.is_spoken(texts) {
                let message = format!(
                    "{texts} of {} texts are in `{language}`, which no rule speaks",
                    self.texts
                );
                problems.warn(Place::default(), message, Some("add phrases in it"));
            }
            let language = language.as_str().to_owned();
            languages.push(LanguageUse { language, texts, reasons, unclassified });
        }
        languages.sort_by_key(|language| std::cmp::Reverse(language.texts));
        languages
    }
}
