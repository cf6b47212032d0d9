//! Models made up for tests and benches: random trees in the libraries' own text.
#![allow(dead_code)] // each of them uses a part

use std::fmt::{Display, Write as _};

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// Roughly normal.
    pub fn normal(&mut self) -> f64 {
        (0..4).map(|_| (self.next() >> 11) as f64 / (1u64 << 53) as f64 - 0.5).sum::<f64>() * 1.7
    }

    pub fn rows(&mut self, rows: usize, features: usize) -> Vec<f64> {
        (0..rows * features).map(|_| self.normal()).collect()
    }
}

/// Shape of a made-up model.
#[derive(Clone, Copy)]
pub struct Shape {
    pub features: usize,
    pub trees: usize,
    pub leaves: usize,
    pub classes: usize,
    /// Missing values and categories too, else comparisons alone.
    pub mixed: bool,
}

fn joined<T: Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

/// Children and leaves of a tree that grows leaf by leaf, as LightGBM numbers them.
fn grown(random: &mut Random, leaves: usize) -> (Vec<i32>, Vec<i32>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    let mut place: Vec<Option<(usize, bool)>> = vec![None];
    for split in 0..leaves - 1 {
        let leaf = random.below(place.len());
        if let Some((parent, is_left)) = place[leaf] {
            let side: &mut Vec<i32> = if is_left { &mut left } else { &mut right };
            side[parent] = split as i32;
        }
        left.push(!(leaf as i32));
        right.push(!(place.len() as i32));
        place[leaf] = Some((split, true));
        place.push(Some((split, false)));
    }
    (left, right)
}

/// A LightGBM model.
pub fn lightgbm(seed: u64, shape: Shape) -> String {
    let Shape { features, trees, leaves, classes, mixed } = shape;
    let mut random = Random(seed);
    let mut blocks = Vec::new();
    for tree in 0..trees {
        let (left, right) = grown(&mut random, leaves);
        let (mut thresholds, mut decisions, mut boundaries, mut words) =
            (Vec::new(), Vec::new(), vec![0], Vec::new());
        for _ in 1..leaves {
            if mixed && random.below(4) == 0 {
                thresholds.push((boundaries.len() - 1) as f64);
                decisions.push(1);
                words.extend((0..=random.below(3)).map(|_| random.next() as u32));
                boundaries.push(words.len());
            } else {
                thresholds.push(random.normal());
                decisions.push(if mixed { 2 * random.below(6) } else { 2 });
            }
        }
        let mut text = format!("Tree={tree}\nnum_leaves={leaves}\nnum_cat={}\n", boundaries.len() - 1);
        let feature: Vec<usize> = left.iter().map(|_| random.below(features)).collect();
        let values: Vec<f64> = (0..leaves).map(|_| random.normal() / 10.0).collect();
        for (key, column) in [
            ("split_feature", joined(&feature)),
            ("threshold", joined(&thresholds)),
            ("decision_type", joined(&decisions)),
            ("left_child", joined(&left)),
            ("right_child", joined(&right)),
            ("leaf_value", joined(&values)),
        ] {
            let _ = writeln!(text, "{key}={column}");
        }
        if boundaries.len() > 1 {
            let _ =
                writeln!(text, "cat_boundaries={}\ncat_threshold={}", joined(&boundaries), joined(&words));
        }
        text.push_str("is_linear=0\nshrinkage=0.1\n\n\n");
        blocks.push(text);
    }
    let names: Vec<String> = (0..features).map(|k| format!("Column_{k}")).collect();
    let sizes: Vec<usize> = blocks.iter().map(String::len).collect();
    let objective =
        if classes > 1 { format!("multiclass num_class:{classes}") } else { "binary sigmoid:1".into() };
    format!(
        "tree\nversion=v4\nnum_class={classes}\nnum_tree_per_iteration={classes}\nlabel_index=0\nmax_feature_idx={}\n\
         objective={objective}\nfeature_names={}\nfeature_infos={}\ntree_sizes={}\n\n{}end of trees\n\n\
         feature_importances:\n\npandas_categorical:null\n",
        features - 1,
        joined(&names),
        joined(&vec!["[-5:5]"; features]),
        joined(&sizes),
        blocks.concat(),
    )
}

/// An XGBoost model.
pub fn xgboost(seed: u64, shape: Shape) -> String {
    let Shape { features, trees, leaves, classes, .. } = shape;
    let mut random = Random(seed);
    let list = |items: Vec<String>| format!("[{}]", items.join(","));
    let trees: Vec<String> = (0..trees)
        .map(|id| {
            let (left, right) = grown(&mut random, leaves);
            let splits = left.len();
            let node = |child: i32| if child < 0 { splits as i32 + !child } else { child };
            let mut column = |inner: &dyn Fn(usize, &mut Random) -> String, leaf: &str| {
                let inner = (0..splits).map(|k| inner(k, &mut random)).collect::<Vec<_>>();
                list(inner.into_iter().chain((0..leaves).map(|_| leaf.to_string())).collect())
            };
            let lefts = column(&|k, _| node(left[k]).to_string(), "-1");
            let rights = column(&|k, _| node(right[k]).to_string(), "-1");
            let conditions = column(&|_, random| format!("{:e}", random.normal() as f32), "1.25E-1");
            let features = column(&|_, random| random.below(features).to_string(), "0");
            let defaults = column(&|_, random| random.below(2).to_string(), "0");
            format!(
                "{{\"default_left\":{defaults},\"id\":{id},\"left_children\":{lefts},\"right_children\":{rights},\
                 \"split_conditions\":{conditions},\"split_indices\":{features},\"categories\":[],\
                 \"tree_param\":{{\"num_deleted\":\"0\",\"size_leaf_vector\":\"1\"}}}}"
            )
        })
        .collect();
    let class = list((0..trees.len()).map(|k| (k % classes).to_string()).collect());
    let (name, num_class) = if classes > 1 { ("multi:softprob", classes) } else { ("binary:logistic", 0) };
    format!(
        "{{\"learner\":{{\"attributes\":{{\"note\":\"\\u0041 \\\"b\\\"\"}},\"feature_names\":[],\"feature_types\":[],\
         \"gradient_booster\":{{\"model\":{{\"tree_info\":{class},\"trees\":{}}},\"name\":\"gbtree\"}},\
         \"learner_model_param\":{{\"base_score\":\"[4E-1]\",\"num_class\":\"{num_class}\",\
         \"num_feature\":\"{features}\"}},\"objective\":{{\"name\":\"{name}\"}}}},\"version\":[3,2,0]}}",
        list(trees),
    )
}
