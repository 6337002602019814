//! What the rules of a taxonomy do with real texts: which never fire, which fire on too much,
//! which pairs go together, which languages nobody wrote phrases for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use quell_model::ReasonId;
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

/// What [`check`] found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Texts read.
    pub texts: u64,
    /// By reason that has a rule, in the order of the file.
    pub rules: Vec<RuleUse>,
    /// Pairs that fire together on more than four fifths of the rarer one's texts, the pair with
    /// most shared texts first.
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
}

/// Runs the rules over texts, beside the checks that need none. Memory grows with the rules and
/// the pairs of them that fire together, not with the texts. The same texts in another order give
/// the same report.
pub fn check<'t>(taxonomy: &Taxonomy, texts: impl IntoIterator<Item = TagInput<'t>>) -> Report {
    let mut tagger = Tagger::new(Arc::new(taxonomy.clone()), TagSettings::default());
    let mut counts = Counts { fired: vec![0; taxonomy.reasons.len()], ..Counts::default() };
    for input in texts {
        tagger.tag(&input);
        let (language, fired) = tagger.fired_last();
        counts.add(language, &fired);
    }
    counts.report(taxonomy)
}

#[derive(Default)]
struct Counts {
    texts: u64,
    languages: BTreeMap<Language, u64>,
    fired: Vec<u64>,
    /// By the numbers of two rules, the smaller first.
    pairs: BTreeMap<(usize, usize), u64>,
}

impl Counts {
    fn add(&mut self, language: Language, fired: &[usize]) {
        self.texts += 1;
        *self.languages.entry(language).or_default() += 1;
        for &rule in fired {
            if let Some(count) = self.fired.get_mut(rule) {
                *count += 1;
            }
        }
        let fired = fired.get(..MOST_FIRED).unwrap_or(fired);
        for (n, &a) in fired.iter().enumerate() {
            for &b in fired.iter().skip(n + 1) {
                *self.pairs.entry((a.min(b), a.max(b))).or_default() += 1;
            }
        }
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
        Report { texts: self.texts, rules, overlaps, languages, problems: all }
    }

    fn rules(
        &self,
        taxonomy: &Taxonomy,
        spoken: &BTreeMap<usize, BTreeSet<Language>>,
        problems: &mut Problems,
    ) -> Vec<RuleUse> {
        let mut rules = Vec::new();
        for (&number, languages) in spoken {
            let (Some(reason), Some(&fired)) =
                (taxonomy.reasons.get(number), self.fired.get(number))
            else {
                continue;
            };
            let everywhere = languages.contains(&Language::ANY);
            let texts = self.languages.iter();
            let texts = texts.filter(|(known, _)| everywhere || languages.contains(known));
            let texts: u64 = texts.map(|(_, count)| count).sum();
            if texts >= FEWEST_TEXTS && fired == 0 {
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
            rules.push(RuleUse { reason: reason.id.clone(), fired, texts });
        }
        rules
    }

    fn overlaps(&self, taxonomy: &Taxonomy, problems: &mut Problems) -> Vec<Overlap> {
        let mut overlaps = Vec::new();
        for (&(a, b), &shared) in &self.pairs {
            let count = |rule: usize| self.fired.get(rule).copied().unwrap_or(0);
            let (rarer, other) = if count(b) < count(a) { (b, a) } else { (a, b) };
            let (Some(first), Some(second)) =
                (taxonomy.reasons.get(rarer), taxonomy.reasons.get(other))
            else {
                continue;
            };
            // A level-3 reason fires with the level-2 reason it belongs to, and should.
            let same = first.id.level2() == second.id.level2();
            if same || shared < FEWEST_SHARED || shared * 5 <= count(rarer) * 4 {
                continue;
            }
            let message = format!(
                "`{}` and `{}` fire together on {shared} of {} texts",
                first.id,
                second.id,
                count(rarer)
            );
            let hint = Some("draw the line between them, or merge them");
            problems.warn(first.place, message, hint);
            overlaps.push(Overlap {
                rarer: first.id.clone(),
                other: second.id.clone(),
                shared,
                rarer_fired: count(rarer),
            });
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
        for (&language, &texts) in &self.languages {
            let known =
                |own: &&BTreeSet<Language>| own.contains(&language) || own.contains(&Language::ANY);
            let reasons = spoken.values().filter(known).count() as u64;
            // A text in a hundred may just have been taken for another language.
            if reasons == 0 && !spoken.is_empty() && texts * 100 >= self.texts {
                let message = format!(
                    "{texts} of {} texts are in `{language}`, which no rule speaks",
                    self.texts
                );
                problems.warn(Place::default(), message, Some("add phrases in it"));
            }
            languages.push(LanguageUse { language: language.as_str().to_owned(), texts, reasons });
        }
        languages.sort_by_key(|language| std::cmp::Reverse(language.texts));
        languages
    }
}
