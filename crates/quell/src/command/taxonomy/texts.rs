//! Real texts that a catalogue is looked at with: contacts of ours, or rows of any form.

use std::path::PathBuf;

use anyhow::{bail, ensure};
use quell_model::event::{Role, Turn};
use quell_model::{Contact, ContactKey, Standing, TimeMs};
use quell_taxonomy::TagInput;
use quell_text::redact;
use serde_json::Value;

use crate::args::RowArgs;
use crate::rows::{each_row, field, words};
use crate::wiring;

const CONTACT: &str = "a contact, as in contacts.ndjson of `quell replay`; of other rows name the \
                       fields with --text";
const ROW: &str = "a JSON object";
/// Fields that hold an id unless another is named.
const IDS: [&str; 2] = ["contact_key", "id"];
/// Longer ids are cut: they name examples.
const LONGEST_ID_CHARS: usize = 200;

/// One text, redacted, and what is known of it.
pub struct Text {
    /// Names it.
    pub id: ContactKey,
    /// When it came, where rows have a time.
    pub time: Option<TimeMs>,
    /// Whose it is, where known.
    pub customer: Option<String>,
    subject: Option<String>,
    body: Option<String>,
    turns: Vec<Turn>,
    language: Option<String>,
    agent_code: Option<String>,
}

impl Text {
    /// As a tagger wants it.
    pub fn input(&self) -> TagInput<'_> {
        TagInput {
            language_hint: self.language.as_deref(),
            subject: self.subject.as_deref(),
            body: self.body.as_deref(),
            turns: &self.turns,
            agent_code: self.agent_code.as_deref(),
        }
    }

    /// What the customer wrote and said, piece by piece.
    pub fn pieces(&self) -> impl Iterator<Item = &str> {
        let written = [self.subject.as_deref(), self.body.as_deref()].into_iter().flatten();
        let said = self.turns.iter().filter(|turn| turn.role == Role::Customer);
        written.chain(said.map(|turn| turn.text.as_str()))
    }
}

/// Where everything stands in a row.
#[derive(Clone, Copy)]
pub struct Fields<'a> {
    /// Text, language and id.
    pub rows: &'a RowArgs,
    /// The time's field.
    pub time: Option<&'a str>,
    /// The customer's field.
    pub customer: Option<&'a str>,
}

impl Fields<'_> {
    /// Whether rows are contacts of ours.
    fn are_contacts(&self) -> bool {
        self.rows.text.is_empty()
    }

    /// Whether texts have a time.
    pub fn have_time(&self) -> bool {
        self.are_contacts() || self.time.is_some()
    }
}

/// What was read.
#[derive(Default)]
pub struct Count {
    /// Texts.
    pub texts: u64,
    /// Rows without a text, and contacts that do not count as such.
    pub left_out: u64,
}

impl Count {
    /// What a summary says of what was left out.
    pub fn note(&self) -> String {
        match self.left_out {
            0 => String::new(),
            count => format!("; {count} rows without a text, or that count with another, left out"),
        }
    }
}

/// Gives every text of the inputs, redacted, in their order.
///
/// # Errors
/// A file cannot be read; a row is of another form, named by file and line; no row has a text; or
/// the taker's own.
pub fn each_text(
    inputs: &[PathBuf],
    fields: &Fields<'_>,
    mut take: impl FnMut(Text) -> anyhow::Result<()>,
) -> anyhow::Result<Count> {
    let mut count = Count::default();
    let mut known = None;
    let mut pass = |text: Option<Text>| {
        let Some(text) = text else {
            count.left_out += 1;
            return Ok(());
        };
        count.texts += 1;
        take(text)
    };
    if fields.are_contacts() {
        each_row(inputs, CONTACT, |_, contact: Contact| pass(of_contact(contact)))?;
    } else {
        each_row(inputs, ROW, |place, row: Value| {
            if known.is_none() {
                known = row.as_object().map(|row| row.keys().cloned().collect::<Vec<_>>());
            }
            pass(of_row(place, &row, fields)?)
        })?;
    }
    if let Some(known) = known.filter(|_| count.texts == 0) {
        let wanted = fields.rows.text.join("`, `");
        bail!("no row has a text in `{wanted}`; the first has the fields {}", known.join(", "));
    }
    ensure!(count.texts > 0, "the inputs hold no texts");
    Ok(count)
}

/// A contact that counts and has words.
fn of_contact(contact: Contact) -> Option<Text> {
    if contact.standing != Standing::Counted {
        return None;
    }
    let redacted_turn = |turn: Turn| Turn { text: redacted(&turn.text), ..turn };
    let text = Text {
        id: contact.contact_key,
        time: Some(contact.occurred_at),
        customer: contact.customer_id,
        subject: contact.subject.as_deref().map(redacted),
        body: contact.body.as_deref().map(redacted),
        turns: contact.turns.into_iter().map(redacted_turn).collect(),
        language: Some(contact.language),
        agent_code: contact.agent_code,
    };
    let has_words = text.pieces().any(has_words);
    has_words.then_some(text)
}

fn of_row(place: &str, row: &Value, fields: &Fields<'_>) -> anyhow::Result<Option<Text>> {
    ensure!(row.is_object(), "{place}: a row is {ROW}");
    let mut texts = fields.rows.text.iter().map(|name| words(field(row, name)).map(redacted));
    let first = texts.next().flatten();
    let rest: Vec<String> = texts.flatten().collect();
    let (subject, body) = match fields.rows.text.len() {
        1 => (None, first),
        _ => (first, Some(rest.join("\n"))),
    };
    // A row without a text may be of another kind, and lack the other fields as well.
    if ![&subject, &body].into_iter().flatten().any(|text| has_words(text)) {
        return Ok(None);
    }
    Ok(Some(Text {
        id: ContactKey::from_text(id(place, row, fields)?),
        time: fields.time.map(|name| time(place, row, name)).transpose()?,
        customer: fields.customer.and_then(|name| field(row, name)).and_then(plain),
        subject,
        body,
        turns: Vec::new(),
        language: fields
            .rows
            .lang
            .as_ref()
            .and_then(|name| words(field(row, name)))
            .map(Into::into),
        agent_code: None,
    }))
}

fn has_words(text: &str) -> bool {
    !text.trim().is_empty()
}

fn redacted(text: &str) -> String {
    redact(text).text.into_owned()
}

fn id(place: &str, row: &Value, fields: &Fields<'_>) -> anyhow::Result<String> {
    let id = match &fields.rows.id {
        Some(name) => match field(row, name).and_then(plain) {
            Some(id) => id,
            None => bail!("{place}: the field `{name}` is no id; --id names a field of each row"),
        },
        None => {
            let known = IDS.iter().find_map(|name| row.get(*name).and_then(plain));
            known.unwrap_or_else(|| place.to_owned())
        }
    };
    Ok(id.chars().take(LONGEST_ID_CHARS).collect())
}

/// A text or a number as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn time(place: &str, row: &Value, name: &str) -> anyhow::Result<TimeMs> {
    let place = format!("{place}: the field `{name}`");
    match words(field(row, name)) {
        Some(text) => wiring::time(&place, text),
        None => bail!("{place} holds no time such as 2026-01-31T08:00:00Z; --time names it"),
    }
}
