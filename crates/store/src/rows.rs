//! The bytes of the store's own rows. The first byte of each names its layout.

use quell_model::TimeMs;

use crate::dead_letters::DeadLetter;

const LOG_ROW: u8 = 1;
const OUTPUT_VALUE: u8 = 1;
const OUTPUT_REMOVED: u8 = 2;
const CHANGE_ROW: u8 = 1;
const DEAD_ROW: u8 = 1;
/// Where the value of an output row begins: after the layout and the revision.
const OUTPUT_HEAD: usize = 9;

/// A record to append to the log; its offset is given by the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// When the log takes it.
    pub log_time: TimeMs,
    /// The record's key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The payload; none for a tombstone.
    pub value: Option<Vec<u8>>,
}

impl NewRecord {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut row = vec![LOG_ROW];
        row.extend_from_slice(&self.log_time.0.to_be_bytes());
        put_optional(&mut row, self.key.as_deref());
        put_length(&mut row, self.headers.len());
        for (name, value) in &self.headers {
            put_bytes(&mut row, name.as_bytes());
            put_bytes(&mut row, value);
        }
        put_optional(&mut row, self.value.as_deref());
        row
    }

    pub(crate) fn decode(row: &[u8]) -> Option<NewRecord> {
        let mut reader = Reader::of(row, LOG_ROW)?;
        let log_time = reader.time()?;
        let key = reader.optional()?.map(<[u8]>::to_vec);
        let mut headers = Vec::new();
        for _ in 0..reader.length()? {
            headers.push((reader.text()?.to_owned(), reader.bytes()?.to_vec()));
        }
        let value = reader.optional()?.map(<[u8]>::to_vec);
        reader.is_empty().then_some(NewRecord { log_time, key, headers, value })
    }
}

/// An output row: the revision, and the value unless it was removed.
pub(crate) fn encode_output(revision: u64, value: Option<&[u8]>) -> Vec<u8> {
    let mut row = Vec::with_capacity(OUTPUT_HEAD + value.map_or(0, <[u8]>::len));
    row.push(if value.is_some() { OUTPUT_VALUE } else { OUTPUT_REMOVED });
    row.extend_from_slice(&revision.to_be_bytes());
    row.extend_from_slice(value.unwrap_or_default());
    row
}

pub(crate) fn decode_output(row: &[u8]) -> Option<(u64, Option<&[u8]>)> {
    let (head, value) = row.split_first_chunk::<OUTPUT_HEAD>()?;
    let (layout, revision) = head.split_first()?;
    let revision = u64::from_be_bytes(revision.try_into().ok()?);
    match *layout {
        OUTPUT_VALUE => Some((revision, Some(value))),
        OUTPUT_REMOVED if value.is_empty() => Some((revision, None)),
        _ => None,
    }
}

pub(crate) fn encode_change(topic: &str, key: &str) -> Vec<u8> {
    let mut row = vec![CHANGE_ROW];
    put_bytes(&mut row, topic.as_bytes());
    put_bytes(&mut row, key.as_bytes());
    row
}

pub(crate) fn decode_change(row: &[u8]) -> Option<(String, String)> {
    let mut reader = Reader::of(row, CHANGE_ROW)?;
    let change = (reader.text()?.to_owned(), reader.text()?.to_owned());
    reader.is_empty().then_some(change)
}

pub(crate) fn encode_dead_letter(letter: &DeadLetter) -> Vec<u8> {
    let mut row = vec![DEAD_ROW];
    row.extend_from_slice(&letter.log_time.0.to_be_bytes());
    put_bytes(&mut row, letter.topic.as_bytes());
    put_bytes(&mut row, letter.key.as_bytes());
    put_bytes(&mut row, &letter.value);
    row
}

pub(crate) fn decode_dead_letter(row: &[u8]) -> Option<DeadLetter> {
    let mut reader = Reader::of(row, DEAD_ROW)?;
    let letter = DeadLetter {
        log_time: reader.time()?,
        topic: reader.text()?.to_owned(),
        key: reader.text()?.to_owned(),
        value: reader.bytes()?.to_vec(),
    };
    reader.is_empty().then_some(letter)
}

fn put_length(row: &mut Vec<u8>, length: usize) {
    row.extend_from_slice(&(length as u64).to_be_bytes()[4..]);
}

fn put_bytes(row: &mut Vec<u8>, bytes: &[u8]) {
    put_length(row, bytes.len());
    row.extend_from_slice(bytes);
}

fn put_optional(row: &mut Vec<u8>, bytes: Option<&[u8]>) {
    row.push(u8::from(bytes.is_some()));
    if let Some(bytes) = bytes {
        put_bytes(row, bytes);
    }
}

/// Takes a row apart; none wherever the bytes end too early or do not fit.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn of(row: &'a [u8], layout: u8) -> Option<Reader<'a>> {
        row.split_first().filter(|(first, _)| **first == layout).map(|(_, rest)| Reader(rest))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn time(&mut self) -> Option<TimeMs> {
        Some(TimeMs(i64::from_be_bytes(self.take(8)?.try_into().ok()?)))
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_be_bytes(self.take(4)?.try_into().ok()?)).ok()
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    fn optional(&mut self) -> Option<Option<&'a [u8]>> {
        match self.take(1)? {
            [0] => Some(None),
            [1] => Some(Some(self.bytes()?)),
            _ => None,
        }
    }
}
