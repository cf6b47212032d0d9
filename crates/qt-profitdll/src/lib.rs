//! The C ABI of Nelogica's ProfitDLL (4.0), declared once, and the native feed that turns its callbacks into events.
