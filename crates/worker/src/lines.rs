//! Lines of NDJSON from files, plain or compressed, and from standard input.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longest line that is read whole. What is longer is cut here; it is far beyond any limit of the
/// decoder, so it is rejected in any case, and the dead letter holds the beginning.
pub const MAX_LINE_BYTES: usize = 64 << 20;

/// An opened input.
pub struct Lines {
    name: String,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    buffer: Vec<u8>,
    /// Bytes of the file (compressed, if it is) read so far.
    pub read_bytes: Arc<AtomicU64>,
    /// The file's length; none for standard input.
    pub total_bytes: Option<u64>,
}

impl Lines {
    /// Opens a file, or standard input for `-`. `.gz` and `.zst` are decompressed on the way.
    ///
    /// # Errors
    /// The system's error, with the file's name.
    pub fn open(path: &Path) -> io::Result<Lines> {
        let name = path.to_string_lossy().into_owned();
        let read_bytes = Arc::new(AtomicU64::new(0));
        let counted = |inner: Box<dyn Read + Send>| Counted { inner, count: read_bytes.clone() };
        if name == "-" {
            let input = counted(Box::new(io::stdin()));
            return Ok(Lines::over("stdin", Box::new(input), None, read_bytes));
        }
        let with_name = |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"));
        let file = File::open(path).map_err(with_name)?;
        let metadata = file.metadata().map_err(with_name)?;
        if metadata.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                format!("{name}: is a folder; name the files in it"),
            ));
        }
        let file = counted(Box::new(file));
        let input: Box<dyn Read + Send> = match path.extension().and_then(|e| e.to_str()) {
            Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
            Some("zst") => Box::new(zstd::Decoder::new(file).map_err(with_name)?),
            _ => Box::new(file),
        };
        let file_name = path.file_name().map_or(name.clone(), |n| n.to_string_lossy().into_owned());
        Ok(Lines::over(&file_name, input, Some(metadata.len()), read_bytes))
    }

    fn over(
        name: &str,
        input: Box<dyn Read + Send>,
        total_bytes: Option<u64>,
        read_bytes: Arc<AtomicU64>,
    ) -> Lines {
        let reader = Box::new(BufReader::with_capacity(1 << 18, input));
        Lines {
            name: name.to_owned(),
            reader,
            line: 0,
            buffer: Vec::new(),
            read_bytes,
            total_bytes,
        }
    }

    /// The input's name: the file's without its folder, or `stdin`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next line with its number from 1, without its end. None at the end of the input.
    ///
    /// # Errors
    /// The system's error, with the input's name and line.
    pub fn next_line(&mut self) -> io::Result<Option<(u64, &[u8])>> {
        self.buffer.clear();
        self.line += 1;
        let place = |error: io::Error, name: &str, line: u64| {
            io::Error::new(error.kind(), format!("{name}:{line}: {error}"))
        };
        let mut limited = (&mut self.reader).take(MAX_LINE_BYTES as u64);
        let read = limited
            .read_until(b'\n', &mut self.buffer)
            .map_err(|error| place(error, &self.name, self.line))?;
        if read == 0 {
            return Ok(None);
        }
        if self.buffer.last() == Some(&b'\n') {
            self.buffer.pop();
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
        } else if read == MAX_LINE_BYTES {
            self.reader.skip_until(b'\n').map_err(|error| place(error, &self.name, self.line))?;
        }
        Ok(Some((self.line, &self.buffer)))
    }
}

struct Counted {
    inner: Box<dyn Read + Send>,
    count: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
