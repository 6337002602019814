//! From a condition to the query of an Elasticsearch-compatible server that holds the records of
//! `record.rs`. Only forms are used that Quickwit takes too. What they cannot say exactly is
//! refused: an answer that is nearly right is wrong.

use std::collections::BTreeSet;
use std::ops::Bound;

use serde_json::{Map, Value, json};

use crate::compile::{MAX_EXPANSIONS, Problem};
use crate::condition::{Condition, Occur, Sequence, Typed, WordField};
use crate::document::within_range;
use crate::near::Gap;
use crate::schema::{Asked, FieldKind};

/// More pairs of words near each other are refused: each is a phrase of its own.
const MAX_NEAR_PAIRS: usize = 64;

type Translated = std::result::Result<Value, Problem>;

/// The query for a condition; an error says what cannot be asked of a search backend.
pub(crate) fn query(condition: &Condition) -> Translated {
    if is_silent(condition) {
        let filter = bare(condition)?;
        return Ok(if is_filter(&filter) { filter } else { json!({"bool": {"filter": [filter]}}) });
    }
    match condition {
        Condition::Bool { clauses, needed } => boolean(clauses, *needed, query),
        other => bare(other),
    }
}

/// Whether a query is nothing but filters already.
fn is_filter(query: &Value) -> bool {
    let lists = query["bool"].as_object();
    lists.is_some_and(|lists| {
        let is_silent = |list: &String| matches!(list.as_str(), "filter" | "must_not");
        lists.contains_key("filter") && lists.keys().all(is_silent)
    })
}

/// Whether the condition adds nothing to the score.
fn is_silent(condition: &Condition) -> bool {
    match condition {
        Condition::Silent(_) | Condition::Is(..) => true,
        Condition::Bool { clauses, .. } => {
            clauses.iter().all(|(occur, one)| *occur == Occur::MustNot || is_silent(one))
        }
        _ => false,
    }
}

/// The query where its score does not count.
fn bare(condition: &Condition) -> Translated {
    Ok(match condition {
        Condition::All => json!({"match_all": {}}),
        Condition::Nothing => json!({"bool": {"must_not": [{"match_all": {}}]}}),
        Condition::Silent(inner) => return bare(inner),
        Condition::Bool { clauses, needed } => match values_of_one_field(clauses, *needed) {
            Some((name, values)) => any_value(&name, values),
            None => return boolean(clauses, *needed, bare),
        },
        Condition::Is(asked, value) => {
            any_value(&asked.full_name(), spelling(asked, value).into_iter().collect())
        }
        Condition::Phrase { field, sequence, slop } => return phrase(*field, sequence, *slop),
        Condition::PhrasePrefix(sequence) => {
            let text = text(sequence)?;
            let body = json!({"query": text, "max_expansions": MAX_EXPANSIONS});
            one_field("match_phrase_prefix", WordField::Plain.name(), body)
        }
        Condition::WordPrefix(prefix) => {
            one_field("prefix", WordField::Plain.name(), json!({"value": prefix}))
        }
        Condition::Prefix(asked, prefix) => {
            one_field("prefix", &asked.full_name(), json!({"value": prefix}))
        }
        Condition::Pattern(asked, pattern) => {
            let escaped = pattern.replace('\\', "\\\\").replace('?', "\\?");
            one_field("wildcard", &asked.full_name(), json!({"value": escaped}))
        }
        Condition::Range(asked, low, high) => return range(asked, low, high),
        Condition::Exists(asked) => json!({"exists": {"field": asked.full_name()}}),
        Condition::Near { field, places, gaps } => return near(*field, places, gaps),
    })
}

fn one_field(kind: &str, field: &str, body: Value) -> Value {
    json!({kind: {field: body}})
}

fn boolean(
    clauses: &[(Occur, Condition)],
    needed: Option<usize>,
    translate: fn(&Condition) -> Translated,
) -> Translated {
    let mut lists: Map<String, Value> = Map::new();
    for (occur, condition) in clauses {
        let (list, part) = match occur {
            Occur::Must if is_silent(condition) => ("filter", bare(condition)?),
            Occur::Must => ("must", translate(condition)?),
            Occur::Should => ("should", translate(condition)?),
            Occur::MustNot => ("must_not", bare(condition)?),
        };
        if let Value::Array(list) = lists.entry(list).or_insert_with(|| json!([])) {
            list.push(part);
        }
    }
    if let Some(needed) = needed {
        lists.insert("minimum_should_match".to_owned(), json!(needed));
    }
    Ok(json!({"bool": lists}))
}

/// The field and its values, where the clauses are nothing but alternatives for it.
fn values_of_one_field(
    clauses: &[(Occur, Condition)],
    needed: Option<usize>,
) -> Option<(String, BTreeSet<String>)> {
    let mut name = None;
    let mut values = BTreeSet::new();
    for (occur, condition) in clauses {
        let (Occur::Should, Condition::Is(asked, value)) = (occur, condition) else { return None };
        let full_name = asked.full_name();
        if needed.is_some_and(|needed| needed > 1)
            || name.get_or_insert_with(|| full_name.clone()) != &full_name
        {
            return None;
        }
        values.extend(spelling(asked, value));
    }
    Some((name?, values))
}

fn any_value(field: &str, values: BTreeSet<String>) -> Value {
    if values.len() > 1 {
        return json!({"terms": {field: values}});
    }
    one_field("term", field, json!({"value": values.into_iter().next()}))
}

/// How a value is written in a record. Truth values as words, since Quickwit takes no others in a
/// term. An attribute as it was asked for and in no other form: where attributes are held as words,
/// the text `67` and the number could not be told apart.
fn spelling(asked: &Asked, value: &Typed) -> Option<String> {
    Some(match value {
        Typed::Word(word) => word.clone(),
        _ if asked.kind == FieldKind::Attributes => return None,
        Typed::Truth(truth) => truth.to_string(),
        Typed::Unsigned(number) => number.to_string(),
        Typed::Integer(number) => number.to_string(),
        Typed::Float(number) => number.to_string(),
        Typed::Time(time) => within_range(*time).to_string(),
    })
}

/// The words with blanks between. A word that the index leaves out makes a hole, which no phrase
/// of a search backend can have.
fn text(sequence: &Sequence) -> std::result::Result<String, Problem> {
    let has_no_hole = sequence.iter().zip(0..).all(|((at, _), place)| *at == place);
    if !has_no_hole {
        return Err("a phrase with a word of more than 128 bytes cannot be asked of the search \
                    backend; leave that word out"
            .to_owned());
    }
    let words: Vec<&str> = sequence.iter().map(|(_, term)| term.as_str()).collect();
    Ok(words.join(" "))
}

fn phrase(field: WordField, sequence: &Sequence, slop: u32) -> Translated {
    let text = text(sequence)?;
    if sequence.len() == 1 {
        return Ok(one_field("term", field.name(), json!({"value": text})));
    }
    if slop == 0 {
        return Ok(one_field("match_phrase", field.name(), json!({"query": text})));
    }
    match sequence.as_slice() {
        [(_, first), (_, second)] if first != second => {
            Ok(one_field("match_phrase", field.name(), json!({"query": text, "slop": slop})))
        }
        _ => Err("the search backend counts slop otherwise than the local index unless it is of \
                  two different words; ask for the words without slop"
            .to_owned()),
    }
}

/// Two words within so many of each other, in any order: phrases both ways round. In order, only
/// where the swapped words could not be near enough.
fn near(field: WordField, places: &[Vec<Sequence>], gaps: &[Gap]) -> Translated {
    let ([first, second], [gap]) = (places, gaps) else {
        return Err(refused_near("more than two of them"));
    };
    if first.len() * second.len() > MAX_NEAR_PAIRS {
        return Err(refused_near("words in so many languages; add `language:`"));
    }
    if gap.ordered && gap.max > 2 {
        return Err(refused_near("words in a given order, further apart than 2"));
    }
    let mut pairs = Vec::new();
    for (one, other) in first.iter().flat_map(|a| second.iter().map(move |b| (a, b))) {
        let ([(_, one)], [(_, other)]) = (one.as_slice(), other.as_slice()) else {
            return Err(refused_near("phrases or words of Han characters"));
        };
        if one == other {
            return Err(refused_near("the same word twice"));
        }
        let mut both = vec![format!("{one} {other}")];
        if !gap.ordered {
            both.push(format!("{other} {one}"));
        }
        let slop = gap.max.saturating_sub(1);
        pairs.extend(both.into_iter().map(|text| {
            one_field("match_phrase", field.name(), json!({"query": text, "slop": slop}))
        }));
    }
    if pairs.is_empty() {
        return bare(&Condition::Nothing);
    }
    Ok(json!({"bool": {"should": pairs}}))
}

fn refused_near(what: &str) -> Problem {
    format!(
        "`~` and `>` between {what} cannot be asked of the search backend; ask for the words \
         without a distance"
    )
}

fn range(asked: &Asked, low: &Bound<Typed>, high: &Bound<Typed>) -> Translated {
    match asked.kind {
        FieldKind::Attributes => {
            return Err(format!(
                "bounds of {} cannot be asked of the search backend, which may hold attributes as \
                 words; ask for values",
                asked.full_name()
            ));
        }
        FieldKind::Keyword => {
            return Err(format!(
                "bounds of {}, which holds words, cannot be asked of the search backend; ask for \
                 values or a beginning: {}:abc*",
                asked.name, asked.name
            ));
        }
        _ => {}
    }
    let mut body = Map::new();
    for (bound, with, without) in [(low, "gte", "gt"), (high, "lte", "lt")] {
        match bound {
            Bound::Included(value) => body.insert(with.to_owned(), value.to_json()),
            Bound::Excluded(value) => body.insert(without.to_owned(), value.to_json()),
            Bound::Unbounded => None,
        };
    }
    Ok(one_field("range", &asked.full_name(), Value::Object(body)))
}
