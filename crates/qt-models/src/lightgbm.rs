//! Reads the text of a LightGBM model (`Booster.save_model`, versions v3 and v4).
//!
//! What does not bear on a prediction (gains, counts, weights) is known and passed over; any other key is refused.

mod fields;
mod objective;

use fields::{Fields, Lines};

use crate::error::{Error, shown};
use crate::forest::{Forest, Head, Sum};
use crate::pack::Packer;
use crate::tree::{Child, Reading, Split, Test, Tree};

/// LightGBM's own bound on the leaves of a tree.
const MAX_LEAVES: usize = 131_072;

/// Words of a bitset of all categories, which are not negative and of 32 bits.
const MAX_WORDS: usize = 1 << 26;

const CATEGORICAL: u8 = 1;
const DEFAULT_LEFT: u8 = 2;

/// Keys of a tree that bear on no prediction.
const DESCRIPTIVE: [&str; 7] = [
    "split_gain",
    "leaf_weight",
    "leaf_count",
    "internal_value",
    "internal_weight",
    "internal_count",
    "shrinkage", // the leaves have it already
];

/// Reads a model.
pub fn read(text: &str) -> Result<Forest, Error> {
    let mut lines = Lines::new(text);
    match lines.next() {
        Some((_, "tree")) => {}
        Some((line, other)) => {
            return Err(Error::line(
                line,
                format!(
                    "{} where a LightGBM model begins with `tree`, an XGBoost one with `{{`",
                    shown(other)
                ),
            ));
        }
        None => return Err(Error::line(1, "the text is empty")),
    }
    let mut fields = Fields::read(&mut lines)?;
    let version = fields.text("version")?;
    if !["v3", "v4"].contains(&version.value) {
        return Err(version.wrong("the format's version is v3 or v4"));
    }
    let features = fields.number::<i32>("max_feature_idx")?;
    let classes = fields.count("num_tree_per_iteration", 1)?;
    let named = fields.text("num_class")?;
    let names: Vec<String> = fields.text("feature_names")?.words().map(str::to_string).collect();
    if i64::from(features) + 1 != names.len() as i64 {
        let line = fields.line("feature_names");
        return Err(Error::line(line, format!("{} names for max_feature_idx={features}", names.len())));
    }
    if names.is_empty() {
        return Err(Error::line(fields.line("feature_names"), "a model without features"));
    }
    if named.number::<usize>()? != classes {
        return Err(named.wrong(&format!("num_tree_per_iteration={classes} needs as many classes")));
    }
    let average = fields.flag("average_output")?;
    let (objective, transform) = objective::read(fields.optional("objective"), classes)?;
    let sizes = fields.optional("tree_sizes");
    for known in ["label_index", "feature_infos", "monotone_constraints"] {
        fields.optional(known);
    }
    fields.finish("of a model's head")?;

    let (mut packer, mut bytes) = (Packer::new(), Vec::new());
    loop {
        let (start, (line, heading)) = lines.heading()?;
        if heading == "end of trees" {
            break;
        }
        if heading.strip_prefix("Tree=").and_then(|k| k.parse().ok()) != Some(packer.len()) {
            return Err(Error::line(line, format!("{} where Tree={} belongs", shown(heading), packer.len())));
        }
        let tree = tree(Fields::read(&mut lines)?, names.len())?;
        packer.push(&tree).map_err(|what| Error::line(line, format!("{heading}: {what}")))?;
        bytes.push(lines.at() - start);
    }
    if let Some(sizes) = sizes
        && sizes.numbers::<usize>()? != bytes
    {
        return Err(
            sizes.wrong("the trees that follow have other sizes: the text was cut, or changed by hand")
        );
    }
    let trees = packer.len();
    if trees == 0 || !trees.is_multiple_of(classes) {
        return Err(Error::line(lines.line(), format!("{trees} trees for {classes} trees per iteration")));
    }
    let average = average.then_some((trees / classes) as f64);
    let head =
        Head { objective, features: names.len(), names, classes, sum: Sum::Double, average, transform };
    Forest::new(head, packer).map_err(|what| Error::line(1, what))
}

/// A tree's fields, made a tree.
fn tree(mut fields: Fields<'_>, features: usize) -> Result<Tree, Error> {
    for known in DESCRIPTIVE {
        fields.optional(known);
    }
    if let Some(linear) = fields.optional("is_linear")
        && linear.number::<i32>()? != 0
    {
        return Err(linear.wrong("linear trees are not evaluated here: train with linear_tree=false"));
    }
    let leaves = fields.count("num_leaves", 1)?;
    if leaves > MAX_LEAVES {
        return Err(Error::line(
            fields.line("num_leaves"),
            format!("{leaves} leaves; LightGBM allows {MAX_LEAVES}"),
        ));
    }
    let values = fields.array::<f64>("leaf_value", leaves)?;
    if values.iter().any(|x| x.is_nan()) {
        return Err(Error::line(fields.line("leaf_value"), "a leaf's value is NaN"));
    }
    let sets = Sets::read(&mut fields)?;
    let splits = leaves - 1;
    let mut columns =
        |name| if splits == 0 { fields.optional(name).map_or(Ok(()), |f| f.empty()) } else { Ok(()) };
    for name in ["split_feature", "threshold", "decision_type", "left_child", "right_child"] {
        columns(name)?;
    }
    if splits == 0 {
        fields.finish("of a tree")?;
        return Ok(Tree { root: Child::Leaf(values[0]), splits: Vec::new() });
    }
    let feature = fields.array::<u32>("split_feature", splits)?;
    let threshold = fields.array::<f64>("threshold", splits)?;
    let decision = fields.array::<u8>("decision_type", splits)?;
    let left = fields.array::<i32>("left_child", splits)?;
    let right = fields.array::<i32>("right_child", splits)?;
    let lines = Columns::lines(&fields);
    fields.finish("of a tree")?;

    let child = |index: i32, line| {
        if index >= 0 {
            return Ok(Child::Split(index as usize));
        }
        let leaf = values.get(!index as usize).copied();
        leaf.map(Child::Leaf).ok_or_else(|| Error::line(line, format!("{index} is no leaf of {leaves}")))
    };
    let splits = (0..splits).map(|k| {
        if feature[k] as usize >= features {
            return Err(Error::line(lines.feature, format!("feature {} of {features}", feature[k])));
        }
        let test = if decision[k] & CATEGORICAL != 0 {
            let set = sets.get(threshold[k]);
            Test::In(set.ok_or_else(|| Error::line(lines.threshold, format!("{} is no set", threshold[k])))?)
        } else {
            let reading = reading(decision[k]).ok_or_else(|| {
                Error::line(lines.decision, format!("decision_type {} is not known", decision[k]))
            })?;
            if threshold[k].is_nan() {
                return Err(Error::line(lines.threshold, "a threshold is NaN"));
            }
            Test::AtMost { reading, threshold: threshold[k], default_left: decision[k] & DEFAULT_LEFT != 0 }
        };
        Ok(Split {
            feature: feature[k],
            test,
            left: child(left[k], lines.left)?,
            right: child(right[k], lines.right)?,
        })
    });
    Ok(Tree { root: Child::Split(0), splits: splits.collect::<Result<_, _>>()? })
}

/// What is missing, by the bits above direction and kind.
fn reading(decision: u8) -> Option<Reading> {
    match decision >> 2 {
        0 => Some(Reading::Filled),
        1 => Some(Reading::ZeroMissing),
        2 => Some(Reading::Kept),
        _ => None,
    }
}

/// Lines of a tree's columns, for messages.
struct Columns {
    feature: usize,
    threshold: usize,
    decision: usize,
    left: usize,
    right: usize,
}

impl Columns {
    fn lines(fields: &Fields<'_>) -> Self {
        Self {
            feature: fields.line("split_feature"),
            threshold: fields.line("threshold"),
            decision: fields.line("decision_type"),
            left: fields.line("left_child"),
            right: fields.line("right_child"),
        }
    }
}

/// Bitsets of a tree's categorical splits.
struct Sets {
    boundaries: Vec<usize>,
    words: Vec<u32>,
}

impl Sets {
    fn read(fields: &mut Fields<'_>) -> Result<Self, Error> {
        let sets = fields.optional("num_cat").map_or(Ok(0), |f| f.number::<usize>())?;
        if sets == 0 {
            return Ok(Self { boundaries: vec![0], words: Vec::new() });
        }
        let boundaries = fields.array::<usize>("cat_boundaries", sets.saturating_add(1))?;
        if boundaries[0] != 0 || boundaries.windows(2).any(|pair| pair[0] > pair[1]) {
            return Err(Error::line(fields.line("cat_boundaries"), "boundaries do not rise from 0"));
        }
        if boundaries.windows(2).any(|pair| pair[1] - pair[0] > MAX_WORDS) {
            return Err(Error::line(fields.line("cat_boundaries"), "a set beyond what an integer can name"));
        }
        let words = fields.array::<u32>("cat_threshold", boundaries[sets])?;
        Ok(Self { boundaries, words })
    }

    /// The set of a split, whose threshold is its number.
    fn get(&self, number: f64) -> Option<Vec<u32>> {
        let index = number as usize;
        if index as f64 != number || index >= self.boundaries.len() - 1 {
            return None;
        }
        Some(self.words[self.boundaries[index]..self.boundaries[index + 1]].to_vec())
    }
}
