//! Keeps candidate reasons live beside the index: whoever follows the `contacts` table for the
//! index follows it for discovery as well. What was found is kept in a file of its own, with the
//! change it needs next.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use quell_model::{Contact, ContactKey};
use quell_taxonomy::discovery::{Candidate, CandidateRow, DiscoverySettings, Watch};

/// It is written after so many changes at the latest …
const SAVE_EVERY_CHANGES: u64 = 10_000;
/// … or after so long with any.
const SAVE_EVERY: Duration = Duration::from_secs(60);
/// Bytes before the state: the change needed next.
const POSITION_BYTES: usize = 8;

/// The candidates as they are now, for whoever asks.
#[derive(Clone)]
pub struct Candidates(Arc<Mutex<Watch>>);

impl Candidates {
    /// None yet.
    pub fn new() -> Candidates {
        Candidates::of(Watch::new(DiscoverySettings::default()))
    }

    fn of(watch: Watch) -> Candidates {
        Candidates(Arc::new(Mutex::new(watch)))
    }

    /// All of them, those first whose last week can least be chance.
    pub fn rows(&self) -> Vec<CandidateRow> {
        self.watch().candidates().iter().map(Candidate::row).collect()
    }

    /// A watch that panicked half-way is still one: every step leaves it sound.
    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Candidates {
    fn default() -> Self {
        Candidates::new()
    }
}

/// Takes in what the indexer reads, and writes the state down now and then.
pub struct Watcher {
    candidates: Candidates,
    path: PathBuf,
    next: u64,
    saved: u64,
    saved_at: Instant,
}

impl Watcher {
    /// Goes on where the file says; begins anew from `next` where there is none that can be used.
    /// `end` is the next change of the store.
    ///
    /// # Errors
    /// The file is there and cannot be read, or a new one cannot be written.
    pub fn open(dir: &Path, next: u64, end: u64) -> io::Result<Watcher> {
        fs::create_dir_all(dir)?;
        let path = dir.join("state");
        let kept = match fs::read(&path) {
            Ok(bytes) => restored(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        // A position that is still to come is of another store.
        let kept = kept.filter(|(at, _)| *at <= end);
        let is_new = kept.is_none();
        let (at, watch) = kept.unwrap_or_else(|| (next, Watch::new(DiscoverySettings::default())));
        let candidates = Candidates::of(watch);
        let mut watcher =
            Watcher { candidates, path, next: at, saved: at, saved_at: Instant::now() };
        if is_new {
            // After a crash it must be known from where on nothing was written down.
            watcher.write(at)?;
        }
        Ok(watcher)
    }

    /// For whoever asks.
    pub fn candidates(&self) -> Candidates {
        self.candidates.clone()
    }

    /// The change that it needs next.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The first change that it would need after a crash: earlier ones may be dropped.
    pub fn saved(&self) -> u64 {
        self.saved
    }

    /// A contact as it is after a change.
    pub fn take(&self, contact: &Contact) {
        self.candidates.watch().take(contact);
    }

    /// A contact that is no more.
    pub fn forget(&self, contact: &ContactKey) {
        self.candidates.watch().forget(contact);
    }

    /// All changes before `next` are taken in. Writes the state when it is time, and always when
    /// `forced`.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn advance(&mut self, next: u64, forced: bool) -> io::Result<()> {
        self.next = self.next.max(next);
        let behind = next.saturating_sub(self.saved);
        let due = behind >= SAVE_EVERY_CHANGES || self.saved_at.elapsed() >= SAVE_EVERY || forced;
        if behind == 0 || !due {
            return Ok(());
        }
        self.write(next)
    }

    fn write(&mut self, next: u64) -> io::Result<()> {
        let mut bytes = next.to_be_bytes().to_vec();
        bytes.extend(self.candidates.watch().to_bytes());
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        (self.saved, self.saved_at) = (next, Instant::now());
        Ok(())
    }
}

fn restored(bytes: &[u8]) -> Option<(u64, Watch)> {
    let (at, rest) = bytes.split_first_chunk::<POSITION_BYTES>()?;
    match Watch::from_bytes(rest) {
        Ok(watch) => Some((u64::from_be_bytes(*at), watch)),
        Err(error) => {
            tracing::warn!(%error, "candidate reasons are looked for anew from now on");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(number: usize) -> Contact {
        let example = include_str!("../../../schemas/examples/contact/valid/a-repeat.json");
        let mut contact: Contact = serde_json::from_str(example).expect("a contact");
        contact.contact_key = ContactKey::new("desk", None, &format!("c{number}"));
        contact.customer_id = Some(format!("customer-{number}"));
        contact.reasons.clear();
        contact.occurred_at = contact.occurred_at.plus_ms(number as i64 * 1_800_000);
        let nouns = ["size", "colour", "address", "voucher", "handle", "manual", "shelf"];
        contact.body = Some(match number {
            200.. if number.is_multiple_of(9) => "loud freezer buzzing noise".to_owned(),
            _ => format!("the {} of item{} please", nouns[number % 7], number % 89),
        });
        contact
    }

    fn take(watcher: &Watcher, numbers: std::ops::Range<usize>) {
        numbers.for_each(|number| watcher.take(&contact(number)));
    }

    #[test]
    fn it_goes_on_where_it_was_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut whole = Watcher::open(&dir.path().join("whole"), 0, 0).expect("opens");
        take(&whole, 0..420);
        whole.advance(420, true).expect("is written");
        let at = dir.path().join("parts");
        let mut first = Watcher::open(&at, 0, 0).expect("opens");
        take(&first, 0..260);
        first.advance(260, true).expect("is written");
        take(&first, 260..330);
        first.advance(330, false).expect("it is not yet time");
        assert_eq!((first.next(), first.saved()), (330, 260), "what is needed again is kept");
        drop(first);
        let unwritten = Watcher::open(&dir.path().join("unwritten"), 7, 40).expect("opens");
        drop(unwritten);
        let again = Watcher::open(&dir.path().join("unwritten"), 40, 40).expect("opens");
        assert_eq!(again.next(), 7, "nothing was written down since it began");
        let second = Watcher::open(&at, 330, 330).expect("opens");
        assert_eq!((second.next(), second.saved()), (260, 260));
        take(&second, 260..420);
        assert_eq!(second.candidates().rows(), whole.candidates().rows());
        assert!(!whole.candidates().rows().is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_begun_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut watcher = Watcher::open(dir.path(), 0, 0).expect("opens");
        take(&watcher, 0..60);
        watcher.advance(60, true).expect("is written");
        let of_another_store = Watcher::open(dir.path(), 59, 59).expect("opens");
        assert_eq!((of_another_store.next(), of_another_store.candidates().rows().len()), (59, 0));
        let bytes = fs::read(dir.path().join("state")).expect("it was written");
        for damaged in [&bytes[..4], &bytes[..bytes.len() - 1], b"01234567\x09"] {
            fs::write(dir.path().join("state"), damaged).expect("is written");
            let anew = Watcher::open(dir.path(), 60, 60).expect("opens");
            assert_eq!((anew.next(), anew.candidates().rows().len()), (60, 0));
        }
    }
}
