//! Cells beside their reasons: one cause is one issue, within one budget.

use std::collections::BTreeMap;

use super::tests::{Chance, quiet_world, straying_world};
use super::*;

/// Two dimensions: parts of the values of each.
const PARTS: [&[f64]; 2] = [&[0.5, 0.35, 0.15], &[0.4, 0.3, 0.2, 0.1]];
const VALUES: usize = 7;

/// The place of a reason's cell.
fn place(reason: usize, dimension: usize, value: usize) -> usize {
    reason * VALUES + dimension * 3 + value
}

/// Gives every customer a value of each dimension.
fn split(world: &mut [Hour], seed: u64) {
    let mut chance = Chance::new(seed);
    for hour in world {
        hour.cells = vec![Count::default(); hour.counts.len() * VALUES];
        for (reason, count) in hour.counts.iter().enumerate() {
            for _ in 0..count.customers {
                for (dimension, parts) in PARTS.iter().enumerate() {
                    let mut left = chance.part();
                    let value = parts.iter().position(|part| {
                        left -= part;
                        left <= 0.0
                    });
                    let value = value.unwrap_or(parts.len() - 1);
                    let cell = &mut hour.cells[place(reason, dimension, value)];
                    *cell = Count { customers: cell.customers + 1, contacts: cell.contacts + 1 };
                }
            }
        }
    }
}

fn divided(mut world: Vec<Hour>, seed: u64) -> Vec<Hour> {
    split(&mut world, seed);
    world
}

/// As many customers more in a reason and in these of its cells.
fn raise(hour: &mut Hour, reason: usize, places: &[usize], customers: u32) {
    let add = |count: &mut Count| {
        count.customers += customers;
        count.contacts += customers;
    };
    add(&mut hour.counts[reason]);
    places.iter().for_each(|&place| add(&mut hour.cells[place]));
}

/// Plays a world whose cells are all tracked, or none.
fn play_cells(world: &[Hour], settings: HourlySettings, tracks: bool) -> (HourlyState, Vec<Issue>) {
    let mut state = HourlyState::new(0, settings);
    for place in 0..world[0].cells.len() * usize::from(tracks) {
        state.track(place / VALUES, (place % VALUES) as u64);
    }
    let mut issues = BTreeMap::new();
    for (at, hour) in (0..).zip(world) {
        let cells = if tracks { hour.cells.clone() } else { Vec::new() };
        state.push(at, Hour { cells, ..hour.clone() }).expect("hours follow each other");
        issues.extend(state.issues().map(|issue| ((issue.opened, issue.subject), *issue)));
        one_cell_a_reason(&state);
    }
    (state, issues.into_values().collect())
}

fn one_cell_a_reason(state: &HourlyState) {
    let mut open: Vec<usize> = Vec::new();
    for issue in state.issues().filter(|issue| issue.is_open()) {
        if let Subject::Cell(id) = issue.subject {
            open.push(id as usize / VALUES);
        }
    }
    let cells = open.len();
    open.sort_unstable();
    open.dedup();
    assert_eq!(open.len(), cells, "two cells of a reason are open");
}

fn of_reason(issues: &[Issue], reason: usize) -> Vec<&Issue> {
    let is_hers = |subject| match subject {
        Subject::Everything => false,
        Subject::Reason(own) => own == reason,
        Subject::Cell(id) => id as usize / VALUES == reason,
    };
    issues.iter().filter(|issue| is_hers(issue.subject)).collect()
}

/// False issues of reasons and of cells in quiet worlds, and the weeks looked at. Where reasons
/// stray by `sd`, ten weeks are for learning that.
fn opened_by_chance((worlds, weeks): (u64, usize), tracks: bool, sd: f64) -> ([u32; 2], f64) {
    let (mut opened, mut weeks_seen) = ([0, 0], 0.0);
    for seed in 1..=worlds {
        let (world, learned) = match sd {
            0.0 => (quiet_world(seed, 12, weeks), 3),
            _ => (straying_world(seed, (12, weeks), sd, |_| 1.0), 10),
        };
        for issue in play_cells(&divided(world, seed), HourlySettings::default(), tracks).1 {
            let is_cell = matches!(issue.subject, Subject::Cell(_));
            opened[usize::from(is_cell)] += u32::from(issue.opened >= learned * WEEK_H);
        }
        weeks_seen += weeks as f64 - learned as f64;
    }
    (opened, weeks_seen)
}

#[test]
fn cells_share_the_budget_of_reasons() {
    for (worlds, sd) in [((4, 16), 0.0), ((3, 20), 0.1)] {
        let ([reasons, cells], weeks) = opened_by_chance(worlds, true, sd);
        let mean = weeks * HourlySettings::default().false_per_week;
        // The budget, and two standard deviations of a Poisson count.
        assert!(f64::from(reasons + cells) <= mean + 2.0 * mean.sqrt(), "{sd}: {reasons} {cells}");
        let most_of_cells = mean / 3.0 + 2.0 * (mean / 3.0).sqrt();
        assert!(f64::from(cells) <= most_of_cells, "{sd}: {cells}, at most {most_of_cells}");
    }
}

/// The place of a cell with a fair number of customers, and their number an hour.
fn middling(world: &[Hour], (dimension, value): (usize, usize)) -> (usize, f64) {
    let rate = |reason: usize| {
        let sum: u32 = world.iter().map(|hour| hour.counts[reason].customers).sum();
        f64::from(sum) / world.len() as f64
    };
    let mut reasons: Vec<usize> = (0..world[0].counts.len()).collect();
    reasons.sort_by(|one, other| rate(*one).total_cmp(&rate(*other)));
    let reason = reasons[reasons.len() - 2];
    let part = PARTS[dimension][value];
    (reason, part * rate(reason))
}

#[test]
fn a_rise_in_a_part_of_a_reason_is_seen_though_it_drowns_in_the_whole() {
    let (mut seen, mut drowned) = (0, 0);
    for seed in 1..=6 {
        let mut world = divided(quiet_world(seed, 12, 12), seed);
        let (reason, rate) = middling(&world, (0, 2));
        let mut chance = Chance::new(seed + 50);
        // Three times as many for four days.
        for hour in &mut world[1_500..1_596] {
            let customers = chance.poisson(2.0 * rate);
            raise(hour, reason, &[place(reason, 0, 2)], customers);
        }
        let found = |tracks| {
            let (_, issues) = play_cells(&world, HourlySettings::default(), tracks);
            let hers = of_reason(&issues, reason);
            let then = hers.iter().filter(|issue| (1_500..1_600).contains(&issue.opened));
            then.map(|issue| **issue).collect::<Vec<Issue>>()
        };
        let (with, without) = (found(true), found(false));
        assert!(with.len() <= 1, "{with:#?}");
        let is_cell = |issue: &Issue| issue.subject == Subject::Cell(place(reason, 0, 2) as u64);
        seen += usize::from(with.iter().any(is_cell));
        drowned += usize::from(without.is_empty());
    }
    assert!(seen >= 5 && drowned >= 4, "{seen} seen, {drowned} drowned");
}

#[test]
fn a_rise_of_a_whole_reason_is_one_issue() {
    let mut seen = 0;
    for seed in 1..=8 {
        for (times, hours) in [(0.5, 1_500..1_668), (1.0, 1_500..1_560), (4.0, 1_500..1_505)] {
            let mut world = quiet_world(seed, 12, 12);
            let (reason, rate) = {
                let divided = divided(world.clone(), seed);
                middling(&divided, (0, 0))
            };
            let mut chance = Chance::new(seed + 70);
            for hour in &mut world[hours.clone()] {
                let customers = chance.poisson(rate / 0.5 * times);
                hour.counts[reason].customers += customers;
                hour.counts[reason].contacts += customers;
            }
            let world = divided(world, seed);
            let (_, issues) = play_cells(&world, HourlySettings::default(), true);
            let hers = of_reason(&issues, reason);
            let then: Vec<Issue> = hers
                .into_iter()
                .filter(|issue| (1_500..1_750).contains(&issue.opened))
                .copied()
                .collect();
            let is_hers = |issue: &Issue| issue.subject == Subject::Reason(reason);
            assert!(then.len() <= 1 && then.iter().all(is_hers), "{seed} {times}: {then:#?}");
            seen += then.len();
        }
    }
    assert!(seen >= 20, "{seen} of 24 are seen");
}

#[test]
fn dimensions_that_go_together_open_one_cell() {
    for seed in 1..=6 {
        let mut world = divided(quiet_world(seed, 12, 12), seed);
        let (reason, rate) = middling(&world, (0, 2));
        let mut chance = Chance::new(seed + 90);
        for hour in &mut world[1_500..1_596] {
            let customers = chance.poisson(3.0 * rate);
            raise(hour, reason, &[place(reason, 0, 2), place(reason, 1, 3)], customers);
        }
        let (_, issues) = play_cells(&world, HourlySettings::default(), true);
        let hers = of_reason(&issues, reason);
        let then: Vec<Issue> = hers
            .into_iter()
            .filter(|issue| (1_500..1_750).contains(&issue.opened))
            .copied()
            .collect();
        assert_eq!(then.len(), 1, "{seed}: {then:#?}");
    }
}

#[test]
fn a_value_that_rises_in_all_reasons_is_no_cell_of_each() {
    for seed in 1..=3 {
        let mut world = divided(quiet_world(seed, 12, 12), seed);
        let mut chance = Chance::new(seed + 30);
        let rate = |reason: usize| {
            let counts = world.iter().map(|hour| hour.cells[place(reason, 0, 2)].customers);
            f64::from(counts.sum::<u32>()) / world.len() as f64
        };
        let rates: Vec<f64> = (0..12).map(rate).collect();
        for hour in &mut world[1_500..1_600] {
            for (reason, rate) in rates.iter().enumerate() {
                let more = chance.poisson(2.0 * rate);
                raise(hour, reason, &[place(reason, 0, 2)], more);
            }
        }
        let (_, issues) = play_cells(&world, HourlySettings::default(), true);
        let then = issues.iter().filter(|issue| (1_500..1_600).contains(&issue.opened));
        let cells = then.filter(|issue| matches!(issue.subject, Subject::Cell(_)));
        assert_eq!(cells.count(), 0, "{seed}: {issues:#?}");
    }
}

#[test]
fn what_a_cell_explains_is_neither_the_reasons_issue_nor_learned_by_it() {
    let plain = divided(quiet_world(4, 12, 16), 4);
    let (reason, rate) = middling(&plain, (0, 2));
    let mut world = plain.clone();
    let mut chance = Chance::new(5);
    for hour in &mut world[1_500..2_000] {
        let customers = chance.poisson(4.0 * rate);
        raise(hour, reason, &[place(reason, 0, 2)], customers);
    }
    let (state, issues) = play_cells(&world, HourlySettings::default(), true);
    let (untouched, _) = play_cells(&plain, HourlySettings::default(), true);
    let hers = of_reason(&issues, reason);
    let then: Vec<&&Issue> = hers.iter().filter(|issue| issue.opened >= 1_500).collect();
    assert_eq!(then.len(), 1, "{then:#?}");
    assert_eq!(then[0].subject, Subject::Cell(place(reason, 0, 2) as u64));
    assert!(then[0].closed.is_some_and(|closed| (2_000..2_060).contains(&closed)), "{then:#?}");
    let expected = |state: &HourlyState| state.share_of(reason).expect("it is old enough");
    // Three weeks of five times as many would have raised it by a third.
    let ratio = expected(&state) / expected(&untouched);
    assert!((0.93..1.07).contains(&ratio), "{ratio}");
}

#[test]
fn a_cell_that_begins_in_an_issue_of_its_reason_waits_for_ordinary_hours() {
    let mut seen = 0;
    for seed in 1..=4 {
        let mut world = divided(quiet_world(seed, 12, 14), seed);
        let (reason, rate) = middling(&world, (0, 2));
        let own = place(reason, 0, 2);
        let mut chance = Chance::new(seed + 60);
        for at in (1_200..1_420).chain(2_200..2_296) {
            // First an issue of the reason, in which the cell begins; later one of the cell.
            let times = if at < 2_000 { 12.0 } else { 2.0 };
            raise(&mut world[at], reason, &[own], chance.poisson(times * rate));
        }
        let mut state = HourlyState::new(0, HourlySettings::default());
        let mut opened: Option<Issue> = None;
        for (at, hour) in (0..).zip(&world) {
            if at == 1_230 {
                assert!(state.issues().any(|issue| issue.is_open()), "{seed}");
                state.track(reason, 0);
            }
            let cells = if at < 1_230 { Vec::new() } else { vec![hour.cells[own]] };
            state.push(at, Hour { cells, ..hour.clone() }).expect("hours follow each other");
            let is_cell = |issue: &&Issue| issue.subject == Subject::Cell(0);
            opened = opened.or(state.issues().find(is_cell).copied());
        }
        if let Some(issue) = opened {
            seen += 1;
            let per_hour = issue.opening.expected / f64::from(issue.opening.hours);
            let usual = 0.2 * rate..4.0 * rate;
            assert!(issue.opened >= 2_200 && usual.contains(&per_hour), "{seed}: {issue:#?}");
        }
    }
    assert!(seen >= 3, "{seen} of 4");
}

#[test]
fn cells_come_and_go() {
    let world = divided(quiet_world(9, 3, 6), 9);
    let settings = HourlySettings { warmup_h: 336, ..HourlySettings::default() };
    let mut state = HourlyState::new(0, settings);
    let ids: Vec<u64> = (0..3).map(|reason| state.track(reason, 0)).collect();
    let too_many = Hour { cells: vec![Count::default(); 4], ..world[0].clone() };
    assert_eq!(state.push(0, too_many), Err(HourlyError::Cells));
    for (at, hour) in (0..).zip(&world) {
        if at == 500 {
            state.retain_cells(|id| id != ids[1]);
            assert!(state.cells().eq([ids[0], ids[2]]));
            assert_eq!(state.track(1, 0), 3, "a number is never given again");
        }
        let cells: Vec<Count> =
            state.cells().map(|id| hour.cells[place((id % 3) as usize, 0, 0)]).collect();
        state.push(at, Hour { cells, ..hour.clone() }).expect("next");
    }
    assert!(state.is_sound());
    let bytes = postcard::to_allocvec(&state).expect("it can be stored");
    let read: HourlyState = postcard::from_bytes(&bytes).expect("it can be read");
    assert!(read.is_sound() && read == state);
    state.retain_cells(|_| false);
    assert_eq!(state.cells().count(), 0);
}
