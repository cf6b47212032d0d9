//! Tape reading: features 41–70.

mod contents;

crate::register![
    speed,
    speed_ratio,
    acceleration,
    trade_size,
    size_quantile,
    size_moments,
    size_entropy,
    size_concentration,
    size_share,
    size_imbalance,
    large_trades,
    since_large,
    side_run,
    price_run,
    parent_size,
    agent_concentration,
    sweep,
    sweep_run,
    iceberg_signal,
];
