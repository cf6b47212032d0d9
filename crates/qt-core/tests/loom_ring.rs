//! Every interleaving of a small ring: `RUSTFLAGS="--cfg loom" cargo test -p qt-core --release --test loom_ring`.
#![cfg(loom)]

use loom::thread;
use qt_core::ring::{Producer, Reader, WORDS};

type Numbered = [u64; WORDS];

fn check(reader: &mut Reader<Numbered>, next: &mut u64, max: usize) {
    let mut out = Vec::new();
    *next += reader.read(max, &mut out);
    for record in out {
        assert_eq!(record, [*next; WORDS], "torn, lost without notice, or out of order");
        *next += 1;
    }
}

fn run(pushes: u64, reads: usize, max: usize, many: bool) {
    loom::model(move || {
        let mut ring = Producer::<Numbered>::in_memory(2).expect("capacity");
        let mut reader = ring.reader();
        let producer = thread::spawn(move || {
            if many {
                ring.push_many(&(0..pushes).map(|i| [i; WORDS]).collect::<Vec<_>>());
            } else {
                (0..pushes).for_each(|i| ring.push([i; WORDS]));
            }
        });
        let mut next = 0;
        for _ in 0..reads {
            check(&mut reader, &mut next, max);
        }
        producer.join().expect("producer");
        while reader.behind() > 0 {
            check(&mut reader, &mut next, max);
        }
        assert_eq!(next, pushes, "read + lost = pushed");
    });
}

#[test]
fn push_against_read() {
    run(2, 2, 2, false);
}

#[test]
fn a_lap_against_read() {
    run(3, 1, 2, false);
}

#[test]
fn push_many_against_single_reads() {
    run(3, 2, 1, true);
}
