//! Contacts tagged by rules, a trained model and agents' codes together: who decides, what the
//! others thought, and by which words.

use std::sync::Arc;

use quell_model::event::{Role, Turn};
use quell_model::{DecidedBy, UNCLASSIFIED, Weight};
use quell_taxonomy::learned::{Example, Learned, TrainSettings, Trainer};
use quell_taxonomy::{TagInput, TagSettings, Tagger, Tagging, Taxonomy};
use quell_text::Language;

const SHOP: &str = include_str!("shop.yaml");

fn shop() -> Taxonomy {
    Taxonomy::parse(SHOP, "shop.yaml").unwrap_or_else(|problems| panic!("{}", problems[0]))
}

/// Contacts as agents coded them: an id, a code in another case, and a code of no reason.
fn trained() -> Learned {
    let asked = [
        ("delivery.late", ["my parcel has not arrived", "where does the courier stay"]),
        ("dup_charge", ["money was taken two times", "billed once more for one thing"]),
        ("GIFTS", ["do you sell gift cards", "a voucher for my mother please"]),
    ];
    let endings = ["since monday", "again", "on my phone", "for my order", "today", "in the app"];
    let mut rows = Vec::new();
    for (label, says) in asked {
        for said in says {
            rows.extend(endings.map(|ending| (format!("{said} {ending}"), label)));
        }
    }
    let examples: Vec<Example<'_>> = rows
        .iter()
        .map(|(text, label)| Example { texts: vec![text], language: Language::EN, label })
        .collect();
    let settings = TrainSettings { names_count: false, ..TrainSettings::default() };
    Trainer::new().train(&examples, &settings).expect("labels enough")
}

fn tagger(settings: TagSettings) -> Tagger {
    Tagger::new(Arc::new(shop().with_model(trained())), settings)
}

fn tag(input: TagInput<'_>) -> Tagging {
    tagger(TagSettings::default()).tag(&input)
}

fn decided(tagging: &Tagging) -> (&str, DecidedBy) {
    (tagging.reasons[0].reason.as_str(), tagging.reasons[0].decided_by)
}

fn opinions(tagging: &Tagging) -> Vec<(DecidedBy, &str, bool)> {
    tagging.opinions.iter().map(|o| (o.by, o.reason.as_str(), o.is_sure)).collect()
}

const LATE: &str = "Good evening, my parcel has not arrived since monday";

#[test]
fn a_sure_model_decides_and_shows_its_words_where_they_stand() {
    let turn = Turn {
        role: Role::Customer,
        text: "where does the courier stay".to_owned(),
        at: None,
        offset_ms: None,
        sentiment: None,
    };
    let turns = [Turn { role: Role::Agent, ..turn.clone() }, turn];
    for input in [
        TagInput { body: Some(LATE), ..TagInput::default() },
        TagInput { subject: Some(LATE), body: Some("thank you"), ..TagInput::default() },
        TagInput { turns: &turns, ..TagInput::default() },
    ] {
        let tagging = tag(input);
        assert_eq!(decided(&tagging), ("delivery.late", DecidedBy::Model));
        let total: u32 = tagging.reasons.iter().map(|tag| tag.weight.0).sum();
        assert_eq!(total, Weight::ONE.0);
        let first = &tagging.reasons[0];
        assert!(!first.evidence.is_empty() && first.evidence.len() <= 8);
        for evidence in &first.evidence {
            let text = match evidence.place.as_str() {
                "subject" => input.subject,
                "body" => input.body,
                place => Some(turns[place[5..].parse::<usize>().unwrap()].text.as_str()),
            };
            let words = &text.unwrap()[evidence.start as usize..evidence.end as usize];
            assert_eq!(words, evidence.matched);
            assert!(evidence.weight.is_some_and(|weight| weight.0 >= 0));
        }
        assert!(first.evidence.windows(2).all(|two| two[0].weight >= two[1].weight));
        assert_eq!(opinions(&tagging), []);
    }
}

#[test]
fn rules_come_before_the_model_and_all_opinions_stay() {
    let text = "you charged me twice. my parcel has not arrived since monday";
    let input = TagInput { body: Some(text), agent_code: Some("dup_charge"), ..Default::default() };
    let tagging = tag(input);
    assert_eq!(decided(&tagging), ("billing.duplicate_charge", DecidedBy::Rule));
    let said = opinions(&tagging);
    assert!(said.contains(&(DecidedBy::AgentCode, "billing.duplicate_charge", true)), "{said:?}");
    assert!(
        said.iter().any(|(by, reason, _)| *by == DecidedBy::Model && *reason == "delivery.late")
    );
}

#[test]
fn an_unsure_model_leaves_it_to_the_agent_and_then_to_nobody() {
    let strange = TagInput { body: Some("zebra quantum fjord"), ..TagInput::default() };
    let tagging = tag(TagInput { agent_code: Some("LATE"), ..strange });
    assert_eq!(decided(&tagging), ("delivery.late", DecidedBy::AgentCode));
    let by_model: Vec<_> =
        tagging.opinions.iter().filter(|one| one.by == DecidedBy::Model).collect();
    assert!(by_model.iter().all(|one| !one.is_sure), "{by_model:?}");
    assert_eq!(decided(&tag(strange)), (UNCLASSIFIED, DecidedBy::None));
    let silent = tag(TagInput::default());
    assert_eq!((decided(&silent), opinions(&silent)), ((UNCLASSIFIED, DecidedBy::None), vec![]));
}

#[test]
fn a_label_of_no_reason_is_said_and_given_only_where_every_code_is() {
    let taxonomy = shop().with_model(trained());
    assert_eq!(taxonomy.unknown_labels().collect::<Vec<_>>(), ["GIFTS"]);
    let gifts = TagInput { body: Some("do you sell gift cards today"), ..TagInput::default() };
    assert_eq!(decided(&tag(gifts)), (UNCLASSIFIED, DecidedBy::None));
    let mut accepting = tagger(TagSettings { accept_agent_codes: true, ..TagSettings::default() });
    assert_eq!(decided(&accepting.tag(&gifts)), ("GIFTS", DecidedBy::Model));
}

#[test]
fn the_model_is_part_of_the_version() {
    let (bare, with) = (shop(), shop().with_model(trained()));
    let model = with.version().strip_prefix(bare.version()).expect("the catalogue's own");
    assert!(model.starts_with('+') && model.len() == 13, "{model}");
    assert_eq!(with.version(), shop().with_model(trained()).version());
    assert_eq!(bare.unknown_labels().count(), 0);
}
