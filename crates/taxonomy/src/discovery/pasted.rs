//! Parts of a text that nobody put in words: links, paths, a program's name with its version.
//!
//! They are told by how they are written, in whatever language and of whatever product. What is
//! left out with them are words joined by several strokes ("and/or/maybe").

use std::ops::Range;

/// A program's remark on itself, in brackets behind its name, is no longer.
const LONGEST_REMARK_BYTES: usize = 200;

/// Byte ranges of the pasted parts, in order.
pub(crate) fn pasted(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    // Most texts hold none of what every pasted part has.
    if !text.bytes().any(|byte| matches!(byte, b'/' | b'\\')) && !text.contains("www.") {
        return found;
    }
    for chunk in chunks(text) {
        let written = text.get(chunk.clone()).unwrap_or("");
        // Inside a remark that a name before it took along.
        if found.last().is_some_and(|last| chunk.start < last.end) {
            continue;
        }
        if is_versioned(written) {
            let end = remark_end(text, chunk.end);
            found.push(chunk.start..end);
        } else if is_link(written) || is_path(written) {
            found.push(chunk);
        }
    }
    found
}

/// Runs without white space.
fn chunks(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.find(|c: char| !c.is_whitespace())?;
        let rest = text.get(start..)?;
        let end = start + rest.find(char::is_whitespace).unwrap_or(rest.len());
        at = end;
        Some(start..end)
    })
}

/// `https://…`, `www.…`, `example.org/…`.
fn is_link(written: &str) -> bool {
    let bare = written.trim_start_matches(|c: char| !c.is_alphanumeric());
    let head = bare.split('/').next().unwrap_or("");
    let is_host = head.len() < bare.len()
        && head.as_bytes().windows(3).any(|three| {
            three[1] == b'.' && three[0].is_ascii_alphanumeric() && three[2].is_ascii_alphanumeric()
        });
    written.contains("://") || bare.starts_with("www.") || is_host
}

/// `C:\…`, `/home/…`, `~/…`, `a/b/c`.
fn is_path(written: &str) -> bool {
    let bare = written.trim_start_matches(['"', '\'', '(', '[', '<', '“', '«']);
    let strokes = bare.bytes().filter(|byte| *byte == b'/').count();
    bare.contains('\\') || bare.starts_with("~/") || strokes >= 2
}

/// `Name/1.0`, as programs call themselves (RFC 9110, section 10.1.5).
fn is_versioned(written: &str) -> bool {
    let Some((name, version)) = written.split_once('/') else { return false };
    name.len() >= 2
        && name.bytes().any(|byte| byte.is_ascii_alphabetic())
        && version.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

/// Where the remark behind a program's name ends; `at` without one.
fn remark_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or("");
    let opened = rest.trim_start();
    if !opened.starts_with('(') {
        return at;
    }
    let within = opened.bytes().take(LONGEST_REMARK_BYTES).position(|byte| byte == b')');
    within.map_or(at, |length| at + (rest.len() - opened.len()) + length + 1)
}
