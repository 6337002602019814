//! Rust source as the rules see it: code apart from comments and literals, tests apart from the
//! rest. No parser, on purpose: braces, words and paths are all the rules need.

use std::ops::RangeInclusive;

/// One file of Rust.
pub struct Source {
    /// Relative to the repository, with `/`.
    pub path: String,
    pub text: String,
    /// The text with comments and the insides of literals as blanks, line for line, char for char.
    pub code: Vec<char>,
    /// How many chars of each line are inside a literal.
    pub literal_chars: Vec<usize>,
    /// The lines (from 1) of items under `#[cfg(test)]`.
    pub test_lines: Vec<RangeInclusive<usize>>,
}

/// A function with a body.
pub struct Function {
    pub name: String,
    /// Lines from 1, both included.
    pub lines: RangeInclusive<usize>,
}

/// A `mod name;` or `mod name { }`.
pub struct Module {
    pub name: String,
    pub line: usize,
    /// Only under `#[cfg(test)]`.
    pub for_tests: bool,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        let (code, literal_chars) = blank(text);
        let mut source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            code,
            literal_chars,
            test_lines: Vec::new(),
        };
        source.test_lines = source.find_test_items();
        source
    }

    pub fn line_of(&self, position: usize) -> usize {
        1 + self.code[..position].iter().filter(|c| **c == '\n').count()
    }

    pub fn is_test_line(&self, line: usize) -> bool {
        self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// Positions of a whole word in the code.
    pub fn words(&self, word: &str) -> Vec<usize> {
        let word: Vec<char> = word.chars().collect();
        (0..self.code.len().saturating_sub(word.len() - 1))
            .filter(|&at| self.code[at..at + word.len()] == word[..])
            .filter(|&at| at == 0 || !is_name(self.code[at - 1]))
            .filter(|&at| self.code.get(at + word.len()).is_none_or(|c| !is_name(*c)))
            .collect()
    }

    /// Functions that have a body and a name of their own (those a macro names are left out).
    pub fn functions(&self) -> Vec<Function> {
        let mut functions = Vec::new();
        for at in self.words("fn") {
            let name = self.name_after(at + 2);
            if name.is_empty() {
                continue;
            }
            if let Some(end) = self.block_end(at) {
                functions.push(Function { name, lines: self.line_of(at)..=self.line_of(end) });
            }
        }
        functions
    }

    pub fn modules(&self) -> Vec<Module> {
        let mut modules = Vec::new();
        for at in self.words("mod") {
            let line = self.line_of(at);
            let name = self.name_after(at + 3);
            if !name.is_empty() {
                modules.push(Module { name, line, for_tests: self.is_test_line(line) });
            }
        }
        modules
    }

    /// All paths in `use` trees, written out, with their lines.
    pub fn imports(&self) -> Vec<(usize, String)> {
        let mut imports = Vec::new();
        for (at, end) in self.use_statements() {
            let tree: String = self.code[at + 3..end].iter().collect();
            let mut paths = Vec::new();
            expand_use("", &tree, &mut paths);
            imports.extend(paths.into_iter().map(|path| (self.line_of(at), path)));
        }
        imports
    }

    /// All paths `a::b` of the code outside `use`, with their lines; macro names are left out.
    pub fn paths(&self) -> Vec<(usize, String)> {
        let mut code = self.code.clone();
        for (at, end) in self.use_statements() {
            code[at..end].iter_mut().filter(|c| **c != '\n').for_each(|c| *c = ' ');
        }
        let mut paths = Vec::new();
        let mut at = 0;
        while at < code.len() {
            let start = at;
            while at < code.len() && (is_name(code[at]) || code[at] == ':') {
                at += 1;
            }
            let path: String = code[start..at].iter().collect();
            if path.contains("::") && code.get(at) != Some(&'!') {
                paths.push((self.line_of(start), path.trim_matches(':').to_owned()));
            }
            at = at.max(start + 1);
        }
        paths
    }

    fn use_statements(&self) -> Vec<(usize, usize)> {
        let is_statement = |at: &usize| self.code.get(at + 3).is_some_and(|c| c.is_whitespace());
        let end = |at: usize| self.code[at..].iter().position(|c| *c == ';').map(|n| at + n);
        self.words("use")
            .into_iter()
            .filter(is_statement)
            .filter_map(|at| Some((at, end(at)?)))
            .collect()
    }

    fn name_after(&self, at: usize) -> String {
        let rest = self.code[at..].iter().skip_while(|c| c.is_whitespace());
        rest.take_while(|c| is_name(**c)).collect()
    }

    /// The closing brace of the block that starts after `at`; `None` if the item ends before one.
    fn block_end(&self, at: usize) -> Option<usize> {
        let mut nested = 0_usize;
        let mut braces = 0_usize;
        for (position, c) in self.code.iter().enumerate().skip(at) {
            match c {
                '(' | '[' if braces == 0 => nested += 1,
                ')' | ']' if braces == 0 => nested = nested.checked_sub(1)?,
                ';' if braces == 0 && nested == 0 => return None,
                '{' => braces += 1,
                '}' => {
                    braces = braces.checked_sub(1)?;
                    if braces == 0 && nested == 0 {
                        return Some(position);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn find_test_items(&self) -> Vec<RangeInclusive<usize>> {
        let mark: Vec<char> = "#[cfg(test".chars().collect();
        let starts = self.code.windows(mark.len()).enumerate();
        let starts = starts.filter(|(_, window)| *window == mark.as_slice());
        let starts: Vec<usize> = starts.map(|(at, _)| at).collect();
        let mut items = Vec::new();
        for at in starts {
            let item_end = self.block_end(at).or_else(|| {
                self.code[at..].iter().position(|c| *c == ';').map(|length| at + length)
            });
            if let Some(end) = item_end {
                items.push(self.line_of(at)..=self.line_of(end));
            }
        }
        items
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn expand_use(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim().trim_start_matches("::");
    let Some((head, rest)) = tree.split_once('{') else {
        let path = tree.split_whitespace().next().unwrap_or_default();
        let path = format!("{prefix}{path}");
        let path = path.trim_end_matches("::*").trim_end_matches("::self");
        paths.push(path.to_owned());
        return;
    };
    let prefix = format!("{prefix}{}", head.trim());
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                expand_use(&prefix, &inside[start..at], paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside[start..].trim().is_empty() {
        expand_use(&prefix, &inside[start..], paths);
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Comment,
    Literal,
}

fn blank(text: &str) -> (Vec<char>, Vec<usize>) {
    let text: Vec<char> = text.chars().collect();
    let mut code = Vec::with_capacity(text.len());
    let mut literal_chars = vec![0];
    let mut at = 0;
    while at < text.len() {
        let (kind, length) = token(&text, at);
        for &c in &text[at..at + length] {
            if c == '\n' {
                literal_chars.push(0);
            } else if let (Kind::Literal, Some(count)) = (kind, literal_chars.last_mut()) {
                *count += 1;
            }
            let keep = c == '\n' || matches!(kind, Kind::Code);
            code.push(if keep { c } else { ' ' });
        }
        at += length;
    }
    (code, literal_chars)
}

/// What starts at a position, and its length in chars (at least 1).
fn token(text: &[char], at: usize) -> (Kind, usize) {
    let next = text.get(at + 1).copied();
    let starts_word = at == 0 || !is_name(text[at - 1]);
    match text[at] {
        '/' if next == Some('/') => {
            (Kind::Comment, text[at..].iter().take_while(|c| **c != '\n').count())
        }
        '/' if next == Some('*') => (Kind::Comment, block_comment_length(&text[at..])),
        'r' if starts_word || follows_prefix(text, at) => match raw_string_length(&text[at..]) {
            Some(length) => (Kind::Literal, length),
            None => (Kind::Code, 1),
        },
        '"' => (Kind::Literal, quoted_length(&text[at..], '"')),
        '\'' if next == Some('\\') => (Kind::Literal, quoted_length(&text[at..], '\'')),
        '\'' if text.get(at + 2) == Some(&'\'') => (Kind::Literal, 3),
        _ => (Kind::Code, 1),
    }
}

/// Whether the `r` at this place belongs to `br"` or `cr"`.
fn follows_prefix(text: &[char], at: usize) -> bool {
    at > 0 && matches!(text[at - 1], 'b' | 'c') && (at == 1 || !is_name(text[at - 2]))
}

fn block_comment_length(text: &[char]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        match (text[at], text.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    text.len()
}

fn raw_string_length(text: &[char]) -> Option<usize> {
    let hashes = text[1..].iter().take_while(|c| **c == '#').count();
    if text.get(1 + hashes) != Some(&'"') {
        return None;
    }
    let mut end = vec!['"'];
    end.resize(1 + hashes, '#');
    let body = &text[2 + hashes..];
    let length = body.windows(end.len()).position(|window| window == end.as_slice());
    Some(length.map_or(text.len(), |length| 2 + hashes + length + end.len()))
}

fn quoted_length(text: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(text.len())
}
