//! Patterns over exact values: `*` stands for any characters.

/// Longer patterns are refused.
const MAX_CHARS: usize = 256;
/// More stars are refused: each one multiplies the automaton.
const MAX_STARS: usize = 8;

/// What a pattern asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Glob {
    /// No star: the value itself.
    Exact(String),
    /// `*`: any value.
    Any,
    /// `billing.*`: values that begin so.
    Prefix(String),
    /// Any other, as a regular expression over the whole value.
    Regex(String),
}

impl Glob {
    /// Reads a pattern; an error says what is wrong with it.
    pub(crate) fn parse(pattern: &str) -> Result<Glob, String> {
        let stars = pattern.matches('*').count();
        if pattern.chars().count() > MAX_CHARS || stars > MAX_STARS {
            return Err(format!(
                "a pattern may have {MAX_CHARS} characters and {MAX_STARS} stars at most"
            ));
        }
        if stars == 0 {
            return Ok(Glob::Exact(pattern.to_owned()));
        }
        if pattern.chars().all(|c| c == '*') {
            return Ok(Glob::Any);
        }
        match pattern.strip_suffix('*') {
            Some(prefix) if stars == 1 => Ok(Glob::Prefix(prefix.to_owned())),
            _ => Ok(Glob::Regex(regex(pattern))),
        }
    }
}

fn regex(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() * 2);
    for c in pattern.chars() {
        match c {
            '*' => out.push_str("(.|\\n)*"),
            '\\' | '.' | '+' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' | '#'
            | '&' | '-' | '~' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}
