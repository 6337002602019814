//! What is asked, before any engine: words analysed, values typed, bounds in order.
//!
//! The people's language and the Elasticsearch form both end here; `engine.rs` makes the local
//! engine's queries of it, `elastic.rs` the JSON for a search backend. So both engines are asked
//! the same.

use std::ops::Bound;

use quell_model::TimeMs;
use serde_json::{Value, json};
use tantivy::schema::Field;

use crate::document::within_range;
use crate::near::Gap;
use crate::schema::{Asked, Fields};

/// Terms that stand at these distances from the first one.
pub(crate) type Sequence = Vec<(u32, String)>;

/// A field of analysed words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordField {
    /// Stems.
    Stems,
    /// Words as typed, without accents.
    Plain,
}

impl WordField {
    pub(crate) const ALL: [WordField; 2] = [WordField::Stems, WordField::Plain];

    /// Its name in the catalogue.
    pub(crate) fn name(self) -> &'static str {
        match self {
            WordField::Stems => "text",
            WordField::Plain => "text_plain",
        }
    }

    pub(crate) fn of(self, fields: &Fields) -> Field {
        match self {
            WordField::Stems => fields.text,
            WordField::Plain => fields.text_plain,
        }
    }
}

/// A value of the type that its field has: in a contact, or asked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Typed {
    Word(String),
    Truth(bool),
    Unsigned(u64),
    Integer(i64),
    Float(f64),
    Time(TimeMs),
}

impl Typed {
    /// The value as it stands in a record and in a bound.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Typed::Word(word) => json!(word),
            Typed::Truth(truth) => json!(truth),
            Typed::Unsigned(number) => json!(number),
            Typed::Integer(number) => json!(number),
            Typed::Float(number) => json!(number),
            Typed::Time(time) => json!(within_range(*time).to_string()),
        }
    }
}

/// How a clause counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occur {
    Must,
    Should,
    MustNot,
}

/// One condition on a contact.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Condition {
    /// Every contact.
    All,
    /// No contact.
    Nothing,
    /// Clauses together. `needed` of those that should hold must; without it one, where nothing
    /// else must.
    Bool { clauses: Vec<(Occur, Condition)>, needed: Option<usize> },
    /// A filter: it adds nothing to the score.
    Silent(Box<Condition>),
    /// A field has exactly this value. Adds nothing to the score.
    Is(Asked, Typed),
    /// A word, or words side by side; `slop` as Elasticsearch counts it.
    Phrase { field: WordField, sequence: Sequence, slop: u32 },
    /// Words side by side, of which the last is the beginning of one.
    PhrasePrefix(Sequence),
    /// A word that begins so.
    WordPrefix(String),
    /// A value that begins so.
    Prefix(Asked, String),
    /// A value that fits a pattern with stars.
    Pattern(Asked, String),
    /// A value within bounds.
    Range(Asked, Bound<Typed>, Bound<Typed>),
    /// Any value.
    Exists(Asked),
    /// Places near each other; each is any one of its sequences.
    Near { field: WordField, places: Vec<Vec<Sequence>>, gaps: Vec<Gap> },
}

impl Condition {
    /// All clauses together; with nothing required, everything but what is excluded.
    pub(crate) fn all_of(mut clauses: Vec<(Occur, Condition)>) -> Condition {
        if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
            clauses.push((Occur::Must, Condition::All));
        }
        Condition::Bool { clauses, needed: None }
    }

    /// Any of the conditions; none at all finds nothing.
    pub(crate) fn any_of(mut conditions: Vec<Condition>) -> Condition {
        match conditions.len() {
            0 => Condition::Nothing,
            1 => conditions.remove(0),
            _ => {
                let clauses = conditions.into_iter().map(|one| (Occur::Should, one)).collect();
                Condition::Bool { clauses, needed: None }
            }
        }
    }

    /// The condition as a filter.
    pub(crate) fn silent(self) -> Condition {
        Condition::Silent(Box::new(self))
    }
}
