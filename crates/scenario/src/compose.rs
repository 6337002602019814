//! One contact's words, put together from a phrase book.

use quell_model::event::{Channel, Role, Turn};

use crate::draw::Draw;
use crate::phrases::{Book, Filling, PersonalData, ReasonTexts, Slot, Template};
use crate::scenario::{Cause, Text};

/// Test numbers that card schemes publish: they pass the check digit and pay nothing.
const TEST_CARDS: [&str; 4] =
    ["4111 1111 1111 1111", "5555-5555-5555-4444", "4012888888881881", "3782 822463 10005"];

/// What the words must say.
pub(crate) struct Topic<'a> {
    pub(crate) book: &'static Book,
    pub(crate) texts: &'static ReasonTexts,
    pub(crate) channel: Channel,
    pub(crate) order: &'a str,
    pub(crate) product: usize,
    /// What the earlier contact was, where this one is a planted repeat.
    pub(crate) past: Option<Past>,
    /// Why this contact will not solve the issue, where a repeat is planned.
    pub(crate) upcoming: Option<Cause>,
    /// A planted chain names its order, so that its contacts can be known as one issue.
    pub(crate) must_name_order: bool,
    /// The wording of the first contact, kept where nothing else shows that the issue is the same.
    pub(crate) variant: Option<u32>,
    /// The agent hands the call on.
    pub(crate) transfers: bool,
}

/// What a repeat says of the contact before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Past {
    Unsolved(Cause),
    Adjacent,
}

/// What was said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    pub(crate) subject: String,
    pub(crate) body: String,
    pub(crate) turns: Vec<Turn>,
    pub(crate) personal_data: Vec<(PersonalData, String)>,
    pub(crate) variant: u32,
}

/// Everything one composition needs to hand on.
struct Composer<'a, 'd> {
    topic: &'a Topic<'a>,
    draw: &'d mut Draw,
    amount: &'static str,
    days: &'static str,
}

/// Puts one contact's words together.
pub(crate) fn compose(topic: &Topic<'_>, text: &Text, draw: &mut Draw) -> Words {
    const DAYS: [&str; 10] = ["5", "6", "7", "8", "9", "10", "11", "12", "13", "14"];
    let amount = pick(&topic.book.amounts, draw).map_or("", String::as_str);
    let days = DAYS[draw.index(DAYS.len())];
    let count = topic.texts.bodies.len();
    let variant = topic.variant.unwrap_or_else(|| draw.index(count) as u32);
    let mut words = Words { variant, ..Words::default() };
    let mut composer = Composer { topic, draw, amount, days };
    if topic.channel == Channel::Voice {
        composer.call(text, &mut words);
    } else {
        composer.letter(text, &mut words);
    }
    words
}

impl Composer<'_, '_> {
    fn letter(&mut self, text: &Text, words: &mut Words) {
        let book = self.topic.book;
        if let Some(subject) = pick(&self.topic.texts.subjects, self.draw)
            && has_subject(self.topic.channel)
        {
            self.write(subject, "", &mut words.subject);
        }
        let short = !has_subject(self.topic.channel);
        if !(short && self.draw.chance(0.5))
            && let Some(greeting) = pick(&book.greetings, self.draw)
        {
            words.body.push_str(greeting);
            words.body.push(if short { ' ' } else { '\n' });
        }
        self.core(words.variant, &mut words.body);
        let mut personal = String::new();
        if let Some(data) = self.personal_data(text, &mut personal) {
            words.personal_data.push(data);
        }
        self.fill_up(text, personal.len(), &mut words.body);
        if !personal.is_empty() {
            words.body.push_str(&book.joiner);
            words.body.push_str(&personal);
        }
        if !short && let Some(closing) = pick(&book.closings, self.draw) {
            words.body.push('\n');
            words.body.push_str(closing);
        }
    }

    /// What it is about: the earlier contact, the matter, the order.
    fn core(&mut self, variant: u32, out: &mut String) {
        let topic = self.topic;
        let follow_up = match topic.past {
            Some(Past::Unsolved(cause)) => topic.book.follow_ups.get(&cause),
            Some(Past::Adjacent) => Some(&topic.book.adjacent),
            None => None,
        };
        if let Some(follow_up) = follow_up.and_then(|list| pick(list, self.draw)) {
            self.write(follow_up, "", out);
            out.push_str(&topic.book.joiner);
        }
        let bodies = &topic.texts.bodies;
        let Some(body) = bodies.get(variant as usize % bodies.len().max(1)) else { return };
        self.write(body, "", out);
        if topic.must_name_order
            && !body.has(Slot::Order)
            && let Some(order) = pick(&topic.book.order_details, self.draw)
        {
            out.push_str(&topic.book.joiner);
            self.write(order, "", out);
        }
    }

    /// Adds sentences that fit every reason until the wanted size is nearly reached.
    fn fill_up(&mut self, text: &Text, reserved: usize, out: &mut String) {
        let details = &self.topic.book.details;
        let wanted = text.body_bytes as usize;
        if wanted == 0 {
            if self.draw.chance(0.4)
                && let Some(detail) = pick(details, self.draw)
            {
                out.push_str(&self.topic.book.joiner);
                self.write(detail, "", out);
            }
            return;
        }
        let mut at = self.draw.index(details.len());
        while out.len() + reserved + 40 < wanted {
            out.push_str(&self.topic.book.joiner);
            self.write(&details[at], "", out);
            at = (at + 1) % details.len();
        }
    }

    fn personal_data(&mut self, text: &Text, out: &mut String) -> Option<(PersonalData, String)> {
        if !self.draw.chance(text.personal_data_share.0) {
            return None;
        }
        let kind = PersonalData::ALL[self.draw.index(PersonalData::ALL.len())];
        let value = match kind {
            PersonalData::Email => format!("customer.{}@example.com", self.draw.below(1_000_000)),
            PersonalData::Card => TEST_CARDS[self.draw.index(TEST_CARDS.len())].to_owned(),
            PersonalData::Phone => {
                let pattern = pick(&self.topic.book.phones, self.draw)?;
                let digit = |c| match c {
                    '#' => char::from(b'0' + self.draw.below(10) as u8),
                    other => other,
                };
                pattern.chars().map(digit).collect()
            }
        };
        let sentence = pick(self.topic.book.personal_data.get(&kind)?, self.draw)?;
        self.write(sentence, &value, out);
        Some((kind, value))
    }

    fn call(&mut self, text: &Text, words: &mut Words) {
        let book = self.topic.book;
        let mut opening = String::new();
        self.core(words.variant, &mut opening);
        let mut answer = String::new();
        let order_bound = self.topic.texts.names_order();
        let list = if order_bound { &book.order_details } else { &book.details };
        if let Some(sentence) = pick(list, self.draw) {
            self.write(sentence, "", &mut answer);
        }
        let mut personal = String::new();
        if let Some(data) = self.personal_data(text, &mut personal) {
            words.personal_data.push(data);
            answer.push_str(&book.joiner);
            answer.push_str(&personal);
        }
        let agent = &book.agent;
        let ending = if self.topic.transfers {
            &agent.transfers
        } else {
            match self.topic.upcoming {
                Some(Cause::PromiseMissed) => &agent.promises,
                Some(_) => &agent.unsolved,
                None => &agent.solved,
            }
        };
        for (role, line) in [
            (Role::Agent, pick(&agent.openings, self.draw).cloned()),
            (Role::Customer, Some(opening)),
            (Role::Agent, pick(&agent.questions, self.draw).cloned()),
            (Role::Customer, Some(answer)),
            (Role::Agent, pick(ending, self.draw).cloned()),
            (Role::Customer, pick(&book.thanks, self.draw).cloned()),
        ] {
            let text = line.unwrap_or_default();
            words.turns.push(Turn { role, text, at: None, offset_ms: None, sentiment: None });
        }
        let mut offset_ms = 500 + self.draw.below(1_500) as i64;
        for turn in &mut words.turns {
            turn.offset_ms = Some(offset_ms);
            // Speech runs at about fifteen characters a second.
            offset_ms += turn.text.chars().count() as i64 * 66 + self.draw.below(4_000) as i64;
        }
    }

    fn write(&self, template: &Template, value: &str, out: &mut String) {
        let product = self.topic.book.products.get(self.topic.product);
        let filling = Filling {
            order: self.topic.order,
            product: product.map_or("", String::as_str),
            amount: self.amount,
            days: self.days,
            value,
        };
        template.write(&filling, out);
    }
}

fn has_subject(channel: Channel) -> bool {
    matches!(channel, Channel::Email | Channel::WebForm | Channel::InApp | Channel::Api)
}

fn pick<'l, T>(list: &'l [T], draw: &mut Draw) -> Option<&'l T> {
    list.get(draw.index(list.len()))
}
