//! YAML as a tree that knows where everything stands. Values keep what was typed: whether a word
//! is a string or a YAML boolean is for the reader of the tree to refuse.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use crate::problem::{Place, Problems};

/// The longest file read. The catalogue of a large organisation has a tenth of it.
const LONGEST_BYTES: usize = 4 << 20;
/// Nodes in one file, aliases written out. Far above any real taxonomy.
const MOST_NODES: usize = 500_000;
/// Bytes of text in one file, aliases written out.
const MOST_TEXT_BYTES: usize = 16 << 20;
const DEEPEST: usize = 32;

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub place: Place,
    pub value: Value,
}

#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// The text, and whether it was written without quotes.
    Scalar(String, bool),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(text, true) if is_null(text) => "nothing",
            Value::Scalar(text, true) if is_bool(text) => "a boolean",
            Value::Scalar(text, true) if is_number(text) => "a number",
            Value::Scalar(..) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// Nodes and bytes of text, its own and those below.
    fn size(&self) -> (usize, usize) {
        let add = |(nodes, bytes): (usize, usize), (n, b)| (nodes + n, bytes + b);
        match &self.value {
            Value::Scalar(text, _) => (1, text.len()),
            Value::List(items) => items.iter().map(Node::size).fold((1, 0), add),
            Value::Map(entries) => {
                entries.iter().flat_map(|(k, v)| [k.size(), v.size()]).fold((1, 0), add)
            }
        }
    }
}

/// Reads one document. None when it cannot be read; the problems say why.
pub(crate) fn read(yaml: &str, problems: &mut Problems) -> Option<Node> {
    if yaml.len() > LONGEST_BYTES {
        let message = format!("the file has {} bytes, {LONGEST_BYTES} are the most", yaml.len());
        let hint = Some("keep one taxonomy per file, and long lists of words in `words:`");
        problems.error(Place { line: 1, column: 1 }, message, hint);
        return None;
    }
    let mut reader = Reader::default();
    for next in Parser::new_from_str(yaml.trim_start_matches('\u{feff}')) {
        let step = match next {
            Ok((event, span)) => reader.take(event, &span),
            Err(error) => {
                let marker = error.marker();
                let at = place(marker.line(), marker.col());
                problems.error(at, format!("not valid YAML: {}", error.info()), None);
                return None;
            }
        };
        if let Err((at, message)) = step {
            problems.error(at, message, None);
            return None;
        }
    }
    if reader.root.is_none() {
        problems.error(Place { line: 1, column: 1 }, "the file is empty", None);
    }
    reader.root
}

fn place(line: usize, column: usize) -> Place {
    Place { line: line as u32, column: column as u32 + 1 }
}

/// A collection that is not closed yet, with the anchor it defines.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

#[derive(Default)]
struct Reader {
    anchors: BTreeMap<usize, Node>,
    stack: Vec<Open>,
    nodes: usize,
    text_bytes: usize,
    root: Option<Node>,
}

type Step = Result<(), (Place, String)>;

impl Reader {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Step {
        let at = place(span.start.line(), span.start.col());
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let node = Node { place: at, value: Value::Scalar(text.into_owned(), plain) };
                self.add(node, anchor)
            }
            Event::SequenceStart(_, anchor, _) => self.open(at, Value::List(Vec::new()), anchor),
            Event::MappingStart(_, anchor, _) => self.open(at, Value::Map(Vec::new()), anchor),
            Event::SequenceEnd | Event::MappingEnd => match self.stack.pop() {
                Some(open) => self.add(open.node, open.anchor),
                None => Ok(()),
            },
            Event::Alias(id) => {
                let Some(size) = self.anchors.get(&id).map(Node::size) else {
                    return Err((at, "an alias to something not finished".to_owned()));
                };
                self.count(at, size)?;
                match self.anchors.get(&id).cloned() {
                    Some(node) => self.place(node),
                    None => Ok(()),
                }
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                Err((at, "more than one YAML document".to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn open(&mut self, at: Place, value: Value, anchor: usize) -> Step {
        if self.stack.len() >= DEEPEST {
            return Err((at, format!("nested deeper than {DEEPEST} levels")));
        }
        self.stack.push(Open { node: Node { place: at, value }, anchor, key: None });
        Ok(())
    }

    /// Takes note of what memory a copy or a new node will need, before it is made.
    fn count(&mut self, at: Place, (nodes, bytes): (usize, usize)) -> Step {
        self.nodes += nodes;
        self.text_bytes += bytes;
        if self.nodes > MOST_NODES {
            return Err((at, format!("more than {MOST_NODES} values, aliases written out")));
        }
        if self.text_bytes > MOST_TEXT_BYTES {
            return Err((at, format!("more than {MOST_TEXT_BYTES} bytes, aliases written out")));
        }
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Step {
        let own_bytes = match &node.value {
            Value::Scalar(text, _) => text.len(),
            Value::List(_) | Value::Map(_) => 0,
        };
        self.count(node.place, (1, own_bytes))?;
        if anchor > 0 {
            self.count(node.place, node.size())?;
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node)
    }

    /// Puts a node where it belongs.
    fn place(&mut self, node: Node) -> Step {
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.node.value {
            Value::List(items) => items.push(node),
            Value::Map(entries) => match open.key.take() {
                None => open.key = Some(node),
                Some(key) => entries.push((key, node)),
            },
            Value::Scalar(..) => {}
        }
        Ok(())
    }
}

pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// What some YAML reader takes for a boolean: the "no" of a word list is the classic.
pub(crate) fn is_bool(text: &str) -> bool {
    ["true", "false", "yes", "no", "on", "off"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

pub(crate) fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).trim_start_matches('.');
    digits.starts_with(|c: char| c.is_ascii_digit())
        && (text.parse::<f64>().is_ok()
            || digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '_' | ':' | '.'))
            || digits.starts_with("0x")
            || digits.starts_with("0o"))
}
