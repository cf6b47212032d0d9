//! Technical indicators on closed bars: features 151–250.

crate::register![returns, bar_shape, close_position, ema_distance, ema_cross, rsi, atr, volume_ratio,];
