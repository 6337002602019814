//! Whole contacts, tagged by a small taxonomy in eight languages.

use std::sync::Arc;

use proptest::prelude::*;
use quell_model::contact::{DemandType, LanguageSource};
use quell_model::event::{Role, Turn};
use quell_model::{DecidedBy, ReasonId, UNCLASSIFIED, Weight};
use quell_taxonomy::{Quadrant, TagInput, TagSettings, Tagger, Tagging, Taxonomy};

const SHOP: &str = include_str!("shop.yaml");

fn taxonomy() -> Arc<Taxonomy> {
    match Taxonomy::parse(SHOP, "shop.yaml") {
        Ok(taxonomy) => Arc::new(taxonomy),
        Err(problems) => panic!("{}", problems[0]),
    }
}

fn tagger() -> Tagger {
    Tagger::new(taxonomy(), TagSettings::default())
}

fn tag(input: TagInput<'_>) -> Tagging {
    tagger().tag(&input)
}

fn body(text: &str) -> Tagging {
    tag(TagInput { body: Some(text), ..TagInput::default() })
}

fn ids(tagging: &Tagging) -> Vec<&str> {
    tagging.reasons.iter().map(|tag| tag.reason.as_str()).collect()
}

#[test]
fn one_complaint_in_eight_languages() {
    for (language, text) in [
        ("en", "Hello, you charged me twice for the same order, please help"),
        ("zh", "你好，信用卡被重複扣款了"),
        ("hu", "Jó napot, a bankkártyámról kétszer vontak le ugyanazért"),
        ("hy", "Բարև ձեզ, երկու անգամ գանձել եք նույն գումարը"),
        ("ru", "Здравствуйте, с карты списали дважды за один заказ"),
        ("de", "Guten Tag, der Betrag wurde doppelt abgebucht"),
        ("es", "Hola, me cobraron dos veces el mismo pedido"),
        ("fr", "Bonjour, j’ai été débité deux fois pour ma commande"),
    ] {
        let tagging = body(text);
        assert_eq!(ids(&tagging), ["billing.duplicate_charge"], "{text}");
        assert_eq!(tagging.language, language);
        let evidence = &tagging.reasons[0].evidence[0];
        assert_eq!(evidence.place, "body");
        assert!(text.get(evidence.start as usize..evidence.end as usize).is_some());
        assert_eq!(tagging.nature.dumb_class.as_deref(), Some("defect"));
        assert_eq!(tagging.nature.demand_type, Some(DemandType::Failure));
    }
}

#[test]
fn evidence_shows_the_words() {
    let text = "Hi! I was CHARGED twice.";
    let tagging = body(text);
    let evidence = &tagging.reasons[0].evidence[0];
    assert_eq!(evidence.matched, "{charge} ~3 twice");
    assert_eq!(&text[evidence.start as usize..evidence.end as usize], "CHARGED twice");
    assert_eq!(tagging.reasons[0].decided_by, DecidedBy::Rule);
    assert_eq!(tagging.reasons[0].weight, Weight::ONE);
}

#[test]
fn beside_a_phrase_stand_the_words_that_it_matched() {
    let turn = Turn {
        role: Role::Customer,
        text: "so my parcel is late".to_owned(),
        at: None,
        offset_ms: None,
        sentiment: None,
    };
    let tagging = tag(TagInput {
        subject: Some("CHARGED me ⟨card⟩ twice!"),
        turns: &[turn],
        ..TagInput::default()
    });
    let told: Vec<(&str, &str, &str, &str)> = tagging
        .rule_evidence
        .iter()
        .map(|one| (one.reason.as_str(), one.phrase.as_str(), one.words.as_str(), &*one.place))
        .collect();
    let charged = ("billing.duplicate_charge", "{charge} ~3 twice", "CHARGED me ⟨card⟩ twice");
    assert!(told.contains(&(charged.0, charged.1, charged.2, "subject")), "{told:?}");
    let in_turn = told.iter().any(|one| one.0 == "delivery.late" && one.3 == "turn:0");
    assert!(in_turn, "{told:?}");
    let folded = &body("信用卡被重複扣款了").rule_evidence[0];
    assert_eq!((&*folded.phrase, &*folded.words), ("重复{charge}", "重複扣款"));
    let evidence: usize = tagging.reasons.iter().map(|tag| tag.evidence.len()).sum();
    assert_eq!(tagging.rule_evidence.len(), evidence);
    // Nobody but a rule has phrases.
    assert_eq!(body("hello").rule_evidence, []);
}

#[test]
fn negation_unless_need_and_all() {
    assert_eq!(ids(&body("I was not charged twice, all good")), [UNCLASSIFIED]);
    assert_eq!(ids(&body("charged twice in the demo account")), [UNCLASSIFIED]);
    assert_eq!(ids(&body("my parcel")), [UNCLASSIFIED]);
    assert_eq!(ids(&body("my parcel is late")), ["delivery.late"]);
    assert_eq!(ids(&body("coupon")), [UNCLASSIFIED]);
    assert_eq!(ids(&body("coupon refused at checkout")), ["promotions.coupon"]);
    assert_eq!(ids(&body("the courier did not ring")), ["delivery.no_ring"]);
    assert_eq!(ids(&body("the courier did ring")), [UNCLASSIFIED]);
}

#[test]
fn level_three_stands_for_its_level_two() {
    let tagging = body("my parcel is late because of the snow storm");
    assert_eq!(ids(&tagging), ["delivery.late.weather"]);
    let taxonomy = taxonomy();
    let weather = taxonomy.reason(&ReasonId::from("delivery.late.weather")).expect("is there");
    assert_eq!(weather.owner, "carrier-management");
    assert_eq!(weather.cost_micros, Some(5_800_000));
    assert_eq!(weather.repeat_window_ms, Some(14 * 86_400_000));
    assert_eq!(weather.action, Some(Quadrant::Eliminate));
}

#[test]
fn at_most_three_reasons_weighted_by_score() {
    let text = "charged twice! My parcel is late. The courier did not ring. Coupon refused.";
    let tagging = body(text);
    assert_eq!(tagging.reasons.len(), 3);
    assert_eq!(tagging.reasons.iter().map(|tag| tag.weight.0).sum::<u32>(), Weight::ONE.0);
    assert!(tagging.reasons.is_sorted_by_key(|tag| std::cmp::Reverse(tag.weight)));
    let seen_twice = body("charged twice. I said charged twice. My parcel is late");
    let charged = seen_twice.reasons.iter().find(|tag| tag.reason.level1() == "billing");
    assert_eq!(charged.map(|tag| tag.evidence.len()), Some(1));
}

#[test]
fn places_and_speakers() {
    let turn = |role, text: &str| Turn {
        role,
        text: text.to_owned(),
        at: None,
        offset_ms: None,
        sentiment: None,
    };
    let turns = [
        turn(Role::Bot, "were you charged twice?"),
        turn(Role::Agent, "so your parcel is late"),
        turn(Role::Customer, "no, I was charged twice"),
    ];
    let tagging = tag(TagInput { turns: &turns, ..TagInput::default() });
    assert_eq!(ids(&tagging), ["billing.duplicate_charge"]);
    assert_eq!(tagging.reasons[0].evidence[0].place, "turn:2");
    let spoken = [turn(Role::Agent, "your voucher is on its way")];
    assert_eq!(ids(&tag(TagInput { turns: &spoken, ..TagInput::default() })), ["service.goodwill"]);
    let subject = TagInput { subject: Some("Unsubscribe"), ..TagInput::default() };
    assert_eq!(ids(&tag(subject)), ["account.unsubscribe"]);
    assert_eq!(ids(&body("how to unsubscribe")), [UNCLASSIFIED]);
}

#[test]
fn agents_codes_decide_when_no_rule_does() {
    let with = |code| TagInput { agent_code: Some(code), ..TagInput::default() };
    let tagging = tag(with(" dup_charge "));
    assert_eq!(ids(&tagging), ["billing.duplicate_charge"]);
    assert_eq!(tagging.reasons[0].decided_by, DecidedBy::AgentCode);
    assert_eq!((tagging.reasons[0].evidence[0].start, tagging.reasons[0].evidence[0].end), (1, 11));
    assert_eq!(ids(&tag(with("OTHER-7"))), [UNCLASSIFIED]);
    let accepting = TagSettings { accept_agent_codes: true, ..TagSettings::default() };
    assert_eq!(ids(&Tagger::new(taxonomy(), accepting.clone()).tag(&with("OTHER-7"))), ["OTHER-7"]);
    let mut bare = Tagger::new(Arc::new(Taxonomy::none()), accepting);
    assert_eq!(ids(&bare.tag(&with("OTHER-7"))), ["OTHER-7"]);
    assert_eq!(ids(&bare.tag(&TagInput::default())), [UNCLASSIFIED]);
    let ruled = TagInput { body: Some("charged twice"), ..with("LATE") };
    assert_eq!(ids(&tag(ruled)), ["billing.duplicate_charge"]);
}

#[test]
fn cues_come_in_order_of_weight() {
    for (text, cues) in [
        (
            "You promised a refund, I already called twice and it is still not fixed.",
            vec!["promise_missed", "repeat", "unresolved"],
        ),
        ("The second floor is nice", vec![]),
        ("Thanks again", vec![]),
        ("I am calling again about it", vec!["repeat"]),
        ("почему я должен звонить снова, уже третий раз", vec!["repeat"]),
        ("我已经打过三次电话了，还没解决", vec!["repeat", "unresolved"]),
        ("再次感谢", vec!["valued"]),
        ("Megígérték, hogy visszahívnak. Már többször hívtam!", vec!["promise_missed", "repeat"]),
        ("Արդեն գրել եմ, պատասխան չկա", vec!["repeat", "unresolved"]),
        ("Ich habe schon angerufen, funktioniert nicht", vec!["repeat", "defect"]),
        ("Ya llamé y sigue sin funcionar", vec!["repeat", "unresolved"]),
        ("J’ai déjà appelé, ça ne marche pas", vec!["repeat", "defect"]),
        ("it is not broken", vec![]),
    ] {
        assert_eq!(body(text).cues, cues, "{text}");
    }
}

#[test]
fn the_script_outweighs_what_the_event_says() {
    let of = |text, hint| {
        let input = TagInput { body: Some(text), language_hint: hint, ..TagInput::default() };
        let tagging = tag(input);
        (tagging.language, tagging.language_source)
    };
    use LanguageSource::{Default as D, Event, Model, Script};
    let cases = [
        ("Meine Bestellung", Some("de-AT"), ("de", Event)),
        ("Не открывается страница", Some("en-US"), ("ru", Script)),
        ("Firefox 打不开网页", Some("en-US"), ("zh", Script)),
        ("Firefox keeps crashing on my computer", Some("zh-CN"), ("en", Model)),
        ("Ինչո՞ւ", None, ("hy", Script)),
        ("нічого не працює, допоможіть", None, ("uk", Script)),
        ("ok", None, ("en", D)),
        ("", Some("pt-BR"), ("pt", Event)),
        ("Nem tudok belépni a fiókomba, kérem segítsenek", None, ("hu", Model)),
    ];
    for (text, hint, (language, source)) in cases {
        assert_eq!(of(text, hint), (language.to_owned(), source), "{text}");
    }
}

#[test]
fn likeness_of_messages() {
    let a = body("My parcel from the shop in Vienna is late, where is the courier?");
    let b = body("my PARCEL, from the shop in Vienna, is late... where is the courier");
    let c = body("The parcel from Vienna is still late; no courier came");
    let d = body("I would like an invoice with my company's address");
    assert_eq!(a.fingerprint, b.fingerprint);
    assert_ne!(a.fingerprint, c.fingerprint);
    let alike = quell_text::similarity::similarity;
    assert_eq!(alike(&a.sketch, &b.sketch), 1000);
    assert!(alike(&a.sketch, &c.sketch) > 400);
    assert!(alike(&a.sketch, &d.sketch) < 200);
    assert_eq!(body("...").fingerprint, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_tagged_before_never_shows(
        texts in prop::collection::vec("(charged|twice|not|late|parcel|扣款|重复|[a-z]{1,6}| |\\. |\\PC){0,30}", 1..6),
        hint in prop::option::of("en|hu|zh|de"),
    ) {
        let mut warm = tagger();
        for text in &texts {
            let language_hint = hint.as_deref();
            let input = TagInput { body: Some(text), language_hint, ..TagInput::default() };
            let tagging = warm.tag(&input);
            prop_assert_eq!(tagger_of_one(&input), tagging.clone());
            let weight: u32 = tagging.reasons.iter().map(|tag| tag.weight.0).sum();
            prop_assert_eq!(weight, Weight::ONE.0);
            for evidence in tagging.reasons.iter().flat_map(|tag| &tag.evidence) {
                prop_assert!(text.get(evidence.start as usize..evidence.end as usize).is_some());
            }
        }
    }

    #[test]
    fn any_file_is_read_or_refused(yaml in "(version: 1|id: |reasons:|[a-z]{1,5}: |\\n|  |- |\\[|\\]|\\{|\\}|\"|&a |\\*a|\\PC){0,40}") {
        if let Err(problems) = Taxonomy::parse(&yaml, "x.yaml") {
            prop_assert!(!problems.is_empty());
        }
    }
}

fn tagger_of_one(input: &TagInput<'_>) -> Tagging {
    thread_local!(static TAXONOMY: Arc<Taxonomy> = taxonomy());
    let taxonomy = TAXONOMY.with(Arc::clone);
    Tagger::new(taxonomy, TagSettings::default()).tag(input)
}
