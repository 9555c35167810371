//! The log stays short: under a writer that never rests, and beside a read that never ends.

use super::*;
use crate::sqlite::reader::Readers;
use std::sync::mpsc::channel;

const BOUNDS: LogBounds = LogBounds { beside: 40, between: 160, cut_off: 1600 };
/// A page of the log with its head.
const FRAME_BYTES: u64 = 4096 + 24;
/// Pages that one write below may add: eight of content, and those of its table and indexes.
const WRITE_PAGES: u64 = 24;

struct Opened {
    writer: Writer,
    readers: Readers,
    log: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

fn open() -> Opened {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leadwire.db");
    migrate::run(&file).unwrap();
    let (failure, cut_off) = (Failure::none(), CutOff::default());
    let writer = Writer::start(&file, BOUNDS, &failure, cut_off.clone()).unwrap();
    let readers = Readers::start(&file, failure, &cut_off).unwrap();
    Opened { writer, readers, log: folder.path().join("leadwire.db-wal"), _folder: folder }
}

async fn write(writer: &Writer, times: usize) {
    for _ in 0..times {
        let body = |tx: &Tx<'_>| {
            tx.execute("INSERT INTO quarantine SELECT 'p', HEX(RANDOMBLOB(16)), 1, '', '', '', '', '', ZEROBLOB(32000), x'', ''", &[])
        };
        assert_eq!(writer.run(body, |_| {}).await.unwrap(), 1);
    }
}

fn log_pages(opened: &Opened) -> u64 {
    std::fs::metadata(&opened.log).unwrap().len() / FRAME_BYTES
}

#[tokio::test]
async fn the_log_stays_short_under_a_writer_that_never_rests() {
    let opened = open();
    write(&opened.writer, 400).await;
    // 400 writes are 3,200 pages at least; the file of the log keeps its greatest length.
    let pages = log_pages(&opened);
    assert!(pages <= u64::from(BOUNDS.between) + WRITE_PAGES, "the log grew to {pages} pages");
}

#[tokio::test]
async fn a_read_that_never_ends_is_cut_off_before_the_log_grows_for_ever() {
    let opened = open();
    let (tell_started, started) = channel();
    let read = opened.readers.run(move |tx| {
        let rows = tx.find("SELECT COUNT(*) FROM quarantine", &[], |row| row.int(0))?;
        tell_started.send(rows).unwrap();
        tx.find(
            "WITH RECURSIVE number (it) AS (SELECT 1 UNION ALL SELECT it + 1 FROM number) SELECT COUNT(*) FROM number",
            &[],
            |row| row.int(0),
        )
    });
    let writes = async {
        tokio::task::spawn_blocking(move || started.recv().unwrap()).await.unwrap();
        write(&opened.writer, 400).await;
    };
    let (read, ()) = tokio::join!(read, writes);
    assert!(matches!(read, Err(StoreError::Busy)), "{read:?}");
    let pages = log_pages(&opened);
    assert!(pages >= u64::from(BOUNDS.cut_off), "the read held the log at {pages} pages");
    assert!(
        pages <= u64::from(BOUNDS.cut_off + BOUNDS.between) + WRITE_PAGES,
        "the log grew to {pages} pages"
    );
    // The reader's thread is free again.
    let rows = opened.readers.run(|tx| tx.find("SELECT COUNT(*) FROM quarantine", &[], |row| row.int(0)));
    assert_eq!(rows.await.unwrap(), Some(400));
}

#[tokio::test]
async fn a_panic_in_a_read_ends_that_read_only() {
    let opened = open();
    for _ in 0..2 * limits::READERS {
        let read = opened.readers.run(|_| -> Result<(), StoreError> { panic!("on purpose") }).await;
        assert!(matches!(read, Err(StoreError::Wrong(_))), "{read:?}");
    }
    let rows = opened.readers.run(|tx| tx.find("SELECT COUNT(*) FROM quarantine", &[], |row| row.int(0)));
    assert_eq!(rows.await.unwrap(), Some(0));
}
