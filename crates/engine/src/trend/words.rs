//! What people wrote, a sample of them: what tells which words an issue's customers use more than
//! is usual. One row per day, reason and person, with the words of their contacts.
//!
//! A person counts once a day, whatever they wrote. Rows are a fair sample, see [`super::sample`];
//! those of a frozen day still follow corrections, as far as their level was kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use quell_detect::words::{Finding, WordNo, words};
use quell_detect::{thousandths, three_digits};
use quell_model::issue::IssueWord;
use quell_model::time::{DAY_MS, HOUR_MS};
use quell_model::{ContactKey, Fact, FactChange, FactWords, TimeMs};
use quell_text::{Analysis, Analyzer, Language, TokenKind};

use super::customer::hour_of;
use super::explained::USUAL_DAYS;
use super::hours::{HourNo, start_of};
use super::judge::MAX_PRUNED;
use super::leaves::LEAVES;
use super::names::{NameId, REASONS};
use super::sample::{HEAD_BYTES, Sample, head, level_of_person};
use super::{TREND_VERSION, Trend};
use crate::hash::hash64;
use crate::state::{self, State, StateError, TREND_WORDS};

/// The table of what people wrote, with at most so many of a reason and day.
pub const WRITINGS: Sample = Sample { table: TREND_WORDS, most: 200 };
/// Different texts kept of a person, reason and day: who sends more is a machine.
const MOST_TEXTS: usize = 32;
/// A reason with fewer people before is compared with what all customers wrote.
const FEW_PEOPLE: usize = 20;
/// With fewer than this in the usual days, as many days again are read, and again.
const ENOUGH_PEOPLE: usize = 100;
/// So often at most.
const MOST_STRETCHES: i64 = 4;

/// What a person wrote on one day for one reason.
#[derive(Default, Serialize, Deserialize)]
struct Writing {
    /// In order, so that no order of arrival shows.
    texts: Vec<Text>,
    /// There were more than are kept, and what is taken out may be none of these.
    overflowed: bool,
}

/// Contacts of one hour with the same words.
#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Text {
    hour_of_day: u8,
    words: FactWords,
    /// Below zero only until what it is the opposite of arrives.
    contacts: i64,
}

impl Writing {
    fn add(&mut self, hour_of_day: u8, words: &FactWords, sign: i64) {
        let same = |text: &Text| text.hour_of_day == hour_of_day && text.words == *words;
        match self.texts.iter_mut().find(|text| same(text)) {
            Some(text) => text.contacts += sign,
            None if self.overflowed && sign < 0 => {}
            None => self.texts.push(Text { hour_of_day, words: words.clone(), contacts: sign }),
        }
        self.texts.retain(|text| text.contacts != 0);
        self.texts.sort();
        self.overflowed |= self.texts.len() > MOST_TEXTS;
        self.texts.truncate(MOST_TEXTS);
    }
}

/// What people wrote who are compared.
type People = BTreeMap<Vec<u8>, Vec<FactWords>>;

impl Trend {
    /// Takes over what a change says of words. Whoever wrote nothing is no part of the sample.
    pub(super) fn sample_words(
        &mut self,
        state: &mut dyn State,
        change: &FactChange,
    ) -> Result<(), StateError> {
        let FactChange { contact_key, before, after } = change;
        if let (Some(before), Some(after)) = (before, after)
            && is_sampled_alike(before, after)
        {
            return Ok(());
        }
        for (fact, sign) in [(before, -1), (after, 1)] {
            let Some(fact) = fact.as_ref().filter(|fact| !fact.words.is_empty()) else { continue };
            let (person, level) = person_of(contact_key, fact);
            for part in &fact.reasons {
                let reason = self.number(state, REASONS, part.reason.as_str())?;
                if level < WRITINGS.floor(state, fact.hour.day(), reason)? {
                    continue;
                }
                let mut key = head(fact.hour.day(), level, reason);
                key.extend_from_slice(&person);
                let row: Option<Writing> = state::read(state, TREND_WORDS, &key, TREND_VERSION)?;
                let mut row = row.unwrap_or_default();
                row.add(hour_of(fact.hour), &fact.words, sign);
                if row.texts.is_empty() {
                    state.delete(TREND_WORDS, &key);
                } else {
                    state::write(state, TREND_WORDS, &key, TREND_VERSION, &row);
                }
            }
        }
        Ok(())
    }

    /// Removes the samples of days so long ago that no issue is compared with them, and what was
    /// written so long ago that the contacts themselves are forgotten.
    pub(super) fn prune_samples(
        &self,
        state: &mut dyn State,
        floor: HourNo,
    ) -> Result<(), StateError> {
        let day = start_of(floor).day().plus_ms(-USUAL_DAYS * DAY_MS);
        LEAVES.prune(state, day, MAX_PRUNED)?;
        let longer_ms = self.settings.detection_horizon_ms - self.settings.retention_ms;
        let kept_ms = longer_ms.max(-USUAL_DAYS * DAY_MS);
        WRITINGS.prune(state, start_of(floor).plus_ms(kept_ms).day(), MAX_PRUNED)
    }

    /// The words that people of the hours from `first` to before `end` use more than is usual;
    /// `expected_part` of these people were expected.
    pub(super) fn issue_words(
        &mut self,
        state: &mut dyn State,
        reason: Option<NameId>,
        (first, end): (HourNo, HourNo),
        expected_part: f64,
    ) -> Result<Vec<IssueWord>, StateError> {
        let day = start_of(first).day();
        let more_days = (start_of(end.saturating_sub(1)).day().since_ms(day) / DAY_MS).max(0);
        let days = (0..=more_days).map(|after| day.plus_ms(after * DAY_MS));
        let now = people(state, days, reason, (start_of(first), start_of(end)))?;
        let mut usual = People::new();
        for stretches in 1..=MOST_STRETCHES {
            let days = (1..=stretches * USUAL_DAYS).map(|before| day.plus_ms(-before * DAY_MS));
            usual = people(state, days, reason, (TimeMs::MIN, day))?;
            if usual.len() >= ENOUGH_PEOPLE {
                break;
            }
        }
        if reason.is_some() && usual.len() < FEW_PEOPLE {
            let days = (1..=USUAL_DAYS).map(|before| day.plus_ms(-before * DAY_MS));
            usual = people(state, days, None, (TimeMs::MIN, day))?;
        }
        let mut vocabulary = Vocabulary::default();
        let [now, usual] = [now, usual].map(|people| vocabulary.stems(&people));
        Ok(vocabulary.told(&now, &usual, expected_part))
    }
}

/// Whether both facts say the same of what was written by whom, when and for which reasons.
fn is_sampled_alike(before: &Fact, after: &Fact) -> bool {
    let reasons =
        |fact: &Fact| -> Vec<_> { fact.reasons.iter().map(|part| part.reason.clone()).collect() };
    (before.hour, before.customer, &before.words) == (after.hour, after.customer, &after.words)
        && reasons(before) == reasons(after)
}

/// Who is meant in a key, and their level, the same as among leaves.
fn person_of(contact: &ContactKey, fact: &Fact) -> ([u8; 8], u8) {
    match fact.customer {
        Some(customer) => (customer.to_be_bytes(), level_of_person(&customer.to_be_bytes())),
        None => {
            let contact = contact.as_str().as_bytes();
            (hash64(contact).to_be_bytes(), level_of_person(contact))
        }
    }
}

/// People who wrote in a stretch of time, of the sample of these days, with their words.
fn people(
    state: &mut dyn State,
    days: impl Iterator<Item = TimeMs>,
    reason: Option<NameId>,
    (from, to): (TimeMs, TimeMs),
) -> Result<People, StateError> {
    let mut people = People::new();
    for one in WRITINGS.read(state, days, reason)?.0 {
        let row: Writing = state::decode(TREND_WORDS, TREND_VERSION, &one.row)?;
        let person = one.key.get(HEAD_BYTES..).unwrap_or_default();
        for text in row.texts.into_iter().filter(|text| text.contacts > 0) {
            let at = one.day.plus_ms(i64::from(text.hour_of_day) * HOUR_MS);
            if from <= at && at < to {
                people.entry(person.to_vec()).or_default().push(text.words);
            }
        }
    }
    Ok(people)
}

/// What is known of a form.
#[derive(Clone, Copy)]
struct Form {
    /// What forms of one word have in common.
    stem: u64,
    /// Two characters of a script without spaces.
    is_pair: bool,
    /// How many people wrote it.
    people: u64,
}

/// Forms by language.
#[derive(Default)]
struct Vocabulary {
    analyzer: Analyzer,
    scratch: Analysis,
    forms: BTreeMap<String, BTreeMap<String, Form>>,
}

impl Vocabulary {
    /// The words of each person in their order.
    fn stems(&mut self, people: &People) -> Vec<Vec<u64>> {
        let mut stems = Vec::with_capacity(people.len());
        for texts in people.values() {
            let mut own = Vec::new();
            for text in texts {
                own.extend(text.iter().map(|form| self.stem(&text.language, form)));
            }
            stems.push(own);
        }
        stems
    }

    fn stem(&mut self, language: &str, form: &str) -> u64 {
        let known = self.forms.get_mut(language).and_then(|forms| forms.get_mut(form));
        if let Some(known) = known {
            known.people += 1;
            return known.stem;
        }
        let parsed = Language::parse(language).unwrap_or(Language::ANY);
        self.analyzer.analyze_into(parsed, form, &mut self.scratch);
        let tokens = &self.scratch.tokens;
        let kind = tokens.first().map(|token| token.kind);
        let is_pair = kind == Some(TokenKind::Character) && tokens.len() == 2;
        let stem = match &tokens[..] {
            [token] => token.stem,
            _ => hash64(form.as_bytes()),
        };
        let forms = self.forms.entry(language.to_owned()).or_default();
        forms.insert(form.to_owned(), Form { stem, is_pair, people: 1 });
        stem
    }

    fn told(&self, now: &[Vec<u64>], usual: &[Vec<u64>], expected_part: f64) -> Vec<IssueWord> {
        let known = self.forms.values().flatten();
        let stems: BTreeSet<u64> = known.map(|(_, form)| form.stem).collect();
        let numbers: BTreeMap<u64, WordNo> = stems.iter().copied().zip(0..).collect();
        let numbered = |people: &[Vec<u64>]| -> Vec<Vec<WordNo>> {
            let number = |stem: &u64| numbers.get(stem).copied();
            people.iter().map(|words| words.iter().filter_map(number).collect()).collect()
        };
        let found = words(&numbered(now), &numbered(usual), expected_part);
        let stems: Vec<u64> = stems.into_iter().collect();
        let in_words = |finding: &Finding| {
            let parts = finding.words.iter().filter_map(|&number| stems.get(number as usize));
            self.written(parts.copied())
        };
        found.into_iter().map(|finding| issue_word(in_words(&finding), &finding)).collect()
    }

    /// The words in their most frequent forms. Pairs of characters that share one are put
    /// together: `证书`, `书过`, `过期` are `证书过期`.
    fn written(&self, stems: impl Iterator<Item = u64>) -> String {
        let mut text = String::new();
        let mut after_pair = false;
        for (form, is_pair) in stems.filter_map(|stem| self.most_frequent(stem)) {
            let shared = form.chars().next().filter(|first| text.ends_with(*first));
            let rest = match shared.filter(|_| after_pair && is_pair) {
                Some(shared) => form.get(shared.len_utf8()..).unwrap_or(""),
                None => {
                    text.push_str(if text.is_empty() { "" } else { " " });
                    form
                }
            };
            text.push_str(rest);
            after_pair = is_pair;
        }
        text
    }

    /// The form of a word that most people wrote, the first in order of equally frequent ones.
    fn most_frequent(&self, stem: u64) -> Option<(&str, bool)> {
        let forms = self.forms.values().flatten().filter(|(_, form)| form.stem == stem);
        let most = forms
            .max_by(|(a, left), (b, right)| left.people.cmp(&right.people).then_with(|| b.cmp(a)));
        most.map(|(written, form)| (written.as_str(), form.is_pair))
    }
}

fn issue_word(word: String, finding: &Finding) -> IssueWord {
    IssueWord {
        word,
        customers: finding.people,
        of: finding.of,
        usual_customers: finding.usual_people,
        usual_of: finding.usual_of,
        expected: thousandths(finding.expected),
        ratio: thousandths(finding.ratio),
        ratio_low: thousandths(finding.ratio_low),
        ratio_high: thousandths(finding.ratio_high),
        excess_share: thousandths(finding.excess_share),
        chance: three_digits(finding.chance),
    }
}
