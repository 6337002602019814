//! Sums of the leaves by every set of a few attributes.
//!
//! Only the tables of most attributes are summed from leaves; each other one is summed from a table
//! of one attribute more, which has far fewer cells than there are leaves (the data cube of Gray et
//! al. 1997).

use super::Parts;
use super::cube::Cube;

/// A dense table may have this many cells a leaf; a larger one keeps only cells that have leaves.
const DENSE_CELLS_PER_LEAF: usize = 4;

/// A cell: which table, which of its cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CellId {
    pub table: usize,
    pub cell: usize,
}

/// Weighted sums of a cell's leaves.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sums {
    pub observed: f64,
    pub expected: f64,
}

#[derive(Debug)]
enum Source {
    /// The cell of each leaf.
    Leaves(Vec<u32>),
    /// A table of one attribute more, and the cell here of each cell there.
    Table(usize, Vec<u32>),
}

/// The cells of one set of attributes.
#[derive(Debug)]
pub struct Table {
    pub attributes: Vec<usize>,
    sizes: Vec<u64>,
    /// The keys of the cells, sorted, when not every key has a cell.
    keys: Option<Vec<u64>>,
    source: Source,
    pub sums: Vec<Sums>,
    /// Cells that have leaves.
    pub filled: usize,
}

/// All tables of a cube: more attributes first, and of as many those of late attributes first.
#[derive(Debug)]
pub struct Tables {
    pub tables: Vec<Table>,
}

impl Table {
    /// The values of a cell, in the order of the attributes.
    pub fn values(&self, cell: usize) -> Vec<u32> {
        let mut key = self.keys.as_ref().map_or(cell as u64, |keys| keys[cell]);
        let mut values = vec![0; self.sizes.len()];
        for (value, size) in values.iter_mut().zip(&self.sizes).rev() {
            *value = (key % size) as u32;
            key /= size;
        }
        values
    }

    fn cell(&self, values: impl Iterator<Item = u32>) -> Option<usize> {
        let key =
            values.zip(&self.sizes).fold(0, |key, (value, size)| key * size + u64::from(value));
        match &self.keys {
            None => Some(key as usize),
            Some(keys) => keys.binary_search(&key).ok(),
        }
    }

    fn new(sizes: &[u64], attributes: &[usize]) -> Table {
        Table {
            attributes: attributes.to_vec(),
            sizes: attributes.iter().map(|&a| sizes[a]).collect(),
            keys: None,
            source: Source::Leaves(Vec::new()),
            sums: Vec::new(),
            filled: 0,
        }
    }

    /// How many cells there are if none is left out, when not more than `most`.
    fn dense(&self, most: usize) -> Option<usize> {
        let cells = self.sizes.iter().try_fold(1_u64, |all, size| all.checked_mul(*size))?;
        usize::try_from(cells).ok().filter(|cells| *cells <= most)
    }

    /// Keeps only the cells of these keys, one for each source, and returns the cell of each.
    fn rank(&mut self, keys: &[u64]) -> Vec<u32> {
        let mut distinct = keys.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        self.sums = vec![Sums::default(); distinct.len()];
        let found = keys.iter().map(|key| distinct.binary_search(key).unwrap_or(0) as u32);
        let found = found.collect();
        self.keys = Some(distinct);
        found
    }

    fn from_leaves(cube: &Cube, sizes: &[u64], attributes: &[usize]) -> Table {
        let mut table = Table::new(sizes, attributes);
        let cells = if let Some(cells) = table.dense(DENSE_CELLS_PER_LEAF * cube.len() + 64) {
            table.sums = vec![Sums::default(); cells];
            let mut keys = vec![0_u32; cube.len()];
            for &a in attributes {
                let size = sizes[a] as u32;
                for (key, value) in keys.iter_mut().zip(&cube.columns[a]) {
                    *key = *key * size + value;
                }
            }
            keys
        } else {
            let key = |leaf: usize| {
                let values = attributes.iter().map(|&a| (sizes[a], cube.columns[a][leaf]));
                values.fold(0, |key, (size, value)| key * size + u64::from(value))
            };
            let keys: Vec<u64> = (0..cube.len()).map(key).collect();
            table.rank(&keys)
        };
        table.source = Source::Leaves(cells);
        table
    }

    /// The table of one attribute less than `above`.
    fn from_table(above: &Table, at: usize, sizes: &[u64], attributes: &[usize]) -> Table {
        let mut table = Table::new(sizes, attributes);
        let gone = above.attributes.iter().position(|a| !attributes.contains(a)).unwrap_or(0);
        let after: u64 = above.sizes[gone + 1..].iter().product();
        let span = above.sizes[gone] * after;
        let cells = match (&above.keys, table.dense(above.sums.len())) {
            (None, Some(cells)) => {
                table.sums = vec![Sums::default(); cells];
                // The same without a division.
                let starts = (0..cells as u32).step_by(after as usize);
                let runs = starts.flat_map(|from| (0..above.sizes[gone]).map(move |_| from));
                runs.flat_map(|from| from..from + after as u32).collect()
            }
            (keys, dense) => {
                let key = |cell| keys.as_ref().map_or(cell as u64, |keys| keys[cell]);
                let keys = (0..above.sums.len()).map(key);
                let keys: Vec<u64> = keys.map(|key| key / span * after + key % after).collect();
                match dense {
                    Some(cells) => {
                        table.sums = vec![Sums::default(); cells];
                        keys.iter().map(|key| *key as u32).collect()
                    }
                    None => table.rank(&keys),
                }
            }
        };
        table.source = Source::Table(at, cells);
        table
    }
}

impl Tables {
    /// Tables of every set of one to `depth` attributes.
    pub fn new(cube: &Cube, depth: usize, weighted: &[Sums]) -> Tables {
        let width = cube.columns.len();
        let sizes: Vec<u64> = cube
            .columns
            .iter()
            .map(|column| column.iter().max().map_or(1, |&most| u64::from(most) + 1))
            .collect();
        let mut largest = sizes.clone();
        largest.sort_unstable_by(|a, b| b.cmp(a));
        let fits = |order: &usize| {
            largest[..*order].iter().try_fold(1_u64, |all, size| all.checked_mul(*size)).is_some()
        };
        let depth = (0..=depth.min(width)).rev().find(fits).unwrap_or(0);
        // Largest sets first, as the others are summed from them.
        let mut tables: Vec<Table> = Vec::new();
        for order in (1..=depth).rev() {
            for attributes in sets(width, order).into_iter().rev() {
                let above = tables.iter().position(|table| {
                    table.attributes.len() == order + 1
                        && attributes.iter().all(|a| table.attributes.contains(a))
                });
                let table = match above {
                    Some(at) => Table::from_table(&tables[at], at, &sizes, &attributes),
                    None => Table::from_leaves(cube, &sizes, &attributes),
                };
                tables.push(table);
            }
        }
        let mut made = Tables { tables };
        made.add(weighted.iter().enumerate().map(|(leaf, sums)| (leaf, *sums)));
        for table in &mut made.tables {
            table.filled =
                table.sums.iter().filter(|s| s.observed > 0.0 || s.expected > 0.0).count();
        }
        made
    }

    /// Adds to leaves' sums.
    pub fn add(&mut self, changes: impl Iterator<Item = (usize, Sums)> + Clone) {
        for table in &mut self.tables {
            if let Source::Leaves(of_leaf) = &table.source {
                for (leaf, change) in changes.clone() {
                    let sums = &mut table.sums[of_leaf[leaf] as usize];
                    sums.observed += change.observed;
                    sums.expected += change.expected;
                }
            }
        }
        for at in 0..self.tables.len() {
            let (above, rest) = self.tables.split_at_mut(at);
            let table = &mut rest[0];
            if let Source::Table(from, map) = &table.source {
                table.sums.fill(Sums::default());
                for (sums, &cell) in above[*from].sums.iter().zip(map) {
                    let own = &mut table.sums[cell as usize];
                    own.observed += sums.observed;
                    own.expected += sums.expected;
                }
            }
        }
    }

    /// The sums of all leaves.
    pub fn all(&self) -> Sums {
        let smallest = self.tables.last().map_or(&[][..], |table| &table.sums);
        smallest.iter().fold(Sums::default(), |all, sums| Sums {
            observed: all.observed + sums.observed,
            expected: all.expected + sums.expected,
        })
    }

    /// How many cells with leaves fix so many attributes.
    pub fn filled(&self, order: usize) -> usize {
        let of_order = self.tables.iter().filter(|table| table.attributes.len() == order);
        of_order.map(|table| table.filled).sum()
    }

    /// The sums of a cell.
    pub fn sums(&self, id: CellId) -> Sums {
        self.tables[id.table].sums[id.cell]
    }

    /// The attributes and values of a cell.
    pub fn parts(&self, id: CellId) -> Parts {
        let table = &self.tables[id.table];
        table.attributes.iter().copied().zip(table.values(id.cell)).collect()
    }

    /// The cell of these attributes and values, attributes ascending.
    pub fn find(&self, parts: &[(usize, u32)]) -> Option<CellId> {
        let same = |table: &Table| table.attributes.iter().eq(parts.iter().map(|(a, _)| a));
        let table = self.tables.iter().position(same)?;
        let cell = self.tables[table].cell(parts.iter().map(|(_, value)| *value))?;
        Some(CellId { table, cell })
    }
}

/// Every set of so many of the first `width` numbers, each ascending.
fn sets(width: usize, order: usize) -> Vec<Vec<usize>> {
    if order == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for last in order - 1..width {
        for mut set in sets(last, order - 1) {
            set.push(last);
            all.push(set);
        }
    }
    all
}
