//! From bytes to text that is safe to parse, and from parser errors to rejects.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::error::Category;

use crate::objects::Objects;
use crate::reject::{Cause, Reject};

/// The payload as text without a byte order mark, within size and depth.
pub(crate) fn text(value: &[u8], max_bytes: usize, max_depth: usize) -> Result<&str, Reject> {
    if value.len() > max_bytes {
        let found = value.len();
        let detail = format!("{found} bytes: expected at most {max_bytes} (limit max_bytes)");
        return Err(Reject::new(Cause::TooLarge, detail));
    }
    let text = std::str::from_utf8(value).map_err(|error| {
        let at = error.valid_up_to();
        Reject::new(Cause::InvalidUtf8, format!("byte {at}: expected UTF-8 text"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if is_too_deep(text.as_bytes(), max_depth) {
        let detail = format!("expected at most {max_depth} nested objects and arrays");
        return Err(Reject::new(Cause::TooDeep, detail));
    }
    match text.trim_ascii_start().as_bytes().first() {
        None => Err(Reject::new(Cause::Empty, "expected a JSON object, found nothing")),
        Some(b'{') => Ok(text),
        Some(_) => {
            // A broken document is not "some other JSON value".
            serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|e| syntax(&e))?;
            Err(Reject::new(Cause::NotAnObject, "line 1: expected a JSON object"))
        }
    }
}

fn is_too_deep(text: &[u8], max_depth: usize) -> bool {
    // `[` and `{` differ in one bit: this pass is cheap, and most records need no other.
    if text.iter().filter(|&&b| b | 0x20 == b'{').count() <= max_depth {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for &byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > max_depth {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Replaces escaped halves of surrogate pairs, as cut-off emojis leave them, by U+FFFD.
/// Returns the text itself where there are none.
pub(crate) fn mend_surrogates(text: &str) -> Cow<'_, str> {
    let mut mended = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        let start = at + found;
        let Some(unit) = escaped_unit(text, start) else {
            at = start + 2;
            if !text.is_char_boundary(at) {
                at = start + 1;
            }
            continue;
        };
        at = start + 6;
        let is_pair = (0xD800..0xDC00).contains(&unit)
            && escaped_unit(text, at).is_some_and(|low| (0xDC00..0xE000).contains(&low));
        if is_pair {
            at += 6;
        } else if (0xD800..0xE000).contains(&unit) {
            mended.push_str(text.get(kept..start).unwrap_or(""));
            mended.push_str("\\uFFFD");
            kept = at;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    mended.push_str(text.get(kept..).unwrap_or(""));
    Cow::Owned(mended)
}

/// The UTF-16 unit of a `\uXXXX` that starts at `at`.
fn escaped_unit(text: &str, at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then_some(())?;
    u32::from_str_radix(digits, 16).ok()
}

/// Parses a document, mending surrogates where the parser trips over them.
pub(crate) fn document(text: &str) -> Result<Value, Reject> {
    serde_json::from_str(text).or_else(|error| match mend_surrogates(text) {
        Cow::Owned(mended) => serde_json::from_str(&mended).map_err(|error| syntax(&error)),
        Cow::Borrowed(_) => Err(syntax(&error)),
    })
}

/// The reject for text that is not JSON. The parser's own words name no values here.
fn syntax(error: &serde_json::Error) -> Reject {
    let detail = match error.classify() {
        Category::Syntax | Category::Eof => error.to_string(),
        Category::Data | Category::Io => {
            format!("unreadable at line {} column {}", error.line(), error.column())
        }
    };
    Reject::new(Cause::InvalidJson, detail)
}

/// Reads a typed value; the reject names the JSON pointer and what was expected there.
pub(crate) fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, Reject> {
    serde_path_to_error::deserialize(Objects(value)).map_err(|error| {
        let pointer = pointer_of(error.path());
        mismatch(&pointer, &error.inner().to_string())
    })
}

/// Turns a type error into a reject. Only the names of fields and the part that says what was
/// expected are taken over; what was found may be the customer's words.
fn mismatch(pointer: &str, message: &str) -> Reject {
    if let Some(rest) = message.strip_prefix("missing field `") {
        let field = rest.split('`').next().unwrap_or("");
        let cause = if (pointer, field) == ("/contact", "id") {
            Cause::MissingContactId
        } else {
            Cause::MissingField
        };
        return Reject::new(cause, format!("{pointer}/{field}: expected the field to be there"));
    }
    let expected = match message.rsplit_once("expected ") {
        Some((_, expected)) => expected,
        None if message.contains("untagged enum") => "a string, number, boolean or null",
        None => "another value",
    };
    let is_time = expected.contains("date-time");
    let cause = if message.starts_with("invalid value: string") && is_time {
        Cause::BadTime
    } else if message.starts_with("invalid value") || message.starts_with("unknown variant") {
        Cause::BadValue
    } else {
        Cause::WrongType
    };
    Reject::at(cause, pointer, expected)
}

/// A JSON pointer; the keys in it are cut to a length that cannot carry a message.
fn pointer_of(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                let _ = write!(pointer, "/{index}");
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer.push('/');
                pointer.push_str(&field_name(key));
            }
            Segment::Unknown => pointer.push_str("/?"),
        }
    }
    pointer
}

/// A member's name as part of a JSON pointer, at most 40 characters of it.
pub(crate) fn field_name(key: &str) -> String {
    let mut name: String = key.chars().take(40).filter(|c| !c.is_control()).collect();
    if name.contains(['~', '/']) {
        name = name.replace('~', "~0").replace('/', "~1");
    }
    name
}

/// A member of an object, or nothing.
pub(crate) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object().and_then(|object| object.get(name))
}
