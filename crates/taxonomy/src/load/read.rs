//! Reads values of the YAML tree as what is wanted, or says what stands there instead.

use crate::problem::{Place, Problems};
use crate::yaml::{Node, Value, is_bool, is_null, is_number};

/// Fields of one thing; far above what any has.
const MOST_FIELDS: usize = 100;

/// A text. Unquoted booleans, numbers and nothing are refused: different YAML readers see
/// different things in them.
pub(super) fn text(node: &Node, problems: &mut Problems) -> Option<String> {
    match &node.value {
        Value::Scalar(text, true) if is_null(text) || is_bool(text) || is_number(text) => {
            let hint = format!("put it in quotes: \"{text}\"");
            problems.error(
                node.place,
                format!("a text is wanted, not {}", node.kind()),
                Some(&hint),
            );
            None
        }
        Value::Scalar(text, _) if text.trim().is_empty() => {
            problems.error(node.place, "the text is empty", None);
            None
        }
        Value::Scalar(text, _) => Some(text.clone()),
        _ => {
            problems.error(node.place, format!("a text is wanted, not {}", node.kind()), None);
            None
        }
    }
}

/// A mapping's key. `no` is the Norwegian code here, so keys need no quotes.
pub(super) fn key(node: &Node, problems: &mut Problems) -> Option<String> {
    match &node.value {
        Value::Scalar(text, _) => Some(text.clone()),
        _ => {
            problems.error(node.place, "a key must be a word", None);
            None
        }
    }
}

/// A decimal number in millionths; quoted ones too.
pub(super) fn number(node: &Node) -> Option<i64> {
    let Value::Scalar(text, _) = &node.value else { return None };
    decimal_micros(text.trim())
}

/// An exact decimal in millionths.
fn decimal_micros(text: &str) -> Option<i64> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(part) || part.len() > 6 {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let part: i64 = format!("{part:0<6}").parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(part)?.checked_mul(sign)
}

/// A length of time in milliseconds: `14d`, `36h`, `90m`, `45s`.
pub(super) fn duration_ms(node: &Node, problems: &mut Problems) -> Option<i64> {
    let written = match &node.value {
        Value::Scalar(text, _) => text.trim(),
        _ => "",
    };
    let ms = length_ms(written);
    if ms.is_none() {
        let hint = Some("write a whole number and d, h, m or s, such as 14d");
        problems.error(node.place, format!("`{written}` is no length of time"), hint);
    }
    ms
}

/// The same from a text.
pub(super) fn length_ms(written: &str) -> Option<i64> {
    let unit_ms = match written.chars().last()? {
        'd' => 86_400_000,
        'h' => 3_600_000,
        'm' => 60_000,
        's' => 1_000,
        _ => return None,
    };
    let amount = written.get(..written.len().saturating_sub(1))?;
    if !amount.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    amount.parse::<i64>().ok()?.checked_mul(unit_ms).filter(|ms| *ms > 0)
}

/// A list's items.
pub(super) fn list<'n>(node: &'n Node, problems: &mut Problems) -> Vec<&'n Node> {
    match &node.value {
        Value::List(items) => items.iter().collect(),
        _ => {
            let hint = Some("write it as [one, two]");
            problems.error(node.place, format!("a list is wanted, not {}", node.kind()), hint);
            Vec::new()
        }
    }
}

/// A list of texts.
pub(super) fn texts(node: &Node, problems: &mut Problems) -> Vec<String> {
    list(node, problems).into_iter().filter_map(|item| text(item, problems)).collect()
}

/// A mapping's entries.
pub(super) fn map<'n>(node: &'n Node, problems: &mut Problems) -> Vec<(&'n Node, &'n Node)> {
    match &node.value {
        Value::Map(entries) => entries.iter().map(|(key, value)| (key, value)).collect(),
        _ => {
            let hint = Some("write it as {key: value}");
            problems.error(node.place, format!("a mapping is wanted, not {}", node.kind()), hint);
            Vec::new()
        }
    }
}

/// The fields of a mapping, each taken once; what is left over is unknown.
pub(super) struct Fields<'n> {
    what: &'static str,
    pub place: Place,
    entries: Vec<(String, Place, &'n Node)>,
    asked: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    pub fn of(node: &'n Node, what: &'static str, problems: &mut Problems) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let message = format!("{what} must be a mapping, not {}", node.kind());
            problems.error(node.place, message, Some("write it as {key: value}"));
            return None;
        };
        if entries.len() > MOST_FIELDS {
            let message =
                format!("{what} has {} fields, {MOST_FIELDS} are the most", entries.len());
            problems.error(node.place, message, None);
            return None;
        }
        let mut fields: Vec<(String, Place, &Node)> = Vec::new();
        for (name, value) in entries {
            let Some(text) = key(name, problems) else { continue };
            if fields.iter().any(|(known, ..)| *known == text) {
                problems.error(name.place, format!("`{text}` is given twice"), None);
                continue;
            }
            fields.push((text, name.place, value));
        }
        Some(Fields { what, place: node.place, entries: fields, asked: Vec::new() })
    }

    /// The value of a field.
    pub fn take(&mut self, name: &'static str) -> Option<&'n Node> {
        self.asked.push(name);
        let at = self.entries.iter().position(|(known, ..)| known == name)?;
        Some(self.entries.remove(at).2)
    }

    /// The field as text.
    pub fn text(&mut self, name: &'static str, problems: &mut Problems) -> Option<String> {
        self.take(name).and_then(|node| text(node, problems))
    }

    /// The field as text, which must be there.
    pub fn required_text(&mut self, name: &'static str, problems: &mut Problems) -> Option<String> {
        let Some(node) = self.take(name) else {
            problems.error(self.place, format!("{} needs `{name}`", self.what), None);
            return None;
        };
        text(node, problems)
    }

    /// The field as one of some words.
    pub fn word<T: Copy>(
        &mut self,
        name: &'static str,
        words: &[(&str, T)],
        problems: &mut Problems,
    ) -> Option<T> {
        let node = self.take(name)?;
        let written = text(node, problems)?;
        let found = words.iter().find(|(word, _)| *word == written).map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let hint = format!("one of {}", all.join(", "));
            problems.error(node.place, format!("`{written}` is no `{name}`"), Some(&hint));
        }
        found
    }

    /// The names that begin with the same letters, for a hint at a typing error.
    pub fn finish(self, problems: &mut Problems) {
        let Fields { what, entries, asked, .. } = self;
        for (name, place, _) in entries {
            let near = asked.iter().filter(|known| likeness(known, &name)).copied().next();
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known are {}", asked.join(", ")),
            };
            problems.error(place, format!("{what} has no `{name}`"), Some(&hint));
        }
    }
}

/// Whether two words differ by a slip: one letter more, less, other, or two swapped.
fn likeness(a: &str, b: &str) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 1 {
        return false;
    }
    let start = a.iter().zip(&b).take_while(|(x, y)| x == y).count();
    let end = a.iter().rev().zip(b.iter().rev()).take_while(|(x, y)| x == y).count();
    let longest = a.len().max(b.len());
    start + end + 2 >= longest && longest > 2
}
