//! From what is asked to the engine's queries: the one place that knows how words, values and
//! bounds are looked up. The people's language and the Elasticsearch form both end here.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, ExistsQuery, FastFieldRangeQuery,
    InvertedIndexRangeQuery, Occur, PhrasePrefixQuery, PhraseQuery, Query, RangeQuery, RegexQuery,
    TermQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use crate::document::engine_time;
use crate::error::{IndexError, QueryError, Result};
use crate::excluded::ExcludedQuery;
use crate::glob::Glob;
use crate::near::{Gap, NearQuery, Sequence};
use crate::query::{Expr, FieldValue, Words};
use crate::schema::{Asked, FieldKind, Fields};
use crate::terms;
use crate::values::{
    attribute_number, attribute_terms, attribute_text, check_vocabulary, finite, time_span,
};

/// Every language costs an analysis and a lookup per word.
pub(crate) const MAX_LANGUAGES: usize = 32;
/// Words that one prefix inside a phrase may stand for.
const MAX_EXPANSIONS: u32 = 1000;

pub(crate) type BoxQuery = Box<dyn Query>;

/// What is wrong with a value, to be wrapped with the place it was written.
pub(crate) type Problem = String;

/// Builds the engine's queries for one snapshot of the index.
pub(crate) struct Compiler<'a> {
    pub(crate) fields: &'a Fields,
    /// The languages to find the stems of words in.
    pub(crate) languages: Vec<String>,
}

impl Compiler<'_> {
    /// A whole query of the people's language.
    pub(crate) fn expr(&self, expr: &Expr) -> Result<BoxQuery> {
        Ok(match expr {
            Expr::All => Box::new(AllQuery),
            Expr::And(parts) => {
                let mut clauses = Vec::with_capacity(parts.len() + 1);
                for part in parts {
                    clauses.push(match part {
                        Expr::Not(inner) => (Occur::MustNot, excluded(self.expr(inner)?)),
                        _ => (Occur::Must, self.expr(part)?),
                    });
                }
                boolean(clauses)
            }
            Expr::Or(parts) => {
                let parts: Result<Vec<_>> = parts.iter().map(|part| self.expr(part)).collect();
                any_of(parts?)
            }
            Expr::Not(inner) => boolean(vec![(Occur::MustNot, excluded(self.expr(inner)?))]),
            Expr::Words(words) => self.words(&words.text).ok_or_else(|| nothing_to_find(words))?,
            Expr::Prefix(words) => {
                self.prefix(&words.text).ok_or_else(|| nothing_to_find(words))?
            }
            Expr::Near { first, then } => self.near(first, then)?,
            Expr::Field { at, name, value } => self.field(name, value).map_err(|problem| {
                IndexError::Query(QueryError::new(*at, problem, format!("of the field {name}")))
            })?,
        })
    }

    fn field(&self, name: &str, value: &FieldValue) -> std::result::Result<BoxQuery, Problem> {
        let asked = self.fields.asked(name).ok_or_else(|| format!("there is no field {name}"))?;
        match value {
            FieldValue::Exact(value) => self.exact(&asked, value),
            FieldValue::Pattern(pattern) => self.pattern(&asked, pattern),
            FieldValue::Range { low, high } => {
                let text = |bound: &Bound<String>| bound.as_ref().map(|v| v.as_str().to_owned());
                self.range(&asked, text(low), text(high))
            }
        }
    }

    /// Contacts with these words side by side, in any analysis. None: nothing to look for.
    pub(crate) fn words(&self, text: &str) -> Option<BoxQuery> {
        let mut found = Vec::new();
        for field in [self.fields.text, self.fields.text_plain] {
            found.extend(self.sequences(field, text).into_iter().map(|s| sequence_query(s, 0)));
        }
        (!found.is_empty()).then(|| any_of(found))
    }

    /// The same with some words between or swapped, counted as Elasticsearch counts `slop`.
    pub(crate) fn sloppy(&self, text: &str, slop: u32) -> Option<BoxQuery> {
        let mut found = Vec::new();
        for field in [self.fields.text, self.fields.text_plain] {
            found.extend(self.sequences(field, text).into_iter().map(|s| sequence_query(s, slop)));
        }
        (!found.is_empty()).then(|| any_of(found))
    }

    /// Contacts with a word that begins so, accents or not.
    pub(crate) fn prefix(&self, text: &str) -> Option<BoxQuery> {
        let field = self.fields.text_plain;
        let sequence = self.sequences(field, text).into_iter().next()?;
        if sequence.len() > 1 {
            let terms = sequence.into_iter().map(|(at, term)| (at as usize, term)).collect();
            let mut query = PhrasePrefixQuery::new_with_offset(terms);
            query.set_max_expansions(MAX_EXPANSIONS);
            return Some(Box::new(query));
        }
        let (_, term) = sequence.into_iter().next()?;
        Some(begins_with(field, term.value().as_str()?))
    }

    /// The ways a text may stand in a field: one sequence per distinct analysis.
    fn sequences(&self, field: Field, text: &str) -> Vec<Sequence> {
        let analyses: Vec<_> = if field == self.fields.text {
            self.languages.iter().map(|language| terms::stems(language, text)).collect()
        } else {
            vec![terms::plain(text)]
        };
        let mut distinct = BTreeSet::new();
        for terms in analyses {
            let first = terms.first().map_or(0, |(position, _)| *position);
            let sequence: Vec<(u32, Term)> = terms
                .into_iter()
                .map(|(position, term)| (position - first, Term::from_field_text(field, &term)))
                .collect();
            if !sequence.is_empty() {
                distinct.insert(sequence);
            }
        }
        distinct.into_iter().collect()
    }

    fn near(&self, first: &Words, then: &[(Gap, Words)]) -> Result<BoxQuery> {
        let gaps: Vec<Gap> = then.iter().map(|(gap, _)| *gap).collect();
        let mut found: Vec<BoxQuery> = Vec::new();
        for field in [self.fields.text, self.fields.text_plain] {
            let mut places = Vec::with_capacity(then.len() + 1);
            let mut holding = Vec::with_capacity(then.len() + 1);
            for words in std::iter::once(first).chain(then.iter().map(|(_, words)| words)) {
                let sequences = self.sequences(field, &words.text);
                if sequences.is_empty() && field == self.fields.text_plain {
                    return Err(nothing_to_find(words));
                }
                holding
                    .push(any_of(sequences.iter().map(|s| sequence_query(s.clone(), 0)).collect()));
                places.push(sequences);
            }
            let holding_all: Arc<dyn Query> = Arc::new(BooleanQuery::intersection(holding));
            found.push(Box::new(NearQuery { field, places, gaps: gaps.clone(), holding_all }));
        }
        Ok(any_of(found))
    }

    /// Contacts whose field has exactly this value.
    pub(crate) fn exact(
        &self,
        asked: &Asked,
        value: &str,
    ) -> std::result::Result<BoxQuery, Problem> {
        Ok(match asked.kind {
            FieldKind::Text => {
                self.words(value).ok_or_else(|| format!("`{value}` has no word in it"))?
            }
            FieldKind::Keyword => {
                check_vocabulary(asked.name, value)?;
                exact_term(Term::from_field_text(asked.field, value))
            }
            FieldKind::Bool => {
                let value = value
                    .parse::<bool>()
                    .map_err(|_| format!("`{value}` is neither true nor false"))?;
                exact_term(Term::from_field_bool(asked.field, value))
            }
            FieldKind::Attributes => {
                let texts = attribute_terms(asked, value).into_iter().map(exact_term);
                any_of(texts.collect())
            }
            _ => {
                let value = || Bound::Included(value.to_owned());
                return self.range(asked, value(), value());
            }
        })
    }

    /// Contacts whose field has a value that fits a pattern with stars.
    pub(crate) fn pattern(
        &self,
        asked: &Asked,
        pattern: &str,
    ) -> std::result::Result<BoxQuery, Problem> {
        let glob = Glob::parse(pattern)?;
        if let Glob::Exact(value) = &glob {
            return self.exact(asked, value);
        }
        if glob == Glob::Any {
            return self.exists(asked);
        }
        Ok(silent(match (asked.kind, glob) {
            (FieldKind::Text, Glob::Prefix(prefix)) => {
                return self.prefix(&prefix).ok_or_else(|| format!("`{prefix}` has no word in it"));
            }
            (FieldKind::Keyword, Glob::Prefix(prefix)) => begins_with(asked.field, &prefix),
            (FieldKind::Keyword, Glob::Regex(regex)) => {
                let query = RegexQuery::from_pattern(&regex, asked.field)
                    .map_err(|_| format!("the pattern `{pattern}` is too complex"))?;
                Box::new(query)
            }
            (FieldKind::Attributes, Glob::Prefix(prefix)) => Box::new(FastFieldRangeQuery::new(
                Bound::Included(attribute_text(asked, &prefix)),
                Bound::Excluded(attribute_text(asked, &after_prefix(&prefix))),
            )),
            (FieldKind::Attributes | FieldKind::Text, _) => {
                return Err("a star may stand only at the end here".to_owned());
            }
            _ => return Err("a star fits words only; use bounds: 1..5, >=3".to_owned()),
        }))
    }

    /// Contacts whose field has any value.
    pub(crate) fn exists(&self, asked: &Asked) -> std::result::Result<BoxQuery, Problem> {
        if asked.kind == FieldKind::Text {
            return Err("the words of a contact cannot be asked for existence".to_owned());
        }
        Ok(silent(Box::new(ExistsQuery::new(asked.full_name(), true))))
    }

    /// Contacts whose field lies within bounds.
    pub(crate) fn range(
        &self,
        asked: &Asked,
        low: Bound<String>,
        high: Bound<String>,
    ) -> std::result::Result<BoxQuery, Problem> {
        if matches!((&low, &high), (Bound::Unbounded, Bound::Unbounded)) {
            return self.exists(asked);
        }
        let term = |bound: Bound<String>, is_low: bool| {
            Ok::<_, Problem>(match bound {
                Bound::Unbounded => Bound::Unbounded,
                Bound::Included(value) => self.bound(asked, &value, is_low, true)?,
                Bound::Excluded(value) => self.bound(asked, &value, is_low, false)?,
            })
        };
        let (low, high) = (term(low, true)?, term(high, false)?);
        Ok(silent(Box::new(RangeQuery::new(low, high))))
    }

    fn bound(
        &self,
        asked: &Asked,
        value: &str,
        is_low: bool,
        included: bool,
    ) -> std::result::Result<Bound<Term>, Problem> {
        let number = || format!("`{value}` is no number that this field can have");
        let term = match asked.kind {
            FieldKind::Time => {
                let (start, end) = time_span(value)?;
                let at = if is_low == included { start } else { end };
                let term = Term::from_field_date(asked.field, engine_time(at));
                return Ok(if is_low { Bound::Included(term) } else { Bound::Excluded(term) });
            }
            FieldKind::Unsigned => {
                Term::from_field_u64(asked.field, value.parse().map_err(|_| number())?)
            }
            FieldKind::Integer => {
                Term::from_field_i64(asked.field, value.parse().map_err(|_| number())?)
            }
            FieldKind::Float => {
                Term::from_field_f64(asked.field, finite(value).ok_or_else(number)?)
            }
            FieldKind::Keyword => Term::from_field_text(asked.field, value),
            FieldKind::Attributes => match (value.parse::<i64>(), finite(value)) {
                (Ok(whole), _) => attribute_number(asked, whole),
                (_, Some(float)) => attribute_number(asked, float),
                _ => attribute_text(asked, value),
            },
            FieldKind::Bool | FieldKind::Text => {
                return Err("bounds fit numbers, times and exact words only".to_owned());
            }
        };
        Ok(if included { Bound::Included(term) } else { Bound::Excluded(term) })
    }
}

/// All clauses together; with nothing required, everything but what is excluded.
pub(crate) fn boolean(mut clauses: Vec<(Occur, BoxQuery)>) -> BoxQuery {
    if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        clauses.push((Occur::Must, Box::new(AllQuery)));
    }
    Box::new(BooleanQuery::new(clauses))
}

/// What stands under [`Occur::MustNot`].
pub(crate) fn excluded(query: BoxQuery) -> BoxQuery {
    Box::new(ExcludedQuery(Arc::from(query)))
}

/// Any of the queries; none at all finds nothing.
pub(crate) fn any_of(mut queries: Vec<BoxQuery>) -> BoxQuery {
    match queries.len() {
        0 => Box::new(EmptyQuery),
        1 => queries.remove(0),
        _ => Box::new(BooleanQuery::union(queries)),
    }
}

/// The query as a filter: it adds nothing to the score.
pub(crate) fn silent(query: BoxQuery) -> BoxQuery {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

fn nothing_to_find(words: &Words) -> IndexError {
    IndexError::Query(QueryError::new(
        words.at,
        format!("`{}` has no letter or digit to look for", words.text),
        "write a word, or leave it out",
    ))
}

fn exact_term(term: Term) -> BoxQuery {
    silent(Box::new(TermQuery::new(term, IndexRecordOption::Basic)))
}

fn sequence_query(mut sequence: Sequence, slop: u32) -> BoxQuery {
    if sequence.len() == 1 {
        let (_, term) = sequence.remove(0);
        return Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs));
    }
    let terms = sequence.into_iter().map(|(offset, term)| (offset as usize, term)).collect();
    Box::new(PhraseQuery::new_with_offset_and_slop(terms, slop))
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
