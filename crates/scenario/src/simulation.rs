//! The run: hour by hour, contact by contact, out in the order of delivery.

use std::collections::{BinaryHeap, VecDeque};

use quell_model::TimeMs;
use quell_model::event::Channel;
use serde::Serialize;

use crate::draw::{Draw, Mix};
use crate::flow::{Flow, Hour, incident_part};
use crate::parse::EDGE_ROOM_MS;
use crate::people::{Cell, People, Person};
use crate::phrases::{self, Book, PRODUCTS, ReasonTexts};
use crate::plan::{Chain, Due, Occasion, Plan};
use crate::records::volume_line;
use crate::scenario::{Cause, Scenario};
use crate::truth::IncidentTruth;

/// One output line, without its line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A canonical event.
    Event(Vec<u8>),
    /// What was planted: a contact's row comes before its events, an incident's at the end.
    Truth(Vec<u8>),
}

/// A run of a scenario. Iterate to get its lines.
pub struct Simulation {
    pub(crate) scenario: Scenario,
    pub(crate) books: &'static [Book],
    pub(crate) draw: Draw,
    flow: Flow,
    pub(crate) people: People,
    pub(crate) reasons: Vec<Reason>,
    channels: Mix<Channel>,
    pub(crate) causes: Mix<Cause>,
    incidents: Vec<Planted>,
    plans: BinaryHeap<Due<Plan>>,
    pub(crate) deliveries: BinaryHeap<Due<Vec<u8>>>,
    pub(crate) ready: VecDeque<Item>,
    /// All contacts before this time are planned.
    planned_until_ms: i64,
    phase: Phase,
    pub(crate) sequence: u64,
    pub(crate) contacts: u64,
    chains: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Planning,
    Draining,
    Done,
}

/// A reason with its share of contacts and its texts by phrase book.
pub(crate) struct Reason {
    pub(crate) name: String,
    share: f64,
    pub(crate) texts: Vec<Option<&'static ReasonTexts>>,
}

/// An incident and what became of it.
struct Planted {
    reason: usize,
    cells: Vec<Cell>,
    share: f64,
    expected: f64,
    contacts: u64,
}

impl Simulation {
    /// Prepares a run. Nothing is drawn but the places of the edge cases.
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        // A scenario comes from `parse`, which refuses empty mixes and unreadable books.
        const CHECKED: &str = "the scenario was checked when it was read";
        let books = phrases::books().expect(CHECKED);
        let languages = scenario.languages.iter().filter_map(|(language, share)| {
            let book = books.iter().position(|book| book.language == language.0)?;
            Some((book as u8, share.0))
        });
        let people = People::new(
            seed,
            &scenario.customers,
            Mix::new(languages).expect(CHECKED),
            &scenario.dimensions.value,
        );
        let people = people.expect(CHECKED);
        let reasons = reasons(scenario, books);
        let incidents = scenario.incidents.iter().map(|incident| {
            let (cells, share) = people.segment(&incident.value.segment);
            let reason = reasons.iter().position(|r| r.name == incident.value.reason.0);
            Planted { reason: reason.unwrap_or(0), cells, share, expected: 0.0, contacts: 0 }
        });
        let mut simulation = Simulation {
            books,
            draw: Draw::new(seed),
            flow: Flow::new(scenario),
            channels: Mix::new(scenario.channels.iter().map(|(c, s)| (*c, s.0))).expect(CHECKED),
            causes: Mix::new(scenario.chains.causes.iter().map(|(c, s)| (*c, s.0))).expect(CHECKED),
            incidents: incidents.collect(),
            people,
            reasons,
            plans: BinaryHeap::new(),
            deliveries: BinaryHeap::new(),
            ready: VecDeque::new(),
            planned_until_ms: scenario.start.0,
            phase: Phase::Planning,
            sequence: 0,
            contacts: 0,
            chains: 0,
            scenario: scenario.clone(),
        };
        simulation.plan_edges();
        simulation
    }

    /// Contacts made so far.
    pub fn contacts(&self) -> u64 {
        self.contacts
    }

    pub(crate) fn full(&self) -> bool {
        self.scenario.contacts().is_some_and(|limit| self.contacts >= limit)
    }

    /// Does the next thing. False when there is nothing left.
    fn advance(&mut self) -> bool {
        if self.phase == Phase::Planning && self.full() {
            self.plans.clear();
            self.phase = Phase::Draining;
        }
        let plan_at = self.plans.peek().map_or(i64::MAX, |due| due.at_ms);
        let frontier_ms = match self.phase {
            Phase::Planning => plan_at.min(self.planned_until_ms),
            _ => plan_at,
        };
        if self.deliveries.peek().is_some_and(|due| due.at_ms <= frontier_ms) {
            if let Some(due) = self.deliveries.pop() {
                self.ready.push_back(Item::Event(due.what));
            }
        } else if self.phase == Phase::Planning && plan_at >= self.planned_until_ms {
            match self.flow.next(&mut self.draw) {
                Some(hour) => self.plan_hour(&hour),
                None => self.phase = Phase::Draining,
            }
        } else if let Some(due) = self.plans.pop() {
            self.carry_out(due.at_ms, due.what);
        } else if self.phase == Phase::Draining {
            self.tell_incidents();
            self.phase = Phase::Done;
        } else {
            return false;
        }
        true
    }

    pub(crate) fn plan(&mut self, at_ms: i64, what: Plan) {
        self.sequence += 1;
        self.plans.push(Due { at_ms, sequence: self.sequence, what });
    }

    fn plan_hour(&mut self, hour: &Hour) {
        self.planned_until_ms = hour.start_ms.saturating_add(hour.len_ms);
        self.tell_volumes(hour);
        let part = hour.len_ms as f64 / quell_model::time::HOUR_MS as f64;
        let dispersion = self.scenario.rate.value.dispersion.0;
        for reason in 0..self.reasons.len() {
            let mean = hour.mean_contacts * part * self.reasons[reason].share;
            for _ in 0..self.draw.count(mean, dispersion) {
                let at_ms = hour.start_ms + self.draw.below(hour.len_ms as u64) as i64;
                self.plan(at_ms, Plan::First { reason, incident: None });
            }
        }
        for n in 0..self.incidents.len() {
            let incident = &self.scenario.incidents[n].value;
            let start_ms = self.scenario.start.0;
            let Some((from_ms, to_ms, height)) = incident_part(incident, start_ms, hour) else {
                continue;
            };
            let planted = &self.incidents[n];
            let reason = planted.reason;
            let usual = hour.mean_contacts * self.reasons[reason].share * planted.share;
            let hours = (to_ms - from_ms) as f64 / quell_model::time::HOUR_MS as f64;
            let excess = usual * hours * height * (incident.peak.0 - 1.0);
            self.incidents[n].expected += excess;
            for _ in 0..self.draw.count(excess, 0.0) {
                let at_ms = from_ms + self.draw.below((to_ms - from_ms) as u64) as i64;
                self.plan(at_ms, Plan::First { reason, incident: Some(n) });
            }
        }
    }

    fn tell_volumes(&mut self, hour: &Hour) {
        let (Some(volumes), Some(units)) = (&self.scenario.volumes, hour.units) else { return };
        let period = (hour.start_ms, hour.start_ms + hour.len_ms);
        let unit = volumes.unit.clone();
        let by = volumes.by.as_ref().map(|by| by.value.clone());
        let mut lines = Vec::new();
        match by {
            None => lines.push(volume_line(&unit, None, period, units)),
            Some(name) => {
                let mut left = units;
                let mut share_left = 1.0;
                for (value, share) in self.people.shares(&name) {
                    let here = binomial(&mut self.draw, left, (share / share_left).min(1.0));
                    left -= here;
                    share_left = (share_left - share).max(f64::MIN_POSITIVE);
                    lines.push(volume_line(&unit, Some((&name, &value)), period, here));
                }
            }
        }
        for line in lines.into_iter().flatten() {
            self.deliver(period.1 + 5_000, line);
        }
    }

    fn plan_edges(&mut self) {
        let edges = self.scenario.edges.value.clone();
        let window_ms = self.scenario.repeat_window.0;
        for _ in 0..edges.window_exact {
            let at_ms = self.edge_time();
            let chain = self.new_chain(false, 1, Some(window_ms));
            let occasion = self.edge_occasion("window_exact", Some(chain));
            self.plan(at_ms, Plan::Settled(Box::new(occasion)));
        }
        for _ in 0..edges.window_exceeded {
            let at_ms = self.edge_time();
            let first = self.edge_occasion("window_exceeded", None);
            let second = Occasion { order: first.order.clone(), chain: None, ..first };
            self.plan(at_ms, Plan::Settled(Box::new(first)));
            self.plan(at_ms + window_ms + 1, Plan::Settled(Box::new(second)));
        }
        for _ in 0..edges.same_instant {
            let at_ms = self.edge_time();
            let first = self.edge_occasion("same_instant", None);
            let mut second = self.edge_occasion("same_instant", None);
            second.person = first.person;
            second.reason = first.reason;
            second.variant = Some(1);
            self.plan(at_ms, Plan::Settled(Box::new(first)));
            self.plan(at_ms, Plan::Settled(Box::new(second)));
        }
    }

    /// A time early enough for a repeat at the end of the window to lie inside the run.
    fn edge_time(&mut self) -> i64 {
        let start_ms = self.scenario.start.0;
        let room_ms = self.scenario.end_ms() - start_ms - self.scenario.repeat_window.0;
        start_ms + self.draw.below((room_ms - EDGE_ROOM_MS).max(1) as u64) as i64
    }

    fn edge_occasion(&mut self, edge: &'static str, chain: Option<Chain>) -> Occasion {
        let reason = self.draw.index(self.reasons.len());
        let person = self.people.own();
        Occasion {
            edge: Some(edge),
            variant: Some(0),
            chain,
            ..self.occasion(reason, person, None)
        }
    }

    fn new_chain(&mut self, adjacent: bool, left: u32, exact_gap_ms: Option<i64>) -> Chain {
        self.chains += 1;
        Chain {
            id: self.chains,
            adjacent,
            position: 1,
            left,
            first: None,
            previous: None,
            cause: None,
            exact_gap_ms,
        }
    }

    pub(crate) fn occasion(
        &mut self,
        reason: usize,
        person: Person,
        incident: Option<usize>,
    ) -> Occasion {
        Occasion {
            reason,
            person,
            known: true,
            order: format!("ORD-{:07}", self.draw.below(10_000_000)),
            product: self.draw.index(PRODUCTS.len()),
            channel: *self.channels.at(self.draw.unit()),
            variant: None,
            past: None,
            incident,
            edge: None,
            chain: None,
        }
    }

    fn carry_out(&mut self, at_ms: i64, plan: Plan) {
        let occasion = match plan {
            Plan::Settled(occasion) => *occasion,
            Plan::First { reason, incident } => self.first_contact(reason, incident),
        };
        self.occur(at_ms, occasion);
    }

    fn first_contact(&mut self, reason: usize, incident: Option<usize>) -> Occasion {
        let chains = self.scenario.chains.clone();
        if incident.is_none() && self.draw.chance(chains.share.0) {
            let adjacent = self.reasons.len() > 1 && self.draw.chance(chains.adjacent_share.0);
            let mut left = 1;
            while !adjacent
                && left + 1 < chains.max_length
                && self.draw.chance(chains.continue_share.0)
            {
                left += 1;
            }
            let person = self.people.own();
            let chain = self.new_chain(adjacent, left, None);
            return Occasion { chain: Some(chain), ..self.occasion(reason, person, None) };
        }
        let cells = incident.map_or(&[][..], |n| &self.incidents[n].cells);
        let person = self.people.anyone(&mut self.draw, cells);
        if let Some(n) = incident {
            self.incidents[n].contacts += 1;
        }
        let known = !self.draw.chance(self.scenario.customers.anonymous_share.0);
        Occasion { known, ..self.occasion(reason, person, incident) }
    }

    fn tell_incidents(&mut self) {
        for (incident, planted) in self.scenario.incidents.iter().zip(&self.incidents) {
            let incident = &incident.value;
            let start_ms = self.scenario.start.0 + incident.start.0;
            self.ready.extend(truth_item(&IncidentTruth {
                truth: "incident",
                incident_id: &incident.id,
                reason: &incident.reason.0,
                start: TimeMs(start_ms),
                end: TimeMs(start_ms + incident.duration.0),
                segment: &incident.segment,
                expected_excess: (planted.expected * 1e3).round() / 1e3,
                planted_contacts: planted.contacts,
            }));
        }
    }
}

impl Iterator for Simulation {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        while self.ready.is_empty() {
            if !self.advance() {
                return None;
            }
        }
        self.ready.pop_front()
    }
}

fn reasons(scenario: &Scenario, books: &'static [Book]) -> Vec<Reason> {
    let total: f64 = scenario.reasons.values().map(|share| share.0).sum();
    let reason = |(name, share): (&crate::scenario::ReasonName, &crate::scenario::Amount)| Reason {
        name: name.0.clone(),
        share: share.0 / total,
        texts: books.iter().map(|book| book.reasons.get(&name.0)).collect(),
    };
    scenario.reasons.iter().map(reason).collect()
}

pub(crate) fn truth_item(row: &impl Serialize) -> Option<Item> {
    serde_json::to_vec(row).ok().map(Item::Truth)
}

/// How many of `count` units fall to a part with this share: exact in its mean, and never more
/// than there are.
fn binomial(draw: &mut Draw, count: u64, share: f64) -> u64 {
    if share >= 1.0 {
        return count;
    }
    if count <= 64 {
        return (0..count).filter(|_| draw.chance(share)).count() as u64;
    }
    draw.split(count, share)
}
