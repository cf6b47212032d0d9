//! Spread, mid and impact: features 111–150.

crate::register![spread, weighted_mid, amihud, corwin_schultz, hasbrouck, microprice, pin, vpin];
