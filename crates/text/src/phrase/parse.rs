//! Reads a phrase as written.

use std::fmt;

/// The widest gap that `~` and `>` may bridge, in words.
pub(super) const WIDEST_GAP: u8 = 30;
/// What `…` bridges, in characters.
const ELLIPSIS_GAP: u8 = 8;
/// The longest phrase.
const LONGEST_BYTES: usize = 512;
const MOST_GROUPS: usize = 6;
const MOST_ELEMENTS: usize = 24;

/// Why a phrase cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhraseError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl PhraseError {
    pub(super) fn new(message: impl Into<String>, hint: Option<&str>) -> Self {
        PhraseError { message: message.into(), hint: hint.map(str::to_owned) }
    }
}

impl fmt::Display for PhraseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for PhraseError {}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Plain(String),
    Exact(String),
    Prefix(String),
    Set(String),
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    /// Either order, at most so many tokens between.
    Near(u8),
    /// In order, at most so many tokens between.
    Then(u8),
}

/// A phrase: groups of neighbouring words, joined by gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phrase {
    pub(super) groups: Vec<Vec<Element>>,
    pub(super) joins: Vec<Join>,
}

impl Phrase {
    /// Reads a phrase of at most 512 bytes, 24 words and 6 parts.
    pub fn parse(text: &str) -> Result<Phrase, PhraseError> {
        if text.len() > LONGEST_BYTES {
            return Err(PhraseError::new(
                format!("the phrase has {} bytes, {LONGEST_BYTES} are the most", text.len()),
                Some("write the few words that tell the reason, not the whole message"),
            ));
        }
        let mut phrase = Phrase { groups: vec![Vec::new()], joins: Vec::new() };
        for chunk in text.split_whitespace() {
            phrase.read_chunk(chunk)?;
        }
        if phrase.groups.iter().any(Vec::is_empty) {
            return Err(if phrase.joins.is_empty() {
                PhraseError::new("the phrase is empty", Some("write at least one word"))
            } else {
                PhraseError::new(
                    "a gap sign needs words on both sides",
                    Some("write it as \"charge ~4 twice\""),
                )
            });
        }
        let elements: usize = phrase.groups.iter().map(Vec::len).sum();
        if phrase.groups.len() > MOST_GROUPS || elements > MOST_ELEMENTS {
            return Err(PhraseError::new(
                format!(
                    "the phrase is too long: at most {MOST_GROUPS} parts, {MOST_ELEMENTS} words"
                ),
                None,
            ));
        }
        Ok(phrase)
    }

    /// The names of the word sets it uses.
    pub fn sets(&self) -> impl Iterator<Item = &str> {
        self.groups.iter().flatten().filter_map(|element| match element {
            Element::Set(name) => Some(name.as_str()),
            _ => None,
        })
    }

    fn read_chunk(&mut self, chunk: &str) -> Result<(), PhraseError> {
        if let Some(gap) = chunk.strip_prefix('~') {
            let gap = read_gap(chunk, gap)?;
            return self.join(Join::Near(gap));
        }
        if let Some(gap) = chunk.strip_prefix('>') {
            let gap = read_gap(chunk, gap)?;
            return self.join(Join::Then(gap));
        }
        let mut rest = chunk;
        while let Some(at) = rest.find(['{', '…']) {
            let (before, from) = rest.split_at(at);
            self.read_word(before)?;
            if let Some(after) = from.strip_prefix('…') {
                self.join(Join::Then(ELLIPSIS_GAP))?;
                rest = after;
                continue;
            }
            let Some((name, after)) = from[1..].split_once('}') else {
                return Err(PhraseError::new(
                    format!("`{from}` has no closing brace"),
                    Some("write a word set as {name}"),
                ));
            };
            if name.is_empty() {
                return Err(PhraseError::new("a word set needs a name", Some("write {name}")));
            }
            self.push(Element::Set(name.to_owned()));
            rest = after;
        }
        self.read_word(rest)
    }

    fn read_word(&mut self, word: &str) -> Result<(), PhraseError> {
        if word.is_empty() {
            return Ok(());
        }
        if word == "#n" {
            self.push(Element::Number);
            return Ok(());
        }
        if word.contains('}') {
            return Err(PhraseError::new(
                format!("`{word}` has a closing brace only"),
                Some("write a word set as {name}"),
            ));
        }
        let element = if let Some(exact) = word.strip_prefix('=') {
            Element::Exact(exact.to_owned())
        } else if let Some(prefix) = word.strip_suffix('*') {
            Element::Prefix(prefix.to_owned())
        } else {
            Element::Plain(word.to_owned())
        };
        let (Element::Exact(inner) | Element::Prefix(inner) | Element::Plain(inner)) = &element
        else {
            return Ok(());
        };
        if inner.contains('*') || !inner.chars().any(char::is_alphanumeric) {
            return Err(PhraseError::new(
                format!("`{word}` is no word"),
                Some("`*` may only end a word; the signs are ~4 >4 =word word* {set} #n …"),
            ));
        }
        self.push(element);
        Ok(())
    }

    fn push(&mut self, element: Element) {
        if let Some(group) = self.groups.last_mut() {
            group.push(element);
        }
    }

    fn join(&mut self, join: Join) -> Result<(), PhraseError> {
        self.joins.push(join);
        self.groups.push(Vec::new());
        Ok(())
    }
}

fn read_gap(chunk: &str, number: &str) -> Result<u8, PhraseError> {
    match number.parse::<u8>() {
        Ok(gap) if (1..=WIDEST_GAP).contains(&gap) => Ok(gap),
        _ => Err(PhraseError::new(
            format!("`{chunk}` is no gap"),
            Some("write ~4 or >4, with a number from 1 to 30"),
        )),
    }
}
