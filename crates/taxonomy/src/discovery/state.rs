//! All that was learned, as bytes.

use std::fmt;

use serde::{Deserialize, Serialize};

use quell_text::ANALYSER_VERSION;

use super::background::Background;
use super::cluster::Cluster;
use super::fading::Fading;
use super::groups::Groups;
use super::{Discovery, DiscoverySettings, Pending};

/// Raised when the bytes mean something else.
const FORMAT: u8 = 3;

/// Why bytes are no state that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateError {
    /// Not even a version.
    Empty,
    /// Another release wrote it.
    Format {
        /// The version found.
        found: u8,
    },
    /// Another analysis of text: its words are other words.
    Analyser,
    /// Cut off or changed.
    Damaged,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            StateError::Empty => "is empty",
            StateError::Format { found } => {
                return write!(
                    f,
                    "the state of discovery has format {found}, this build reads {FORMAT}: begin \
                     it anew from the input"
                );
            }
            StateError::Analyser => "was made with another analysis of text",
            StateError::Damaged => "is cut off or changed",
        };
        write!(f, "the state of discovery {why}: begin it anew from the input")
    }
}

impl std::error::Error for StateError {}

/// What is written; groups in the order of their ids, so that equal states are equal bytes.
#[derive(Serialize, Deserialize)]
struct Row {
    analyser: String,
    settings: DiscoverySettings,
    fading: Fading,
    background: Background,
    inside: Background,
    clusters: Vec<Cluster>,
    pending: Vec<Pending>,
    looked: i64,
}

impl Discovery {
    /// The state as bytes: a version, then postcard. The same state gives the same bytes.
    ///
    /// # Panics
    /// Never on data: only if a type were one that postcard cannot write.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut clusters: Vec<Cluster> =
            self.groups.iter().chain(self.inner.iter()).cloned().collect();
        clusters.sort_by_key(|cluster| cluster.id);
        let mut pending = self.pending.clone();
        pending.sort_by(|a, b| a.contact.cmp(&b.contact));
        let row = Row {
            analyser: ANALYSER_VERSION.to_owned(),
            settings: self.settings.clone(),
            fading: self.fading.clone(),
            background: self.background.clone(),
            inside: self.inside.clone(),
            clusters,
            pending,
            looked: self.looked,
        };
        match postcard::to_extend(&row, vec![FORMAT]) {
            Ok(bytes) => bytes,
            Err(error) => panic!("discovery cannot be written: {error}"),
        }
    }

    /// The state that [`Discovery::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`StateError`] for another release's bytes and for damaged ones.
    pub fn from_bytes(bytes: &[u8]) -> Result<Discovery, StateError> {
        let (&found, rest) = bytes.split_first().ok_or(StateError::Empty)?;
        if found != FORMAT {
            return Err(StateError::Format { found });
        }
        let Ok((row, [])) = postcard::take_from_bytes::<Row>(rest) else {
            return Err(StateError::Damaged);
        };
        if row.analyser != ANALYSER_VERSION {
            return Err(StateError::Analyser);
        }
        if !row.clusters.iter().all(Cluster::is_sound)
            || ![&row.background, &row.inside].into_iter().all(Background::is_sound)
        {
            return Err(StateError::Damaged);
        }
        let (inner, groups) = row.clusters.into_iter().partition(|one| one.fits);
        Ok(Discovery {
            settings: row.settings,
            fading: row.fading,
            background: row.background,
            inside: row.inside,
            groups: Groups::of(groups),
            inner: Groups::of(inner),
            pending: row.pending,
            looked: row.looked,
        })
    }
}
