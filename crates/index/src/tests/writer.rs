//! One document per contact, positions, crashes, rebuilds.

use std::fs;
use std::path::Path;

use quell_model::ContactKey;
use quell_model::contact::Maturity;
use tempfile::TempDir;

use super::{Dice, contact, generated, ids, index, settings};
use crate::{IndexError, IndexWriter, SearchRequest, Searcher, rebuild};

#[test]
fn an_upsert_leaves_one_document_with_the_new_words() {
    let (_dir, mut writer, searcher) = index(&[contact("1", "en", "old words")]);
    writer.upsert(&contact("1", "en", "between")).unwrap();
    writer.upsert(&contact("1", "en", "new words")).unwrap();
    writer.commit(2).unwrap();
    searcher.reload().unwrap();
    assert_eq!(ids(&searcher, ""), ["1"]);
    assert_eq!(ids(&searcher, "new"), ["1"]);
    assert_eq!(ids(&searcher, "old OR between"), [""; 0]);
}

#[test]
fn documents_are_the_live_contacts() {
    let mut dice = Dice(3);
    let (_dir, mut writer, searcher) = index(&[]);
    let mut live = std::collections::BTreeMap::new();
    for round in 0..6 {
        for mut contact in generated(40, &mut dice) {
            let key = contact.contact_key.clone();
            if dice.chance(30) {
                writer.remove(&key);
                live.remove(key.as_str());
            } else {
                contact.subject = Some(format!("round{round}"));
                writer.upsert(&contact).unwrap();
                live.insert(key.as_str().to_owned(), format!("round{round}"));
            }
        }
        writer.commit(round).unwrap();
        searcher.reload().unwrap();
        let request = SearchRequest { limit: 1000, ..SearchRequest::default() };
        let hits = searcher.search(&request).unwrap().hits;
        let found: std::collections::BTreeMap<_, _> = hits
            .into_iter()
            .map(|hit| (hit.contact.contact_key, hit.contact.subject.unwrap_or_default()))
            .collect();
        assert_eq!(found, live);
        assert_eq!(searcher.live_contacts(), live.len() as u64);
    }
}

#[test]
fn the_position_comes_back_with_the_documents_it_covers() {
    let dir = TempDir::new().unwrap();
    let mut writer = IndexWriter::open(dir.path(), settings()).unwrap();
    assert_eq!(writer.position(), None);
    writer.upsert(&contact("1", "en", "first")).unwrap();
    writer.commit(10).unwrap();
    writer.upsert(&contact("2", "en", "second")).unwrap();
    writer.remove(&ContactKey::new("test", None, "1"));
    // What a crash at this moment leaves on disk.
    let crashed = TempDir::new().unwrap();
    copy(dir.path(), crashed.path());
    writer.commit(20).unwrap();
    assert_eq!(writer.position(), Some(20));
    writer.close().unwrap();

    let writer = IndexWriter::open(crashed.path(), settings()).unwrap();
    assert_eq!(writer.position(), Some(10));
    assert_eq!(ids(&writer.searcher().unwrap(), ""), ["1"]);

    let writer = IndexWriter::open(dir.path(), settings()).unwrap();
    assert_eq!(writer.position(), Some(20));
    assert_eq!(ids(&writer.searcher().unwrap(), ""), ["2"]);
}

#[test]
fn a_purge_empties_the_index_and_what_comes_after_it_stays() {
    let (_dir, mut writer, searcher) = index(&[contact("1", "en", "a"), contact("2", "en", "b")]);
    writer.upsert(&contact("3", "en", "c")).unwrap();
    writer.purge().unwrap();
    writer.upsert(&contact("2", "en", "again")).unwrap();
    searcher.reload().unwrap();
    assert_eq!(ids(&searcher, ""), ["1", "2"]);
    writer.commit(7).unwrap();
    searcher.reload().unwrap();
    assert_eq!(ids(&searcher, ""), ["2"]);
    assert_eq!(ids(&searcher, "again"), ["2"]);
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if !entry.file_name().to_string_lossy().ends_with(".lock") {
            // A file that goes away meanwhile was garbage of an earlier commit.
            match fs::copy(entry.path(), to.join(entry.file_name())) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                copied => drop(copied.unwrap()),
            }
        }
    }
}

#[test]
fn a_reader_opens_beside_the_writer_and_a_second_writer_is_refused() {
    let (dir, _writer, _searcher) = index(&[contact("1", "en", "words")]);
    assert_eq!(ids(&Searcher::open(dir.path()).unwrap(), "words"), ["1"]);
    let second = IndexWriter::open(dir.path(), settings());
    assert!(matches!(second.err(), Some(IndexError::Locked { .. })));
}

#[test]
fn another_analysis_asks_for_a_rebuild() {
    let (dir, writer, _searcher) = index(&[contact("1", "en", "words")]);
    writer.close().unwrap();
    let meta = dir.path().join("meta.json");
    let text = fs::read_to_string(&meta).unwrap();
    let changed = text.replace("\\\"analyser\\\":\\\"", "\\\"analyser\\\":\\\"other-");
    assert_ne!(text, changed);
    fs::write(&meta, changed).unwrap();
    let error = IndexWriter::open(dir.path(), settings()).err().unwrap();
    assert!(error.needs_rebuild(), "{error}");
    assert!(error.to_string().contains("other-"), "{error}");
    assert!(Searcher::open(dir.path()).err().unwrap().needs_rebuild());

    let writer = rebuild(dir.path(), settings()).unwrap();
    assert_eq!(writer.position(), None);
    assert_eq!(writer.searcher().unwrap().live_contacts(), 0);
}

#[test]
fn a_rebuild_leaves_other_folders_alone() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("letters.txt"), "dear").unwrap();
    let refused = rebuild(dir.path(), settings()).err();
    assert!(matches!(refused, Some(IndexError::NotAnIndex { .. })));
    assert!(dir.path().join("letters.txt").exists());
}

fn on_disk(dir: &Path, needle: &str) -> bool {
    fs::read_dir(dir).unwrap().any(|entry| {
        let bytes = fs::read(entry.unwrap().path()).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
    })
}

#[test]
fn after_a_rewrite_nothing_of_a_removed_contact_is_on_disk() {
    let mut erased = contact("1", "en", "zzyzxsecret");
    erased.customer_id = Some("zzyzxcustomer".to_owned());
    let (dir, mut writer, searcher) = index(&[erased.clone(), contact("2", "en", "other")]);
    assert!(on_disk(dir.path(), "zzyzxcustomer"));
    writer.remove(&erased.contact_key);
    writer.commit(2).unwrap();
    // The debt outlives a restart.
    drop(writer);
    let mut writer = IndexWriter::open(dir.path(), settings()).unwrap();
    assert!(writer.owes_rewrite());
    writer.rewrite_removed(&searcher).unwrap();
    assert!(!writer.owes_rewrite());
    // The engine's own threads let go of the old files a moment after the last reader has.
    for _ in 0..100 {
        if !on_disk(dir.path(), "zzyzx") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        writer.rewrite_removed(&searcher).unwrap();
    }
    assert!(!on_disk(dir.path(), "zzyzxcustomer"));
    assert!(!on_disk(dir.path(), "zzyzxsecret"));
    assert_eq!(ids(&writer.searcher().unwrap(), ""), ["2"]);
}

#[test]
fn bodies_are_not_stored_and_subjects_are_cut() {
    let mut long = contact("1", "en", "bodyword");
    long.subject = Some("é".repeat(500));
    let (_dir, _writer, searcher) = index(&[long]);
    let hit = searcher.search(&SearchRequest::default()).unwrap().hits.remove(0);
    assert_eq!(hit.contact.subject.as_ref().unwrap().chars().count(), 160);
    assert!(!serde_json::to_string(&hit).unwrap().contains("bodyword"));
}

#[test]
fn odd_contacts_are_taken_or_refused_by_name() {
    let dir = TempDir::new().unwrap();
    let mut writer = IndexWriter::open(dir.path(), settings()).unwrap();
    let mut odd = contact("1", "", &"word ".repeat(60_000));
    odd.occurred_at = quell_model::TimeMs::MAX;
    odd.handle_s = Some(f64::NAN);
    odd.customer_id = Some("x".repeat(100_000));
    odd.tags = vec![String::new(), "\u{0}".to_owned()];
    for n in 0..1000 {
        let value = quell_model::event::Scalar::Float(f64::INFINITY);
        odd.attributes.insert(format!("a.{n}..\u{1}"), value);
        odd.attributes.insert(format!("b{n}"), quell_model::event::Scalar::Int(n));
    }
    writer.upsert(&odd).unwrap();
    let mut nameless = contact("2", "en", "words");
    nameless.contact_key = ContactKey::from_text("");
    assert!(matches!(writer.upsert(&nameless), Err(IndexError::Contact { .. })));
    writer.commit(1).unwrap();
    assert_eq!(ids(&writer.searcher().unwrap(), "word"), ["1"]);
}

#[test]
fn what_is_held_is_told_from_what_is_not() {
    let one = contact("1", "en", "first words");
    let (_dir, mut writer, _searcher) = index(std::slice::from_ref(&one));
    let mature = quell_model::Contact { maturity: Maturity::Mature, ..one.clone() };
    assert!(writer.holds(&one).unwrap());
    assert!(writer.holds(&mature).unwrap(), "maturity is no part of a document");
    let moved = quell_model::Contact { queue: Some("second line".to_owned()), ..one.clone() };
    assert!(!writer.holds(&moved).unwrap());
    assert!(!writer.holds(&contact("2", "en", "first words")).unwrap());
    writer.upsert(&moved).unwrap();
    writer.commit(2).unwrap();
    assert!(writer.holds(&moved).unwrap());
    assert!(!writer.holds(&one).unwrap());
    writer.remove(&one.contact_key);
    writer.commit(3).unwrap();
    assert!(!writer.holds(&moved).unwrap());
}
