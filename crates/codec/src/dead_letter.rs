//! What could not be read, kept so that its bytes can be had back exactly.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use quell_model::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::decode::RawRecord;
use crate::reject::{Cause, Reject};

/// A row of `dlq.ndjson` and of the topic `<input>.dlq`. The one output that holds a source's
/// bytes as they came: for operators only, and it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// A topic, a file's name or `http`.
    pub input: String,
    /// The partition of that input.
    pub partition: u32,
    /// The record's offset, or a file's line counted from 1.
    pub offset: u64,
    /// The stage that refused it.
    pub stage: String,
    /// Why.
    pub cause: Cause,
    /// Where in the record, and what was expected there. No values.
    pub detail: String,
    /// When the log took the record.
    pub log_time: TimeMs,
    /// The payload where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The payload where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_base64: Option<String>,
    /// The key where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The key where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    /// The headers, in order.
    #[serde(default)]
    pub headers: Vec<Header>,
}

/// One header of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value where it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its value where it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_base64: Option<String>,
}

/// The header of a dead letter that has no room for the record's bytes; it says how many they are.
/// They stand in the input alone.
pub const LEFT_OUT: &str = "quell-left-out";

/// What the headers that Kafka Connect writes begin with: its tools read ours.
const CONNECT: &str = "__connect.errors.";

/// The headers of a dead letter in a topic, in the dialect of Kafka Connect.
pub fn connect_headers(
    position: &Position,
    stage: &str,
    reject: &Reject,
) -> impl Iterator<Item = (String, Vec<u8>)> + use<> {
    let said = [
        ("topic", position.input.clone()),
        ("partition", position.partition.to_string()),
        ("offset", position.offset.to_string()),
        ("connector.name", "quell".to_owned()),
        ("task.id", "0".to_owned()),
        ("stage", "VALUE_CONVERTER".to_owned()),
        ("class.name", format!("quell.{stage}")),
        ("exception.class.name", reject.cause.as_str().to_owned()),
        ("exception.message", reject.detail.clone()),
    ];
    said.into_iter().map(|(name, value)| (format!("{CONNECT}{name}"), value.into_bytes()))
}

impl DeadLetter {
    /// The dead letter that a record of a dead letter topic is; none where another program wrote
    /// it.
    pub fn of_topic(record: &RawRecord<'_>) -> Option<DeadLetter> {
        let said = |name: &str| {
            let name = format!("{CONNECT}{name}");
            let (_, value) = record.headers.iter().rfind(|(header, _)| *header == name)?;
            String::from_utf8(value.clone()).ok()
        };
        let cause = said("exception.class.name")?;
        let cause = Cause::ALL.iter().copied().find(|known| known.as_str() == cause)?;
        let reject = Reject { cause, detail: said("exception.message")? };
        let position = Position {
            input: said("topic")?,
            partition: said("partition")?.parse().ok()?,
            offset: said("offset")?.parse().ok()?,
        };
        let stage = said("class.name")?;
        let stage = stage.strip_prefix("quell.").unwrap_or(&stage);
        let own: Vec<_> =
            record.headers.iter().filter(|(name, _)| !name.starts_with(CONNECT)).cloned().collect();
        let original = RawRecord { headers: &own, ..*record };
        Some(DeadLetter::new(&position, &original, stage, &reject))
    }

    /// The dead letter for a record that `stage` refused.
    pub fn new(position: &Position, record: &RawRecord<'_>, stage: &str, reject: &Reject) -> Self {
        let (value, value_base64) = record.value.map_or((None, None), written);
        let (key, key_base64) = record.key.map_or((None, None), written);
        DeadLetter {
            input: position.input.clone(),
            partition: position.partition,
            offset: position.offset,
            stage: stage.to_owned(),
            cause: reject.cause,
            detail: reject.detail.clone(),
            log_time: record.log_time,
            value,
            value_base64,
            key,
            key_base64,
            headers: record.headers.iter().map(header).collect(),
        }
    }

    /// Whether it has the record's bytes, so that the record can be given again.
    pub fn is_whole(&self) -> bool {
        !self.headers.iter().any(|header| header.name == LEFT_OUT)
    }

    /// The payload, byte for byte; none for a tombstone or where the base64 is damaged.
    pub fn value_bytes(&self) -> Option<Vec<u8>> {
        read(self.value.as_ref(), self.value_base64.as_ref())
    }

    /// The key, byte for byte.
    pub fn key_bytes(&self) -> Option<Vec<u8>> {
        read(self.key.as_ref(), self.key_base64.as_ref())
    }

    /// The headers, byte for byte; one whose base64 is damaged is left out.
    pub fn header_bytes(&self) -> Vec<(String, Vec<u8>)> {
        let bytes = |h: &Header| read(h.value.as_ref(), h.value_base64.as_ref());
        self.headers.iter().filter_map(|h| Some((h.name.clone(), bytes(h)?))).collect()
    }

    /// The row as JSON on one line.
    pub fn to_line(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }
}

fn header((name, value): &(String, Vec<u8>)) -> Header {
    let (value, value_base64) = written(value);
    Header { name: name.clone(), value, value_base64 }
}

fn written(bytes: &[u8]) -> (Option<String>, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Some(text.to_owned()), None),
        Err(_) => (None, Some(STANDARD.encode(bytes))),
    }
}

fn read(text: Option<&String>, coded: Option<&String>) -> Option<Vec<u8>> {
    match (text, coded) {
        (Some(text), _) => Some(text.clone().into_bytes()),
        (None, Some(coded)) => STANDARD.decode(coded).ok(),
        (None, None) => None,
    }
}
