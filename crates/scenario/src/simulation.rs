//! The run: hour by hour, contact by contact, out in the order of delivery.

use std::collections::{BinaryHeap, VecDeque};

use quell_model::TimeMs;
use quell_model::event::{Channel, ContactEvent};
use serde::Serialize;

use crate::compose::{Past, Topic, Words, compose};
use crate::draw::{Draw, Mix};
use crate::flow::{Flow, Hour, incident_part};
use crate::parse::EDGE_ROOM_MS;
use crate::people::{Cell, People, Person};
use crate::phrases::{self, Book, PRODUCTS, ReasonTexts};
use crate::plan::{Chain, Due, Occasion, Plan};
use crate::records::{ToldContact, kind, tell, volume_line};
use crate::scenario::{Cause, Scenario};
use crate::truth::{ContactTruth, IncidentTruth, PlantedData};

/// Repeats come later than this, so that no planned repeat can pass for a duplicate.
const MIN_GAP_MS: i64 = 30 * 60_000;
/// The share of contacts about an order whose record carries the order's number.
const ORDER_ATTRIBUTE_SHARE: f64 = 0.5;
/// Mean time on the way from a source to us.
const TRANSIT_MEAN_MS: f64 = 400.0;
/// Mean time until an event is delivered once more.
const REDELIVERY_MEAN_MS: f64 = 600_000.0;

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
    scenario: Scenario,
    books: &'static [Book],
    draw: Draw,
    flow: Flow,
    people: People,
    reasons: Vec<Reason>,
    channels: Mix<Channel>,
    causes: Mix<Cause>,
    incidents: Vec<Planted>,
    plans: BinaryHeap<Due<Plan>>,
    deliveries: BinaryHeap<Due<Vec<u8>>>,
    ready: VecDeque<Item>,
    /// All contacts before this time are planned.
    planned_until_ms: i64,
    phase: Phase,
    sequence: u64,
    contacts: u64,
    chains: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Planning,
    Draining,
    Done,
}

/// A reason with its share of contacts and its texts by phrase book.
struct Reason {
    name: String,
    share: f64,
    texts: Vec<Option<&'static ReasonTexts>>,
}

/// An incident and what became of it.
struct Planted {
    reason: usize,
    cells: Vec<Cell>,
    share: f64,
    expected: f64,
    contacts: u64,
}

/// What a copy or a further leg of a contact differs in.
#[derive(Clone, Copy, Default)]
struct Echo<'a> {
    duplicate_of: Option<&'a str>,
    /// First and previous leg.
    leg_of: Option<(&'a str, &'a str)>,
    transferred: bool,
    message_id: Option<&'a str>,
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

    fn full(&self) -> bool {
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

    fn plan(&mut self, at_ms: i64, what: Plan) {
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

    fn occasion(&mut self, reason: usize, person: Person, incident: Option<usize>) -> Occasion {
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

    /// Puts a contact into words and records, with its copies, its legs and its next repeat.
    fn occur(&mut self, at_ms: i64, occasion: Occasion) {
        let next_ms = self.next_repeat_at(at_ms, occasion.chain.as_ref());
        let upcoming = match &occasion.chain {
            Some(chain) if next_ms.is_some() && !chain.adjacent => {
                Some(*self.causes.at(self.draw.unit()))
            }
            _ => None,
        };
        let by_phone = occasion.channel == Channel::Voice;
        let transfers = by_phone && self.draw.chance(self.scenario.transfers.share.0);
        let words = self.words(&occasion, upcoming, transfers);
        let id = self.next_id(occasion.channel);
        let message_id = (occasion.channel == Channel::Email)
            .then(|| format!("<{}@mail.example.com>", id.to_lowercase()));
        let echo =
            Echo { transferred: transfers, message_id: message_id.as_deref(), ..Echo::default() };
        let end_ms = self.record(&id, at_ms, &occasion, &words, upcoming.is_none(), echo);
        if transfers {
            self.legs(&id, end_ms, &occasion, upcoming);
        }
        let alone = next_ms.is_none() && occasion.edge.is_none() && !by_phone;
        if alone && self.draw.chance(self.scenario.duplicates.share.0) {
            self.duplicate(&id, at_ms, &occasion, &words, message_id.as_deref());
        }
        if let Some(next_ms) = next_ms {
            self.plan_repeat(next_ms, (id, at_ms), occasion, upcoming, words.variant);
        }
    }

    fn words(&mut self, occasion: &Occasion, upcoming: Option<Cause>, transfers: bool) -> Words {
        let (book, texts) = self.texts(occasion);
        let topic = Topic {
            book,
            texts,
            channel: occasion.channel,
            order: &occasion.order,
            product: occasion.product,
            past: occasion.past,
            upcoming,
            must_name_order: texts.names_order() && self.same_issue(occasion),
            variant: occasion.variant,
            transfers,
        };
        compose(&topic, &self.scenario.text, &mut self.draw)
    }

    /// True where the contact's order is what shows that the issue is the same.
    fn same_issue(&self, occasion: &Occasion) -> bool {
        occasion.edge == Some("window_exceeded")
            || occasion.chain.as_ref().is_some_and(|chain| !chain.adjacent)
    }

    /// The texts in the customer's language; in English where a reason has none in it.
    fn texts(&self, occasion: &Occasion) -> (&'static Book, &'static ReasonTexts) {
        let texts = &self.reasons[occasion.reason].texts;
        let wanted = usize::from(occasion.person.book);
        let order = [wanted].into_iter().chain(0..texts.len());
        let mut found = order.filter_map(|book| Some((&self.books[book], texts[book]?)));
        found.next().expect("a reason is known by the texts that it has")
    }

    fn next_repeat_at(&mut self, at_ms: i64, chain: Option<&Chain>) -> Option<i64> {
        let chain = chain.filter(|chain| chain.left > 0)?;
        let gap_ms = chain.exact_gap_ms.unwrap_or_else(|| self.gap());
        Some(at_ms + gap_ms).filter(|&next_ms| next_ms < self.scenario.end_ms())
    }

    fn gap(&mut self) -> i64 {
        let chains = &self.scenario.chains;
        let window_ms = self.scenario.repeat_window.0;
        let least_ms = MIN_GAP_MS.max(self.scenario.duplicates.within.0 + 60_000).min(window_ms);
        for _ in 0..32 {
            let gap = self.draw.lognormal(chains.gap_median.0 as f64, chains.gap_sigma.0);
            if gap <= window_ms as f64 {
                return (gap as i64).max(least_ms);
            }
        }
        least_ms.max(window_ms / 2)
    }

    fn plan_repeat(
        &mut self,
        at_ms: i64,
        before: (String, i64),
        occasion: Occasion,
        upcoming: Option<Cause>,
        variant: u32,
    ) {
        let Some(chain) = occasion.chain else { return };
        let names_order = self.reasons[occasion.reason].texts.iter().flatten().next();
        let names_order = names_order.is_some_and(|texts| texts.names_order());
        let mut next = Occasion {
            past: upcoming.map(Past::Unsolved),
            variant: (!names_order).then_some(variant),
            edge: occasion.edge,
            chain: Some(Chain {
                position: chain.position + 1,
                left: chain.left - 1,
                first: Some(chain.first.clone().unwrap_or_else(|| before.0.clone())),
                previous: Some(before),
                cause: upcoming,
                ..chain
            }),
            ..self.occasion(occasion.reason, occasion.person, None)
        };
        if chain.adjacent {
            next.past = Some(Past::Adjacent);
            next.variant = None;
            let others = self.reasons.len() - 1;
            let other = self.draw.index(others);
            next.reason = if other >= occasion.reason { other + 1 } else { other };
        } else {
            next.order = occasion.order;
            next.product = occasion.product;
        }
        if !self.draw.chance(self.scenario.chains.channel_switch_share.0) {
            next.channel = occasion.channel;
        }
        self.plan(at_ms, Plan::Settled(Box::new(next)));
    }

    fn legs(&mut self, first: &str, end_ms: i64, occasion: &Occasion, upcoming: Option<Cause>) {
        let mut previous = first.to_owned();
        let mut at_ms = end_ms + 1_000;
        let mut more = true;
        while more && !self.full() {
            more = previous == first && self.draw.chance(self.scenario.transfers.third_leg_share.0);
            let words = self.words(occasion, upcoming, more);
            let id = self.next_id(occasion.channel);
            let leg_of = Some((first, previous.as_str()));
            let echo = Echo { leg_of, transferred: more, ..Echo::default() };
            at_ms = 1_000 + self.record(&id, at_ms, occasion, &words, upcoming.is_none(), echo);
            previous = id;
        }
    }

    fn duplicate(
        &mut self,
        original: &str,
        at_ms: i64,
        occasion: &Occasion,
        words: &Words,
        message_id: Option<&str>,
    ) {
        if self.full() {
            return;
        }
        let duplicates = &self.scenario.duplicates;
        let span_ms = duplicates.within.0.max(1) as u64;
        let later_ms = 1 + self.draw.below(span_ms) as i64;
        let same_message = self.draw.chance(duplicates.same_message_share.0);
        let id = self.next_id(occasion.channel);
        let own_message_id = format!("<{}@mail.example.com>", id.to_lowercase());
        let message_id = message_id.map(|of| if same_message { of } else { &own_message_id });
        let echo = Echo { duplicate_of: Some(original), message_id, ..Echo::default() };
        self.record(&id, at_ms + later_ms, occasion, words, true, echo);
    }

    fn next_id(&mut self, channel: Channel) -> String {
        self.contacts += 1;
        let letter = match kind(channel) {
            quell_model::event::Kind::Call => 'C',
            quell_model::event::Kind::Ticket => 'T',
            quell_model::event::Kind::Conversation => 'M',
        };
        format!("{letter}{:09}", self.contacts)
    }

    /// Writes a contact's truth and sends its events on their way. Gives the end of the exchange.
    fn record(
        &mut self,
        id: &str,
        at_ms: i64,
        occasion: &Occasion,
        words: &Words,
        solved: bool,
        echo: Echo<'_>,
    ) -> i64 {
        let (book, texts) = self.texts(occasion);
        let customer_id = occasion.known.then(|| format!("cust-{:08}", occasion.person.number));
        let true_reason = self.reasons[occasion.reason].name.clone();
        let agent_code = self.agent_code(&true_reason);
        let single = occasion.chain.is_none() && occasion.edge.is_none();
        let whole = echo.leg_of.is_none() && echo.duplicate_of.is_none() && !echo.transferred;
        let erasures = self.scenario.erasures.clone();
        let erased = single && whole && occasion.known && self.draw.chance(erasures.share.0);
        let erased_after_ms = self.draw.exponential(erasures.after.0 as f64).max(1.0) as i64;
        let names_order = texts.names_order() && self.draw.chance(ORDER_ATTRIBUTE_SHARE);
        let language_named = self.draw.chance(self.scenario.text.language_named_share.0);
        let mut dimensions: Vec<(&str, &str)> = self.people.values(&occasion.person).collect();
        let segment = dimensions.iter().position(|(name, _)| *name == "segment");
        let told = ToldContact {
            id,
            at_ms,
            channel: occasion.channel,
            customer_id: customer_id.as_deref(),
            segment: segment.map(|at| dimensions.remove(at).1),
            dimensions,
            order: names_order.then_some(occasion.order.as_str()),
            product: occasion.product,
            language: language_named.then_some(book.language),
            agent_code: agent_code.as_deref(),
            words,
            message_id: echo.message_id,
            leg_of: echo.leg_of,
            transferred: echo.transferred,
            solved,
            erased_at_ms: erased.then_some(at_ms + erased_after_ms),
        };
        let told = tell(&told, &self.scenario.records, &mut self.draw);
        let chain = if whole || echo.transferred && echo.leg_of.is_none() {
            occasion.chain.as_ref()
        } else {
            None
        };
        let chain_id = chain.map(|chain| format!("chain-{:06}", chain.id));
        let previous = chain.and_then(|chain| chain.previous.as_ref());
        let incident = occasion.incident.map(|n| self.scenario.incidents[n].value.id.as_str());
        let row = ContactTruth {
            truth: "contact",
            contact_id: id,
            occurred_at: TimeMs(at_ms),
            customer_id: customer_id.as_deref(),
            kind: kind(occasion.channel),
            channel: occasion.channel,
            language: book.language,
            true_reason: &true_reason,
            agent_code: agent_code.as_deref(),
            chain_id: chain_id.as_deref(),
            link: chain.and_then(Chain::link),
            position: chain.map_or(1, |chain| chain.position),
            previous: previous.map(|(previous, _)| previous.as_str()),
            first: chain.and_then(|chain| chain.first.as_deref()),
            gap_ms: previous.map(|(_, previous_ms)| at_ms - previous_ms),
            cause: chain.and_then(Chain::cause_code),
            incident_id: incident.filter(|_| whole),
            is_duplicate: echo.duplicate_of.is_some(),
            duplicate_of: echo.duplicate_of,
            is_transfer_leg: echo.leg_of.is_some(),
            leg_of: echo.leg_of.map(|(first, _)| first),
            edge: occasion.edge,
            erased,
            pii: words
                .personal_data
                .iter()
                .map(|(kind, value)| PlantedData { kind: kind.as_str(), value })
                .collect(),
        };
        self.ready.extend(truth_item(&row));
        for event in &told.events {
            self.send(event);
        }
        told.end_ms
    }

    fn agent_code(&mut self, true_reason: &str) -> Option<String> {
        let agents = &self.scenario.agents;
        if !self.draw.chance(agents.coded_share.0) {
            return None;
        }
        if !self.draw.chance(agents.wrong_share.0) {
            return Some(true_reason.to_owned());
        }
        // Agents in a hurry pick the first code of the list half of the time.
        let at = if self.draw.chance(0.5) { 0 } else { self.draw.index(self.reasons.len()) };
        self.reasons.get(at).map(|reason| reason.name.clone())
    }

    fn send(&mut self, event: &ContactEvent) {
        let Ok(line) = serde_json::to_vec(event) else { return };
        let delivery = self.scenario.delivery.clone();
        let mut at_ms = event.event_time.0 + self.draw.exponential(TRANSIT_MEAN_MS) as i64;
        if self.draw.chance(delivery.late_share.0) {
            let late_ms = self.draw.exponential(delivery.late_mean.0 as f64) as i64;
            at_ms += late_ms.min(delivery.late_max.0);
        }
        if self.draw.chance(delivery.redelivered_share.0) {
            let again_ms = at_ms + self.draw.exponential(REDELIVERY_MEAN_MS) as i64;
            self.deliver(again_ms, line.clone());
        }
        self.deliver(at_ms, line);
    }

    fn deliver(&mut self, at_ms: i64, line: Vec<u8>) {
        self.sequence += 1;
        self.deliveries.push(Due { at_ms, sequence: self.sequence, what: line });
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

fn truth_item(row: &impl Serialize) -> Option<Item> {
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
