//! How well the cues are found in what customers write: sentences written by hand, per language,
//! each with the classes it shows. Those in `cues` were there when the lexicon was made. Those in
//! `cues/unseen` were written afterwards and never used for it: they say what to expect.

use quell_text::Language;
use quell_text::cues::{CUES, CueReader};

/// What a language's sentences must reach: precision and recall in percent.
struct Wanted {
    seen: [u32; 2],
    unseen: [u32; 2],
}

/// Language, sentences, unseen sentences, and what was reached.
const SETS: [(&str, &str, &str, Wanted); 8] = [
    (
        "en",
        include_str!("cues/en.txt"),
        include_str!("cues/unseen/en.txt"),
        Wanted { seen: [94, 98], unseen: [100, 92] },
    ),
    (
        "hu",
        include_str!("cues/hu.txt"),
        include_str!("cues/unseen/hu.txt"),
        Wanted { seen: [94, 100], unseen: [93, 100] },
    ),
    (
        "hy",
        include_str!("cues/hy.txt"),
        include_str!("cues/unseen/hy.txt"),
        Wanted { seen: [94, 96], unseen: [100, 92] },
    ),
    (
        "ru",
        include_str!("cues/ru.txt"),
        include_str!("cues/unseen/ru.txt"),
        Wanted { seen: [96, 100], unseen: [100, 92] },
    ),
    (
        "zh-Hans",
        include_str!("cues/zh-Hans.txt"),
        include_str!("cues/unseen/zh-Hans.txt"),
        Wanted { seen: [95, 100], unseen: [100, 85] },
    ),
    (
        "zh-Hant",
        include_str!("cues/zh-Hant.txt"),
        include_str!("cues/unseen/zh-Hant.txt"),
        Wanted { seen: [97, 97], unseen: [100, 85] },
    ),
    (
        "de",
        include_str!("cues/de.txt"),
        include_str!("cues/unseen/de.txt"),
        Wanted { seen: [98, 99], unseen: [92, 85] },
    ),
    (
        "es",
        include_str!("cues/es.txt"),
        include_str!("cues/unseen/es.txt"),
        Wanted { seen: [98, 100], unseen: [100, 92] },
    ),
];

/// Cues found rightly, found wrongly, and missed.
#[derive(Default)]
struct Score {
    right: u32,
    wrong: u32,
    missed: u32,
}

impl Score {
    fn precision(&self) -> u32 {
        percent(self.right, self.right + self.wrong)
    }

    fn recall(&self) -> u32 {
        percent(self.right, self.right + self.missed)
    }
}

fn percent(part: u32, all: u32) -> u32 {
    (100 * part).checked_div(all).unwrap_or(100)
}

/// A sentence with the cues it shows and those it may show as well.
fn read_line(line: &str) -> (Vec<&str>, Vec<&str>, &str) {
    let (cues, text) = line.split_once(" | ").expect("cues | text");
    let (mut wanted, mut allowed) = (Vec::new(), Vec::new());
    for cue in cues.split(',').filter(|cue| *cue != "none") {
        match cue.strip_prefix('?') {
            Some(cue) => allowed.push(cue),
            None => wanted.push(cue),
        }
    }
    assert!(wanted.iter().chain(&allowed).all(|cue| CUES.contains(cue)), "{line}");
    (wanted, allowed, text)
}

/// Scores sentences; `show` prints what went wrong. Also how many show a cue, and how many none.
fn score(reader: &mut CueReader, name: &str, lines: &str, show: bool) -> (Score, [u32; 2]) {
    let language = Language::parse(name).expect("a language");
    let (mut score, mut counts) = (Score::default(), [0, 0]);
    for line in lines.lines() {
        let (wanted, allowed, text) = read_line(line);
        counts[usize::from(wanted.is_empty())] += 1;
        let hits = reader.read(language, text);
        for cue in CUES {
            let hit = hits.iter().find(|hit| hit.cue == cue);
            match (wanted.contains(&cue), hit) {
                (true, Some(_)) => score.right += 1,
                (true, None) => score.missed += 1,
                (false, Some(_)) if !allowed.contains(&cue) => score.wrong += 1,
                _ => continue,
            }
            if show && wanted.contains(&cue) != hit.is_some() {
                println!("{name} {cue} {:?} {text}", hit.map(|hit| hit.phrase));
            }
        }
    }
    (score, counts)
}

#[test]
fn cues_are_found_in_what_customers_write() {
    let mut reader = CueReader::new();
    let show = std::env::var_os("SHOW_CUE_MISTAKES").is_some();
    let mut fallen = Vec::new();
    println!("precision/recall in %: language, seen, unseen");
    for (name, seen, unseen, wanted) in SETS {
        let (seen, counts) = score(&mut reader, name, seen, show);
        assert!(counts.iter().all(|count| *count >= 25), "{name}: {counts:?}");
        let (unseen, _) = score(&mut reader, name, unseen, false);
        let shown = |score: &Score| format!("{}/{}", score.precision(), score.recall());
        println!("{name:8} {:>8} {:>8}", shown(&seen), shown(&unseen));
        for (score, [precision, recall]) in [(seen, wanted.seen), (unseen, wanted.unseen)] {
            if score.precision() < precision || score.recall() < recall {
                fallen.push(name);
            }
        }
    }
    assert!(fallen.is_empty(), "worse than what was reached: {fallen:?}");
}

#[test]
fn each_hit_shows_its_phrase_and_its_place() {
    let text = "You promised a refund. I have already called twice and it’s still not fixed!";
    let hits = CueReader::new().read(Language::EN, text);
    let shown: Vec<(&str, &str)> = hits
        .iter()
        .map(|hit| (hit.cue, text.get(hit.start as usize..hit.end as usize).unwrap_or("")))
        .collect();
    for expected in [
        ("promise_missed", "You promised"),
        ("repeat", "already called"),
        ("unresolved", "still not"),
    ] {
        assert!(shown.contains(&expected), "{shown:?}");
    }
    let rank = |cue: &str| CUES.iter().position(|known| *known == cue);
    assert!(hits.is_sorted_by_key(|hit| (rank(hit.cue), hit.start)));
    assert!(hits.iter().all(|hit| !hit.phrase.is_empty()));
}

#[test]
fn a_weak_word_counts_only_near_a_word_of_contact() {
    let mut reader = CueReader::new();
    for (language, far, near) in [
        ("en", "it rains again", "I have to call again"),
        ("ru", "снова дождь", "звоню снова"),
        ("hu", "újra esik", "újra hívom önöket"),
        ("hy", "նորից անձրեւ է", "նորից զանգում եմ"),
        ("de", "es regnet erneut", "ich rufe erneut an"),
        ("es", "llueve otra vez", "llamo otra vez"),
        ("zh", "又下雨了", "我又打电话了"),
        ("zh", "還是老地方", "又聯繫你們"),
    ] {
        let language = Language::parse(language).expect("a language");
        for (text, wanted) in [(far, false), (near, true)] {
            let hits = reader.read(language, text);
            assert_eq!(hits.iter().any(|hit| hit.cue == "repeat"), wanted, "{text}: {hits:?}");
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_has_cues_inside_it(
        text in "(call|again|twice|not|чтобы|又|电话|չի|\\PC){0,40}",
        n in 0..SETS.len(),
    ) {
        thread_local!(static READER: std::cell::RefCell<CueReader> = CueReader::new().into());
        let Some(language) = Language::parse(SETS[n].0) else { return Ok(()) };
        for hit in READER.with_borrow_mut(|reader| reader.read(language, &text)) {
            let shown = text.get(hit.start as usize..hit.end as usize);
            proptest::prop_assert!(shown.is_some_and(|shown| !shown.is_empty()));
        }
    }
}
