//! How far a file has been read, as a bar on a terminal.

use crate::cli::output::Output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Read};

/// A progress bar, or nothing where nobody would see one.
#[derive(Clone)]
pub(in crate::cli) struct Progress(ProgressBar);

impl Progress {
    /// Shows progress through so many bytes; of standard input nobody knows how many.
    pub(in crate::cli) fn start(out: Output, bytes: Option<u64>) -> Self {
        if !out.shows_progress() {
            return Self(ProgressBar::hidden());
        }
        let (bar, template) = match bytes {
            Some(bytes) => (
                ProgressBar::new(bytes),
                "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left  {msg}",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {bytes}  {bytes_per_sec}  {msg}"),
        };
        let style = ProgressStyle::with_template(template).expect("the template is one of the two above");
        bar.set_style(style);
        bar.set_draw_target(ProgressDrawTarget::stderr());
        Self(bar)
    }

    /// Tells what was done so far.
    pub(in crate::cli) fn tell(&self, text: String) {
        self.0.set_message(text);
    }

    /// Takes the bar away.
    pub(in crate::cli) fn end(&self) {
        self.0.finish_and_clear();
    }

    /// Counts the bytes that are read.
    pub(in crate::cli) fn watch<R: Read>(&self, reader: R) -> Watched<R> {
        Watched { reader, progress: self.clone() }
    }
}

/// A reader whose bytes are counted.
pub(in crate::cli) struct Watched<R> {
    reader: R,
    progress: Progress,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.progress.0.inc(read as u64);
        Ok(read)
    }
}
