//! Contacts as the pipeline puts them out.

use quell_model::{Contact, Standing};

use super::*;

/// The contacts of [`shop`], as records.
fn records() -> Vec<Contact> {
    let example = include_str!("../../../../../schemas/examples/contact/valid/a-repeat.json");
    let example: Contact = serde_json::from_str(example).expect("the example is a contact");
    let record = |one: &Told| {
        let mut contact = example.clone();
        contact.contact_key = ContactKey::new("desk", None, &one.id);
        contact.customer_id = Some(format!("customer-{}", one.customer));
        contact.occurred_at = TimeMs(one.at_ms);
        contact.language = one.language.as_str().to_owned();
        contact.subject = None;
        contact.body = Some(one.text.clone());
        if one.unfit {
            contact.reasons[0].reason = ReasonId::from(quell_model::UNCLASSIFIED);
        }
        contact
    };
    shop().iter().map(record).collect()
}

fn watched(contacts: &[Contact]) -> Watch {
    let mut watch = Watch::new(DiscoverySettings::default());
    contacts.iter().for_each(|contact| watch.take(contact));
    watch
}

#[test]
fn what_is_put_out_makes_the_candidates_of_its_texts() {
    let contacts = records();
    let mut watch = watched(&contacts);
    watch.settle();
    let found = watch.candidates();
    assert_eq!(freezer(&found).customers, 25);
    assert_eq!(watch.newest(), contacts.last().map(|one| one.occurred_at));
    let row = serde_json::to_value(freezer(&found).row()).expect("a row");
    assert_eq!((&row["customers"], &row["within"]), (&25.into(), &serde_json::Value::Null));
    assert!(row["last_7_days"].is_u64() && row["words"][0]["word"].is_string(), "{row}");
}

#[test]
fn later_versions_and_an_hours_disorder_do_not_show() {
    let contacts = records();
    let mut straight = watched(&contacts);
    straight.settle();
    let mut mixed = Vec::new();
    for pair in contacts.chunks(2) {
        // One an hour: neighbours change places, and each comes again with other words.
        mixed.extend(pair.iter().rev().cloned());
        let body = Some("something else entirely, about wardrobes".to_owned());
        mixed.extend(pair.iter().map(|one| Contact { body: body.clone(), ..one.clone() }));
    }
    let mut watch = watched(&mixed);
    watch.settle();
    assert_eq!(watch.candidates(), straight.candidates());
}

#[test]
fn a_watch_goes_on_where_its_bytes_end() {
    let contacts = records();
    let mut restored = Watch::from_bytes(&watched(&contacts[..277]).to_bytes()).expect("its own");
    contacts[250..].iter().for_each(|contact| restored.take(contact));
    assert!(restored.to_bytes() == watched(&contacts).to_bytes());
    assert_eq!(Watch::from_bytes(&[]).err(), Some(StateError::Empty));
    assert_eq!(Watch::from_bytes(&[9]).err(), Some(StateError::Format { found: 9 }));
    assert_eq!(Watch::from_bytes(&[1, 200]).err(), Some(StateError::Damaged));
}

#[test]
fn what_does_not_count_as_a_contact_or_says_nothing_is_left_out() {
    let mut contacts = records();
    for contact in &mut contacts {
        contact.standing = Standing::NotInbound;
    }
    assert_eq!(watched(&contacts).newest(), None);
    let mut silent = records();
    silent.iter_mut().for_each(|one| one.body = Some("…".to_owned()));
    assert_eq!(watched(&silent).newest(), None);
}

#[test]
fn the_id_of_an_erased_contact_goes() {
    let contacts = records();
    let mut watch = watched(&contacts);
    let id = |watch: &Watch, key: &ContactKey| {
        let bytes = watch.to_bytes();
        bytes.windows(key.as_str().len()).any(|window| window == key.as_str().as_bytes())
    };
    let shown = freezer(&watch.candidates()).exemplars[0].contact.clone();
    let waiting = contacts[499].contact_key.clone();
    for key in [shown, waiting] {
        assert!(id(&watch, &key));
        watch.forget(&key);
        assert!(!id(&watch, &key), "{key:?}");
    }
}
