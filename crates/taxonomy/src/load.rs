//! From the YAML tree to the catalogue. Everything wrong is said at once, each with its place.

mod read;
mod reason;
mod replaces;

use std::collections::BTreeMap;
use std::sync::Arc;

use quell_text::Language;
use quell_text::phrase::WordSets;

use crate::catalogue::{Taxonomy, version_of};
use crate::problem::{Place, Problems};
use crate::rules::Rules;
use crate::yaml::{self, Node};
use read::Fields;

/// Languages of one file. Each has its own tables.
const MOST_LANGUAGES: usize = 40;
/// Words of one set in one language.
const MOST_WORDS: usize = 1_000;
/// Word sets of one file.
const MOST_SETS: usize = 1_000;

/// Key of phrases and names that are of no language in particular.
const ANY_LANGUAGE: &str = "any";

pub(crate) fn load(
    yaml: &str,
    file: &str,
    with_cues: bool,
    problems: &mut Problems,
) -> Option<Taxonomy> {
    let root = yaml::read(yaml, problems)?;
    let mut top = Fields::of(&root, "the file", problems)?;
    check_version(top.take("version"), root.place, problems);
    let id = top.required_text("id", problems).unwrap_or_default();
    let currency = top.text("currency", problems).unwrap_or_else(|| "USD".to_owned());
    check_currency(&currency, root.place, problems);
    let languages = read_languages(top.take("languages"), problems);
    let words = read_words(top.take("words"), problems);
    let areas = read_areas(top.take("areas"), problems);
    let context = reason::Context { languages: &languages, areas: &areas };
    let drafts = reason::read_all(top.take("reasons"), &context, problems);
    top.finish(problems);
    let (reasons, rules) = reason::settle(drafts, problems);
    replaces::refuse_circles(&reasons, problems);
    let by_id = reasons.iter().enumerate().map(|(n, r)| (r.id.0.clone(), n)).collect();
    let mut by_agent_code = BTreeMap::new();
    for (number, reason) in reasons.iter().enumerate() {
        for code in &reason.agent_codes {
            if let Some(other) = by_agent_code.insert(code.trim().to_lowercase(), number)
                && let Some(other) = reasons.get(other)
            {
                let message = format!("the agent code `{code}` already belongs to `{}`", other.id);
                problems.error(reason.place, message, Some("a code leads to one reason"));
            }
        }
    }
    let rules = Rules::compile(rules, words, &languages, with_cues, problems);
    Some(Taxonomy {
        version: version_of(&id, yaml),
        id,
        currency,
        file: file.to_owned(),
        languages,
        areas: areas.into_iter().map(|(id, (names, _))| (id, names)).collect(),
        reasons,
        by_id,
        by_agent_code,
        rules: Arc::new(rules),
        model: None,
        warnings: Vec::new(),
    })
}

fn check_version(node: Option<&Node>, place: Place, problems: &mut Problems) {
    match node.map(|node| (read::number(node), node.place)) {
        Some((Some(1_000_000), _)) => {}
        Some((_, place)) => problems.error(place, "this build reads version 1", None),
        None => problems.error(place, "`version` is missing", Some("begin with `version: 1`")),
    }
}

fn check_currency(currency: &str, place: Place, problems: &mut Problems) {
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
        let message = format!("`{currency}` is no currency");
        problems.error(place, message, Some("write its three-letter code, such as USD"));
    }
}

fn read_languages(node: Option<&Node>, problems: &mut Problems) -> Vec<Language> {
    let mut languages = Vec::new();
    let items = node.map(|node| read::list(node, problems)).unwrap_or_default();
    if let Some(item) = items.get(MOST_LANGUAGES) {
        problems.error(item.place, format!("more than {MOST_LANGUAGES} languages"), None);
        return languages;
    }
    for item in items {
        let Some(code) = read::text(item, problems) else { continue };
        match Language::parse(&code) {
            Some(language) if languages.contains(&language) => {
                problems.error(item.place, format!("`{code}` is named twice"), None);
            }
            Some(language) => languages.push(language),
            None => problems.error(item.place, format!("`{code}` is no language"), LANGUAGE_HINT),
        }
    }
    languages
}

const LANGUAGE_HINT: Option<&str> = Some("write a code such as en, zh or hu; any for all");

/// A language key: a code, or `any`.
fn language_key(key: &Node, problems: &mut Problems) -> Option<Language> {
    let code = read::key(key, problems)?;
    if code == ANY_LANGUAGE {
        return Some(Language::ANY);
    }
    let language = Language::parse(&code);
    if language.is_none() {
        problems.error(key.place, format!("`{code}` is no language"), LANGUAGE_HINT);
    }
    language
}

/// `name: {language: [word, …]}`
fn read_words(node: Option<&Node>, problems: &mut Problems) -> WordSets {
    let mut sets = quell_text::cues::word_sets();
    let entries = node.map(|node| read::map(node, problems)).unwrap_or_default();
    if let Some((key, _)) = entries.get(MOST_SETS) {
        problems.error(key.place, format!("more than {MOST_SETS} word sets"), None);
        return sets;
    }
    for (key, value) in entries {
        let Some(name) = read::key(key, problems) else { continue };
        if sets.contains_key(&name) {
            let message = format!("the word set `{name}` is there already");
            problems.error(key.place, message, Some("choose another name"));
            continue;
        }
        let mut languages = BTreeMap::new();
        for (key, value) in read::map(value, problems) {
            let Some(language) = language_key(key, problems) else { continue };
            let words = read::texts(value, problems);
            if words.len() > MOST_WORDS {
                let message =
                    format!("{} words in `{name}`, {MOST_WORDS} are the most", words.len());
                problems.error(key.place, message, Some("make two sets of it"));
                continue;
            }
            if languages.insert(language, words).is_some() {
                problems.error(key.place, "this language is given twice", None);
            }
        }
        sets.insert(name, languages);
    }
    sets
}

type Areas = BTreeMap<String, (BTreeMap<String, String>, Place)>;

/// `id: {name: …}`
fn read_areas(node: Option<&Node>, problems: &mut Problems) -> Areas {
    let mut areas = Areas::new();
    for (key, value) in node.map(|node| read::map(node, problems)).unwrap_or_default() {
        let Some(id) = read::key(key, problems) else { continue };
        if !is_id_part(&id) {
            problems.error(key.place, format!("`{id}` is no id"), ID_HINT);
        }
        let Some(mut fields) = Fields::of(value, "an area", problems) else { continue };
        let names = read_names(fields.take("name"), problems);
        fields.finish(problems);
        if areas.insert(id.clone(), (names, key.place)).is_some() {
            problems.error(key.place, format!("the area `{id}` is there already"), None);
        }
    }
    areas
}

const ID_HINT: Option<&str> = Some("use a-z, 0-9 and _");

fn is_id_part(part: &str) -> bool {
    !part.is_empty()
        && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

const REASON_ID_HINT: Option<&str> =
    Some("write area.reason or area.reason.cause, with a-z, 0-9 and _");

fn is_reason_id(id: &str) -> bool {
    (2..=3).contains(&id.split('.').count()) && id.split('.').all(is_id_part)
}

/// A text, or texts by language.
fn read_names(node: Option<&Node>, problems: &mut Problems) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    let Some(node) = node else { return names };
    if matches!(node.value, yaml::Value::Scalar(..)) {
        if let Some(name) = read::text(node, problems) {
            names.insert(Language::ANY.as_str().to_owned(), name);
        }
        return names;
    }
    for (key, value) in read::map(node, problems) {
        let Some(language) = language_key(key, problems) else { continue };
        let Some(name) = read::text(value, problems) else { continue };
        if names.insert(language.as_str().to_owned(), name).is_some() {
            problems.error(key.place, "this language is given twice", None);
        }
    }
    names
}
