//! JSON Pointers and templates, split once when the adapter is loaded.

use serde_json::Value;

use super::evaluate::as_text;

/// Where a rule looks.
#[derive(Clone, Copy)]
pub(crate) struct View<'v> {
    /// The source's record.
    pub document: &'v Value,
    /// The element of `fan_out`, else the record again.
    pub element: &'v Value,
}

/// A compiled JSON Pointer (RFC 6901), from the document or (`@`) from the fanned-out element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer {
    from_element: bool,
    tokens: Vec<String>,
}

impl Pointer {
    /// Compiles `/a/b`, `@/a/b` or `@`; the error says what to write.
    pub(crate) fn parse(text: &str) -> Result<Pointer, String> {
        let (from_element, path) = match text.strip_prefix('@') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let tokens = match path.strip_prefix('/') {
            Some(rest) => rest.split('/').map(unescape).collect(),
            None if path.is_empty() && from_element => Vec::new(),
            None => {
                return Err(format!("`{text}` is no JSON Pointer: begin it with `/` (or `@/`)"));
            }
        };
        Ok(Pointer { from_element, tokens })
    }

    /// The value there, if any.
    pub(crate) fn get<'v>(&self, view: View<'v>) -> Option<&'v Value> {
        let root = if self.from_element { view.element } else { view.document };
        self.tokens.iter().try_fold(root, |value, token| match value {
            Value::Object(object) => object.get(token),
            Value::Array(items) => token.parse::<usize>().ok().and_then(|n| items.get(n)),
            _ => None,
        })
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.from_element {
            f.write_str("@")?;
        }
        self.tokens
            .iter()
            .try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// Text with `{/pointer}` places.
#[derive(Clone, Debug)]
pub(crate) struct Template(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Value(Pointer),
}

impl Template {
    /// Compiles a template; the error says what to write.
    pub(crate) fn parse(text: &str) -> Result<Template, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((place, after)) = after.split_once('}') else {
                return Err(format!("template `{text}`: close the place with `}}`"));
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Value(Pointer::parse(place)?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if parts.is_empty() {
            return Err("template is empty: write text with `{/pointer}` places".to_owned());
        }
        Ok(Template(parts))
    }

    /// The text; none where a place has no value.
    pub(crate) fn fill(&self, view: View<'_>) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Value(pointer) => filled.push_str(&as_text(pointer.get(view)?)?),
            }
        }
        Some(filled)
    }
}
