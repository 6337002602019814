//! Word vectors that the operator supplies: a text is understood by words that no training text
//! had, and without a table nothing is otherwise than before.

use std::sync::Arc;

use quell_taxonomy::learned::{
    Example, Learned, Reader, TrainSettings, Trainer, VectorsBuilder, VectorsError, WordVectors,
    evaluate,
};
use quell_text::{Analyzer, Language};

/// Words of four reasons, those of the training texts and others of the same meaning. No word has
/// three characters in a row with one of another row.
const MEANINGS: [(&str, [&str; 4], [&str; 4]); 4] = [
    (
        "refund",
        ["refund", "money", "reimburse", "repay"],
        ["compensation", "cashback", "payout", "restitution"],
    ),
    (
        "delivery",
        ["parcel", "courier", "shipment", "tracking"],
        ["dispatch", "freight", "mailman", "van"],
    ),
    (
        "login",
        ["password", "login", "account", "pin"],
        ["credentials", "authentication", "userid", "keyphrase"],
    ),
    (
        "broken",
        ["broken", "crack", "defective", "faulty"],
        ["smashed", "shattered", "damaged", "wrecked"],
    ),
];
const FILLERS: [&str; 6] = ["today", "monday", "urgent", "hello", "order", "blue"];

/// Numbers from a counter: reproducible, and with no order among words.
fn noise(seed: u64) -> f32 {
    let mut z = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
}

/// A table where the words of a meaning lie near each other.
fn table() -> String {
    let mut lines = String::new();
    let mut word = |word: &str, meaning: Option<u64>, seed: u64| {
        lines += word;
        for d in 0..16 {
            let near = meaning.map_or(0.0, |meaning| noise(1_000 * (meaning + 1) + d));
            lines += &format!(" {:.4}", near + 0.5 * noise(100_000 + 100 * seed + d));
        }
        lines.push('\n');
    };
    let mut seed = 0;
    for (meaning, (_, known, new)) in (0..).zip(MEANINGS) {
        for one in known.into_iter().chain(new) {
            seed += 1;
            word(one, Some(meaning), seed);
        }
    }
    for filler in FILLERS {
        seed += 1;
        word(filler, None, seed);
    }
    lines
}

fn read(table: &str) -> Result<WordVectors, VectorsError> {
    let mut builder = VectorsBuilder::new();
    table.lines().try_for_each(|line| builder.line(line))?;
    builder.finish()
}

fn texts(
    of: impl Fn(&(&str, [&'static str; 4], [&'static str; 4])) -> [&'static str; 4],
) -> Vec<(String, &'static str)> {
    let mut rows = Vec::new();
    for meaning in MEANINGS {
        let words = of(&meaning);
        for (n, filler) in (0..24).zip(FILLERS.iter().cycle()) {
            let (one, two) = (words[n % 4], words[(n / 4 + 1) % 4]);
            rows.push((format!("{filler} {one} {two}"), meaning.0));
        }
    }
    rows
}

fn examples<'a>(rows: &'a [(String, &'a str)]) -> Vec<Example<'a>> {
    rows.iter()
        .map(|(text, label)| Example { texts: vec![text], language: Language::EN, label })
        .collect()
}

fn trained(vectors: Option<WordVectors>) -> Learned {
    let rows = texts(|meaning| meaning.1);
    let vectors = vectors.map(Arc::new);
    let settings = TrainSettings { vectors, names_count: false, ..TrainSettings::default() };
    Trainer::new().train(&examples(&rows), &settings).expect("enough labels")
}

#[test]
fn words_that_no_training_text_had_are_understood_by_their_vectors() {
    let unseen = texts(|meaning| meaning.2);
    let asked = |model: &Learned| evaluate(model, &examples(&unseen)).accuracy.expect("texts");
    let (without, with) = (asked(&trained(None)), asked(&trained(read(&table()).ok())));
    assert!(without < 0.5, "{without}");
    assert!(with > 0.95, "{with}");
}

#[test]
fn the_model_carries_the_vectors_and_is_read_as_written() {
    let (with, without) = (trained(read(&table()).ok()), trained(None));
    let bytes = with.to_bytes();
    let again = Learned::from_bytes(&bytes).expect("as written");
    assert_eq!(again, with);
    assert_eq!(again.to_bytes(), bytes);
    assert_eq!(trained(read(&table()).ok()).to_bytes(), bytes);
    // Formats 3 and 2: a release that knows no vectors refuses the first and reads the second.
    assert_eq!((bytes[4], without.to_bytes()[4]), (3, 2));
    for cut in (0..bytes.len()).step_by(89) {
        assert!(Learned::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn what_speaks_for_a_label_is_the_new_word() {
    let model = trained(read(&table()).ok());
    let mut reader = Reader::new();
    reader.add(&Analyzer::new().analyze(Language::EN, "hello freight"));
    assert_eq!(model.guess(&mut reader).labels[0].0, "delivery");
    let strongest = model.contributions(&mut reader, "delivery")[0];
    assert_eq!((strongest.first, strongest.last), (1, 1));
    assert!(strongest.weight > 0.0);
}

#[test]
fn tables_of_all_three_writers_are_read_alike() {
    let glove = "card 1 0 0.5\nparcel 0 1 -2e-1\n";
    let fast_text = "2 3\ncard 1 0 0.5 \nparcel 0 1 -0.2 \n";
    let word2vec = "2 3\r\ncard\t1\t0\t0.5\r\nCARD 9 9 9\r\nparcel 0 1 -0.2\r\n. . 1 1 1\r\n";
    let expected = read(glove).expect("a table");
    assert_eq!((expected.words(), expected.dimensions()), (2, 3));
    for other in [fast_text, word2vec] {
        assert_eq!(read(other).as_ref(), Ok(&expected), "{other}");
    }
}

#[test]
fn a_table_that_is_none_is_refused_with_the_line() {
    assert_eq!(read(""), Err(VectorsError::Empty));
    assert_eq!(read("3 2\n"), Err(VectorsError::Empty));
    let short = VectorsError::Width { line: 2, found: 2, expected: 3 };
    assert_eq!(read("card 1 0 1\nparcel 0 1\n"), Err(short));
    for wrong in ["x", "nan", "inf", "1,5"] {
        let table = format!("card 1 0 1\nparcel 0 1 {wrong}\n");
        assert_eq!(read(&table), Err(VectorsError::NotANumber { line: 2 }), "{wrong}");
    }
    let wide = format!("card{}", " 1".repeat(2_000));
    assert_eq!(read(&wide), Err(VectorsError::TooWide { found: 2_000 }));
}

#[test]
fn more_words_than_a_model_may_carry_are_refused_with_the_number() {
    let mut builder = VectorsBuilder::new();
    let most = 1_000_000;
    for word in 0..most {
        assert_eq!(builder.line(&format!("w{word} 1")), Ok(()));
    }
    let one_more = builder.line("onemore 1");
    assert_eq!(one_more, Err(VectorsError::TooMany { most }));
    assert!(one_more.expect_err("refused").to_string().contains("head -n"));
}
