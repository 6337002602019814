//! The configuration of a Quickwit index for the records of `contacts-settled`, made from the
//! catalogue of fields: what the local index can be asked, Quickwit can be asked under the same
//! names.

use std::fmt::Write;

use crate::flat::MANY;
use crate::schema::{CATALOGUE, FieldKind};

/// The id of the index, unless told otherwise.
pub const INDEX_ID: &str = "quell-contacts";

/// Fields whose values tell Quickwit which of its files it need not open.
const TAG_FIELDS: &str = "[channel, language, standing]";

/// What a field of the catalogue holds, in Quickwit's words.
fn mapping(name: &str, kind: FieldKind) -> String {
    let many = |of: &str| if MANY.contains(&name) { format!("array<{of}>") } else { of.to_owned() };
    let rest = match kind {
        // The words are analysed already: blanks part them.
        FieldKind::Text => {
            let options = "tokenizer: whitespace, record: position, fieldnorms: true";
            format!("type: {}, {options}", many("text"))
        }
        FieldKind::Keyword => format!("type: {}, tokenizer: raw, fast: true", many("text")),
        FieldKind::Bool => "type: bool, fast: true".to_owned(),
        FieldKind::Unsigned => "type: u64, fast: true".to_owned(),
        FieldKind::Integer => "type: i64, fast: true".to_owned(),
        FieldKind::Float => "type: f64, fast: true".to_owned(),
        FieldKind::Time => {
            "type: datetime, input_formats: [rfc3339], fast: true, fast_precision: milliseconds"
                .to_owned()
        }
        FieldKind::Attributes => {
            "type: json, tokenizer: raw, fast: true, expand_dots: true".to_owned()
        }
    };
    // The record is kept whole; no field needs a copy of its own.
    format!("{{name: {name}, {rest}, stored: false}}")
}

/// The index's configuration, as YAML.
pub fn index_config(index_id: &str) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "# Quickwit index for the contacts that can change no more.\n\
         version: \"0.8\"\n\
         index_id: {index_id}\n\
         doc_mapping:\n  \
           # Members of a record that are not listed are kept, and cannot be asked for.\n  \
           mode: lenient\n  \
           store_source: true\n  \
           timestamp_field: occurred_at\n  \
           tag_fields: {TAG_FIELDS}\n  \
           field_mappings:\n"
    );
    for (name, kind) in CATALOGUE {
        let _ = writeln!(out, "    - {}", mapping(name, *kind));
    }
    let _ = write!(
        out,
        "indexing_settings:\n  \
           # A contact is found again at most so long after it has left the local index.\n  \
           commit_timeout_secs: 10\n\
         search_settings:\n  \
           default_search_fields: [text, text_plain]\n\
         # Contacts are kept for ever. To drop old ones:\n\
         # retention: {{period: 400 days, schedule: daily}}\n"
    );
    out
}

/// The configuration of the source that reads `topic`, as YAML. The properties are librdkafka's;
/// one without a value is left to be filled in.
pub fn source_config(topic: &str, properties: &[(String, Option<String>)]) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "# Quickwit source: reads the contacts from Kafka.\n\
         version: \"0.8\"\n\
         source_id: quell-contacts-settled\n\
         source_type: kafka\n\
         # As many as there are indexers; no more than the topic has partitions.\n\
         num_pipelines: 1\n\
         params:\n  \
           topic: {}\n  \
           client_params:\n",
        quoted(topic)
    );
    for (name, value) in properties {
        let _ = match value {
            Some(value) => writeln!(out, "    {}: {}", quoted(name), quoted(value)),
            None => writeln!(
                out,
                "    # A secret, not shown here: fill it in.\n    {}: \"\"",
                quoted(name)
            ),
        };
    }
    out
}

/// The text as a YAML string: JSON's are.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether Quickwit takes this as the id of an index.
pub fn is_index_id(id: &str) -> bool {
    (3..=255).contains(&id.len())
        && id.starts_with(|first: char| first.is_ascii_alphabetic())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}
