//! Random queries and filters, answered by the index and by loops.

use std::collections::BTreeMap;

use quell_model::{Contact, RepeatMode, TimeMs};

use super::{Dice, MAY, REASONS, any_word, found, generated, index};
use crate::Filters;
use crate::terms;

/// A query as a tree, written out for the index and judged directly here.
#[derive(Debug)]
enum Ask {
    Words(String),
    Prefix(String),
    /// Words, and between them whether in order and how near.
    Near(Vec<String>, Vec<(bool, u32)>),
    Not(Box<Ask>),
    All(Vec<Ask>),
    Any(Vec<Ask>),
    Channel(&'static str),
}

impl Ask {
    fn random(dice: &mut Dice, depth: usize) -> Ask {
        match dice.below(if depth == 0 { 5 } else { 8 }) {
            0 => Ask::Words(any_word(dice).to_owned()),
            1 => Ask::Words(format!("{} {}", any_word(dice), any_word(dice))),
            2 => {
                let word: Vec<char> = any_word(dice).chars().collect();
                let word = if word[0] == 'x' { vec!['r', 'e'] } else { word };
                Ask::Prefix(word[..1 + dice.below(word.len().min(3))].iter().collect())
            }
            3 => {
                let count = 2 + dice.below(2);
                let words = (0..count).map(|_| any_word(dice).to_owned()).collect();
                let gaps = (1..count).map(|_| (dice.chance(50), 1 + dice.below(5) as u32));
                Ask::Near(words, gaps.collect())
            }
            4 => Ask::Channel(dice.of(&["email", "chat", "voice"])),
            5 => Ask::Not(Box::new(Ask::random(dice, depth - 1))),
            6 => Ask::All((0..2).map(|_| Ask::random(dice, depth - 1)).collect()),
            _ => Ask::Any((0..3).map(|_| Ask::random(dice, depth - 1)).collect()),
        }
    }

    fn written(&self) -> String {
        let each = |parts: &[Ask]| parts.iter().map(Ask::written).collect::<Vec<_>>();
        match self {
            Ask::Words(text) if text.contains(' ') => format!("\"{text}\""),
            Ask::Words(text) => text.clone(),
            Ask::Prefix(text) => format!("{text}*"),
            Ask::Near(words, gaps) => {
                let mut out = words[0].clone();
                for (word, (ordered, max)) in words[1..].iter().zip(gaps) {
                    let sign = if *ordered { '>' } else { '~' };
                    out.push_str(&format!(" {sign}{max} {word}"));
                }
                out
            }
            Ask::Not(inner) => format!("-({})", inner.written()),
            Ask::All(parts) => format!("({})", each(parts).join(" ")),
            Ask::Any(parts) => format!("({})", each(parts).join(" OR ")),
            Ask::Channel(channel) => format!("channel:{channel}"),
        }
    }

    fn holds(&self, doc: &Doc<'_>, languages: &[&str]) -> bool {
        match self {
            Ask::Words(text) => (0..2).any(|field| !doc.spans(field, text, languages).is_empty()),
            Ask::Prefix(text) => {
                let reading = terms::plain(text);
                let last = reading.len() - 1;
                doc.fields[1].iter().any(|(start, _)| {
                    reading.iter().enumerate().all(|(n, (at, part))| {
                        doc.fields[1].iter().any(|(place, term)| {
                            let fits = if n < last { term == part } else { term.starts_with(part) };
                            *place == start + at && fits
                        })
                    })
                })
            }
            Ask::Near(words, gaps) => (0..2).any(|field| {
                let places: Vec<_> =
                    words.iter().map(|word| doc.spans(field, word, languages)).collect();
                places[0].iter().any(|span| chain(*span, &places[1..], gaps))
            }),
            Ask::Not(inner) => !inner.holds(doc, languages),
            Ask::All(parts) => parts.iter().all(|part| part.holds(doc, languages)),
            Ask::Any(parts) => parts.iter().any(|part| part.holds(doc, languages)),
            Ask::Channel(channel) => doc.contact.channel.as_str() == *channel,
        }
    }
}

/// Whether the places can be walked one after the other.
fn chain(at: (u32, u32), places: &[Vec<(u32, u32)>], gaps: &[(bool, u32)]) -> bool {
    let (Some(next), Some((ordered, max))) = (places.first(), gaps.first()) else { return true };
    next.iter().any(|span| {
        let after = span.0 > at.1 && span.0 - at.1 <= *max;
        let before = !ordered && at.0 > span.1 && at.0 - span.1 <= *max;
        (after || before) && chain(*span, &places[1..], &gaps[1..])
    })
}

struct Doc<'a> {
    contact: &'a Contact,
    /// The terms of the stems and of the plain words, with positions; texts lie far apart.
    fields: [Vec<(u32, String)>; 2],
}

impl<'a> Doc<'a> {
    fn new(contact: &'a Contact) -> Self {
        let mut fields = [Vec::new(), Vec::new()];
        let texts = contact.subject.iter().chain(&contact.body);
        for (n, text) in texts.enumerate() {
            let far = n as u32 * 10_000;
            let moved = |terms: Vec<(u32, String)>| {
                terms.into_iter().map(move |(at, term)| (at + far, term))
            };
            fields[0].extend(moved(terms::stems(&contact.language, text)));
            fields[1].extend(moved(terms::plain(text)));
        }
        Doc { contact, fields }
    }

    /// Everywhere the text stands in a field, read in any of the languages.
    fn spans(&self, field: usize, text: &str, languages: &[&str]) -> Vec<(u32, u32)> {
        let readings: Vec<_> = match field {
            0 => languages.iter().map(|language| terms::stems(language, text)).collect(),
            _ => vec![terms::plain(text)],
        };
        let mut spans = Vec::new();
        for reading in readings {
            let first = reading[0].0;
            for (start, _) in &self.fields[field] {
                let stands = reading.iter().all(|(at, term)| {
                    self.fields[field].contains(&(start + at - first, term.clone()))
                });
                if stands {
                    spans.push((*start, start + reading.last().unwrap().0 - first));
                }
            }
        }
        spans
    }
}

const LANGUAGES: &[&str] = &["en", "hu", "zh", "ru", "hy"];

#[test]
fn queries_find_what_loops_find() {
    let mut dice = Dice(42);
    let contacts = generated(300, &mut dice);
    let (_dir, _writer, searcher) = index(&contacts);
    let docs: Vec<_> = contacts.iter().map(Doc::new).collect();
    let mut sizes = BTreeMap::new();
    for n in 0..600 {
        let ask = Ask::random(&mut dice, n % 4);
        let expected: Vec<_> = docs
            .iter()
            .filter(|doc| ask.holds(doc, LANGUAGES))
            .map(|doc| doc.contact.contact_id.clone())
            .collect();
        let query = ask.written();
        assert_eq!(found(&searcher, &query, Filters::default()), expected, "{query}");
        *sizes.entry(expected.len().min(2)).or_insert(0) += 1;
    }
    assert!(sizes[&2] > 200, "the queries must find something: {sizes:?}");
}

#[test]
fn a_language_filter_reads_words_in_that_language_only() {
    let mut dice = Dice(7);
    let contacts = generated(200, &mut dice);
    let (_dir, _writer, searcher) = index(&contacts);
    let docs: Vec<_> = contacts.iter().map(Doc::new).collect();
    for n in 0..100 {
        let ask = Ask::random(&mut dice, n % 2);
        let language = dice.of(LANGUAGES);
        let expected: Vec<_> = docs
            .iter()
            .filter(|doc| doc.contact.language == language && ask.holds(doc, &[language]))
            .map(|doc| doc.contact.contact_id.clone())
            .collect();
        let query = ask.written();
        let filters = Filters { languages: vec![language.to_owned()], ..Filters::default() };
        assert_eq!(found(&searcher, &query, filters), expected, "{query} in {language}");
        let query = format!("({query}) language:{language}");
        assert_eq!(found(&searcher, &query, Filters::default()), expected, "{query}");
    }
}

fn glob(pattern: &str, value: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == value,
        Some((head, rest)) => value.strip_prefix(head).is_some_and(|tail| {
            let ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
            ends.into_iter().any(|at| glob(rest, &tail[at..]))
        }),
    }
}

fn has_reason(contact: &Contact, pattern: &str) -> bool {
    contact.reasons.iter().any(|tag| {
        let id = tag.reason.as_str();
        let levels = id.match_indices('.').map(|(at, _)| &id[..at]).chain([id]);
        levels.into_iter().any(|level| glob(pattern, level))
    })
}

fn passes(filters: &Filters, contact: &Contact) -> bool {
    let any = |patterns: &[String], fits: &dyn Fn(&str) -> bool| {
        patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern))
    };
    any(&filters.reasons, &|pattern| has_reason(contact, pattern))
        && any(&filters.channels, &|word| contact.channel.as_str() == word)
        && any(&filters.languages, &|pattern| glob(pattern, &contact.language))
        && filters.from.is_none_or(|from| contact.occurred_at >= from)
        && filters.to.is_none_or(|to| contact.occurred_at < to)
        && filters.repeat.is_none_or(|mode| contact.repeat.get(mode).is_some())
        && filters.attributes.iter().all(|(name, pattern)| {
            contact.attributes.get(name).is_some_and(|value| glob(pattern, &value.to_text()))
        })
}

#[test]
fn filters_find_what_loops_find() {
    let mut dice = Dice(11);
    let contacts = generated(300, &mut dice);
    let (_dir, _writer, searcher) = index(&contacts);
    let patterns =
        ["billing.*", "*.late", "billing.refund", "delivery", "*l*.l*", "_un*", "*", "nothing"];
    let mut hits = 0;
    for _ in 0..300 {
        let mut filters = Filters::default();
        for _ in 0..dice.below(3) {
            let reason = if dice.chance(70) { dice.of(&patterns) } else { dice.of(REASONS) };
            filters.reasons.push(reason.to_owned());
        }
        for _ in 0..dice.below(2) {
            filters.channels.push(dice.of(&["email", "chat", "voice"]).to_owned());
        }
        if dice.chance(20) {
            filters.languages.push(dice.of(&["hu", "h*", "en"]).to_owned());
        }
        let time = |dice: &mut Dice| {
            TimeMs(MAY + dice.below(10) as i64 * 43_200_000 + dice.below(3) as i64)
        };
        filters.from = dice.chance(40).then(|| time(&mut dice));
        filters.to = dice.chance(40).then(|| time(&mut dice));
        filters.repeat = dice.chance(20).then(|| dice.of(&RepeatMode::ALL));
        if dice.chance(30) {
            let value = dice.of(&["67.0", "66.0", "67", "66.5", "true"]);
            filters.attributes.insert("version".to_owned(), value.to_owned());
        }
        if dice.chance(15) {
            let value = dice.of(&["win.*", "linux", "win.7"]);
            filters.attributes.insert("os.name".to_owned(), value.to_owned());
        }
        let expected: Vec<_> = contacts
            .iter()
            .filter(|contact| passes(&filters, contact))
            .map(|contact| contact.contact_id.clone())
            .collect();
        hits += usize::from(!expected.is_empty());
        // "67.0" may be the number 67 in another source: both are the same version.
        let loose = filters.attributes.get("version").is_some_and(|v| v == "67.0");
        let got = found(&searcher, "", filters.clone());
        if loose {
            assert!(expected.iter().all(|id| got.contains(id)), "{filters:?}");
        } else {
            assert_eq!(got, expected, "{filters:?}");
        }
    }
    assert!(hits > 100, "the filters must find something: {hits}");
}
