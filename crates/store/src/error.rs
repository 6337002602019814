//! Why the store could not do what it was asked.

use std::io;
use std::path::PathBuf;

use quell_ports::PortError;

/// Whose fault it is and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process, or another handle of this one, has the folder open.
    #[error(
        "the data folder {} is in use by another process; stop that one or give this one a \
         folder of its own", dir.display()
    )]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder holds files that no store made.
    #[error(
        "the folder {} is not a data folder: it has no FORMAT file but contains {found}; \
         give an empty folder or the right one", dir.display()
    )]
    Foreign {
        /// The folder.
        dir: PathBuf,
        /// The name of one file that does not belong there.
        found: String,
    },
    /// The folder was written by a version that this one cannot read.
    #[error(
        "the data folder {} has the format {found:?}, this program reads {expected:?}; \
         run the version that wrote it", dir.display()
    )]
    UnknownFormat {
        /// The folder.
        dir: PathBuf,
        /// The first line of its FORMAT file.
        found: String,
        /// What this program writes.
        expected: &'static str,
    },
    /// What was read back is not what was written.
    #[error(
        "the data folder {} is damaged: {detail}; restore it from a copy or start with an \
         empty folder and replay the input", dir.display()
    )]
    Damaged {
        /// The folder.
        dir: PathBuf,
        /// What does not fit.
        detail: String,
    },
    /// The folder itself cannot be made, listed or locked.
    #[error("cannot {doing} in the data folder {}: {source}", dir.display())]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The caller asked for what cannot be stored. Nothing was changed.
    #[error("refused by the store: {0}")]
    Refused(String),
    /// Too many records wait to be processed. Nothing was appended; try again later.
    #[error("the log is full: {waiting} records wait and {limit} may; try again later")]
    LogFull {
        /// Records appended and not yet consumed.
        waiting: u64,
        /// The most that may wait.
        limit: u64,
    },
    /// The changes asked for were dropped. Take [`changes_end`](crate::EmbeddedStore::changes_end),
    /// scan all outputs, and go on from there.
    #[error("changes from {from} on were asked for, but the first one kept is {first}")]
    ChangesGone {
        /// The sequence number asked for.
        from: u64,
        /// The first one there is.
        first: u64,
    },
    /// There is no room on the disk. After a failed write nothing more is written.
    #[error(
        "the store cannot {doing}: the disk of the data folder is full; make room on it and start \
         again, which finds all that was acknowledged"
    )]
    Full {
        /// What was tried.
        doing: &'static str,
    },
    /// The disk or the storage engine failed. After a failed write nothing more is written; leave
    /// the process and start again, which finds all that was acknowledged.
    #[error(
        "the store cannot {doing}: {detail}; look at the disk of the data folder and the system's \
         log, then start again"
    )]
    Engine {
        /// What was tried.
        doing: &'static str,
        /// What the engine said.
        detail: String,
    },
}

impl StoreError {
    pub(crate) fn engine(doing: &'static str) -> impl FnOnce(fjall::Error) -> Self {
        move |error| match error {
            error if is_full(&error) => StoreError::Full { doing },
            fjall::Error::Poisoned => {
                let detail = "an earlier write failed, on a full disk say".to_owned();
                StoreError::Engine { doing, detail }
            }
            error => StoreError::Engine { doing, detail: error.to_string() },
        }
    }
}

impl From<StoreError> for PortError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(_) => PortError::Aborted(error.to_string()),
            // Who made the folder and the disk what they are must mend them: what is begun anew
            // over them fails again.
            _ => PortError::Broken(error.to_string()),
        }
    }
}

fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    matches!(kind, Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded))
        || error.source().is_some_and(is_full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_named_and_is_for_a_person_to_mend() {
        let full = || fjall::Error::Io(io::ErrorKind::StorageFull.into());
        let error = StoreError::engine("write")(full());
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        let port = PortError::from(error);
        assert!(matches!(&port, PortError::Broken(text) if text.contains("full")), "{port}");
        let poisoned = PortError::from(StoreError::engine("write")(fjall::Error::Poisoned));
        assert!(matches!(poisoned, PortError::Broken(_)), "{poisoned}");
        let again = PortError::from(StoreError::Refused("a key".to_owned()));
        assert!(matches!(again, PortError::Aborted(_)), "{again}");
    }
}
