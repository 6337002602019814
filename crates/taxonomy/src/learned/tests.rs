//! What a model promises, shown on a small help desk.

use quell_model::UNCLASSIFIED;
use quell_text::{Analyzer, Language};

use super::calibrate::{Unseen, clearly_best, probabilities, temperature, threshold};
use super::*;

/// Texts of three reasons and of none, made of parts so that each reason has many.
fn desk() -> Vec<(String, &'static str)> {
    let openings = ["hello,", "please help,", "good morning,", "it is urgent:", "hi there"];
    let details = ["since monday", "again", "on my phone", "for my order", "in the app", "today"];
    let asked = [
        ("billing.refund", ["i want my money back", "when does my refund come"]),
        ("delivery.late", ["my parcel has not arrived", "where is the delivery"]),
        ("account.password", ["i forgot my password", "the login does not take my password"]),
        ("other", ["do you sell gift cards", "what a lovely shop you have"]),
    ];
    let mut all = Vec::new();
    for (label, says) in asked {
        for said in says {
            for opening in openings {
                all.extend(details.iter().map(|d| (format!("{opening} {said} {d}"), label)));
            }
        }
    }
    all
}

fn examples<'a>(rows: &'a [(String, &'a str)]) -> Vec<Example<'a>> {
    let example = |(text, label): &'a (String, &'a str)| Example {
        texts: vec![text],
        language: Language::EN,
        label,
    };
    rows.iter().map(example).collect()
}

fn settings() -> TrainSettings {
    TrainSettings { other: Some("other".to_owned()), ..TrainSettings::default() }
}

fn trained() -> Learned {
    Trainer::new().train(&examples(&desk()), &settings()).expect("enough labels")
}

fn asked<'m>(model: &'m Learned, text: &str) -> Guess<'m> {
    let mut reader = Reader::new();
    reader.add(&Analyzer::new().analyze(Language::EN, text));
    model.guess(&mut reader)
}

#[test]
fn it_knows_other_forms_and_slips_of_the_words_it_learnt() {
    let model = trained();
    for (text, label) in [
        ("refunds, when do they come", "billing.refund"),
        ("the parcels have not arived", "delivery.late"),
        ("forgotten passwrd", "account.password"),
    ] {
        assert_eq!(asked(&model, text).labels[0].0, label, "{text}");
    }
    assert!(asked(&model, "hello, i want my money back since monday").is_sure);
}

#[test]
fn something_else_is_never_a_reason_and_strange_texts_are_not_sure() {
    let model = trained();
    for text in ["", "…", "⟨EMAIL⟩", "do you sell gift cards in the app", "zebra quantum fjord"]
    {
        let guess = asked(&model, text);
        assert!(!guess.is_sure, "{text}: {guess:?}");
        assert!(guess.labels.iter().all(|(label, _)| *label != "other"));
    }
}

#[test]
fn strange_words_take_confidence_away() {
    let model = trained();
    let strange = ["zebra", "quantum", "fjord", "glyph", "waltz", "nymph", "vortex", "kayak"];
    for (text, _) in desk().iter().filter(|(_, label)| *label != "other") {
        let mut before = asked(&model, text).labels[0].1;
        for count in [1, 2, 4, 8] {
            let longer = format!("{text} {}", strange[..count].join(" "));
            let now = asked(&model, &longer).labels[0].1;
            assert!(now <= before, "{longer}: {now} after {before}");
            before = now;
        }
    }
    // The evidence for a reason stays what it was: what takes the certainty is that so little of
    // the text is known.
    let drowned = asked(&model, &format!("password {}", strange.join(" ")));
    assert!(!drowned.is_sure && drowned.labels[0].0 == "account.password", "{drowned:?}");
}

/// Texts of five labels that share words, with a tenth of the labels drawn at random.
fn noisy(seed: u64) -> Vec<(String, &'static str)> {
    let labels = ["delivery", "refund", "password", "invoice", "warranty"];
    let mut draws = crate::draws::Draws(seed);
    let mut draw = |count: u64| (draws.next() % count) as usize;
    (0..1_500)
        .map(|_| {
            let label = draw(5);
            let word = |draw: &mut dyn FnMut(u64) -> usize| match draw(4) {
                0 => format!("{}word{}", labels[label], draw(12)),
                1 => format!("{}word{}", labels[draw(5)], draw(12)),
                _ => format!("filler{}", draw(60)),
            };
            let words: Vec<String> = (0..6).map(|_| word(&mut draw)).collect();
            let given = if draw(10) == 0 { draw(5) } else { label };
            (words.join(" "), labels[given])
        })
        .collect()
}

#[test]
fn the_promise_holds_on_texts_that_were_not_seen() {
    let (seen, unseen) = (noisy(1), noisy(2));
    for precision in [0.7, 0.8] {
        let settings = TrainSettings { precision, names_count: false, ..TrainSettings::default() };
        let model = Trainer::new().train(&examples(&seen), &settings).expect("enough labels");
        let found = evaluate(&model, &examples(&unseen));
        let (kept, taken) = (found.realised_precision.unwrap(), found.coverage.unwrap());
        assert!((kept - precision).abs() < 0.04, "{kept} of {precision}, {taken} taken");
        assert!(taken > 0.15 && taken < 0.95, "{taken}");
    }
}

#[test]
fn the_same_texts_and_seed_give_the_same_bytes() {
    let model = trained();
    assert_eq!(model.to_bytes(), trained().to_bytes());
    let other = TrainSettings { seed: 2, ..settings() };
    let other = Trainer::new().train(&examples(&desk()), &other).expect("enough labels");
    assert_ne!(model.to_bytes(), other.to_bytes());
}

#[test]
fn parts_may_be_done_in_any_order() {
    let lessons = Trainer::new().lessons(&examples(&desk()), &settings()).expect("enough labels");
    let Ok(backwards) = lessons.learn(|parts, part| {
        Ok::<_, std::convert::Infallible>((0..parts).rev().map(part).collect())
    });
    assert_eq!(backwards.to_bytes(), trained().to_bytes());
}

#[test]
fn a_model_is_read_as_written_and_a_damaged_one_is_refused() {
    let model = trained();
    let bytes = model.to_bytes();
    assert_eq!(Learned::from_bytes(&bytes).as_ref(), Ok(&model));
    for cut in (0..bytes.len()).step_by(97) {
        assert!(Learned::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        let mut changed = bytes.clone();
        changed[cut] ^= 1;
        assert!(Learned::from_bytes(&changed).is_err(), "changed at {cut}");
    }
    assert_eq!(Learned::from_bytes(b"{}"), Err(FormatError::NotAModel));
}

#[test]
fn contributions_and_bias_are_the_whole_score() {
    let model = trained();
    let text = "hello, my parcel and the refund have not arrived";
    let mut reader = Reader::new();
    reader.add(&Analyzer::new().analyze(Language::EN, text));
    let guess = model.guess(&mut reader);
    let score = |label: &str, reader: &mut Reader| {
        let at = model.labels().position(|known| known == label).expect("a label");
        let parts = model.contributions(reader, label);
        parts.iter().map(|part| part.weight).sum::<f32>() + model.bias[at]
    };
    let mut scores: Vec<f32> = Vec::new();
    for label in model.labels() {
        scores.push(score(label, &mut reader));
    }
    let mut shares = Vec::new();
    probabilities(&scores, model.calibration.temperature, &mut shares);
    for (label, probability) in &guess.labels {
        let at = model.labels().position(|known| known == *label).expect("a label");
        assert!((shares[at] - probability).abs() < 1e-4, "{label}: {} {probability}", shares[at]);
    }
}

#[test]
fn the_threshold_is_the_least_that_keeps_the_promise() {
    // Two labels: the first score is the confidence's logit.
    let unseen: Vec<Unseen> = (0..200_u32)
        .map(|n| Unseen {
            label: u32::from(n % 10 == 9 && n < 100),
            scores: vec![n as f32 / 40.0, 0.0],
        })
        .collect();
    let least = threshold(&unseen, 1.0, None, 0.97);
    let confidence = |one: &Unseen| {
        let mut shares = Vec::new();
        probabilities(&one.scores, 1.0, &mut shares);
        shares[0]
    };
    let precision = |from: f32| {
        let taken: Vec<_> = unseen.iter().filter(|one| confidence(one) >= from).collect();
        let right = taken.iter().filter(|one| one.label == 0).count();
        right as f64 / taken.len() as f64
    };
    assert!(precision(least) >= 0.97);
    let lower = unseen.iter().map(confidence).filter(|c| *c < least);
    assert!(lower.map(precision).all(|precision| precision < 0.97));
    assert_eq!(threshold(&unseen[99..100], 1.0, None, 0.97), f32::INFINITY);
}

#[test]
fn the_temperature_is_that_under_which_the_labels_were_drawn() {
    let mut draws = crate::draws::Draws(11);
    let mut share = || (draws.next() >> 40) as f32 / (1_u64 << 24) as f32;
    for hot in [0.2_f32, 1.0, 3.0] {
        let unseen: Vec<Unseen> = (0..20_000)
            .map(|_| {
                let scores = vec![6.0 * share() * hot, 6.0 * share() * hot, 6.0 * share() * hot];
                let mut shares = Vec::new();
                probabilities(&scores, hot, &mut shares);
                let drawn = share();
                let label = u32::from(drawn > shares[0]) + u32::from(drawn > shares[0] + shares[1]);
                Unseen { label, scores }
            })
            .collect();
        let found = temperature(&unseen);
        assert!((found / hot - 1.0).abs() < 0.1, "{found} for {hot}");
    }
}

#[test]
fn another_choice_is_taken_only_where_it_is_better_beyond_chance() {
    // The second is right where the first is, and on `more` texts beside; the first on `less`.
    let rights = |more: usize, less: usize| {
        let first: Vec<bool> = (0..100).map(|n| n < 50 || n >= 100 - less).collect();
        let second: Vec<bool> = (0..100).map(|n| n < 50 + more).collect();
        vec![first, second]
    };
    assert_eq!(clearly_best(&rights(9, 0), 0), 1);
    assert_eq!(clearly_best(&rights(12, 9), 0), 0);
    assert_eq!(clearly_best(&rights(12, 9), 1), 1);
    assert_eq!(clearly_best(&rights(0, 9), 1), 0);
    assert_eq!(clearly_best(&rights(0, 0), 0), 0);
}

#[test]
fn evaluation_counts_what_happened() {
    let model = trained();
    let rows = [
        ("my parcel has not arrived".to_owned(), "delivery.late"),
        ("my parcel has not arrived".to_owned(), "billing.refund"),
        ("zebra quantum fjord".to_owned(), "other"),
    ];
    let found = evaluate(&model, &examples(&rows));
    assert_eq!((found.in_scope, found.out_of_scope), (2, 1));
    assert_eq!(found.accuracy, Some(0.5));
    // Two of two given for one label of which there was one; the other never given.
    assert_eq!(found.macro_f1, Some((2.0 / 3.0 + 0.0) / 2.0));
    assert_eq!(found.rejected_out_of_scope, Some(1.0));
    assert_eq!(evaluate(&model, &[]), Evaluation::default());
}

#[test]
fn contacts_that_nobody_found_a_reason_for_teach_nothing() {
    let mut rows = desk();
    rows.extend((0..40).map(|n| (format!("my parcel, my refund, my password {n}"), UNCLASSIFIED)));
    let with = Trainer::new().train(&examples(&rows), &settings()).expect("enough labels");
    assert_eq!(with.to_bytes(), trained().to_bytes());
    // Whoever means by it that a text belongs to no reason may say so.
    let other = TrainSettings { other: Some(UNCLASSIFIED.to_owned()), ..TrainSettings::default() };
    let as_other = Trainer::new().train(&examples(&rows), &other).expect("enough labels");
    assert_eq!(as_other.other(), Some(UNCLASSIFIED));
    rows.retain(|(_, label)| matches!(*label, UNCLASSIFIED | "delivery.late"));
    let refused = Trainer::new().train(&examples(&rows), &settings());
    assert_eq!(refused, Err(TrainError::TooFewLabels(1)));
}

#[test]
fn a_choice_needs_two_labels() {
    let rows = [("a".to_owned(), "one"), ("b".to_owned(), "other")];
    let refused = Trainer::new().train(&examples(&rows), &settings());
    assert_eq!(refused, Err(TrainError::TooFewLabels(1)));
}

#[test]
fn few_of_each_takes_as_many_of_every_label_and_the_seed_chooses() {
    let rows = desk();
    let chosen = few_of_each(examples(&rows), 5, 1);
    assert_eq!(chosen.len(), 20);
    let again = few_of_each(examples(&rows), 5, 2);
    assert_ne!(
        chosen.iter().map(|e| e.texts.clone()).collect::<Vec<_>>(),
        again.iter().map(|e| e.texts.clone()).collect::<Vec<_>>()
    );
}
