//! One contact of the run: its words, its records, its truth, and what follows from it.

use quell_model::TimeMs;
use quell_model::event::{Channel, ContactEvent, Kind};

use crate::compose::{Past, Topic, Words, compose};
use crate::phrases::{Book, ReasonTexts};
use crate::plan::{Chain, Due, Occasion, Plan};
use crate::records::{ToldContact, kind, tell};
use crate::scenario::Cause;
use crate::simulation::{Item, Simulation, truth_item};
use crate::truth::{ContactTruth, PlantedData};

/// Repeats come later than this, so that no planned repeat can pass for a duplicate.
const MIN_GAP_MS: i64 = 30 * 60_000;
/// The share of contacts about an order whose record carries the order's number.
const ORDER_ATTRIBUTE_SHARE: f64 = 0.5;
/// Mean time on the way from a source to us.
const TRANSIT_MEAN_MS: f64 = 400.0;
/// Mean time until an event is delivered once more.
const REDELIVERY_MEAN_MS: f64 = 600_000.0;

/// What a copy or a further leg of a contact differs in.
#[derive(Clone, Copy, Default)]
struct Echo<'a> {
    duplicate_of: Option<&'a str>,
    /// First and previous leg.
    leg_of: Option<(&'a str, &'a str)>,
    transferred: bool,
    message_id: Option<&'a str>,
}

impl Echo<'_> {
    /// True for a contact that is told in one record of its own.
    fn whole(&self) -> bool {
        self.leg_of.is_none() && self.duplicate_of.is_none() && !self.transferred
    }
}

/// One record to be: a contact, a copy of it, or a further leg.
struct Account<'a> {
    id: &'a str,
    at_ms: i64,
    occasion: &'a Occasion,
    words: &'a Words,
    solved: bool,
    echo: Echo<'a>,
}

/// What is drawn for each record anew.
struct Facts {
    customer_id: Option<String>,
    agent_code: Option<String>,
    order_named: bool,
    language_named: bool,
    erased_at_ms: Option<i64>,
}

impl Simulation {
    /// Puts a contact into words and records, with its copies, its legs and its next repeat.
    pub(crate) fn occur(&mut self, at_ms: i64, occasion: Occasion) {
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
        let solved = upcoming.is_none();
        let account = Account { id: &id, at_ms, occasion: &occasion, words: &words, solved, echo };
        let end_ms = self.record(&account);
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
            let solved = upcoming.is_none();
            let account = Account { id: &id, at_ms, occasion, words: &words, solved, echo };
            at_ms = 1_000 + self.record(&account);
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
        let at_ms = at_ms + later_ms;
        self.record(&Account { id: &id, at_ms, occasion, words, solved: true, echo });
    }

    fn next_id(&mut self, channel: Channel) -> String {
        self.contacts += 1;
        let letter = match kind(channel) {
            Kind::Call => 'C',
            Kind::Ticket => 'T',
            Kind::Conversation => 'M',
        };
        format!("{letter}{:09}", self.contacts)
    }

    /// Writes a contact's truth and sends its events on their way. Gives the end of the exchange.
    fn record(&mut self, account: &Account<'_>) -> i64 {
        let facts = self.facts(account);
        let truth = self.truth(account, &facts);
        self.ready.extend(truth);
        let book = self.texts(account.occasion).0;
        let occasion = account.occasion;
        let mut dimensions: Vec<(&str, &str)> = self.people.values(&occasion.person).collect();
        let segment = dimensions.iter().position(|(name, _)| *name == "segment");
        let told = ToldContact {
            id: account.id,
            at_ms: account.at_ms,
            channel: occasion.channel,
            customer_id: facts.customer_id.as_deref(),
            segment: segment.map(|at| dimensions.remove(at).1),
            dimensions,
            order: facts.order_named.then_some(occasion.order.as_str()),
            product: occasion.product,
            language: facts.language_named.then_some(book.language),
            agent_code: facts.agent_code.as_deref(),
            words: account.words,
            message_id: account.echo.message_id,
            leg_of: account.echo.leg_of,
            transferred: account.echo.transferred,
            solved: account.solved,
            erased_at_ms: facts.erased_at_ms,
        };
        let told = tell(&told, &self.scenario.records, &mut self.draw);
        for event in &told.events {
            self.send(event);
        }
        told.end_ms
    }

    fn facts(&mut self, account: &Account<'_>) -> Facts {
        let occasion = account.occasion;
        let erasures = self.scenario.erasures.clone();
        let single = occasion.chain.is_none() && occasion.edge.is_none();
        let erasable = single && account.echo.whole() && occasion.known;
        let erased = erasable && self.draw.chance(erasures.share.0);
        let after_ms = erased.then(|| self.draw.exponential(erasures.after.0 as f64) as i64);
        let order_bound = self.texts(occasion).1.names_order();
        Facts {
            customer_id: occasion.known.then(|| format!("cust-{:08}", occasion.person.number)),
            agent_code: self.agent_code(occasion.reason),
            order_named: order_bound && self.draw.chance(ORDER_ATTRIBUTE_SHARE),
            language_named: self.draw.chance(self.scenario.text.language_named_share.0),
            erased_at_ms: after_ms.map(|after_ms| account.at_ms + 1 + after_ms),
        }
    }

    fn truth(&self, account: &Account<'_>, facts: &Facts) -> Option<Item> {
        let Account { id, at_ms, occasion, words, echo, .. } = *account;
        // A copy and a further leg have no place of their own in a chain.
        let own = echo.duplicate_of.is_none() && echo.leg_of.is_none();
        let chain = occasion.chain.as_ref().filter(|_| own);
        let chain_id = chain.map(|chain| format!("chain-{:06}", chain.id));
        let previous = chain.and_then(|chain| chain.previous.as_ref());
        let incident = occasion.incident.filter(|_| own);
        truth_item(&ContactTruth {
            truth: "contact",
            contact_id: id,
            occurred_at: TimeMs(at_ms),
            customer_id: facts.customer_id.as_deref(),
            kind: kind(occasion.channel),
            channel: occasion.channel,
            language: self.texts(occasion).0.language,
            true_reason: &self.reasons[occasion.reason].name,
            agent_code: facts.agent_code.as_deref(),
            chain_id: chain_id.as_deref(),
            link: chain.and_then(Chain::link),
            position: chain.map_or(1, |chain| chain.position),
            previous: previous.map(|(previous, _)| previous.as_str()),
            first: chain.and_then(|chain| chain.first.as_deref()),
            gap_ms: previous.map(|(_, previous_ms)| at_ms - previous_ms),
            cause: chain.and_then(Chain::cause_code),
            incident_id: incident.map(|n| self.scenario.incidents[n].value.id.as_str()),
            is_duplicate: echo.duplicate_of.is_some(),
            duplicate_of: echo.duplicate_of,
            is_transfer_leg: echo.leg_of.is_some(),
            leg_of: echo.leg_of.map(|(first, _)| first),
            edge: occasion.edge.filter(|_| own),
            erased: facts.erased_at_ms.is_some(),
            pii: words
                .personal_data
                .iter()
                .map(|(kind, value)| PlantedData { kind: kind.as_str(), value })
                .collect(),
        })
    }

    fn agent_code(&mut self, reason: usize) -> Option<String> {
        let agents = &self.scenario.agents;
        if !self.draw.chance(agents.coded_share.0) {
            return None;
        }
        if !self.draw.chance(agents.wrong_share.0) {
            return self.reasons.get(reason).map(|reason| reason.name.clone());
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

    pub(crate) fn deliver(&mut self, at_ms: i64, line: Vec<u8>) {
        self.sequence += 1;
        self.deliveries.push(Due { at_ms, sequence: self.sequence, what: line });
    }
}
