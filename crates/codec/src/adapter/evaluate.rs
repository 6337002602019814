//! Runs an adapter's rules over one record.

use quell_model::TimeMs;
use serde_json::{Map, Value};

use super::compile::{Allow, Derive, Origin, Place, Rule, Rules};
use super::fields::{FieldType, contact_field};
use super::pointer::{Pointer, View};
use crate::decode::Unmapped;
use crate::envelope::Change;
use crate::json::member;
use crate::reject::{Cause, Reject};

/// The attribute rule that takes over all members of an object.
const EVERY: &str = "*";
/// The most events that one record may become.
const MAX_FAN_OUT: usize = 1000;
/// The most unmapped values listed for one record.
const MAX_UNMAPPED: usize = 32;
/// The longest unmapped value listed, in characters.
const MAX_UNMAPPED_CHARS: usize = 64;

/// Maps a record to canonical events.
pub(crate) fn events(
    name: &str,
    rules: &Rules,
    change: &Change,
    unmapped: &mut Vec<Unmapped>,
) -> Result<Vec<Value>, Reject> {
    let document = &change.document;
    let whole = View { document, element: document };
    for (pointer, pattern) in &rules.conditions {
        let text = pointer.get(whole).and_then(as_text);
        let matches = match (pattern, &text) {
            (Some(pattern), Some(text)) => pattern.is_match(text),
            (Some(_), None) => false,
            (None, _) => pointer.get(whole).is_some(),
        };
        if !matches {
            let detail = format!("{pointer}: expected what adapter {name} matches");
            return Err(Reject::new(Cause::AdapterNoMatch, detail));
        }
    }
    let mut run = Run { name, change, unmapped };
    let Some(fan_out) = &rules.fan_out else {
        return Ok(run.event(rules, whole)?.into_iter().collect());
    };
    let Some(Value::Array(elements)) = fan_out.get(whole) else {
        return Err(run.reject(Cause::WrongType, fan_out, "an array to fan out"));
    };
    if elements.len() > MAX_FAN_OUT {
        return Err(run.reject(Cause::BadValue, fan_out, "at most 1000 elements"));
    }
    let mut events = Vec::with_capacity(elements.len());
    for element in elements {
        events.extend(run.event(rules, View { document, element })?);
    }
    Ok(events)
}

/// A scalar as text; none for null, lists and objects.
pub(crate) fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn scalars(members: Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    members.into_iter().filter(|(_, value)| !value.is_array() && !value.is_object())
}

struct Run<'r> {
    name: &'r str,
    change: &'r Change,
    unmapped: &'r mut Vec<Unmapped>,
}

impl Run<'_> {
    fn reject(&self, cause: Cause, at: &Pointer, expected: &str) -> Reject {
        let detail = format!("adapter {}: {at}: expected {expected}", self.name);
        Reject::new(cause, detail)
    }

    /// One canonical event; none where the adapter maps its type to null: not a contact's event.
    fn event(&mut self, rules: &Rules, view: View<'_>) -> Result<Option<Value>, Reject> {
        let mut event_type = match self.change.deleted {
            true => Some(Value::from("contact.deleted")),
            false => self.value("event_type", &rules.event_type, view)?,
        };
        if event_type == Some(Value::Null) {
            return Ok(None);
        }
        let mut event = Map::new();
        event.insert("schema_version".to_owned(), Value::from(1));
        let changed_at = self.change.changed_at.filter(|_| self.change.deleted);
        let event_time = match changed_at {
            Some(time) => Some(written(time)),
            None => self.value("event_time", &rules.event_time, view)?,
        };
        let event_id = self.value("event_id", &rules.event_id, view)?;
        let mut source = Map::new();
        for (name, rule) in &rules.source {
            put(&mut source, name, self.value(name, rule, view)?);
        }
        let mut contact = Map::new();
        for (name, rule) in &rules.contact {
            put(&mut contact, name, self.value(name, rule, view)?);
        }
        let mut attributes = Map::new();
        for (name, rule) in &rules.attributes {
            match (name.as_str(), self.value(name, rule, view)?) {
                (EVERY, Some(Value::Object(members))) => attributes.extend(scalars(members)),
                (EVERY, _) | (_, None) => {}
                (_, Some(value)) => {
                    attributes.insert(name.clone(), value);
                }
            }
        }
        if !attributes.is_empty() {
            contact.insert("attributes".to_owned(), Value::Object(attributes));
        }
        for derive in rules.derive.iter().filter(|derive| self.holds(derive, view)) {
            for (name, value) in &derive.set {
                match name.as_str() {
                    "event_type" if self.change.deleted => {}
                    "event_type" => event_type = Some(value.clone()),
                    _ => put(&mut contact, name, Some(value.clone())),
                }
            }
        }
        let Some(event_type) = event_type else {
            let detail = format!("adapter {}: /event_type: expected a mapped type", self.name);
            return Err(Reject::new(Cause::UnknownEventType, detail));
        };
        put(&mut event, "event_type", Some(event_type));
        put(&mut event, "event_time", event_time);
        put(&mut event, "event_id", event_id);
        event.insert("source".to_owned(), Value::Object(source));
        event.insert("contact".to_owned(), Value::Object(contact));
        Ok(Some(Value::Object(event)))
    }

    /// The value of one field: none is absent, null is cleared.
    fn value(&mut self, name: &str, rule: &Rule, view: View<'_>) -> Result<Option<Value>, Reject> {
        let found = origin(&rule.origin, view);
        let Some(mut value) = found.filter(|value| !value.is_null() || rule.default.is_none())
        else {
            return Ok(rule.default.clone());
        };
        if value.is_null() {
            return Ok(Some(value));
        }
        if let (Some(separator), Value::String(text)) = (&rule.split, &value) {
            let parts = text.split(separator.as_str()).map(str::trim);
            value = parts.filter(|part| !part.is_empty()).map(Value::from).collect();
        }
        if !rule.pick.is_empty() {
            match pick(rule, &value) {
                Some(picked) => value = picked,
                None => return Ok(rule.default.clone()),
            }
        }
        if let Some(allow) = &rule.allow {
            match allowed(allow, value, view) {
                Some(rest) => value = rest,
                None => return Ok(rule.default.clone()),
            }
        }
        if let Value::Object(members) = &mut value {
            members.retain(|name, _| !rule.except.contains(name));
        }
        value = each(value, |item| replaced(rule, item));
        if rule.map.is_some() {
            match self.mapped(name, rule, value) {
                Some(mapped) => value = mapped,
                None => return Ok(rule.default.clone()),
            }
        }
        if let Some(format) = &rule.format {
            let Some(time) = format.read(&value) else {
                let detail =
                    format!("adapter {}: {name}: expected {}", self.name, format.expected());
                return Err(Reject::new(Cause::BadTime, detail));
            };
            value = written(time);
        }
        if let (Some(scale), Some(number)) = (rule.scale, number(&value)) {
            value = Value::from(number * scale);
        }
        Ok(Some(coerced(value, rule.field_type)))
    }

    fn mapped(&mut self, name: &str, rule: &Rule, value: Value) -> Option<Value> {
        let map = rule.map.as_ref()?;
        let items = match value {
            Value::Array(items) => items,
            single => {
                let word = as_text(&single).unwrap_or_default();
                let mapped = map.get(&word).cloned();
                if mapped.is_none() {
                    self.note_unmapped(name, &word);
                }
                return mapped;
            }
        };
        let mut mapped = Vec::new();
        for word in items.iter().filter_map(as_text) {
            match map.get(&word) {
                Some(value) => mapped.push(value.clone()),
                None => self.note_unmapped(name, &word),
            }
        }
        Some(Value::Array(mapped))
    }

    fn note_unmapped(&mut self, field: &str, word: &str) {
        if self.unmapped.len() < MAX_UNMAPPED {
            let value = word.chars().take(MAX_UNMAPPED_CHARS).collect();
            self.unmapped.push(Unmapped { field: field.to_owned(), value });
        }
    }

    fn holds(&self, derive: &Derive, view: View<'_>) -> bool {
        let is_one_of = |wanted: &Option<Vec<String>>, found: Option<&Value>| match wanted {
            Some(wanted) => found.and_then(as_text).is_some_and(|text| wanted.contains(&text)),
            None => true,
        };
        let earlier = match (&self.change.before, &derive.before) {
            (Some(before), _) => derive.field.get(View { document: before, element: before }),
            (None, Some(pointer)) => pointer.get(view),
            (None, None) => None,
        };
        is_one_of(&derive.from, earlier) && is_one_of(&derive.to, derive.field.get(view))
    }
}

fn written(time: TimeMs) -> Value {
    Value::from(time.to_string())
}

fn origin(origin: &Origin, view: View<'_>) -> Option<Value> {
    match origin {
        Origin::FirstOf(places) => {
            let mut is_null = false;
            for place in places {
                let found = match place {
                    Place::Pointer(pointer) => pointer.get(view).cloned(),
                    Place::Template(template) => template.fill(view).map(Value::from),
                };
                match found {
                    Some(Value::Null) => is_null = true,
                    Some(value) => return Some(value),
                    None => {}
                }
            }
            is_null.then_some(Value::Null)
        }
        Origin::Constant(value) => Some(value.clone()),
        Origin::Template(template) => template.fill(view).map(Value::from),
        Origin::Find { list, members, take } => {
            let items = list.get(view)?.as_array()?;
            let matches = |item: &&Value| {
                members.iter().all(|(name, wanted)| {
                    let found = member(item, name).and_then(as_text);
                    found.is_some() && found == as_text(wanted)
                })
            };
            member(items.iter().find(matches)?, take).cloned()
        }
    }
}

/// The first item that the first pattern with any match picks.
fn pick(rule: &Rule, value: &Value) -> Option<Value> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    rule.pick.iter().find_map(|pattern| {
        let mut texts = items.iter().filter_map(as_text);
        texts.find(|text| pattern.is_match(text)).map(Value::from)
    })
}

fn allowed(allow: &Allow, value: Value, view: View<'_>) -> Option<Value> {
    let templates: Vec<String> = allow.templates.iter().filter_map(|t| t.fill(view)).collect();
    let passes = |item: &Value| {
        as_text(item).is_some_and(|text| {
            allow.exact.contains(&text)
                || templates.contains(&text)
                || allow.patterns.iter().any(|pattern| pattern.is_match(&text))
        })
    };
    match value {
        Value::Array(mut items) => {
            items.retain(passes);
            Some(Value::Array(items))
        }
        Value::Object(mut members) => {
            members.retain(|name, _| passes(&Value::from(name.as_str())));
            Some(Value::Object(members))
        }
        single => passes(&single).then_some(single),
    }
}

fn each(value: Value, change: impl Fn(Value) -> Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(change).collect(),
        single => change(single),
    }
}

fn replaced(rule: &Rule, value: Value) -> Value {
    let Value::String(text) = value else { return value };
    for (pattern, with) in &rule.replace {
        if pattern.is_match(&text) {
            return Value::from(pattern.replace(&text, with.as_str()).into_owned());
        }
    }
    Value::String(text)
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    }
}

/// Sources write ids as numbers and numbers as words; the canonical event has one way.
fn coerced(value: Value, field_type: FieldType) -> Value {
    match (field_type, value) {
        (FieldType::Text, value @ (Value::Number(_) | Value::Bool(_))) => {
            as_text(&value).map_or(value, Value::from)
        }
        (FieldType::Texts, Value::Array(items)) => {
            items.into_iter().map(|item| coerced(item, FieldType::Text)).collect()
        }
        (FieldType::Texts, single) => Value::Array(vec![coerced(single, FieldType::Text)]),
        (FieldType::Number, value @ Value::String(_)) => number(&value).map_or(value, Value::from),
        (FieldType::Whole, Value::String(text)) => match text.trim().parse::<i64>() {
            Ok(whole) => Value::from(whole),
            Err(_) => Value::String(text),
        },
        (FieldType::Whole, Value::Number(n)) => match n.as_f64() {
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 9e15 => Value::from(whole as i64),
            _ => Value::Number(n),
        },
        (FieldType::Flag, Value::String(text)) => match text.as_str() {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::String(text),
        },
        (_, value) => value,
    }
}

/// Puts a value at a dotted name; a name outside [`contact_field`] is a plain member.
fn put(object: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    let Some(value) = value else { return };
    match name.split_once('.') {
        Some((group, field)) if contact_field(name).is_some() => {
            let group = object.entry(group).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(members) = group {
                members.insert(field.to_owned(), value);
            }
        }
        _ => {
            object.insert(name.to_owned(), value);
        }
    }
}
