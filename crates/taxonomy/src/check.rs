//! What a loaded taxonomy should be looked at for: examples that fail, overlaps, gaps.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use quell_model::event::{Role as Speaker, Turn};
use quell_model::{ReasonId, UNCLASSIFIED};
use quell_text::Language;

use crate::catalogue::{Example, Reason, Taxonomy};
use crate::problem::{Place, Problem, Problems};
use crate::rules::{Rules, Where, Who};
use crate::tag::{TagInput, TagSettings, Tagger};

/// Beyond these the catalogue is too fine, or too coarse, for anyone to own a reason.
const MOST_LEVEL2: usize = 60;
const FEWEST_LEVEL2: usize = 10;
/// Shared examples before an overlap is worth a word.
const FEWEST_SHARED: usize = 3;

pub(crate) fn check(taxonomy: &Taxonomy) -> Vec<Problem> {
    let mut problems = Problems::new(&taxonomy.file);
    let whole_file = Place::default();
    let level2 = taxonomy.reasons.iter().filter(|reason| reason.level() == 2).count();
    if level2 > MOST_LEVEL2 {
        let hint = Some("more than 60 leaves nobody accountable: use level 3 for causes");
        problems.warn(whole_file, format!("{level2} level-2 reasons"), hint);
    } else if level2 < FEWEST_LEVEL2 && level2 > 0 {
        let hint = Some("fewer than 10 are too general to have one owner each");
        problems.warn(whole_file, format!("{level2} level-2 reasons"), hint);
    }
    missing_languages(taxonomy, &mut problems);
    shared_phrases(taxonomy, &mut problems);
    run_examples(taxonomy, &mut problems);
    let mut all = taxonomy.warnings.clone();
    all.extend(problems.into_sorted());
    all.sort_by_key(|problem| (problem.line, problem.column));
    all
}

fn missing_languages(taxonomy: &Taxonomy, problems: &mut Problems) {
    for (reason, languages) in taxonomy.rules.spoken() {
        let Some(reason) = taxonomy.reasons.get(reason) else { continue };
        if languages.contains(&Language::ANY) {
            continue;
        }
        let missing: Vec<&str> = taxonomy
            .languages
            .iter()
            .filter(|language| !languages.contains(language))
            .map(Language::as_str)
            .collect();
        if !missing.is_empty() {
            let message = format!("`{}` has no phrase in {}", reason.id, missing.join(", "));
            problems.warn(reason.place, message, None);
        }
    }
}

fn shared_phrases(taxonomy: &Taxonomy, problems: &mut Problems) {
    let mut first: BTreeMap<(Language, &str), u32> = BTreeMap::new();
    for used in &taxonomy.rules.uses {
        if used.line.role == crate::rules::Role::Unless {
            continue;
        }
        let key = (used.line.language, used.line.text.as_str());
        let other = *first.entry(key).or_insert(used.reason);
        let ids =
            (taxonomy.reasons.get(other as usize), taxonomy.reasons.get(used.reason as usize));
        if let (Some(other), Some(reason)) = ids
            && other.id.level2() != reason.id.level2()
        {
            let message = format!("`{}` is a phrase of `{}` too", used.line.text, other.id);
            problems.warn(used.line.place, message, Some("a contact would count half for each"));
        }
    }
}

/// Runs every example; reasons whose examples mostly fire another reason overlap.
fn run_examples(taxonomy: &Taxonomy, problems: &mut Problems) {
    let mut tagger = Tagger::new(Arc::new(taxonomy.clone()), TagSettings::default());
    let mut fired: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut number = 0;
    for (at, reason) in taxonomy.reasons.iter().enumerate() {
        for example in &reason.examples {
            let tagged = tags(&mut tagger, &taxonomy.rules, at, example);
            judge(reason, example, &tagged, problems);
            for id in tagged {
                fired.entry(id.level2().0).or_default().insert(number);
            }
            number += 1;
        }
    }
    overlaps(taxonomy, &fired, problems);
}

/// The reasons an example is tagged with, told where its rule listens.
fn tags(tagger: &mut Tagger, rules: &Rules, reason: usize, example: &Example) -> Vec<ReasonId> {
    let rule = rules.rules.get(reason);
    let text = Some(example.text.as_str());
    let language_hint = example.language.as_deref();
    let input = TagInput { language_hint, ..TagInput::default() };
    let by_agent = rule.is_some_and(|rule| rule.who == Who::Agent);
    let turn = [Turn {
        role: if by_agent { Speaker::Agent } else { Speaker::Customer },
        text: example.text.clone(),
        at: None,
        // First and last turn at once, so that rules on either end listen.
        offset_ms: Some(0),
        sentiment: None,
    }];
    let input = match rule {
        Some(rule) if rule.who == Who::Agent => TagInput { turns: &turn, ..input },
        Some(rule) if matches!(rule.place, Where::First { .. } | Where::Last { .. }) => {
            TagInput { turns: &turn, ..input }
        }
        Some(rule) if rule.place == Where::Subject => TagInput { subject: text, ..input },
        _ => TagInput { body: text, ..input },
    };
    let tagging = tagger.tag(&input);
    tagging.reasons.into_iter().map(|tag| tag.reason).collect()
}

fn judge(reason: &Reason, example: &Example, tagged: &[ReasonId], problems: &mut Problems) {
    let hit = tagged
        .iter()
        .any(|id| *id == reason.id || (reason.level() == 2 && id.level2() == reason.id));
    if hit == example.matches {
        return;
    }
    let found: Vec<&str> =
        tagged.iter().map(ReasonId::as_str).filter(|id| *id != UNCLASSIFIED).collect();
    let got = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
    let message = if example.matches {
        format!("this text should match `{}` but gives {got}", reason.id)
    } else {
        format!("this text should not match `{}` but does", reason.id)
    };
    let hint = if example.matches {
        "add a phrase, or name the language: {text: …, lang: …}"
    } else {
        "make the phrase narrower, or add `unless`"
    };
    problems.error(example.place, message, Some(hint));
}

/// Pairs of reasons where more than four fifths of the rarer one's examples fire the other too.
fn overlaps(
    taxonomy: &Taxonomy,
    fired: &BTreeMap<String, BTreeSet<usize>>,
    problems: &mut Problems,
) {
    for (id, examples) in fired {
        for (other, others) in fired.range::<String, _>((Bound::Excluded(id), Bound::Unbounded)) {
            let shared = examples.intersection(others).count();
            let rarer = examples.len().min(others.len());
            if shared < FEWEST_SHARED || shared * 5 <= rarer * 4 {
                continue;
            }
            let place = taxonomy.by_id.get(other).and_then(|&at| taxonomy.reasons.get(at));
            let place = place.map_or_else(Place::default, |reason| reason.place);
            let message =
                format!("`{id}` and `{other}` fire together on {shared} of {rarer} examples");
            problems.warn(place, message, Some("draw the line between them, or merge them"));
        }
    }
}
