//! The phrase language: what people write into rules and cue lists, and the machine that finds
//! all of it in one pass.
//!
//! | sign | meaning |
//! |---|---|
//! | `charged twice` | these words in this order, next to each other, by their stems |
//! | `a ~4 b` | both in one sentence, at most four words between them, in any order |
//! | `a >4 b` | the same, `a` first |
//! | `=word` | this very form |
//! | `word*` | any word that begins so |
//! | `{set}` | any of a named set of words |
//! | `#n` | a number or a number word |
//! | `…` | up to eight Chinese characters in between |

mod anchor;
mod compile;
mod lower;
mod matcher;
mod parse;
#[cfg(test)]
mod tests;
mod view;

pub use compile::{MatcherBuilder, WordSets};
pub use matcher::{Found, Matcher, Scratch};
pub use parse::{Phrase, PhraseError};
