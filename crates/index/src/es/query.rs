//! The `query` part of the Elasticsearch request form.

use std::ops::Bound;

use serde_json::{Map, Value};

use crate::compile::{Compiler, Problem};
use crate::condition::{Condition, Occur};
use crate::error::{IndexError, Result};
use crate::query;
use crate::schema::{Asked, FieldKind};

/// Deeper queries are refused.
const MAX_DEPTH: usize = 20;
/// More clauses in all are refused.
const MAX_CLAUSES: usize = 1024;

const KINDS: &str = "bool, term, terms, range, match, match_phrase, prefix, wildcard, exists, ids, \
                     query_string, match_all and match_none are supported";

/// The languages every hit must have, where a filter at the top says so.
pub(crate) fn languages(query: &Value) -> Option<Vec<String>> {
    let query = query.as_object()?;
    if let Some(term) = query.get("term").and_then(|term| term.get("language")) {
        return Some(vec![scalar(term.get("value").unwrap_or(term))?]);
    }
    let parts = query.get("bool")?;
    ["must", "filter"].into_iter().find_map(|key| match parts.get(key)? {
        Value::Array(clauses) => clauses.iter().find_map(languages),
        clause => languages(clause),
    })
}

/// Translates one request.
pub(crate) struct Translator<'a> {
    compiler: Compiler<'a>,
    clauses: usize,
}

impl<'a> Translator<'a> {
    pub(crate) fn new(compiler: Compiler<'a>) -> Self {
        Translator { compiler, clauses: 0 }
    }

    /// One query object; `part` is its path in the request, for errors.
    pub(crate) fn query(&mut self, query: &Value, part: &str, depth: usize) -> Result<Condition> {
        self.clauses += 1;
        if depth > MAX_DEPTH || self.clauses > MAX_CLAUSES {
            return Err(IndexError::request(
                part,
                format!("at most {MAX_DEPTH} levels and {MAX_CLAUSES} clauses"),
            ));
        }
        let object = object(query, part)?;
        let mut entries = object.iter();
        let (Some((kind, body)), None) = (entries.next(), entries.next()) else {
            return Err(IndexError::request(part, format!("one kind is expected; {KINDS}")));
        };
        let part = format!("{part}.{kind}");
        match kind.as_str() {
            "bool" => self.boolean(body, &part, depth),
            "match_all" => Ok(Condition::All),
            "match_none" => Ok(Condition::Nothing),
            "query_string" => self.query_string(body, &part),
            "exists" => {
                let body = known(body, &part, &["field"])?;
                let name = body.get("field").and_then(Value::as_str).unwrap_or("");
                let asked = self.asked(name, &format!("{part}.field"))?;
                self.compiler.exists(&asked).map_err(|problem| IndexError::request(part, problem))
            }
            "ids" => self.ids(body, &part),
            "term" | "match" | "match_phrase" | "prefix" | "wildcard" | "range" | "terms" => {
                self.leaf(kind, body, &part)
            }
            _ => Err(IndexError::request(part, format!("not supported; {KINDS}"))),
        }
    }

    fn boolean(&mut self, body: &Value, part: &str, depth: usize) -> Result<Condition> {
        let keys = ["must", "filter", "should", "must_not", "minimum_should_match"];
        let body = known(body, part, &keys)?;
        let mut clauses = Vec::new();
        let mut optional = 0;
        for (key, occur) in [
            ("must", Occur::Must),
            ("filter", Occur::Must),
            ("should", Occur::Should),
            ("must_not", Occur::MustNot),
        ] {
            let parts = match body.get(key) {
                None => continue,
                Some(Value::Array(parts)) => parts.as_slice(),
                Some(one) => std::slice::from_ref(one),
            };
            for (n, one) in parts.iter().enumerate() {
                let query = self.query(one, &format!("{part}.{key}[{n}]"), depth + 1)?;
                clauses.push((occur, if key == "filter" { query.silent() } else { query }));
                optional += usize::from(occur == Occur::Should);
            }
        }
        let has_required = clauses.iter().any(|(occur, _)| *occur == Occur::Must);
        let default = usize::from(optional > 0 && !has_required);
        let needed = match body.get("minimum_should_match") {
            None => default,
            Some(value) => {
                value.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or_else(|| {
                    IndexError::request(
                        format!("{part}.minimum_should_match"),
                        "a whole number is expected",
                    )
                })?
            }
        };
        if needed > optional {
            return Ok(Condition::Nothing);
        }
        if needed == 0 {
            if !has_required {
                clauses.push((Occur::Must, Condition::All));
            }
            return Ok(Condition::all_of(clauses));
        }
        Ok(Condition::Bool { clauses, needed: Some(needed) })
    }

    fn query_string(&mut self, body: &Value, part: &str) -> Result<Condition> {
        let body = known(body, part, &["query"])?;
        let text = body.get("query").and_then(Value::as_str).unwrap_or("");
        let parsed = query::parse(text)?;
        self.compiler.expr(&parsed.0)
    }

    fn ids(&mut self, body: &Value, part: &str) -> Result<Condition> {
        let body = known(body, part, &["values"])?;
        let asked = self.asked("contact_key", part)?;
        let values = body.get("values").unwrap_or(&Value::Null);
        self.any_value(&asked, values, &format!("{part}.values"))
    }

    /// A query of the form `{kind: {field: …}}`.
    fn leaf(&mut self, kind: &str, body: &Value, part: &str) -> Result<Condition> {
        let body = object(body, part)?;
        let mut entries = body.iter();
        let (Some((name, body)), None) = (entries.next(), entries.next()) else {
            return Err(IndexError::request(part, "exactly one field is expected"));
        };
        let part = format!("{part}.{name}");
        let asked = self.asked(name, &part)?;
        if kind == "terms" {
            return self.any_value(&asked, body, &part);
        }
        let query = match kind {
            "range" => self.range(&asked, body, &part)?,
            "match" => {
                let options = options(body, &part, "query", &["operator"])?;
                self.matching(&asked, &options.0, options.1.get("operator"), &part)?
            }
            "match_phrase" => {
                let (text, options) = options(body, &part, "query", &["slop"])?;
                let slop = options.get("slop").map_or(Some(0), Value::as_u64);
                match slop.and_then(|slop| u32::try_from(slop).ok()) {
                    Some(slop) if slop <= query::MAX_DISTANCE => self.phrase(&asked, &text, slop),
                    _ => Err(format!("slop is a number up to {}", query::MAX_DISTANCE)),
                }
            }
            "prefix" => {
                let (text, _) = options(body, &part, "value", &[])?;
                if text.contains('*') {
                    Err("a prefix has no star".to_owned())
                } else {
                    self.compiler.pattern(&asked, &format!("{text}*"))
                }
            }
            "wildcard" => {
                let (text, _) = options(body, &part, "value", &[])?;
                self.compiler.pattern(&asked, &text)
            }
            _ => {
                let (text, _) = options(body, &part, "value", &[])?;
                self.compiler.exact(&asked, &text)
            }
        };
        query.map_err(|problem| IndexError::request(part, problem))
    }

    fn any_value(&mut self, asked: &Asked, values: &Value, part: &str) -> Result<Condition> {
        let values = values
            .as_array()
            .ok_or_else(|| IndexError::request(part, "a list of values is expected"))?;
        self.clauses += values.len();
        if self.clauses > MAX_CLAUSES {
            return Err(IndexError::request(part, format!("at most {MAX_CLAUSES} values")));
        }
        let mut each = Vec::with_capacity(values.len());
        for value in values {
            let text = scalar(value)
                .ok_or_else(|| IndexError::request(part, "values are texts or numbers"))?;
            let query = self.compiler.exact(asked, &text);
            each.push(query.map_err(|problem| IndexError::request(part, problem))?);
        }
        Ok(Condition::any_of(each))
    }

    /// Words of a text in any order; in other fields the exact value.
    fn matching(
        &self,
        asked: &Asked,
        text: &str,
        operator: Option<&Value>,
        part: &str,
    ) -> Result<std::result::Result<Condition, Problem>> {
        let all = match operator.map(|value| value.as_str().unwrap_or("")) {
            None | Some("or" | "OR") => false,
            Some("and" | "AND") => true,
            Some(_) => {
                let part = format!("{part}.operator");
                return Err(IndexError::request(part, "\"or\" or \"and\""));
            }
        };
        if asked.kind != FieldKind::Text {
            return Ok(self.compiler.exact(asked, text));
        }
        let words: Vec<Condition> = text
            .split_whitespace()
            .take(query::MAX_PARTS)
            .filter_map(|word| self.compiler.words(word))
            .collect();
        Ok(Ok(if all && !words.is_empty() {
            Condition::all_of(words.into_iter().map(|word| (Occur::Must, word)).collect())
        } else {
            Condition::any_of(words)
        }))
    }

    fn phrase(
        &self,
        asked: &Asked,
        text: &str,
        slop: u32,
    ) -> std::result::Result<Condition, Problem> {
        if asked.kind != FieldKind::Text {
            return self.compiler.exact(asked, text);
        }
        let found = self.compiler.sloppy(text, slop);
        found.ok_or_else(|| format!("`{text}` has no word in it"))
    }

    fn range(
        &self,
        asked: &Asked,
        body: &Value,
        part: &str,
    ) -> Result<std::result::Result<Condition, Problem>> {
        let body = known(body, part, &["gte", "gt", "lte", "lt", "format"])?;
        let format = body.get("format").and_then(Value::as_str);
        if format.is_some_and(|format| {
            !format
                .split("||")
                .all(|one| matches!(one, "epoch_millis" | "strict_date_optional_time"))
        }) {
            return Err(IndexError::request(
                format!("{part}.format"),
                "only strict_date_optional_time and epoch_millis are supported",
            ));
        }
        let bound = |with: &str, without: &str| {
            let both = (body.get(with), body.get(without));
            let (value, included) = match both {
                (Some(value), None) => (value, true),
                (None, Some(value)) => (value, false),
                (None, None) => return Ok(Bound::Unbounded),
                (Some(_), Some(_)) => {
                    let part = format!("{part}.{without}");
                    return Err(IndexError::request(part, format!("{with} is given as well")));
                }
            };
            let text = scalar(value)
                .ok_or_else(|| IndexError::request(part, "bounds are numbers, times or texts"))?;
            Ok(if included { Bound::Included(text) } else { Bound::Excluded(text) })
        };
        let (low, high) = (bound("gte", "gt")?, bound("lte", "lt")?);
        Ok(self.compiler.range(asked, low, high))
    }

    fn asked(&self, name: &str, part: &str) -> Result<Asked> {
        self.compiler.fields.asked(name).ok_or_else(|| {
            let names: Vec<_> = crate::field_names().collect();
            let problem = format!("there is no field `{name}`; fields are {}", names.join(", "));
            IndexError::request(part, problem)
        })
    }
}

fn object<'v>(value: &'v Value, part: &str) -> Result<&'v Map<String, Value>> {
    value.as_object().ok_or_else(|| IndexError::request(part, "an object is expected here"))
}

/// An object with no other keys than these.
fn known<'v>(value: &'v Value, part: &str, keys: &[&str]) -> Result<&'v Map<String, Value>> {
    let object = object(value, part)?;
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(IndexError::request(
            format!("{part}.{key}"),
            format!("not supported; {} may stand here", keys.join(", ")),
        )),
        None => Ok(object),
    }
}

/// The short form `value` or the long form `{main: value, option: …}`.
fn options(
    body: &Value,
    part: &str,
    main: &str,
    keys: &[&str],
) -> Result<(String, Map<String, Value>)> {
    if let Some(text) = scalar(body) {
        return Ok((text, Map::new()));
    }
    let mut all = vec![main];
    all.extend(keys);
    let body = known(body, part, &all)?;
    let text = body.get(main).and_then(scalar);
    let text = text.ok_or_else(|| {
        IndexError::request(format!("{part}.{main}"), "a text or a number is expected")
    })?;
    Ok((text, body.clone()))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}
