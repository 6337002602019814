//! Distinct customers, exactly. One small row per customer, reason and day tells for every cell of
//! that day and reason whether it holds the customer already.

use serde::{Deserialize, Serialize};

use quell_model::TimeMs;
use quell_model::time::HOUR_MS;
use quell_model::trend::Granularity;

use super::TREND_VERSION;
use super::cell::{Cell, reason_key};
use super::names::NameId;
use crate::state::{self, State, StateError, TREND_CUSTOMERS};

/// A customer's contacts of one reason on one day.
pub struct CustomerDay {
    key: Vec<u8>,
    contacts: Vec<Counted>,
}

/// Contacts that lie in the same cells.
#[derive(Serialize, Deserialize)]
struct Counted {
    hour_of_day: u8,
    /// Dimension and value of every cell, that of the reason as a whole first.
    values: Vec<(NameId, NameId)>,
    /// Below zero only until what it is the opposite of arrives.
    contacts: i64,
}

impl CustomerDay {
    /// What is known of a customer's day.
    pub fn read(
        state: &mut dyn State,
        hour: TimeMs,
        reason: NameId,
        customer: u64,
    ) -> Result<CustomerDay, StateError> {
        let mut key = reason_key(Granularity::Day, hour.day(), reason);
        key.extend_from_slice(&customer.to_be_bytes());
        let row: Option<Vec<Counted>> = state::read(state, TREND_CUSTOMERS, &key, TREND_VERSION)?;
        Ok(CustomerDay { key, contacts: row.unwrap_or_default() })
    }

    /// How many contacts of the customer a cell holds.
    pub fn held(&self, cell: &Cell, hour: TimeMs) -> i64 {
        let value = (cell.dimension(), cell.value());
        self.contacts
            .iter()
            .filter(|counted| {
                let in_window =
                    cell.granularity() == Granularity::Day || counted.hour_of_day == hour_of(hour);
                in_window && counted.values.contains(&value)
            })
            .map(|counted| counted.contacts)
            .sum()
    }

    /// By how much the people with exactly these values change by `sign` contacts more.
    pub fn people_change(&self, hour: TimeMs, values: &[(NameId, NameId)], sign: i64) -> i64 {
        let same =
            |counted: &&Counted| counted.hour_of_day == hour_of(hour) && counted.values == values;
        let held = self.contacts.iter().find(same).map_or(0, |counted| counted.contacts);
        i64::from(held + sign != 0) - i64::from(held != 0)
    }

    /// Adds `sign` contacts to the cells of these values and keeps the row while it says anything.
    pub fn write(
        mut self,
        state: &mut dyn State,
        hour: TimeMs,
        values: &[(NameId, NameId)],
        sign: i64,
    ) {
        let hour_of_day = hour_of(hour);
        let same =
            |counted: &&mut Counted| counted.hour_of_day == hour_of_day && counted.values == values;
        match self.contacts.iter_mut().find(same) {
            Some(counted) => counted.contacts += sign,
            None => {
                let values = values.to_vec();
                self.contacts.push(Counted { hour_of_day, values, contacts: sign });
            }
        }
        self.contacts.retain(|counted| counted.contacts != 0);
        if self.contacts.is_empty() {
            state.delete(TREND_CUSTOMERS, &self.key);
        } else {
            state::write(state, TREND_CUSTOMERS, &self.key, TREND_VERSION, &self.contacts);
        }
    }
}

/// The hour of its day.
pub fn hour_of(hour: TimeMs) -> u8 {
    (hour.since_ms(hour.day()) / HOUR_MS) as u8
}
