//! From the file as written to rules that can be run, collecting every problem on the way.

use std::collections::BTreeMap;

use quell_model::ContactEventType;
use regex::Regex;
use serde::Deserialize as _;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};

use super::fields::{CONTACT, FieldType, SOURCE, contact_field};
use super::pointer::{Pointer, Template};
use super::spec::{AllowSpec, ConditionSpec, DeriveSpec, FindSpec, RuleSpec, Spec};
use super::time::TimeFormat;
use super::{Adapter, Problem};

/// A compiled adapter.
#[derive(Debug)]
pub(crate) struct Rules {
    pub conditions: Vec<(Pointer, Option<Regex>)>,
    pub fan_out: Option<Pointer>,
    pub source: Vec<(String, Rule)>,
    pub event_type: Rule,
    pub event_time: Rule,
    pub event_id: Rule,
    pub contact: Vec<(String, Rule)>,
    pub attributes: Vec<(String, Rule)>,
    pub derive: Vec<Derive>,
}

/// How one field gets its value.
#[derive(Debug)]
pub(crate) struct Rule {
    pub origin: Origin,
    pub split: Option<String>,
    pub pick: Vec<Regex>,
    pub allow: Option<Allow>,
    pub except: Vec<String>,
    pub replace: Vec<(Regex, String)>,
    pub map: Option<BTreeMap<String, Value>>,
    pub default: Option<Value>,
    pub format: Option<TimeFormat>,
    pub scale: Option<f64>,
    pub field_type: FieldType,
}

/// One of several places where a value may be.
#[derive(Debug)]
pub(crate) enum Place {
    Pointer(Pointer),
    Template(Template),
}

impl Place {
    fn parse(text: &str) -> Result<Place, String> {
        match text.starts_with(['/', '@']) {
            true => Pointer::parse(text).map(Place::Pointer),
            false => Template::parse(text).map(Place::Template),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Origin {
    FirstOf(Vec<Place>),
    Constant(Value),
    Template(Template),
    Find { list: Pointer, members: BTreeMap<String, Value>, take: String },
}

#[derive(Debug)]
pub(crate) struct Allow {
    pub exact: Vec<String>,
    pub patterns: Vec<Regex>,
    pub templates: Vec<Template>,
}

#[derive(Debug)]
pub(crate) struct Derive {
    pub field: Pointer,
    pub before: Option<Pointer>,
    pub from: Option<Vec<String>>,
    pub to: Option<Vec<String>>,
    pub set: BTreeMap<String, Value>,
}

/// Parses and compiles a file.
pub(crate) fn adapter(yaml: &str, file: &str) -> Result<Adapter, Vec<Problem>> {
    let mut problems = Problems { file, found: Vec::new() };
    let options = serde_saphyr::options! { with_snippet: false };
    let spec: Spec = match serde_saphyr::from_str_with_options(yaml, options) {
        Ok(spec) => spec,
        Err(error) => {
            let location = error.location().unwrap_or(Location::UNKNOWN);
            problems.add(location, error.to_string());
            return Err(problems.found);
        }
    };
    let name = spec.adapter.value.clone();
    if name.is_empty() {
        problems.add(spec.adapter.referenced, "adapter: give it a name");
    }
    if spec.version.value != 1 {
        problems.add(spec.version.referenced, "version: this build reads version 1");
    }
    let rules = if spec.passthrough { None } else { problems.rules(spec) };
    match problems.found.is_empty() {
        true => Ok(Adapter { name, rules }),
        false => Err(problems.found),
    }
}

struct Problems<'f> {
    file: &'f str,
    found: Vec<Problem>,
}

impl Problems<'_> {
    fn add(&mut self, at: Location, message: impl Into<String>) {
        self.found.push(Problem {
            file: self.file.to_owned(),
            line: at.line().max(1),
            column: at.column().max(1),
            message: message.into(),
        });
    }

    fn take<T>(&mut self, at: Location, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.add(at, message)).ok()
    }

    fn rules(&mut self, spec: Spec) -> Option<Rules> {
        let start = spec.adapter.referenced;
        for (present, name) in [
            (spec.source.contains_key("system"), "source.system"),
            (spec.contact.contains_key("id"), "contact.id"),
            (spec.contact.contains_key("kind"), "contact.kind"),
        ] {
            if !present {
                self.add(start, format!("{name}: a rule is needed"));
            }
        }
        let event_type = self.top_rule(start, "event_type", spec.event_type, FieldType::Text);
        let event_time = self.top_rule(start, "event_time", spec.event_time, FieldType::Time);
        let event_id = self.top_rule(start, "event_id", spec.event_id, FieldType::Text);
        if let Some(rule) = &event_type {
            self.check_event_types(start, rule);
        }
        let fan_out = spec.fan_out.and_then(|s| self.take(s.referenced, Pointer::parse(&s.value)));
        let conditions = spec.conditions.into_iter().filter_map(|s| self.condition(s)).collect();
        let source = self.fields("source", spec.source, |name| {
            SOURCE.contains(&name).then_some(FieldType::Text)
        });
        let contact = self.fields("contact", spec.contact, contact_field);
        let attributes = self.fields("attributes", spec.attributes, |_| Some(FieldType::Any));
        let derive = spec.derive.into_iter().filter_map(|s| self.derive(s)).collect();
        Some(Rules {
            conditions,
            fan_out,
            source,
            event_type: event_type?,
            event_time: event_time?,
            event_id: event_id?,
            contact,
            attributes,
            derive,
        })
    }

    fn top_rule(
        &mut self,
        start: Location,
        name: &str,
        spec: Option<Spanned<RuleSpec>>,
        field_type: FieldType,
    ) -> Option<Rule> {
        match spec {
            Some(spec) => self.rule(name, spec, field_type),
            None => {
                self.add(start, format!("{name}: a rule is needed"));
                None
            }
        }
    }

    fn fields(
        &mut self,
        section: &str,
        specs: BTreeMap<String, Spanned<RuleSpec>>,
        type_of: impl Fn(&str) -> Option<FieldType>,
    ) -> Vec<(String, Rule)> {
        let mut rules = Vec::new();
        for (name, spec) in specs {
            match type_of(&name) {
                Some(field_type) => {
                    let rule = self.rule(&format!("{section}.{name}"), spec, field_type);
                    rules.extend(rule.map(|rule| (name, rule)));
                }
                None => {
                    let near = CONTACT.iter().map(|(field, _)| *field).find(|field| {
                        section == "contact"
                            && field.ends_with(name.rsplit('.').next().unwrap_or(""))
                    });
                    let hint = near.map_or(String::new(), |field| format!("; is it `{field}`?"));
                    let message = format!("{section}.{name}: there is no such field{hint}");
                    self.add(spec.referenced, message);
                }
            }
        }
        rules
    }

    fn rule(&mut self, name: &str, spec: Spanned<RuleSpec>, field_type: FieldType) -> Option<Rule> {
        let at = spec.referenced;
        let named = |message: String| format!("{name}: {message}");
        let spec = spec.value;
        let format = match (spec.format.as_deref(), spec.tz.as_deref()) {
            (Some(format), tz) => self.take(at, TimeFormat::parse(format, tz).map_err(named)),
            (None, Some(_)) => {
                self.add(at, named("tz is for a format without an offset".to_owned()));
                None
            }
            (None, None) => None,
        };
        if format.is_some() && !matches!(field_type, FieldType::Time | FieldType::Any) {
            self.add(at, named("format is for times only".to_owned()));
        }
        let pick = self.patterns(at, name, spec.pick.as_deref().unwrap_or_default());
        let replace = spec.replace.iter().flatten().filter_map(|replace| {
            let pattern = self.patterns(at, name, std::slice::from_ref(&replace.pattern)).pop()?;
            Some((pattern, replace.with.clone()))
        });
        let replace = replace.collect();
        let allow = spec.allow.as_ref().map(|allow| self.allow(at, name, allow));
        if spec.split.as_deref() == Some("") {
            self.add(at, named("split needs a separator".to_owned()));
        }
        let origin = self.take(at, origin(&spec).map_err(named))?;
        Some(Rule {
            origin,
            split: spec.split,
            pick,
            allow,
            except: spec.except.unwrap_or_default(),
            replace,
            map: spec.map,
            default: spec.default,
            format,
            scale: spec.scale,
            field_type,
        })
    }

    /// Patterns match the whole text, so that `windows-7` does not let `windows-7-hacked` pass.
    fn patterns(&mut self, at: Location, name: &str, patterns: &[String]) -> Vec<Regex> {
        let compile = |pattern: &String| {
            let whole = format!("^(?:{pattern})$");
            Regex::new(&whole).map_err(|_| format!("{name}: `{pattern}` is no regular expression"))
        };
        patterns.iter().filter_map(|pattern| self.take(at, compile(pattern))).collect()
    }

    fn allow(&mut self, at: Location, name: &str, spec: &AllowSpec) -> Allow {
        let templates = spec.templates.iter();
        Allow {
            exact: spec.exact.clone(),
            patterns: self.patterns(at, name, &spec.patterns),
            templates: templates
                .filter_map(|text| {
                    self.take(at, Template::parse(text).map_err(|m| format!("{name}: {m}")))
                })
                .collect(),
        }
    }

    fn condition(&mut self, spec: Spanned<ConditionSpec>) -> Option<(Pointer, Option<Regex>)> {
        let at = spec.referenced;
        let pointer = self.take(at, Pointer::parse(&spec.value.from))?;
        let pattern = match &spec.value.pattern {
            Some(pattern) => Some(self.patterns(at, "match", std::slice::from_ref(pattern)).pop()?),
            None => None,
        };
        Some((pointer, pattern))
    }

    fn derive(&mut self, spec: Spanned<DeriveSpec>) -> Option<Derive> {
        let at = spec.referenced;
        let DeriveSpec { when, set } = spec.value;
        for name in set.keys() {
            if name != "event_type" && contact_field(name).is_none() {
                self.add(at, format!("derive: `{name}` is neither event_type nor a contact field"));
            }
        }
        if let Some(Value::String(word)) = set.get("event_type") {
            self.check_event_type(at, word);
        }
        let before = match when.before.as_deref() {
            Some(before) => Some(self.take(at, Pointer::parse(before))?),
            None => None,
        };
        let field = self.take(at, Pointer::parse(&when.field))?;
        Some(Derive { field, before, from: when.from, to: when.to, set })
    }

    fn check_event_types(&mut self, at: Location, rule: &Rule) {
        let constant = match &rule.origin {
            Origin::Constant(value) if rule.map.is_none() => Some(value),
            _ => None,
        };
        let words = rule.map.iter().flat_map(BTreeMap::values).chain(&rule.default).chain(constant);
        for word in words.filter_map(Value::as_str) {
            self.check_event_type(at, word);
        }
    }

    fn check_event_type(&mut self, at: Location, word: &str) {
        if ContactEventType::deserialize(Value::from(word)).is_err() {
            self.add(
                at,
                format!("event_type: `{word}` is no contact event, such as contact.opened"),
            );
        }
    }
}

fn origin(spec: &RuleSpec) -> Result<Origin, String> {
    let mut origins = Vec::new();
    if let Some(from) = &spec.from {
        origins.push(Origin::FirstOf(vec![Place::Pointer(Pointer::parse(from)?)]));
    }
    if let Some(places) = &spec.first_of {
        let places: Result<_, _> = places.iter().map(|text| Place::parse(text)).collect();
        origins.push(Origin::FirstOf(places?));
    }
    if let Some(value) = &spec.constant {
        origins.push(Origin::Constant(value.clone()));
    }
    if let Some(template) = &spec.template {
        origins.push(Origin::Template(Template::parse(template)?));
    }
    if let Some(FindSpec { list, members, take }) = &spec.find {
        let list = Pointer::parse(list)?;
        origins.push(Origin::Find { list, members: members.clone(), take: take.clone() });
    }
    match (origins.pop(), origins.is_empty()) {
        (Some(origin), true) => Ok(origin),
        _ => Err("write exactly one of from, first_of, const, template, find".to_owned()),
    }
}
