//! The forest: rows in, scores out.

use crate::error::Error;
use crate::objective::Transform;
use crate::pack::{Packed, Packer};
use crate::{lightgbm, xgboost};

/// Longest text that is read, in bytes.
pub const MAX_TEXT: usize = 1 << 29;

/// In which precision the library adds the leaves up, and from where.
#[derive(Debug, Clone, PartialEq)]
pub enum Sum {
    /// LightGBM: double precision, from zero, tree `i` to class `i % classes`.
    Double,
    /// XGBoost: single precision, from each class's base score, a tree to the class named.
    Single {
        /// Score of each class before the first tree.
        base: Vec<f32>,
        /// Class of each tree.
        class: Vec<u32>,
    },
}

/// What a loader found besides the trees.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    /// Objective as the model names it; empty when it has none.
    pub objective: String,
    /// Features of a row.
    pub features: usize,
    /// Their names; empty when the model has none.
    pub names: Vec<String>,
    /// Scores of a row.
    pub classes: usize,
    /// How leaves are added up.
    pub sum: Sum,
    /// By what a score is divided before the transform: the iterations of a random forest, else 1.
    pub average: Option<f64>,
    /// From scores to predictions.
    pub transform: Transform,
}

/// A trained tree ensemble.
///
/// Sixteen trees are walked side by side, so that the processor waits for one tree's memory while it works on the other
/// fifteen. No step branches on the row: a node's two children lie side by side and the outcome of the comparison is added
/// to the first one's index; leaves lead to themselves, so a group takes a fixed number of steps. Leaves are then added up
/// in the library's order and precision.
///
/// # Examples
///
/// ```
/// let text = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=0\n\
///     objective=binary sigmoid:1\nfeature_names=imbalance\nfeature_infos=[-1:1]\n\nTree=0\nnum_leaves=2\nnum_cat=0\n\
///     split_feature=0\nthreshold=0.25\ndecision_type=2\nleft_child=-1\nright_child=-2\nleaf_value=-1 1\n\nend of trees\n";
/// let forest = qt_models::Forest::from_text(text)?;
/// let (mut scratch, mut out) = (forest.scratch(), [0.0]);
/// forest.predict_raw(&[0.5], &mut scratch, &mut out)?;
/// assert_eq!(out, [1.0]);
/// # Ok::<(), qt_models::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Forest {
    head: Head,
    packed: Packed,
    trees: usize,
}

/// Memory of one evaluation, to be used again for the next one. Fits any forest, and grows to it at first use.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    cells: Vec<f64>,
    leaves: Vec<f64>,
}

impl Forest {
    /// Reads a model: the text of LightGBM, or the JSON of XGBoost.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with the place and what is there, when the text is damaged, or holds anything that would not be
    /// evaluated exactly as the library does it. [`Error::TooLong`] beyond 512 MiB.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_TEXT {
            return Err(Error::TooLong(text.len()));
        }
        if text.trim_start().starts_with('{') { xgboost::read(text) } else { lightgbm::read(text) }
    }

    /// A forest of these trees; the error says what is wrong with them.
    pub(crate) fn new(head: Head, packer: Packer) -> Result<Self, String> {
        Ok(Self { head, trees: packer.len(), packed: packer.finish()? })
    }

    /// Features of a row.
    pub fn num_features(&self) -> usize {
        self.head.features
    }

    /// Scores of a row: the classes of a multi-class model, else 1.
    pub fn num_classes(&self) -> usize {
        self.head.classes
    }

    /// Trees of all classes.
    pub fn num_trees(&self) -> usize {
        self.trees
    }

    /// Objective as the model names it; empty when it has none.
    pub fn objective(&self) -> &str {
        &self.head.objective
    }

    /// Names of the features, in the order of a row; empty when the model has none.
    pub fn feature_names(&self) -> &[String] {
        &self.head.names
    }

    /// Memory for evaluating; one per thread.
    pub fn scratch(&self) -> Scratch {
        let mut scratch = Scratch::default();
        scratch.fit(self);
        scratch
    }

    /// Raw scores of one or many rows, which lie one after another in `rows`, as do their scores in `out`.
    ///
    /// # Errors
    ///
    /// [`Error::Width`] when `rows` is not made of whole rows, [`Error::Results`] when `out` does not fit them.
    pub fn predict_raw(&self, rows: &[f64], scratch: &mut Scratch, out: &mut [f64]) -> Result<(), Error> {
        self.each(rows, scratch, out, |_| {})
    }

    /// Predictions of one or many rows: probabilities, values, whatever the model's objective makes of the scores.
    ///
    /// # Errors
    ///
    /// Those of [`Self::predict_raw`].
    pub fn predict(&self, rows: &[f64], scratch: &mut Scratch, out: &mut [f64]) -> Result<(), Error> {
        self.each(rows, scratch, out, |row| {
            if let Some(iterations) = self.head.average {
                for x in row.iter_mut() {
                    *x /= iterations;
                }
            }
            self.head.transform.apply(row);
        })
    }

    fn each(
        &self,
        rows: &[f64],
        scratch: &mut Scratch,
        out: &mut [f64],
        finish: impl Fn(&mut [f64]),
    ) -> Result<(), Error> {
        let (features, classes) = (self.head.features, self.head.classes);
        if !rows.len().is_multiple_of(features) {
            return Err(Error::Width { features, found: rows.len() });
        }
        let expected = rows.len() / features * classes;
        if out.len() != expected {
            return Err(Error::Results { expected, found: out.len() });
        }
        scratch.fit(self);
        for (row, scores) in rows.chunks_exact(features).zip(out.chunks_exact_mut(classes)) {
            self.scores(row, scratch, scores);
            finish(scores);
        }
        Ok(())
    }

    fn scores(&self, row: &[f64], Scratch { cells, leaves }: &mut Scratch, scores: &mut [f64]) {
        self.packed.read(row, cells);
        for group in self.packed.groups() {
            if group.sets {
                self.packed.walk::<true>(group, cells, leaves);
            } else {
                self.packed.walk::<false>(group, cells, leaves);
            }
        }
        match &self.head.sum {
            Sum::Double => {
                scores.fill(0.0);
                for iteration in leaves.chunks_exact(scores.len()) {
                    for (score, leaf) in scores.iter_mut().zip(iteration) {
                        *score += leaf;
                    }
                }
            }
            // Scores are kept in double precision, which holds every single one.
            Sum::Single { base, class } => {
                for (score, base) in scores.iter_mut().zip(base) {
                    *score = f64::from(*base);
                }
                for (leaf, class) in leaves.iter().zip(class) {
                    let score = &mut scores[*class as usize];
                    *score = f64::from(*score as f32 + *leaf as f32);
                }
            }
        }
    }
}

impl Scratch {
    /// Takes the forest's size; allocates only when that is another one.
    fn fit(&mut self, forest: &Forest) {
        self.cells.resize(1 + forest.packed.cells().len(), 0.0);
        self.leaves.resize(forest.trees, 0.0);
        self.cells[0] = f64::NEG_INFINITY;
    }
}
