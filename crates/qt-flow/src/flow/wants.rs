//! What features ask for when they are built.

use super::Flow;
use crate::detect::{DetectorKind, DetectorSettings, Detectors};
use crate::mlofi;
use crate::window::WindowId;

impl Flow {
    /// Asks for the touch.
    pub fn want_touch(&mut self) {
        self.wants_touch = true;
    }

    /// Asks for the best five levels of the book.
    pub fn want_levels(&mut self) {
        self.wants_touch = true;
        self.wants_levels = true;
        self.kept = self.kept.max(mlofi::LEVELS);
    }

    /// Asks for the best ten levels of the book.
    pub fn want_depth(&mut self) {
        self.want_levels();
        self.kept = mlofi::DEPTH;
    }

    /// Asks for the sums over the best ten levels.
    pub fn want_ladder(&mut self) {
        self.want_depth();
        self.ladder.enable();
    }

    /// Asks to be told of packets that may have changed the best levels.
    pub fn want_changes_of_levels(&mut self) {
        self.want_levels();
        self.wants_changes_of_levels = true;
    }

    /// Asks for the changes of displayed size, row by row.
    pub fn want_rows(&mut self) {
        self.wants_touch = true;
        self.rows.enable();
    }

    /// Asks for what leaves the best five levels over `(t − ns, t]`.
    pub fn removed_window(&mut self, ns: i64) -> WindowId {
        self.want_levels();
        self.want_rows();
        self.removed.window(ns)
    }

    /// Asks for what is cancelled at the best five levels over one minute.
    pub fn want_cancelled(&mut self) {
        self.want_levels();
        self.want_rows();
        self.removed.want_cancelled();
    }

    /// Asks for the multi-level imbalance.
    pub fn want_mlofi(&mut self) {
        self.want_levels();
        self.wants_mlofi = true;
    }

    /// Sets the thresholds of the detectors, before any of them is asked for.
    pub fn set_detectors(&mut self, settings: DetectorSettings) {
        self.parents.gap = settings.sweep_gap_ns;
        self.detector_settings = settings;
    }

    /// Asks for a detector, with the book it reads.
    pub fn want_detector(&mut self, kind: DetectorKind) {
        match kind {
            DetectorKind::SweepRun | DetectorKind::IcebergTape => {}
            DetectorKind::AbsorptionBar | DetectorKind::Exhaustion => self.footprints.enable(),
            DetectorKind::Sweep | DetectorKind::Absorption | DetectorKind::Ignition => self.want_touch(),
            _ => self.want_rows(),
        }
        let settings = self.detector_settings;
        self.detectors.get_or_insert_with(|| Box::new(Detectors::new(settings))).run(kind);
    }
}
