//! The ring under load: threads of one process, then two processes on one file.
#![cfg(not(loom))]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use qt_core::Event;
use qt_core::ring::{Producer, Reader};

/// Tells the copy of this test that runs as the reading process which file to read.
const CHILD: &str = "QT_RING_CHILD";
const LAST: i64 = -1;
const N: u64 = 500_000;

/// A record in which every field follows from its number: a torn one cannot pass.
fn numbered(n: u64) -> Event {
    let x = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) as i64;
    let y = (x >> 16) as i32;
    Event {
        ts_event: n as i64,
        ts_recv: x,
        sequence: !x,
        id: x.rotate_left(7),
        px: y,
        px_ask: !y,
        size: y ^ 0x55,
        size_ask: y.wrapping_add(1),
        ref_a: y.wrapping_mul(3),
        ref_b: y.rotate_left(3),
        instrument: y as u16,
        flags: !y as u16,
        kind: y as u8,
        action: (y >> 3) as u8,
        side: (y >> 5) as i8,
        reserved: n as u8,
    }
}

/// Reads until the last record and returns how many were read and lost.
fn drain(mut reader: Reader<Event>, max: usize) -> (u64, u64) {
    let (mut read, mut lost) = (0, 0);
    let mut out = Vec::new();
    loop {
        out.clear();
        let missing = reader.read(max, &mut out);
        assert!(missing == 0 || !out.is_empty(), "a loss without a record to mark it at");
        lost += missing;
        if out.is_empty() {
            thread::yield_now();
        }
        for e in &out {
            if e.ts_event == LAST {
                return (read, lost);
            }
            assert_eq!(*e, numbered(read + lost), "torn, out of order, or lost without notice");
            read += 1;
        }
    }
}

fn produce(mut ring: Producer<Event>, n: u64) {
    let mut piece = Vec::new();
    for i in 0..n {
        if i % 1000 < 900 {
            ring.push(numbered(i));
        } else {
            piece.push(numbered(i));
            if i % 1000 == 999 {
                ring.push_many(&piece);
                piece.clear();
            }
        }
        if i % 4096 == 0 {
            thread::yield_now();
        }
    }
    ring.push(Event { ts_event: LAST, ..Event::default() });
}

#[test]
fn readers_of_different_speed_in_one_process() {
    for capacity in [2, 64, 1 << 14] {
        let ring = Producer::in_memory(capacity).expect("capacity");
        let readers: Vec<_> = [1, 7, 5000]
            .into_iter()
            .map(|max| (max, ring.reader()))
            .map(|(max, reader)| thread::spawn(move || drain(reader, max)))
            .collect();
        produce(ring, N);
        for reader in readers {
            let (read, lost) = reader.join().expect("reader");
            assert_eq!(read + lost, N, "capacity {capacity}");
        }
    }
}

#[test]
fn two_processes_on_one_file() {
    if let Some(path) = std::env::var_os(CHILD) {
        let reader = Reader::open(Path::new(&path)).expect("open");
        println!("ready");
        let (read, lost) = drain(reader, 512);
        println!("counts {read} {lost}");
        return;
    }
    for capacity in [64, 1 << 16] {
        let path: PathBuf =
            std::env::temp_dir().join(format!("qt-ring-stress-{}-{capacity}", std::process::id()));
        let ring = Producer::in_file(&path, capacity).expect("create");
        let mut child = Command::new(std::env::current_exe().expect("own path"))
            .args(["--exact", "two_processes_on_one_file", "--nocapture", "--test-threads=1"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("spawn");
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("pipe")));
        let mut line = |start: &str| loop {
            let text = lines.next().expect("the child ended early").expect("text");
            if let Some(at) = text.find(start) {
                return text[at..].to_owned();
            }
        };
        line("ready");
        produce(ring, N);
        let counts = line("counts");
        assert!(child.wait().expect("wait").success());
        let counts: Vec<u64> = counts.split(' ').skip(1).map(|n| n.parse().expect("number")).collect();
        assert_eq!(counts[0] + counts[1], N, "capacity {capacity}: {counts:?}");
        assert!(counts[0] > 0, "the reader saw something");
        std::fs::remove_file(&path).expect("remove");
    }
}
