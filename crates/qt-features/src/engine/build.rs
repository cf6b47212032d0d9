//! Engines are put together: what each feature asks for, and the order in which columns are read.

use qt_flow::Flow;

use super::rows::{Column, Group};
use super::time::Grid;
use super::{Config, FeatureEngine, Samples};
use crate::catalogue::{close_names, find};
use crate::clock::Clock;
use crate::error::Error;
use crate::feature::{Setup, cause};

/// A column with what it asked for.
struct Asked {
    column: Column,
    causes: u16,
    grid: Option<(i64, i64)>,
    /// Prints, parents, touch, rows, levels, bars and footprints.
    hears: [bool; 7],
}

impl FeatureEngine {
    /// An engine that has seen nothing.
    ///
    /// # Errors
    /// [`Error::UnknownFeature`] for a name that is not in the catalogue, [`Error::Config`] for no name, a name
    /// given twice, or a tick size, point value or session length that is not positive.
    pub fn new(config: Config) -> Result<Self, Error> {
        let numbers = [
            ("tick_size", Some(config.tick_size)),
            ("point_value", Some(config.point_value)),
            ("session_seconds", config.session_seconds),
        ];
        for (name, x) in numbers {
            if let Some(x) = x
                && !(x > 0.0 && x.is_finite())
            {
                return Err(Error::Config(format!("{name} is {x:?}; expected a positive number")));
            }
        }
        config.fitted.check()?;
        if config.names.is_empty() && config.detect.is_empty() {
            return Err(Error::Config("names is empty; give at least one feature".into()));
        }
        let mut engine = Self {
            flow: Flow::new(config.rlp),
            columns: Vec::with_capacity(config.names.len()),
            groups: Vec::new(),
            row: vec![f64::NAN; config.names.len()],
            happened: cause::ALL,
            at_least: cause::TIME,
            next_warm: i64::MIN,
            on_print: Vec::new(),
            on_parent: Vec::new(),
            on_touch: Vec::new(),
            on_rows: Vec::new(),
            on_levels: Vec::new(),
            on_bar: Vec::new(),
            on_footprint: Vec::new(),
            grids: Vec::new(),
            next_grid: i64::MAX,
            next_sample: i64::MAX,
            next_print: i64::MAX,
            print_due: false,
            awaits_first: false,
            next_due: i64::MAX,
            applied: 0,
            last_recv: i64::MIN,
            last_sequence: i64::MIN,
            samples: Samples::default(),
            config,
        };
        engine.flow.now = i64::MIN;
        engine.flow.set_detectors(engine.config.detectors);
        for kind in engine.config.detect.clone() {
            engine.flow.want_detector(kind);
            if let Some(detectors) = engine.flow.detectors_mut() {
                detectors.collect(kind);
            }
        }
        if engine.config.clock == Clock::Bar {
            engine.flow.bars.enable();
        }
        let mut asked = Vec::with_capacity(engine.config.names.len());
        for (k, name) in engine.config.names.clone().iter().enumerate() {
            if engine.config.names[..k].contains(name) {
                return Err(Error::Config(format!("feature \"{name}\" is given twice")));
            }
            asked.push(engine.build(name, k)?);
        }
        asked.sort_by_key(|a| (a.causes, a.column.warm_ns));
        for a in asked {
            engine.add(a);
        }
        Ok(engine)
    }

    fn build(&mut self, name: &str, place: usize) -> Result<Asked, Error> {
        let Some((spec, entry)) = find(name) else {
            return Err(Error::UnknownFeature { name: name.into(), close: close_names(name) });
        };
        let mut setup = Setup::new(&mut self.flow);
        setup.session_seconds = self.config.session_seconds;
        setup.tick_value = self.config.tick_size * self.config.point_value;
        setup.fitted.clone_from(&self.config.fitted);
        let feature = (entry.build)(spec, &mut setup);
        let Setup { causes, grid, prints, parents, touch, rows, levels, bars, footprints, .. } = setup;
        let warm_ns = if self.config.partial { 0 } else { spec.warmup_ns() };
        let hears = [prints, parents, touch, rows, levels, bars, footprints];
        Ok(Asked { column: Column { feature, place, warm_ns }, causes, grid, hears })
    }

    /// Adds a column, in the order of their groups.
    fn add(&mut self, asked: Asked) {
        let index = self.columns.len();
        let listeners = [
            &mut self.on_print,
            &mut self.on_parent,
            &mut self.on_touch,
            &mut self.on_rows,
            &mut self.on_levels,
            &mut self.on_bar,
            &mut self.on_footprint,
        ];
        for (listeners, _) in listeners.into_iter().zip(asked.hears).filter(|(_, hears)| *hears) {
            listeners.push(index);
        }
        if let Some((step, length)) = asked.grid {
            match self.grids.iter_mut().find(|g| g.step == step) {
                Some(g) => {
                    g.length = g.length.max(length);
                    g.listeners.push(index);
                }
                None => self.grids.push(Grid { step, length, next: i64::MAX, listeners: vec![index] }),
            }
        }
        let (causes, begin, end) = (asked.causes, index, index + 1);
        match self.groups.last_mut() {
            Some(group) if group.causes == causes => group.end = end,
            _ => self.groups.push(Group { causes, begin, end, warm: begin }),
        }
        self.columns.push(asked.column);
    }
}
