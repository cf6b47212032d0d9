//! Reads the JSON of an XGBoost model (`Booster.save_model("model.json")`): booster `gbtree`, numerical splits, one target.

use crate::error::{Error, shown};
use crate::forest::{Forest, Head, Sum};
use crate::json::Reader;
use crate::objective::Transform;
use crate::pack::Packer;
use crate::tree::{Child, Split, Test, Tree};

/// Classes that a model may have.
const MAX_CLASSES: usize = 1 << 16;

/// What the parts of the file said, each with its byte.
#[derive(Default)]
struct Parts {
    objective: Option<(usize, String)>,
    base_score: Option<(usize, String)>,
    classes: usize,
    features: Option<usize>,
    names: Vec<String>,
    class: Option<(usize, Vec<u32>)>,
    trees: Vec<(usize, Tree)>,
    /// One past the greatest feature that a tree asks for.
    asked: usize,
}

/// Reads a model.
pub fn read(text: &str) -> Result<Forest, Error> {
    let (mut parts, mut reader) = (Parts::default(), Reader::new(text));
    let mut version = None;
    reader.object(|reader, key| match key {
        "learner" => parts.learner(reader),
        "version" => {
            let at = reader.at();
            version = Some((at, reader.list(Reader::number::<u32>)?));
            Ok(())
        }
        _ => Err(unknown(reader, key)),
    })?;
    reader.end()?;
    match version {
        Some((_, numbers)) if matches!(numbers.first(), Some(1..=3)) => {}
        Some((at, _)) => return Err(Error::byte(at, "the version of the format is not 1, 2 or 3")),
        None => return Err(missing("version")),
    }
    parts.forest()
}

fn unknown(reader: &mut Reader<'_>, key: &str) -> Error {
    Error::byte(reader.at(), format!("{} is not known here", shown(key)))
}

fn missing(what: &str) -> Error {
    Error::byte(0, format!("the model has no `{what}`"))
}

/// A number that is written as a string.
fn quoted<T: std::str::FromStr>(reader: &mut Reader<'_>) -> Result<T, Error> {
    let at = reader.at();
    let text = reader.string()?;
    text.parse().map_err(|_| Error::byte(at, format!("{} where a number was expected", shown(&text))))
}

/// A number that is written as a string and must be this one.
fn only(reader: &mut Reader<'_>, allowed: &[usize], what: &str) -> Result<(), Error> {
    let at = reader.at();
    let found = quoted::<usize>(reader)?;
    if allowed.contains(&found) { Ok(()) } else { Err(Error::byte(at, format!("{found} {what}"))) }
}

impl Parts {
    fn learner(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        reader.object(|reader, key| match key {
            "attributes" => reader.skip(),
            "feature_names" => {
                self.names = reader.list(|reader| Ok(reader.string()?.into_owned()))?;
                Ok(())
            }
            "feature_types" => reader.array(|reader| {
                let at = reader.at();
                match &*reader.string()? {
                    "float" | "int" | "q" | "i" => Ok(()),
                    other => {
                        Err(Error::byte(at, format!("feature type {}: only numbers are read", shown(other))))
                    }
                }
            }),
            "gradient_booster" => self.booster(reader),
            "learner_model_param" => reader.object(|reader, key| match key {
                "base_score" => {
                    self.base_score = Some((reader.at(), reader.string()?.into_owned()));
                    Ok(())
                }
                "boost_from_average" => reader.skip(),
                "num_class" => {
                    let at = reader.at();
                    self.classes = quoted(reader)?;
                    if self.classes > MAX_CLASSES {
                        return Err(Error::byte(at, format!("more than {MAX_CLASSES} classes")));
                    }
                    Ok(())
                }
                "num_feature" => {
                    self.features = Some(quoted(reader)?);
                    Ok(())
                }
                "num_target" => only(reader, &[0, 1], "targets: one is read"),
                _ => Err(unknown(reader, key)),
            }),
            "objective" => reader.object(|reader, key| match key {
                "name" => {
                    self.objective = Some((reader.at(), reader.string()?.into_owned()));
                    Ok(())
                }
                // Weights of training, and the number of classes once more.
                "reg_loss_param" | "softmax_multiclass_param" => reader.skip(),
                _ => Err(Error::byte(
                    reader.at(),
                    format!("{} is of an objective that is not known", shown(key)),
                )),
            }),
            _ => Err(unknown(reader, key)),
        })
    }

    fn booster(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let mut named = false;
        let start = reader.at();
        reader.object(|reader, key| match key {
            "name" => {
                let at = reader.at();
                named = true;
                match &*reader.string()? {
                    "gbtree" => Ok(()),
                    other => Err(Error::byte(at, format!("booster {}: only gbtree is read", shown(other)))),
                }
            }
            "model" => reader.object(|reader, key| match key {
                "gbtree_model_param" | "iteration_indptr" => reader.skip(),
                "cats" => reader.object(|reader, key| match key {
                    "enc" => reader.array(|reader| Err(reader.wrong("no category"))),
                    _ => reader.skip(),
                }),
                "tree_info" => {
                    self.class = Some((reader.at(), reader.list(Reader::number)?));
                    Ok(())
                }
                "trees" => reader.array(|reader| {
                    let at = reader.at();
                    let tree = Columns::read(reader)?.tree(at)?;
                    let asked = tree.splits.iter().map(|split| split.feature as usize + 1).max();
                    self.asked = self.asked.max(asked.unwrap_or(0));
                    self.trees.push((at, tree));
                    Ok(())
                }),
                _ => Err(unknown(reader, key)),
            }),
            // Of another booster: dart wraps a gbtree, gblinear has no trees.
            _ => {
                let what = format!("{} is not of the booster gbtree, the only one that is read", shown(key));
                Err(Error::byte(reader.at(), what))
            }
        })?;
        if named { Ok(()) } else { Err(Error::byte(start, "the booster has no name")) }
    }

    fn forest(self) -> Result<Forest, Error> {
        let (at, objective) = self.objective.ok_or_else(|| missing("objective"))?;
        let (transform, logit, many) = match objective.as_str() {
            "binary:logistic" | "reg:logistic" => (Transform::SingleSigmoid, true, false),
            "reg:squarederror" | "binary:logitraw" => (Transform::Identity, false, false),
            "multi:softprob" => (Transform::SingleSoftmax, false, true),
            "multi:softmax" => {
                return Err(Error::byte(
                    at,
                    "multi:softmax predicts the number of a class: train with multi:softprob",
                ));
            }
            other => return Err(Error::byte(at, format!("objective {} is not known", shown(other)))),
        };
        if many != (self.classes > 1) {
            return Err(Error::byte(at, format!("{objective} with num_class {}", self.classes)));
        }
        let classes = self.classes.max(1);
        let features = self.features.filter(|n| *n > 0).ok_or_else(|| missing("num_feature"))?;
        if self.asked > features {
            return Err(Error::byte(0, format!("a tree asks for feature {} of {features}", self.asked - 1)));
        }
        if !self.names.is_empty() && self.names.len() != features {
            return Err(Error::byte(0, format!("{} names for {features} features", self.names.len())));
        }
        let base = base_score(self.base_score, classes, logit)?;
        let (at, class) = self.class.ok_or_else(|| missing("tree_info"))?;
        if class.len() != self.trees.len() || class.iter().any(|class| *class as usize >= classes) {
            let trees = self.trees.len();
            return Err(Error::byte(
                at,
                format!("tree_info does not give {trees} trees one of {classes} classes"),
            ));
        }
        if class.is_empty() {
            return Err(Error::byte(at, "the model has no trees"));
        }
        let mut packer = Packer::new();
        for (at, tree) in &self.trees {
            packer.push(tree).map_err(|what| Error::byte(*at, what))?;
        }
        let (sum, names) = (Sum::Single { base, class }, self.names);
        let head = Head { objective, features, names, classes, sum, average: None, transform };
        Forest::new(head, packer).map_err(|what| Error::byte(0, what))
    }
}

/// Scores before the first tree: `5E-1`, or `[5E-1]` with one for each class, on the scale of predictions.
fn base_score(field: Option<(usize, String)>, classes: usize, logit: bool) -> Result<Vec<f32>, Error> {
    let (at, text) = field.ok_or_else(|| missing("base_score"))?;
    let wrong = |why: &str| Error::byte(at, format!("base_score {}: {why}", shown(&text)));
    let list = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&text);
    let scores: Vec<f32> = list
        .split(',')
        .map(|score| score.trim().parse().ok().filter(|x: &f32| x.is_finite()))
        .collect::<Option<_>>()
        .ok_or_else(|| wrong("numbers were expected"))?;
    let scores = match scores.len() {
        1 => vec![scores[0]; classes],
        n if n == classes => scores,
        n => return Err(wrong(&format!("{n} scores for {classes} classes"))),
    };
    if !logit {
        return Ok(scores);
    }
    if scores.iter().any(|p| *p <= 0.0 || *p >= 1.0) {
        return Err(wrong("a probability between 0 and 1 was expected"));
    }
    Ok(scores.into_iter().map(|p| -(1.0 / p - 1.0).ln()).collect())
}

/// A tree as it is written: one array for each property of its nodes.
#[derive(Default)]
struct Columns {
    left: Vec<i32>,
    right: Vec<i32>,
    condition: Vec<f32>,
    feature: Vec<u32>,
    default_left: Vec<bool>,
}

impl Columns {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let mut columns = Self::default();
        reader.object(|reader, key| {
            match key {
                "left_children" => columns.left = reader.list(Reader::number)?,
                "right_children" => columns.right = reader.list(Reader::number)?,
                "split_conditions" => columns.condition = reader.list(Reader::number)?,
                "split_indices" => columns.feature = reader.list(Reader::number)?,
                "default_left" => columns.default_left = reader.list(Reader::truth)?,
                "split_type" => reader.array(|reader| {
                    let at = reader.at();
                    if reader.truth()? {
                        Err(Error::byte(at, "a categorical split: only numerical ones are read"))
                    } else {
                        Ok(())
                    }
                })?,
                "categories" | "categories_nodes" | "categories_segments" | "categories_sizes" => {
                    reader.array(|reader| Err(reader.wrong("no category")))?;
                }
                "tree_param" => reader.object(|reader, key| match key {
                    "size_leaf_vector" => only(reader, &[0, 1], "values in a leaf: one is read"),
                    "num_deleted" | "num_feature" | "num_nodes" => reader.skip(),
                    _ => Err(unknown(reader, key)),
                })?,
                "base_weights" | "id" | "loss_changes" | "parents" | "sum_hessian" => reader.skip()?,
                _ => return Err(unknown(reader, key)),
            }
            Ok(())
        })?;
        Ok(columns)
    }

    fn tree(self, at: usize) -> Result<Tree, Error> {
        let Self { left, right, condition, feature, default_left } = self;
        let nodes = left.len();
        if nodes == 0 || [right.len(), condition.len(), feature.len(), default_left.len()] != [nodes; 4] {
            return Err(Error::byte(at, "the arrays of a tree are empty, or differ in length"));
        }
        if condition.iter().any(|x| x.is_nan()) {
            return Err(Error::byte(at, "a split condition or a leaf is NaN"));
        }
        let child = |index: i32| match usize::try_from(index).ok().and_then(|k| Some((k, left.get(k)?))) {
            Some((k, -1)) => Ok(Child::Leaf(f64::from(condition[k]))),
            Some((k, _)) => Ok(Child::Split(k)),
            None => Err(Error::byte(at, format!("there is no node {index} in the tree"))),
        };
        let root = child(0)?;
        // Splits keep the numbers of their nodes; a leaf's place holds a split that nothing leads to.
        let splits = (0..nodes).map(|k| {
            let test = Test::Below { threshold: condition[k], default_left: default_left[k] };
            if left[k] == -1 {
                return Ok(Split { feature: 0, test, left: Child::Leaf(0.0), right: Child::Leaf(0.0) });
            }
            Ok(Split { feature: feature[k], test, left: child(left[k])?, right: child(right[k])? })
        });
        let splits = splits.collect::<Result<_, Error>>()?;
        Ok(Tree { root, splits })
    }
}
