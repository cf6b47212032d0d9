//! Other names of features: those of the design documents, and of the columns that the bridge publishes.
//!
//! An alias is another name of one feature, a group a name that stands for several. The Python package reads them
//! from `_generated/aliases.json`; the engine knows catalogue names only.

use std::fmt::Write as _;

use crate::catalogue::quoted;

/// Other name, and the catalogue's. `order_flow_imbalance` is the imbalance of trades, not `book_ofi_*`.
pub const ALIASES: &[(&str, &str)] = &[
    ("hmarl_ofi_1m", "flow_ofi_1m"),
    ("hmarl_ofi_5m", "flow_ofi_5m"),
    ("hmarl_ofi_15m", "flow_ofi_15m"),
    ("hmarl_volume_imbalance", "flow_volume_imbalance"),
    ("hmarl_aggression_ratio", "flow_aggression_ratio"),
    ("hmarl_large_trade_ratio", "flow_large_trade_ratio"),
    ("hmarl_liquidity_score", "liquidity_score"),
    ("hmarl_spread_quality", "spread_quality"),
    ("hmarl_sweep_detected", "sweep_detected"),
    ("hmarl_iceberg_detected", "iceberg_detected"),
    ("volume_imbalance", "flow_volume_imbalance"),
    ("order_flow_imbalance", "flow_ofi_1m"),
    ("micro_price_deviation", "microprice_dev"),
    ("cumulative_delta", "cvd_session"),
    ("momentum", "flow_momentum"),
    ("amihud", "amihud_30m"),
    ("pin", "pin_60"),
    ("poc", "poc_distance"),
    ("value_area", "va_position"),
    ("skew", "profile_skew"),
];

/// The group of all aliases with the bridge's prefix.
const BRIDGE: (&str, &str) = ("hmarl", "hmarl_");

const NAMED: &[(&str, &[&str])] = &[
    ("kyle_lambda", &["kyle_lambda_5m", "kyle_lambda_30m"]),
    ("delta_divergence", &["delta_divergence_5m", "delta_divergence_15m"]),
    ("divergence", &["delta_divergence_5m", "delta_divergence_15m"]),
    ("micro_price", &["weighted_mid_dev", "microprice_dev"]),
    ("volume_profile", &["poc_distance", "va_position", "profile_skew"]),
    ("accumulation_distribution", &["book_pressure", "fp_absorption_live"]),
    ("spoofing", &["spoof_score", "layering_score"]),
    ("candlestick_patterns", &["body_ratio", "upper_wick", "lower_wick", "inside_bar", "engulfing"]),
];

/// Other names of a feature, in table order.
pub fn aliases_of(name: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, target)| *target == name).map(|(alias, _)| *alias)
}

/// Names that stand for several features, with those: catalogue names, or columns of the bridge.
pub fn groups() -> Vec<(&'static str, Vec<&'static str>)> {
    let bridge = ALIASES.iter().map(|(alias, _)| *alias).filter(|a| a.starts_with(BRIDGE.1)).collect();
    let named = NAMED.iter().map(|(name, members)| (*name, members.to_vec()));
    std::iter::once((BRIDGE.0, bridge)).chain(named).collect()
}

/// Contents of `quantumtrader/_generated/aliases.json`.
pub fn aliases_json() -> String {
    let mut out = String::from("{\n  \"aliases\": {\n");
    let aliases: Vec<String> =
        ALIASES.iter().map(|(alias, name)| format!("    {}: {}", quoted(alias), quoted(name))).collect();
    let groups: Vec<String> = groups()
        .iter()
        .map(|(name, members)| {
            let members: Vec<String> = members.iter().map(|m| quoted(m)).collect();
            format!("    {}: [{}]", quoted(name), members.join(", "))
        })
        .collect();
    let _ =
        write!(out, "{}\n  }},\n  \"groups\": {{\n{}\n  }}\n}}\n", aliases.join(",\n"), groups.join(",\n"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::find;

    #[test]
    fn aliases_name_features_and_are_none() {
        for (alias, name) in ALIASES {
            assert!(find(name).is_some(), "{alias} is an alias of {name}, which the catalogue has not");
            assert!(find(alias).is_none(), "{alias} is a feature of its own");
        }
    }

    #[test]
    fn groups_hold_features_and_aliases() {
        for (group, members) in groups() {
            assert!(find(group).is_none(), "{group} is a feature of its own");
            for m in members {
                assert!(find(m).is_some() || ALIASES.iter().any(|(a, _)| *a == m), "{group} has {m}");
            }
        }
    }
}
