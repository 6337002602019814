//! Themes that begin in several groups, and parts of reasons.

use super::*;

/// An outage whose first two contacts have no word in common; those that follow say all of it.
fn outage() -> Vec<Told> {
    let mut contacts = shop();
    contacts.retain(|one| !one.text.contains("freezer") && !one.text.contains("voucher"));
    contacts.truncate(400);
    let last = contacts.last().map_or(START, |one| one.at_ms);
    let long = |what: &str| (0..2).map(|n| format!("{what}story{n} ")).collect::<String>();
    let said = |n: usize| match n {
        0 => format!("coupon at checkout {}", long("first")),
        1 => format!("rejected as invalid {}", long("other")),
        _ => "coupon rejected, invalid at checkout".to_owned(),
    };
    let at_ms = |n: usize| last + n as i64 * 2 * HOUR_MS;
    contacts.extend((0..36).map(|n| Told { at_ms: at_ms(n), ..told(1_000 + n, &said(n)) }));
    contacts
}

fn joins(placed: &[Placed]) -> Vec<Joined> {
    placed.iter().flat_map(|one| one.joined.clone()).collect()
}

#[test]
fn a_theme_that_began_in_several_groups_becomes_one_candidate() {
    let contacts = outage();
    let mut discovery = Discovery::new(DiscoverySettings::default());
    let mut placed = feed(&mut discovery, &contacts);
    placed.extend(discovery.settle());
    let now = TimeMs(contacts.last().map_or(START, |one| one.at_ms));
    let found = discovery.candidates(now);
    assert_eq!(found.len(), 1, "{found:#?}");
    let joins = joins(&placed);
    assert!(!joins.is_empty(), "its first contacts begin groups of their own");
    for one in &joins {
        assert!(found[0].absorbed.contains(&one.gone) || found[0].id != one.kept, "{one:?}");
    }
    // Told by the places and the joins alone, who is in it is known.
    let of = |mut id: CandidateId| {
        while let Some(one) = joins.iter().find(|one| one.gone == id) {
            id = one.kept;
        }
        id
    };
    let members = placed.iter().filter_map(|one| one.group).filter(|id| of(*id) == found[0].id);
    assert_eq!(members.count() as u64, found[0].contacts);
}

#[test]
fn without_the_second_look_the_theme_stays_in_pieces() {
    let contacts = outage();
    let mut discovery = Discovery::new(DiscoverySettings::default());
    discovery.looked = i64::MAX;
    feed(&mut discovery, &contacts);
    discovery.settle();
    let about = |one: &&Cluster| {
        one.words.iter().any(|word| ["checkout", "invalid"].contains(&word.form.as_str()))
    };
    let pieces = discovery.groups.iter().filter(about).count();
    let (looked, _) = after(&contacts);
    assert!(looked.groups.iter().filter(about).count() < pieces);
}

#[test]
fn of_two_groups_the_id_that_people_can_have_seen_stays() {
    let settings = DiscoverySettings::default();
    let mut discovery = Discovery::new(settings.clone());
    let group = |number: u64, born: i64, customers: u64| Cluster {
        customers,
        ..Cluster::new(CandidateId(number), false, TimeMs(born))
    };
    let slots: Vec<u32> = [(1, 10, 2), (2, 20, 9), (3, 30, 5), (4, 40, 1)]
        .map(|(number, born, customers)| group(number, born, customers))
        .map(|one| discovery.groups.insert(one, 10))
        .to_vec();
    let shares = discovery.background.shares(Scope::of(Language::EN), TimeMs(50));
    let mut unite = |a: usize, b: usize| {
        let one = discovery.groups.unite((slots[a], slots[b]), &shares, &settings);
        one.map(|one| (one.kept.0, one.gone.0))
    };
    assert_eq!(unite(0, 0), None, "a group is one with itself");
    assert_eq!(unite(0, 2), Some((3, 1)), "nobody can have seen the older one");
    assert_eq!(unite(2, 1), Some((3, 2)), "both were to be seen: whose theme began first");
    assert_eq!(unite(3, 2), Some((3, 4)));
    let absorbed = discovery.groups.iter().map(|one| one.absorbed.clone()).next();
    assert_eq!(absorbed, Some(vec![CandidateId(4), CandidateId(2), CandidateId(1)]));
}

#[test]
fn a_part_of_a_reason_that_grows_is_told_with_its_reason() {
    let mut contacts = shop();
    contacts.iter_mut().for_each(|one| one.unfit = false);
    let (discovery, found) = after(&contacts);
    let candidate = freezer(&found);
    assert_eq!(candidate.within, Some(ReasonId::from("shop.order")));
    assert_eq!(candidate.reasons, [(ReasonId::from("shop.order"), 25)]);
    assert_eq!(discovery.groups.len(), 0, "no gap in the catalogue");
    assert!(freezer(&after(&shop()).1).within.is_none());
}

#[test]
fn what_a_whole_reason_says_is_no_part_of_it() {
    let mut contacts = shop();
    // One reason more, all of whose contacts are about freezers that buzz.
    let reason = ReasonId::from("shop.freezer");
    let mut discovery = Discovery::new(DiscoverySettings::default());
    let (mut analyzer, mut terms) = (Analyzer::new(), Terms::new());
    contacts.iter_mut().for_each(|one| one.unfit = false);
    for one in &contacts {
        terms.clear();
        terms.add(&one.text, &analyzer.analyze(one.language, &one.text));
        let order = ReasonId::from("shop.order");
        let fits = if one.text.contains("freezer") { &reason } else { &order };
        discovery.observe(&Observation {
            contact: &ContactKey::new("desk", None, &one.id),
            customer: one.customer,
            time: TimeMs(one.at_ms),
            language: one.language,
            terms: &terms,
            reason: Some(fits),
        });
    }
    discovery.settle();
    let found = discovery.candidates(TimeMs(contacts.last().map_or(START, |one| one.at_ms)));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn few_steady_customers_are_no_candidate_and_twice_as_many_are() {
    let of = |count: usize| {
        let mut contacts = shop();
        contacts.retain(|one| !one.text.contains("freezer"));
        let step = 490 / count;
        contacts.extend((0..count).map(|n| Told {
            id: format!("s{n:05}"),
            ..told(step * n + 3, "gift cards rejected at the till")
        }));
        contacts.sort_by_key(|one| one.at_ms);
        after(&contacts).1.len()
    };
    assert_eq!((of(8), of(12)), (0, 1));
}

/// A group of ten customers who came on a day and all said these words.
fn group(number: u64, day: i64, words: &[u64]) -> Cluster {
    let word = |key: &u64| cluster::Word {
        key: *key,
        count: 10.0,
        form: format!("word{key}"),
        lead: 10,
        place: 0.0,
        next: 0,
        next_lead: 0,
    };
    Cluster {
        customers: 10,
        weight: 10.0,
        last: TimeMs(day * DAY_MS),
        days: vec![(day, 10)],
        words: words.iter().map(word).collect(),
        ..Cluster::new(CandidateId(number), false, TimeMs(day * DAY_MS))
    }
}

#[test]
fn candidates_that_say_alike_on_the_same_days_become_one() {
    let joined = |groups: &[Cluster]| {
        let mut discovery = Discovery::new(DiscoverySettings::default());
        groups.iter().for_each(|one| {
            discovery.groups.insert(one.clone(), 10);
        });
        let joined = discovery.look_again(TimeMs(20_000 * DAY_MS));
        joined.iter().map(|one| (one.kept.0, one.gone.0)).collect::<Vec<_>>()
    };
    let alike = [group(1, 19_999, &[1, 2, 3]), group(2, 19_999, &[2, 3, 4])];
    assert_eq!(joined(&alike), [(1, 2)]);
    let on_other_days = [group(1, 19_990, &[1, 2, 3]), group(2, 19_999, &[2, 3, 4])];
    assert_eq!(joined(&on_other_days), []);
    let otherwise = [group(1, 19_999, &[1, 2, 3, 5]), group(2, 19_999, &[3, 6, 7, 8])];
    assert_eq!(joined(&otherwise), []);
    let chain = [alike[0].clone(), alike[1].clone(), group(3, 19_999, &[3, 4, 5])];
    assert_eq!(joined(&chain), [(1, 2), (1, 3)]);
}
