//! Spread, mid and impact: features 111–150.

pub mod log_returns;

crate::register![
    spread,
    spread_time,
    mid_return,
    weighted_mid,
    microprice,
    effective_spread,
    markout,
    impact_slope,
    amihud,
    hasbrouck,
    roll_spread,
    corwin_schultz,
    vpin,
    pin,
    sign_acf,
    uptick_ratio,
    mid_changes,
    trade_at_ask,
    variance_ratio,
    signature_ratio,
    realized_volatility,
    jump_ratio,
    hawkes,
    spoofing,
    ignition,
    stuffing,
];
