//! The index's fields and what each of them can be asked.

use tantivy::schema::{
    DateOptions, DateTimePrecision, FAST, Field, INDEXED, IndexRecordOption, JsonObjectOptions,
    STORED, STRING, Schema, SchemaBuilder, TextFieldIndexing, TextOptions,
};

use crate::terms::{PLAIN, STEMS};

/// Raised when a field is added, dropped or filled in another way.
pub const SCHEMA_VERSION: u32 = 2;

/// The field of [`Fields::digest`].
pub(crate) const DIGEST: &str = "digest";

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    /// The contact's words, analysed.
    Text,
    /// One or more exact words.
    Keyword,
    /// true or false
    Bool,
    /// A whole number, never negative.
    Unsigned,
    /// A whole number.
    Integer,
    /// Any number.
    Float,
    /// A point in time.
    Time,
    /// Named scalars: `attributes.version`.
    Attributes,
}

/// Every field that can be asked, in the order they are listed to people.
pub(crate) const CATALOGUE: &[(&str, FieldKind)] = &[
    ("text", FieldKind::Text),
    ("text_plain", FieldKind::Text),
    ("reason", FieldKind::Keyword),
    ("reason_l2", FieldKind::Keyword),
    ("area", FieldKind::Keyword),
    ("channel", FieldKind::Keyword),
    ("language", FieldKind::Keyword),
    ("product", FieldKind::Keyword),
    ("queue", FieldKind::Keyword),
    ("team", FieldKind::Keyword),
    ("status", FieldKind::Keyword),
    ("standing", FieldKind::Keyword),
    ("kind", FieldKind::Keyword),
    ("system", FieldKind::Keyword),
    ("cue", FieldKind::Keyword),
    ("demand_type", FieldKind::Keyword),
    ("dumb_class", FieldKind::Keyword),
    ("decided_by", FieldKind::Keyword),
    ("segment", FieldKind::Keyword),
    ("tags", FieldKind::Keyword),
    ("attributes", FieldKind::Attributes),
    ("contact_id", FieldKind::Keyword),
    ("contact_key", FieldKind::Keyword),
    ("customer_id", FieldKind::Keyword),
    ("occurred_at", FieldKind::Time),
    ("repeat_any_reason", FieldKind::Bool),
    ("repeat_same_reason", FieldKind::Bool),
    ("repeat_same_issue", FieldKind::Bool),
    ("chain_position", FieldKind::Unsigned),
    ("cost_micros", FieldKind::Integer),
    ("handle_s", FieldKind::Float),
    ("csat", FieldKind::Float),
];

/// Shorter names people may type.
const ALIASES: &[(&str, &str)] = &[
    ("customer", "customer_id"),
    ("contact", "contact_id"),
    ("lang", "language"),
    ("time", "occurred_at"),
    ("tag", "tags"),
    ("cues", "cue"),
];

/// Every field name that a query or an aggregation may use; `attributes` stands for
/// `attributes.NAME`.
pub fn field_names() -> impl Iterator<Item = &'static str> {
    CATALOGUE.iter().map(|(name, _)| *name)
}

/// A field as a query names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) name: &'static str,
    pub(crate) field: Field,
    pub(crate) kind: FieldKind,
    /// The attribute's name, for attributes only.
    pub(crate) path: Option<String>,
}

impl Asked {
    /// The name the engine knows: `attributes.version` or the field itself.
    pub(crate) fn full_name(&self) -> String {
        match &self.path {
            Some(path) => format!("{}.{path}", self.name),
            None => self.name.to_owned(),
        }
    }
}

/// The schema with its fields by name.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) schema: Schema,
    pub(crate) contact_key: Field,
    pub(crate) language: Field,
    pub(crate) text: Field,
    pub(crate) text_plain: Field,
    /// What is shown of a hit, as JSON. Never the texts.
    pub(crate) shown: Field,
    /// Hash of all that the document was made from.
    pub(crate) digest: Field,
    by_catalogue: Vec<Field>,
}

impl Fields {
    pub(crate) fn new() -> Fields {
        let mut builder = Schema::builder();
        let by_catalogue: Vec<Field> =
            CATALOGUE.iter().map(|&(name, kind)| add(&mut builder, name, kind)).collect();
        let shown = builder.add_text_field("shown", STORED);
        let digest = builder.add_u64_field(DIGEST, FAST);
        let field = |name: &str| {
            let at = CATALOGUE.iter().position(|(n, _)| *n == name).unwrap_or_default();
            by_catalogue[at]
        };
        Fields {
            contact_key: field("contact_key"),
            language: field("language"),
            text: field("text"),
            text_plain: field("text_plain"),
            shown,
            digest,
            schema: builder.build(),
            by_catalogue,
        }
    }

    /// The field of a catalogue name; the field of what is shown for any other.
    pub(crate) fn named(&self, name: &'static str) -> Field {
        let at = CATALOGUE.iter().position(|(known, _)| *known == name);
        at.map_or(self.shown, |at| self.by_catalogue[at])
    }

    /// Finds a field by the name people type; `attributes.NAME` names an attribute.
    pub(crate) fn asked(&self, name: &str) -> Option<Asked> {
        let (at, path) = lookup(name)?;
        let (name, kind) = CATALOGUE[at];
        Some(Asked { name, field: self.by_catalogue[at], kind, path })
    }
}

/// What the field of this name holds, if there is one.
pub(crate) fn kind_of(name: &str) -> Option<FieldKind> {
    lookup(name).map(|(at, _)| CATALOGUE[at].1)
}

/// The catalogue name behind what people typed.
pub(crate) fn full_name_of(name: &str) -> Option<String> {
    let (at, path) = lookup(name)?;
    Some(path.map_or(CATALOGUE[at].0.to_owned(), |path| format!("{}.{path}", CATALOGUE[at].0)))
}

fn lookup(name: &str) -> Option<(usize, Option<String>)> {
    let (head, path) = match name.split_once('.') {
        Some((head, path)) if !path.is_empty() => (head, Some(path.to_owned())),
        Some(_) => return None,
        None => (name, None),
    };
    let head = ALIASES.iter().find(|(alias, _)| *alias == head).map_or(head, |(_, full)| full);
    let at = CATALOGUE.iter().position(|(known, _)| *known == head)?;
    (path.is_some() == (CATALOGUE[at].1 == FieldKind::Attributes)).then_some((at, path))
}

fn add(builder: &mut SchemaBuilder, name: &str, kind: FieldKind) -> Field {
    let raw = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    match kind {
        FieldKind::Text => {
            let tokenizer = if name == "text" { STEMS } else { PLAIN };
            let indexing = TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_index_option(IndexRecordOption::WithFreqsAndPositions);
            builder.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
        }
        FieldKind::Keyword => builder.add_text_field(name, STRING | FAST),
        FieldKind::Bool => builder.add_bool_field(name, INDEXED | FAST),
        FieldKind::Unsigned => builder.add_u64_field(name, INDEXED | FAST),
        FieldKind::Integer => builder.add_i64_field(name, FAST),
        FieldKind::Float => builder.add_f64_field(name, FAST),
        FieldKind::Time => {
            let options = DateOptions::default()
                .set_indexed()
                .set_fast()
                .set_precision(DateTimePrecision::Milliseconds);
            builder.add_date_field(name, options)
        }
        FieldKind::Attributes => builder.add_json_field(
            name,
            JsonObjectOptions::default()
                .set_indexing_options(raw)
                .set_fast("raw")
                .set_expand_dots_enabled(),
        ),
    }
}
