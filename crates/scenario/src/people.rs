//! Customers: who they are stays the same each time they return.

use std::collections::BTreeMap;

use crate::draw::{Draw, Mix, hash_unit};
use crate::parse::MAX_DIMENSIONS;
use crate::scenario::{Amount, Customers};

const LANGUAGE_SALT: u64 = 1;
const DIMENSION_SALT: u64 = 100;
/// A customer of a rare segment is looked for this often before one is made to fit.
const MAX_TRIES: u32 = 64;
/// Each class holds half as many customers as the one before; more classes than this are empty.
const MAX_CLASSES: u32 = 40;

/// One customer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) number: u64,
    /// Index of the phrase book.
    pub(crate) book: u8,
    /// Index of the value of each dimension.
    values: [u8; MAX_DIMENSIONS],
}

/// A dimension and the names of its values.
#[derive(Debug)]
struct Dimension {
    name: String,
    values: Vec<String>,
    mix: Mix<u8>,
}

/// A value of one dimension, by indexes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cell {
    dimension: usize,
    value: u8,
}

/// All customers of a run.
#[derive(Debug)]
pub(crate) struct People {
    seed: u64,
    /// Ranges of customer numbers, by how much they contact us.
    classes: Mix<(u64, u64)>,
    returning: bool,
    /// The number of the next customer who is used for one chain only.
    next_own: u64,
    languages: Mix<u8>,
    dimensions: Vec<Dimension>,
}

impl People {
    pub(crate) fn new(
        seed: u64,
        customers: &Customers,
        languages: Mix<u8>,
        dimensions: &BTreeMap<String, BTreeMap<String, Amount>>,
    ) -> Option<Self> {
        let dimensions = dimensions.iter().filter_map(|(name, values)| {
            let mix = Mix::new((0u8..).zip(values.values()).map(|(n, share)| (n, share.0)))?;
            Some(Dimension { name: name.clone(), values: values.keys().cloned().collect(), mix })
        });
        Some(People {
            seed,
            classes: contact_classes(customers.count, customers.tail.0)?,
            returning: customers.returning,
            next_own: customers.count,
            languages,
            dimensions: dimensions.collect(),
        })
    }

    /// Somebody of this segment, who may have made contact before.
    pub(crate) fn anyone(&mut self, draw: &mut Draw, segment: &[Cell]) -> Person {
        let mut person = self.next(draw);
        for _ in 0..MAX_TRIES {
            if segment.iter().all(|cell| person.values[cell.dimension] == cell.value) {
                return person;
            }
            person = self.next(draw);
        }
        for cell in segment {
            person.values[cell.dimension] = cell.value;
        }
        person
    }

    /// Somebody who makes contact for nothing else in this run.
    pub(crate) fn own(&mut self) -> Person {
        self.next_own += 1;
        self.person(self.next_own - 1)
    }

    fn next(&mut self, draw: &mut Draw) -> Person {
        if !self.returning {
            return self.own();
        }
        let &(start, len) = self.classes.at(draw.unit());
        self.person(start + draw.below(len))
    }

    fn person(&self, number: u64) -> Person {
        let mut values = [0; MAX_DIMENSIONS];
        for (n, dimension) in self.dimensions.iter().enumerate() {
            let unit = hash_unit(self.seed, number, DIMENSION_SALT + n as u64);
            values[n] = *dimension.mix.at(unit);
        }
        let book = *self.languages.at(hash_unit(self.seed, number, LANGUAGE_SALT));
        Person { number, book, values }
    }

    /// Name and value of each of a person's dimensions.
    pub(crate) fn values(&self, person: &Person) -> impl Iterator<Item = (&str, &str)> {
        self.dimensions.iter().zip(person.values).filter_map(|(dimension, value)| {
            Some((dimension.name.as_str(), dimension.values.get(usize::from(value))?.as_str()))
        })
    }

    /// The cells of a segment and its share of all customers.
    pub(crate) fn segment(&self, segment: &BTreeMap<String, String>) -> (Vec<Cell>, f64) {
        let mut cells = Vec::new();
        let mut share = 1.0;
        for (at, dimension) in self.dimensions.iter().enumerate() {
            let Some(wanted) = segment.get(&dimension.name) else { continue };
            let Some(value) = dimension.values.iter().position(|value| value == wanted) else {
                continue;
            };
            cells.push(Cell { dimension: at, value: value as u8 });
            let of_all = dimension.mix.shares().find(|(v, _)| usize::from(**v) == value);
            share *= of_all.map_or(0.0, |(_, share)| share);
        }
        (cells, share)
    }

    /// Each value of a dimension with its share of all customers.
    pub(crate) fn shares(&self, name: &str) -> Vec<(String, f64)> {
        let dimension = self.dimensions.iter().find(|dimension| dimension.name == name);
        dimension.map_or_else(Vec::new, |dimension| {
            let shares = dimension.mix.shares();
            shares.map(|(v, share)| (dimension.values[usize::from(*v)].clone(), share)).collect()
        })
    }
}

/// Splits customers into halves, quarters, …; each class contacts us `2^(1/tail)` times as much
/// per head as the one before: a Pareto tail in steps.
fn contact_classes(count: u64, tail: f64) -> Option<Mix<(u64, u64)>> {
    let mut classes = Vec::new();
    let mut start = 0;
    for class in 0..MAX_CLASSES {
        let len =
            if class + 1 == MAX_CLASSES { count - start } else { (count - start).div_ceil(2) };
        if len == 0 {
            break;
        }
        let per_head = libm::pow(2.0, f64::from(class) / tail);
        classes.push(((start, len), len as f64 * per_head));
        start += len;
    }
    Mix::new(classes)
}
