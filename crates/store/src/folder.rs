//! The folder on disk: `LOCK`, held while a store is open, `FORMAT`, which names the layout, and
//! `db`, which is the engine's.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::StoreError;

const LOCK: &str = "LOCK";
const FORMAT: &str = "FORMAT";
const FORMAT_NEW: &str = "FORMAT.new";
const DB: &str = "db";
const DB_NEW: &str = "db.new";
/// The layout this program reads and writes, as the first line of `FORMAT`.
pub(crate) const FORMAT_LINE: &str = "quell store 1";

/// A locked folder of the right format.
pub(crate) struct Folder {
    pub dir: PathBuf,
    /// Unlocked when closed, also by the death of the process.
    _lock: File,
}

impl Folder {
    /// Makes the folder where there is none. `create` makes the engine's files in the path given
    /// to it and closes them.
    pub(crate) fn open(
        dir: &Path,
        create: impl FnOnce(&Path) -> Result<(), StoreError>,
    ) -> Result<Folder, StoreError> {
        fs::create_dir_all(dir).map_err(folder_error(dir, "create the folder"))?;
        refuse_foreign(dir)?;
        let folder = Folder { dir: dir.to_path_buf(), _lock: lock(dir)? };
        if !exists(&dir.join(FORMAT))? {
            folder.write_format()?;
        }
        folder.check_format()?;
        if !exists(&folder.db())? {
            folder.create_db(create)?;
        }
        Ok(folder)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.dir.join(DB)
    }

    pub(crate) fn damaged(&self, detail: impl Into<String>) -> StoreError {
        StoreError::Damaged { dir: self.dir.clone(), detail: detail.into() }
    }

    fn write_format(&self) -> Result<(), StoreError> {
        let write = || -> io::Result<()> {
            // There before FORMAT is: it tells a store being made from one that lost its database.
            fs::create_dir_all(self.dir.join(DB_NEW))?;
            let path = self.dir.join(FORMAT_NEW);
            let mut file = File::create(&path)?;
            writeln!(file, "{FORMAT_LINE}")?;
            file.sync_all()?;
            fs::rename(&path, self.dir.join(FORMAT))?;
            sync_dir(&self.dir)
        };
        write().map_err(folder_error(&self.dir, "write FORMAT"))
    }

    fn check_format(&self) -> Result<(), StoreError> {
        let bytes =
            fs::read(self.dir.join(FORMAT)).map_err(folder_error(&self.dir, "read FORMAT"))?;
        let text = String::from_utf8_lossy(&bytes);
        let found = text.lines().next().unwrap_or_default();
        if found == FORMAT_LINE {
            return Ok(());
        }
        Err(StoreError::UnknownFormat {
            dir: self.dir.clone(),
            found: found.chars().take(60).collect(),
            expected: FORMAT_LINE,
        })
    }

    /// Made aside and renamed, so that a database that was begun is never taken for a whole one.
    fn create_db(
        &self,
        create: impl FnOnce(&Path) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let aside = self.dir.join(DB_NEW);
        if !exists(&aside)? {
            return Err(self.damaged("FORMAT is there but the folder db is missing"));
        }
        // The folder itself stays: whoever is killed here must still be told from a lost database.
        clear(&aside).map_err(folder_error(&self.dir, "clear db.new"))?;
        create(&aside)?;
        fs::rename(&aside, self.db())
            .and_then(|()| sync_dir(&self.dir))
            .map_err(folder_error(&self.dir, "move db.new to db"))
    }
}

/// Before anything is written: a folder of someone else's is left as it was.
fn refuse_foreign(dir: &Path) -> Result<(), StoreError> {
    if exists(&dir.join(FORMAT))? {
        return Ok(());
    }
    let listed = fs::read_dir(dir).map_err(folder_error(dir, "list the files"))?;
    for entry in listed {
        let name = entry.map_err(folder_error(dir, "list the files"))?.file_name();
        let name = name.to_string_lossy();
        if ![LOCK, FORMAT_NEW, DB_NEW].contains(&name.as_ref()) {
            return Err(StoreError::Foreign { dir: dir.to_path_buf(), found: name.into_owned() });
        }
    }
    Ok(())
}

fn clear(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn lock(dir: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(dir.join(LOCK))
        .map_err(folder_error(dir, "open LOCK"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { dir: dir.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(folder_error(dir, "lock LOCK")(error)),
    }
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    path.try_exists().map_err(folder_error(path, "look"))
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn folder_error(dir: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    move |source| StoreError::Folder { dir: dir.to_path_buf(), doing, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_database_that_was_begun_is_made_anew_in_a_folder_that_is_never_gone() {
        let dir = tempfile::tempdir().unwrap();
        let broken_off = |path: &Path| {
            fs::create_dir(path.join("part")).unwrap();
            fs::write(path.join("part/rows"), "half").unwrap();
            fs::write(path.join("marker"), "").unwrap();
            Err(StoreError::InUse { dir: path.to_path_buf() })
        };
        assert!(Folder::open(dir.path(), broken_off).is_err());
        let begun = fs::metadata(dir.path().join(DB_NEW)).unwrap().ino();
        let whole = |path: &Path| {
            assert_eq!(fs::metadata(path).unwrap().ino(), begun);
            assert_eq!(fs::read_dir(path).unwrap().count(), 0);
            Ok(())
        };
        let folder = Folder::open(dir.path(), whole).unwrap();
        assert_eq!(fs::metadata(folder.db()).unwrap().ino(), begun);
    }
}
