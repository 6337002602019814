//! From a condition to the local engine's query.

use std::ops::Bound;
use std::sync::Arc;

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, ExistsQuery, FastFieldRangeQuery,
    InvertedIndexRangeQuery, PhrasePrefixQuery, PhraseQuery, Query, RangeQuery, RegexQuery,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use crate::compile::MAX_EXPANSIONS;
use crate::condition::{Condition, Occur, Sequence, Typed, WordField};
use crate::document::engine_time;
use crate::error::Result;
use crate::excluded::ExcludedQuery;
use crate::glob::Glob;
use crate::near::{Gap, NearQuery};
use crate::schema::{Asked, FieldKind, Fields};

pub(crate) type BoxQuery = Box<dyn Query>;

/// The engine's query for a condition.
pub(crate) fn query(fields: &Fields, condition: &Condition) -> Result<BoxQuery> {
    Ok(match condition {
        Condition::All => Box::new(AllQuery),
        Condition::Nothing => Box::new(EmptyQuery),
        Condition::Bool { clauses, needed } => boolean(fields, clauses, *needed)?,
        Condition::Silent(inner) => silent(query(fields, inner)?),
        Condition::Is(asked, value) => {
            silent(Box::new(TermQuery::new(term(asked, value), IndexRecordOption::Basic)))
        }
        Condition::Phrase { field, sequence, slop } => phrase(field.of(fields), sequence, *slop),
        Condition::PhrasePrefix(sequence) => {
            let terms = placed(fields.text_plain, sequence);
            let terms = terms.into_iter().map(|(at, term)| (at as usize, term)).collect();
            let mut query = PhrasePrefixQuery::new_with_offset(terms);
            query.set_max_expansions(MAX_EXPANSIONS);
            Box::new(query)
        }
        Condition::WordPrefix(prefix) => begins_with(fields.text_plain, prefix),
        Condition::Prefix(asked, prefix) => match asked.kind {
            FieldKind::Attributes => Box::new(FastFieldRangeQuery::new(
                Bound::Included(attribute_text(asked, prefix)),
                Bound::Excluded(attribute_text(asked, &after_prefix(prefix))),
            )),
            _ => begins_with(asked.field, prefix),
        },
        Condition::Pattern(asked, pattern) => regex(asked, pattern)?,
        Condition::Range(asked, low, high) => {
            let bound = |bound: &Bound<Typed>| bound.as_ref().map(|value| term(asked, value));
            Box::new(RangeQuery::new(bound(low), bound(high)))
        }
        Condition::Exists(asked) => Box::new(ExistsQuery::new(asked.full_name(), true)),
        Condition::Near { field, places, gaps } => near(fields, *field, places, gaps)?,
    })
}

fn boolean(
    fields: &Fields,
    clauses: &[(Occur, Condition)],
    needed: Option<usize>,
) -> Result<BoxQuery> {
    let mut parts = Vec::with_capacity(clauses.len());
    for (occur, condition) in clauses {
        let part = query(fields, condition)?;
        parts.push(match occur {
            Occur::Must => (tantivy::query::Occur::Must, part),
            Occur::Should => (tantivy::query::Occur::Should, part),
            Occur::MustNot => {
                let part: BoxQuery = Box::new(ExcludedQuery(Arc::from(part)));
                (tantivy::query::Occur::MustNot, part)
            }
        });
    }
    Ok(Box::new(match needed {
        None => BooleanQuery::new(parts),
        Some(needed) => BooleanQuery::with_minimum_required_clauses(parts, needed),
    }))
}

fn silent(query: BoxQuery) -> BoxQuery {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

fn placed(field: Field, sequence: &Sequence) -> Vec<(u32, Term)> {
    sequence.iter().map(|(at, term)| (*at, Term::from_field_text(field, term))).collect()
}

fn phrase(field: Field, sequence: &Sequence, slop: u32) -> BoxQuery {
    let mut terms = placed(field, sequence);
    if terms.len() == 1 {
        let (_, term) = terms.remove(0);
        return Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
    }
    let terms = terms.into_iter().map(|(at, term)| (at as usize, term)).collect();
    Box::new(PhraseQuery::new_with_offset_and_slop(terms, slop))
}

fn near(
    fields: &Fields,
    field: WordField,
    places: &[Vec<Sequence>],
    gaps: &[Gap],
) -> Result<BoxQuery> {
    let holding = |place: &Vec<Sequence>| {
        let phrase =
            |sequence: &Sequence| Condition::Phrase { field, sequence: sequence.clone(), slop: 0 };
        query(fields, &Condition::any_of(place.iter().map(phrase).collect()))
    };
    let holding = places.iter().map(holding).collect::<Result<_>>()?;
    let holding_all: Arc<dyn Query> = Arc::new(BooleanQuery::intersection(holding));
    let field = field.of(fields);
    let places = places
        .iter()
        .map(|place| place.iter().map(|sequence| placed(field, sequence)).collect())
        .collect();
    Ok(Box::new(NearQuery { field, places, gaps: gaps.to_vec(), holding_all }))
}

fn regex(asked: &Asked, pattern: &str) -> Result<BoxQuery> {
    Ok(match Glob::parse(pattern) {
        Ok(Glob::Regex(regex)) => Box::new(RegexQuery::from_pattern(&regex, asked.field)?),
        // Patterns of another kind have conditions of their own.
        _ => Box::new(EmptyQuery),
    })
}

fn begins_with(field: Field, prefix: &str) -> BoxQuery {
    Box::new(InvertedIndexRangeQuery::new(
        Bound::Included(Term::from_field_text(field, prefix)),
        Bound::Excluded(Term::from_field_text(field, &after_prefix(prefix))),
    ))
}

/// A text after every text that begins with the prefix.
fn after_prefix(prefix: &str) -> String {
    format!("{prefix}{}", char::MAX)
}

/// The value as the engine holds it.
fn term(asked: &Asked, value: &Typed) -> Term {
    if asked.kind == FieldKind::Attributes {
        return match value {
            Typed::Word(word) => attribute_text(asked, word),
            Typed::Truth(truth) => attribute_value(asked, *truth),
            Typed::Unsigned(number) => attribute_value(asked, *number),
            Typed::Integer(number) => attribute_value(asked, *number),
            Typed::Float(number) => attribute_value(asked, *number),
            Typed::Time(time) => attribute_value(asked, engine_time(*time)),
        };
    }
    match value {
        Typed::Word(word) => Term::from_field_text(asked.field, word),
        Typed::Truth(truth) => Term::from_field_bool(asked.field, *truth),
        Typed::Unsigned(number) => Term::from_field_u64(asked.field, *number),
        Typed::Integer(number) => Term::from_field_i64(asked.field, *number),
        Typed::Float(number) => Term::from_field_f64(asked.field, *number),
        Typed::Time(time) => Term::from_field_date(asked.field, engine_time(*time)),
    }
}

fn attribute_text(asked: &Asked, value: &str) -> Term {
    let mut term = attribute_path(asked);
    term.append_type_and_str(value);
    term
}

fn attribute_value<T: tantivy::fastfield::FastValue>(asked: &Asked, value: T) -> Term {
    let mut term = attribute_path(asked);
    term.append_type_and_fast_value(value);
    term
}

fn attribute_path(asked: &Asked) -> Term {
    Term::from_field_json_path(asked.field, asked.path.as_deref().unwrap_or_default(), true)
}
