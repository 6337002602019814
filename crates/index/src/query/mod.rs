//! The query language for people.
//!
//! | written | finds contacts |
//! |---|---|
//! | `refund delay` | with both words, in any form of the word |
//! | `refund OR money` | with one of them |
//! | `refund -card`, `NOT card` | without the word |
//! | `"where is my order"` | with these words side by side |
//! | `refund ~delay`, `refund ~4 delay` | with both within 5 (or 4) words, in any order |
//! | `refund >delay`, `refund >4 delay` | the same, in this order |
//! | `refun*` | with a word that begins so |
//! | `(a OR b) c` | grouped |
//! | `channel:email`, `reason:billing.*` | with this value in a field |
//! | `attributes.version:67.0` | with this attribute |
//! | `customer:"id with spaces"` | with an exact value that has spaces |
//! | `csat:<3`, `occurred_at:2019-05-04..2019-05-05` | within bounds, both ends included |
//!
//! Words are compared by stem in every language of the index, or in that of a `language:` filter,
//! and without accents as typed. Chinese needs no spaces: a run of characters is a phrase.

mod parse;
#[cfg(test)]
mod tests;
mod value;

use std::ops::Bound;

use crate::error::QueryError;
use crate::near::Gap;

/// Longer queries are refused.
pub const MAX_QUERY_CHARS: usize = 4096;
/// More words, values and groups are refused.
pub const MAX_PARTS: usize = 128;
/// Deeper parentheses are refused.
pub const MAX_DEPTH: usize = 16;
/// The default distance of `~` and `>`, in words.
pub const DEFAULT_DISTANCE: u32 = 5;
/// The longest distance one may ask for, in words.
pub const MAX_DISTANCE: u32 = 50;

/// A query that has been read and found sound.
#[derive(Clone, Debug, PartialEq)]
pub struct ParsedQuery(pub(crate) Expr);

/// Reads a query. An empty one finds everything.
///
/// # Errors
/// Says where the trouble is and what would be right.
pub fn parse(text: &str) -> Result<ParsedQuery, QueryError> {
    parse::parse(text).map(ParsedQuery)
}

/// Words as written, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Words {
    pub(crate) at: usize,
    pub(crate) text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// A word or a phrase.
    Words(Words),
    /// The beginning of a word.
    Prefix(Words),
    Near {
        first: Words,
        then: Vec<(Gap, Words)>,
    },
    Field {
        at: usize,
        name: String,
        value: FieldValue,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FieldValue {
    /// Exactly this, even if it has a star in it.
    Exact(String),
    /// May have stars.
    Pattern(String),
    Range {
        low: Bound<String>,
        high: Bound<String>,
    },
}

impl Expr {
    /// The languages that every hit must have, where the query says so.
    pub(crate) fn languages(&self) -> Option<Vec<String>> {
        match self {
            Expr::Field { name, value: FieldValue::Exact(value), .. } if name == "language" => {
                Some(vec![value.clone()])
            }
            Expr::And(parts) => parts.iter().find_map(Expr::languages),
            Expr::Or(parts) => {
                let each: Option<Vec<_>> = parts.iter().map(Expr::languages).collect();
                each.map(|languages| languages.concat()).filter(|all| !all.is_empty())
            }
            _ => None,
        }
    }
}
