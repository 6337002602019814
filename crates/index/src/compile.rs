//! From what is asked to conditions: the one place that knows how words, values and bounds are
//! looked up. The people's language and the Elasticsearch form both end here.

use std::collections::BTreeSet;
use std::ops::Bound;

use tantivy::query::RegexQuery;

use crate::condition::{Condition, Occur, Sequence, Typed, WordField};
use crate::error::{IndexError, QueryError, Result};
use crate::glob::Glob;
use crate::near::Gap;
use crate::query::{Expr, FieldValue, Words};
use crate::schema::{Asked, FieldKind, Fields};
use crate::terms;
use crate::values::{attribute_values, check_vocabulary, finite, time_span};

/// Every language costs an analysis and a lookup per word.
pub(crate) const MAX_LANGUAGES: usize = 32;
/// Words that one prefix inside a phrase may stand for.
pub(crate) const MAX_EXPANSIONS: u32 = 1000;

/// What is wrong with a value, to be wrapped with the place it was written.
pub(crate) type Problem = String;

/// Builds the conditions for one snapshot of the index.
pub(crate) struct Compiler<'a> {
    pub(crate) fields: &'a Fields,
    /// The languages to find the stems of words in.
    pub(crate) languages: Vec<String>,
}

impl Compiler<'_> {
    /// A whole query of the people's language.
    pub(crate) fn expr(&self, expr: &Expr) -> Result<Condition> {
        Ok(match expr {
            Expr::All => Condition::All,
            Expr::And(parts) => {
                let mut clauses = Vec::with_capacity(parts.len() + 1);
                for part in parts {
                    clauses.push(match part {
                        Expr::Not(inner) => (Occur::MustNot, self.expr(inner)?),
                        _ => (Occur::Must, self.expr(part)?),
                    });
                }
                Condition::all_of(clauses)
            }
            Expr::Or(parts) => {
                let parts: Result<Vec<_>> = parts.iter().map(|part| self.expr(part)).collect();
                Condition::any_of(parts?)
            }
            Expr::Not(inner) => Condition::all_of(vec![(Occur::MustNot, self.expr(inner)?)]),
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

    fn field(&self, name: &str, value: &FieldValue) -> std::result::Result<Condition, Problem> {
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
    pub(crate) fn words(&self, text: &str) -> Option<Condition> {
        self.sloppy(text, 0)
    }

    /// The same with some words between or swapped, counted as Elasticsearch counts `slop`.
    pub(crate) fn sloppy(&self, text: &str, slop: u32) -> Option<Condition> {
        let mut found = Vec::new();
        for field in WordField::ALL {
            let sequences = self.sequences(field, text).into_iter();
            found.extend(sequences.map(|sequence| Condition::Phrase { field, sequence, slop }));
        }
        (!found.is_empty()).then(|| Condition::any_of(found))
    }

    /// Contacts with a word that begins so, accents or not.
    pub(crate) fn prefix(&self, text: &str) -> Option<Condition> {
        let mut sequence = self.sequences(WordField::Plain, text).into_iter().next()?;
        if sequence.len() > 1 {
            return Some(Condition::PhrasePrefix(sequence));
        }
        sequence.pop().map(|(_, term)| Condition::WordPrefix(term))
    }

    /// The ways a text may stand in a field: one sequence per distinct analysis.
    fn sequences(&self, field: WordField, text: &str) -> Vec<Sequence> {
        let analyses: Vec<_> = match field {
            WordField::Stems => {
                self.languages.iter().map(|language| terms::stems(language, text)).collect()
            }
            WordField::Plain => vec![terms::plain(text)],
        };
        let mut distinct = BTreeSet::new();
        for terms in analyses {
            let first = terms.first().map_or(0, |(position, _)| *position);
            let sequence: Sequence =
                terms.into_iter().map(|(position, term)| (position - first, term)).collect();
            if !sequence.is_empty() {
                distinct.insert(sequence);
            }
        }
        distinct.into_iter().collect()
    }

    fn near(&self, first: &Words, then: &[(Gap, Words)]) -> Result<Condition> {
        let gaps: Vec<Gap> = then.iter().map(|(gap, _)| *gap).collect();
        let mut found = Vec::new();
        for field in WordField::ALL {
            let mut places = Vec::with_capacity(then.len() + 1);
            for words in std::iter::once(first).chain(then.iter().map(|(_, words)| words)) {
                let sequences = self.sequences(field, &words.text);
                if sequences.is_empty() && field == WordField::Plain {
                    return Err(nothing_to_find(words));
                }
                places.push(sequences);
            }
            found.push(Condition::Near { field, places, gaps: gaps.clone() });
        }
        Ok(Condition::any_of(found))
    }

    /// Contacts whose field has exactly this value.
    pub(crate) fn exact(
        &self,
        asked: &Asked,
        value: &str,
    ) -> std::result::Result<Condition, Problem> {
        let is = |value: Typed| Condition::Is(asked.clone(), value);
        Ok(match asked.kind {
            FieldKind::Text => {
                self.words(value).ok_or_else(|| format!("`{value}` has no word in it"))?
            }
            FieldKind::Keyword => {
                check_vocabulary(asked.name, value)?;
                is(Typed::Word(value.to_owned()))
            }
            FieldKind::Bool => {
                let value = value
                    .parse::<bool>()
                    .map_err(|_| format!("`{value}` is neither true nor false"))?;
                is(Typed::Truth(value))
            }
            FieldKind::Attributes => {
                Condition::any_of(attribute_values(value).into_iter().map(is).collect())
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
    ) -> std::result::Result<Condition, Problem> {
        let glob = Glob::parse(pattern)?;
        if let Glob::Exact(value) = &glob {
            return self.exact(asked, value);
        }
        if glob == Glob::Any {
            return self.exists(asked);
        }
        Ok(match (asked.kind, glob) {
            (FieldKind::Text, Glob::Prefix(prefix)) => {
                return self.prefix(&prefix).ok_or_else(|| format!("`{prefix}` has no word in it"));
            }
            (FieldKind::Keyword | FieldKind::Attributes, Glob::Prefix(prefix)) => {
                Condition::Prefix(asked.clone(), prefix).silent()
            }
            (FieldKind::Keyword, Glob::Regex(regex)) => {
                RegexQuery::from_pattern(&regex, asked.field)
                    .map_err(|_| format!("the pattern `{pattern}` is too complex"))?;
                Condition::Pattern(asked.clone(), pattern.to_owned()).silent()
            }
            (FieldKind::Attributes | FieldKind::Text, _) => {
                return Err("a star may stand only at the end here".to_owned());
            }
            _ => return Err("a star fits words only; use bounds: 1..5, >=3".to_owned()),
        })
    }

    /// Contacts whose field has any value.
    pub(crate) fn exists(&self, asked: &Asked) -> std::result::Result<Condition, Problem> {
        if asked.kind == FieldKind::Text {
            return Err("the words of a contact cannot be asked for existence".to_owned());
        }
        Ok(Condition::Exists(asked.clone()).silent())
    }

    /// Contacts whose field lies within bounds.
    pub(crate) fn range(
        &self,
        asked: &Asked,
        low: Bound<String>,
        high: Bound<String>,
    ) -> std::result::Result<Condition, Problem> {
        if matches!((&low, &high), (Bound::Unbounded, Bound::Unbounded)) {
            return self.exists(asked);
        }
        let typed = |bound: Bound<String>, is_low: bool| {
            Ok::<_, Problem>(match bound {
                Bound::Unbounded => Bound::Unbounded,
                Bound::Included(value) => self.bound(asked, &value, is_low, true)?,
                Bound::Excluded(value) => self.bound(asked, &value, is_low, false)?,
            })
        };
        let (low, high) = (typed(low, true)?, typed(high, false)?);
        Ok(Condition::Range(asked.clone(), low, high).silent())
    }

    fn bound(
        &self,
        asked: &Asked,
        value: &str,
        is_low: bool,
        included: bool,
    ) -> std::result::Result<Bound<Typed>, Problem> {
        let number = || format!("`{value}` is no number that this field can have");
        let typed = match asked.kind {
            FieldKind::Time => {
                let (start, end) = time_span(value)?;
                let at = Typed::Time(if is_low == included { start } else { end });
                return Ok(if is_low { Bound::Included(at) } else { Bound::Excluded(at) });
            }
            FieldKind::Unsigned => Typed::Unsigned(value.parse().map_err(|_| number())?),
            FieldKind::Integer => Typed::Integer(value.parse().map_err(|_| number())?),
            FieldKind::Float => Typed::Float(finite(value).ok_or_else(number)?),
            FieldKind::Keyword => Typed::Word(value.to_owned()),
            FieldKind::Attributes => match (value.parse::<i64>(), finite(value)) {
                (Ok(whole), _) => Typed::Integer(whole),
                (_, Some(float)) => Typed::Float(float),
                _ => Typed::Word(value.to_owned()),
            },
            FieldKind::Bool | FieldKind::Text => {
                return Err("bounds fit numbers, times and exact words only".to_owned());
            }
        };
        Ok(if included { Bound::Included(typed) } else { Bound::Excluded(typed) })
    }
}

fn nothing_to_find(words: &Words) -> IndexError {
    IndexError::Query(QueryError::new(
        words.at,
        format!("`{}` has no letter or digit to look for", words.text),
        "write a word, or leave it out",
    ))
}
