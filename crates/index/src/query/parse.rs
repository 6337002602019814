//! Reading the query language: one pass over the characters, no backtracking.

use super::value::field_value;
use super::{
    DEFAULT_DISTANCE, Expr, FieldValue, MAX_DEPTH, MAX_DISTANCE, MAX_PARTS, MAX_QUERY_CHARS, Words,
};
use crate::error::QueryError;
use crate::near::Gap;
use crate::schema::{field_names, full_name_of, kind_of};

type Parsed<T> = Result<T, QueryError>;

pub(super) fn parse(text: &str) -> Parsed<Expr> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > MAX_QUERY_CHARS {
        return Err(QueryError::new(
            MAX_QUERY_CHARS,
            "the query is too long",
            format!("keep it within {MAX_QUERY_CHARS} characters"),
        ));
    }
    let mut parser = Parser { chars, at: 0, parts: 0, depth: 0 };
    parser.skip_spaces();
    if parser.peek().is_none() {
        return Ok(Expr::All);
    }
    let expr = parser.either()?;
    match parser.peek() {
        None => Ok(expr),
        Some(')') => Err(QueryError::new(
            parser.at,
            "this parenthesis closes nothing",
            "remove it, or open one before it",
        )),
        Some(c) => Err(QueryError::new(
            parser.at,
            format!("`{c}` was not expected here"),
            "put text that is to be found as it stands in double quotes",
        )),
    }
}

/// One operand: what it is, and whether `~` and `>` may stand beside it.
enum Operand {
    Words(Words),
    Other(Expr),
}

struct Parser {
    chars: Vec<char>,
    at: usize,
    parts: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_after(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.at += 1;
        }
    }

    /// True, and past it, if this keyword stands here as a word of its own.
    fn keyword(&mut self, word: &str) -> bool {
        let length = word.chars().count();
        let is_here = word.chars().enumerate().all(|(n, c)| self.peek_after(n) == Some(c));
        let ends = self.peek_after(length).is_none_or(|c| c.is_whitespace() || "()\"".contains(c));
        if is_here && ends {
            self.at += length;
            self.skip_spaces();
        }
        is_here && ends
    }

    fn either(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.all_of()?];
        loop {
            let at = self.at;
            if !self.keyword("OR") {
                break;
            }
            if self.at_end_of_group() {
                return Err(QueryError::new(
                    at,
                    "nothing stands after OR",
                    "write a word on both sides: refund OR money",
                ));
            }
            parts.push(self.all_of()?);
        }
        Ok(one_or(parts, Expr::Or))
    }

    fn at_end_of_group(&self) -> bool {
        matches!(self.peek(), None | Some(')'))
    }

    fn at_or(&mut self) -> bool {
        let at = self.at;
        let found = self.keyword("OR");
        self.at = at;
        found
    }

    fn all_of(&mut self) -> Parsed<Expr> {
        let mut parts = Vec::new();
        loop {
            self.skip_spaces();
            if self.at_end_of_group() || self.at_or() {
                break;
            }
            let at = self.at;
            if self.keyword("AND") && (parts.is_empty() || self.at_end_of_group()) {
                return Err(QueryError::new(
                    at,
                    "AND needs a word on both sides",
                    "words that stand side by side are both required: AND may be left out",
                ));
            }
            parts.push(self.unary()?);
        }
        if parts.is_empty() {
            return Err(QueryError::new(
                self.at,
                "a word is missing here",
                "write what to look for, or put OR in double quotes to find the word",
            ));
        }
        Ok(one_or(parts, Expr::And))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let at = self.at;
        let minus = self.peek() == Some('-');
        if !minus && !self.keyword("NOT") {
            return self.near();
        }
        if minus {
            self.at += 1;
        }
        if self.peek().is_none_or(|c| c.is_whitespace() || c == ')' || c == '-') {
            return Err(QueryError::new(
                at,
                "nothing stands after the minus or NOT",
                "write it directly before what to leave out: refund -card",
            ));
        }
        Ok(Expr::Not(Box::new(self.near()?)))
    }

    fn near(&mut self) -> Parsed<Expr> {
        let operand = self.operand()?;
        let mut then = Vec::new();
        loop {
            self.skip_spaces();
            let at = self.at;
            let ordered = match self.peek() {
                Some('~') => false,
                Some('>') => true,
                _ => break,
            };
            let max = self.distance()?;
            let Operand::Words(_) = operand else { return Err(words_only(at)) };
            if self.at_end_of_group() {
                return Err(QueryError::new(
                    at,
                    "the second word is missing",
                    "write one on both sides: refund ~4 delay",
                ));
            }
            let Operand::Words(words) = self.operand()? else { return Err(words_only(at)) };
            then.push((Gap { max, ordered }, words));
        }
        Ok(match operand {
            Operand::Words(first) if !then.is_empty() => Expr::Near { first, then },
            Operand::Words(words) => Expr::Words(words),
            Operand::Other(expr) => expr,
        })
    }

    /// Reads `~`, `~4` or `>4` and the spaces after it.
    fn distance(&mut self) -> Parsed<u32> {
        self.at += 1;
        let start = self.at;
        let digits: String =
            self.chars[start..].iter().take_while(|c| c.is_ascii_digit()).collect();
        let after = self.peek_after(digits.len());
        let is_number = !digits.is_empty() && after.is_none_or(char::is_whitespace);
        let max = if is_number {
            self.at += digits.len();
            let max = digits.parse().unwrap_or(u32::MAX);
            if !(1..=MAX_DISTANCE).contains(&max) {
                return Err(QueryError::new(
                    start,
                    format!("{digits} is no distance"),
                    format!("neighbours are 1 word apart, {MAX_DISTANCE} is the most"),
                ));
            }
            max
        } else {
            DEFAULT_DISTANCE
        };
        self.skip_spaces();
        Ok(max)
    }

    fn operand(&mut self) -> Parsed<Operand> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(QueryError::new(
                self.at,
                "the query has too many parts",
                format!("keep it within {MAX_PARTS} words and values"),
            ));
        }
        match self.peek() {
            Some('(') => self.group().map(Operand::Other),
            Some('"') => {
                let at = self.at;
                let text = self.quoted()?;
                Ok(Operand::Words(Words { at, text }))
            }
            Some(c @ ('~' | '>')) => Err(QueryError::new(
                self.at,
                format!("the first word of `{c}` is missing"),
                format!("write one on both sides: refund {c}4 delay"),
            )),
            _ => self.word(),
        }
    }

    fn group(&mut self) -> Parsed<Expr> {
        let at = self.at;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(QueryError::new(
                at,
                "the parentheses are too deep",
                format!("{MAX_DEPTH} levels are the most"),
            ));
        }
        self.at += 1;
        self.skip_spaces();
        let expr = self.either()?;
        if self.peek() != Some(')') {
            return Err(QueryError::new(
                at,
                "this parenthesis is never closed",
                "write `)` where the group ends",
            ));
        }
        self.at += 1;
        self.depth -= 1;
        Ok(expr)
    }

    /// The text between two quotes; a quote inside is written twice.
    fn quoted(&mut self) -> Parsed<String> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.peek() {
                Some('"') if self.peek_after(1) == Some('"') => {
                    text.push('"');
                    self.at += 2;
                }
                Some('"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(c) => {
                    text.push(c);
                    self.at += 1;
                }
                None => {
                    return Err(QueryError::new(
                        start,
                        "this quote is never closed",
                        "write a second double quote where the phrase ends",
                    ));
                }
            }
        }
    }

    fn word(&mut self) -> Parsed<Operand> {
        let at = self.at;
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && !"()\"".contains(*c)) {
            text.push(c);
            self.at += 1;
            if c == ':' && is_field_name(&text[..text.len() - 1]) {
                text.pop();
                return self.field(at, &text).map(Operand::Other);
            }
        }
        if text == "*" {
            return Ok(Operand::Other(Expr::All));
        }
        if let Some(star) = text.find('*') {
            let before = text[..star].chars().count();
            if star + 1 < text.len() || before < 1 {
                return Err(QueryError::new(
                    at + before,
                    "a star may stand only at the end of a word",
                    "write the beginning of the word: refun*",
                ));
            }
            text.pop();
            return Ok(Operand::Other(Expr::Prefix(Words { at, text })));
        }
        Ok(Operand::Words(Words { at, text }))
    }

    fn field(&mut self, at: usize, name: &str) -> Parsed<Expr> {
        let (Some(kind), Some(name)) = (kind_of(name), full_name_of(name)) else {
            let names: Vec<_> = field_names().collect();
            return Err(QueryError::new(
                at,
                format!("there is no field `{name}`"),
                format!(
                    "fields are {} (attributes as attributes.NAME); to find the words \
                     themselves, put them in double quotes",
                    names.join(", ")
                ),
            ));
        };
        let value_at = self.at;
        if self.peek() == Some('"') {
            let value = FieldValue::Exact(self.quoted()?);
            return Ok(Expr::Field { at: value_at, name, value });
        }
        let mut text = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace() && *c != ')') {
            text.push(c);
            self.at += 1;
        }
        if text.is_empty() {
            return Err(QueryError::new(
                value_at,
                format!("the value of {name} is missing"),
                format!("write it directly after the colon: {name}:VALUE"),
            ));
        }
        Ok(Expr::Field { at: value_at, name, value: field_value(kind, text) })
    }
}

fn words_only(at: usize) -> QueryError {
    QueryError::new(
        at,
        "`~` and `>` stand between words or phrases",
        "write a word or a phrase in double quotes on both sides: refund ~4 \"bank account\"",
    )
}

fn one_or(mut parts: Vec<Expr>, many: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

/// Field names are words of ASCII letters; an attribute's name may be anything after the dot.
fn is_field_name(text: &str) -> bool {
    let head = text.split('.').next().unwrap_or("");
    !head.is_empty() && head.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
