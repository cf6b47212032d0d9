//! Numbers of the contents of a tape window.

use qt_flow::contents::{Contents, ContentsId};

use crate::prelude::*;

/// A number of one window, computed again when its contents have changed.
struct OfContents {
    id: ContentsId,
    compute: fn(&Contents) -> f64,
    /// Version of the contents that `value` is of.
    version: Option<u64>,
    value: f64,
}

impl Feature for OfContents {
    fn value(&mut self, flow: &Flow, _t: i64) -> f64 {
        let contents = flow.tape.contents(self.id);
        let version = Some(contents.version());
        if self.version != version {
            self.version = version;
            self.value = (self.compute)(contents);
        }
        self.value
    }
}

/// Makes a feature of the parts of the entry's window.
pub(super) fn build(
    spec: &'static Spec,
    setup: &mut Setup<'_>,
    parts: u8,
    compute: fn(&Contents) -> f64,
) -> Box<dyn Feature> {
    setup.changes_with(cause::PRINT | cause::EXIT_TAPE);
    let id = setup.flow.tape.contents_window(spec.window_ns(), parts);
    Box::new(OfContents { id, compute, version: None, value: f64::NAN })
}

/// Value of a feature after prints of one second each, at the time of the last one, and when only that one is left.
#[cfg(test)]
pub(super) fn values(
    specs: &'static [Spec],
    build: crate::feature::Build,
    prints: &[Print],
) -> Vec<[f64; 2]> {
    let column = |spec: &'static Spec| {
        let mut flow = Flow::default();
        let mut f = build(spec, &mut Setup::new(&mut flow));
        let mut now = 0;
        for p in prints {
            now += SECOND;
            let print = Print { ts: now, ..*p };
            flow.tape.push(print);
            f.on_print(&print, &flow);
        }
        flow.tape.advance(now);
        let first = f.value(&flow, now);
        let alone = now - SECOND + spec.window_ns();
        flow.tape.advance(alone);
        [first, f.value(&flow, alone)]
    };
    specs.iter().map(column).collect()
}

/// A print of a size and a side.
#[cfg(test)]
pub(super) fn print(size: i32, side: i8) -> Print {
    Print { px: 100, size, side, ..Print::default() }
}
